//! Events on the wire, against JSON written by hand.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::super::limits::MAX_EVENT_BYTES;
use super::*;
use crate::known_traces;
use crate::protocol::{Breadcrumb, Frame, Level, Mechanism, User};

/// An event without what every event has.
fn wire(event: Event<'static>) -> Value {
    let bytes = encode(event, None).unwrap();
    let mut wire: Value = serde_json::from_slice(&bytes).unwrap();
    let object = wire.as_object_mut().unwrap();
    assert_eq!(object.remove("platform"), Some("native".into()));
    assert!(object.remove("event_id").is_some_and(|id| id.as_str().unwrap().len() == 32));
    assert!(object.remove("timestamp").is_some_and(|time| time.is_number()));
    wire
}

fn function(name: &str) -> Frame {
    Frame { function: Some(name.into()), ..Frame::default() }
}

fn trace(frames: Vec<Frame>) -> Option<Stacktrace> {
    Some(Stacktrace { frames, ..Stacktrace::default() })
}

fn map<T: Clone>(pairs: &[(&str, T)]) -> Map<String, T> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

#[test]
fn id_time_and_platform() {
    let event = Event { timestamp: UNIX_EPOCH + Duration::from_millis(1500), ..Event::default() };
    let id = Uuid::from_u128(0x22d0_0b3f_d1b1_4b5d_8d20_49d1_38cd_8a9c);
    assert_eq!(
        String::from_utf8(encode(event.clone(), Some(id)).unwrap()).unwrap(),
        "{\"event_id\":\"22d00b3fd1b14b5d8d2049d138cd8a9c\",\"platform\":\"native\",\"timestamp\":1.5}"
    );
    let foreign = Event { platform: "javascript".into(), level: Level::Info, ..event };
    let wire: Value = serde_json::from_slice(&encode(foreign.clone(), None).unwrap()).unwrap();
    assert_eq!(
        wire,
        json!({"event_id": foreign.event_id.as_simple().to_string(), "platform": "javascript", "timestamp": 1.5, "level": "info"})
    );
}

#[test]
fn messages_travel_as_logentry() {
    let entry = |message: &str, params: Vec<Value>, formatted: Option<&str>| {
        Some(LogEntry { message: message.into(), params, formatted: formatted.map(str::to_owned) })
    };
    let table = [
        (Some("m"), None, json!({"formatted": "m"})),
        (None, entry("t", vec![], None), json!({"formatted": "t"})),
        (None, entry("t %s", vec![json!(1)], None), json!({"message": "t %s", "params": [1]})),
        (Some("m"), entry("t %s", vec![json!(1)], None), json!({"formatted": "m", "message": "t %s", "params": [1]})),
        (Some("m"), entry("t", vec![], Some("f")), json!({"formatted": "f", "message": "t"})),
        (Some("m"), entry("", vec![], Some("")), json!({"formatted": "m"})),
        (None, entry("", vec![], None), Value::Null),
        (None, None, Value::Null),
    ];
    for (message, logentry, expected) in table {
        let wire = wire(Event { message: message.map(str::to_owned), logentry, ..Event::default() });
        assert_eq!((&wire["logentry"], wire.get("message")), (&expected, None));
    }
}

#[test]
fn release_environment_and_dist_are_cleaned() {
    let name = |text: &'static str| Some(Cow::Borrowed(text));
    let wire = wire(Event {
        release: name(" app\r\n@1.0\0 "),
        environment: name("prod\t\n"),
        dist: name("\n \u{85}"),
        ..Event::default()
    });
    assert_eq!(wire, json!({"release": "app@1.0", "environment": "prod"}));
}

#[test]
fn tags_are_cut_and_empty_ones_dropped() {
    let long = "\u{e9}".repeat(201);
    let tags = map(&[
        ("ok", "v".into()),
        ("", "x".into()),
        ("e", String::new()),
        ("n\nl", "a\r\nb".into()),
        (&long, long.clone()),
    ]);
    let cut = "\u{e9}".repeat(200);
    let wire = wire(Event { tags, ..Event::default() });
    assert_eq!(wire, json!({"tags": {"ok": "v", "n l": "a\r b", cut.clone(): cut}}));
}

#[test]
fn custom_user_data_and_cookies_have_their_places() {
    let other = map(&[("a", json!(1)), ("geo", json!({"city": "B"})), ("data", json!({"b": 2}))]);
    let user = User { id: Some("7".into()), other, ..User::default() };
    let cookies = |text: &str| Some(Request { cookies: Some(text.into()), ..Request::default() });
    let wired = wire(Event { user: Some(user), request: cookies("a=b; a=c=d;x="), ..Event::default() });
    assert_eq!(
        wired,
        json!({
            "user": {"id": "7", "geo": {"city": "B"}, "data": {"a": 1, "b": 2}},
            "request": {"cookies": [["a", "b"], ["a", "c=d"], ["x", ""]]}
        })
    );
    let user = User { other: map(&[("data", json!("text"))]), ..User::default() };
    let wired = wire(Event { user: Some(user), request: cookies("[Filtered]"), ..Event::default() });
    assert_eq!(wired, json!({"user": {"data": {"data": "text"}}, "request": {"cookies": "[Filtered]"}}));
}

#[test]
fn exceptions_have_a_mechanism_type_and_something_to_say() {
    let exception = |ty: &str, value: Option<&str>, mechanism| Exception {
        ty: ty.into(),
        value: value.map(str::to_owned),
        mechanism,
        ..Exception::default()
    };
    let mechanism = |ty: &str| Some(Mechanism { ty: ty.into(), ..Mechanism::default() });
    let exceptions = vec![
        exception("", None, None),
        exception("", Some(""), mechanism("m")),
        exception("A", None, mechanism("")),
        exception("", Some("v"), mechanism("m")),
    ];
    let wire = wire(Event { exception: exceptions.into(), ..Event::default() });
    let left = wire["exception"]["values"].as_array().unwrap();
    assert_eq!(left.len(), 2);
    assert_eq!((&left[0]["type"], &left[0]["mechanism"]["type"]), (&json!("A"), &json!("generic")));
    assert_eq!((&left[1]["value"], &left[1]["mechanism"]["type"]), (&json!("v"), &json!("m")));
}

#[test]
fn frames_without_content_and_empty_traces_are_dropped() {
    let empty = Frame { lineno: Some(3), module: Some("m".into()), ..Frame::default() };
    let file = Frame { filename: Some("f".into()), ..Frame::default() };
    let addr = Frame { instruction_addr: Some(Addr(16)), ..Frame::default() };
    let exception = |stacktrace| Exception { ty: "E".into(), stacktrace, ..Exception::default() };
    let exceptions =
        vec![exception(trace(vec![empty.clone(), file, addr, function("g")])), exception(trace(vec![empty.clone()]))];
    let thread = Thread { id: Some("t".into()), raw_stacktrace: trace(vec![empty]), ..Thread::default() };
    let wire = wire(Event { exception: exceptions.into(), threads: vec![thread].into(), ..Event::default() });
    assert_eq!(
        wire,
        json!({
            "exception": {"values": [
                {"type": "E", "stacktrace": {"frames": [{"filename": "f"}, {"instruction_addr": "0x10"}, {"function": "g"}]}},
                {"type": "E"}
            ]},
            "threads": {"values": [{"id": "t"}]}
        })
    );
}

#[test]
fn long_traces_lose_their_middle() {
    let cut = |count: usize| {
        let frames = (0..count).map(|n| function(&n.to_string())).collect();
        let exception = Exception { ty: "E".into(), stacktrace: trace(frames), ..Exception::default() };
        let wire = wire(Event { exception: vec![exception].into(), ..Event::default() });
        let trace = wire["exception"]["values"][0]["stacktrace"].clone();
        assert_eq!(trace.as_object().unwrap().len(), 1, "nothing beside the frames");
        let frames = trace["frames"].as_array().unwrap().clone();
        frames.iter().map(|frame| frame["function"].as_str().unwrap().parse().unwrap()).collect::<Vec<usize>>()
    };
    assert_eq!(cut(1000), (0..1000).collect::<Vec<_>>());
    assert_eq!(cut(1001), (0..500).chain(501..1001).collect::<Vec<_>>());
    assert_eq!(cut(5000), (0..500).chain(4500..5000).collect::<Vec<_>>());
}

#[test]
fn a_lone_stacktrace_moves_to_an_exception_or_a_thread() {
    let frames = json!({"frames": [{"function": "f"}]});
    let lone = || trace(vec![function("f")]);
    let exception = |stacktrace| Exception { ty: "E".into(), stacktrace, ..Exception::default() };
    let thread = |id: Option<u64>, current| Thread { id: id.map(ThreadId::Int), current, ..Thread::default() };

    let wired = wire(Event { stacktrace: lone(), ..Event::default() });
    assert_eq!(wired, json!({"threads": {"values": [{"id": 0, "current": true, "stacktrace": frames}]}}));

    let exceptions = vec![exception(None), exception(None)].into();
    let wired = wire(Event { stacktrace: lone(), exception: exceptions, ..Event::default() });
    assert_eq!(wired, json!({"exception": {"values": [{"type": "E"}, {"type": "E", "stacktrace": frames}]}}));

    let threads = vec![thread(Some(0), false), thread(None, false), thread(Some(2), true)].into();
    let exceptions = vec![exception(lone())].into();
    let wired = wire(Event { stacktrace: lone(), threads, exception: exceptions, ..Event::default() });
    let expected = json!([{"id": 0}, {"id": 1}, {"id": 2, "current": true, "stacktrace": frames}]);
    assert_eq!(wired["threads"]["values"], expected);

    let threads = vec![Thread { stacktrace: lone(), ..thread(Some(1), true) }].into();
    let wired = wire(Event { stacktrace: lone(), threads, ..Event::default() });
    let expected = json!([{"id": 1, "current": true, "stacktrace": frames}, {"id": 0, "stacktrace": frames}]);
    assert_eq!(wired["threads"]["values"], expected);
}

#[test]
fn native_images_are_named_after_their_format() {
    let image = SymbolicDebugImage {
        name: "/bin/a".into(),
        arch: Some("x86_64".into()),
        image_addr: Addr(0x1000),
        image_size: 4096,
        image_vmaddr: Addr(0),
        id: "e20a2268-5dc6-c165-b6aa-a12fa6765a6e".parse().unwrap(),
        code_id: Some("68220AE2".parse().unwrap()),
        debug_file: None,
    };
    let meta = DebugMeta { sdk_info: None, images: vec![image.into()] };
    let wire = wire(Event { debug_meta: Cow::Owned(meta), ..Event::default() });
    assert_eq!(
        wire,
        json!({"debug_meta": {"images": [{
            "type": NATIVE_IMAGE_TYPE, "debug_id": "e20a2268-5dc6-c165-b6aa-a12fa6765a6e", "code_id": "68220ae2",
            "code_file": "/bin/a", "image_addr": "0x1000", "image_size": 4096, "arch": "x86_64"
        }]}})
    );
    #[cfg(target_os = "linux")]
    assert_eq!(NATIVE_IMAGE_TYPE, "elf");
}

#[test]
fn an_event_over_the_limit_is_made_to_fit_or_refused() {
    let crumb = Breadcrumb { message: Some("x".repeat(100_000)), ..Breadcrumb::default() };
    let event = Event { message: Some("m".into()), breadcrumbs: vec![crumb; 100].into(), ..Event::default() };
    let bytes = encode(event, None).unwrap();
    assert!((900_000..=MAX_EVENT_BYTES).contains(&bytes.len()), "{}", bytes.len());
    let wire: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        (wire["breadcrumbs"]["values"].as_array().unwrap().len(), &wire["logentry"]["formatted"]),
        (10, &json!("m"))
    );

    let tags: Map<String, String> = (0..10_000).map(|n| (n.to_string(), "v".repeat(200))).collect();
    assert!(encode(Event { tags, ..Event::default() }, None).is_none());
}

#[test]
fn a_known_trace_is_written_as_ever_and_lent_again() {
    let known = |name: &str| Stacktrace { frames: vec![function("main"), function(name)], ..Stacktrace::default() };
    let event = |trace: &Stacktrace| Event {
        exception: vec![Exception { ty: "E".into(), stacktrace: Some(trace.clone()), ..Exception::default() }].into(),
        threads: vec![Thread { id: Some(ThreadId::Int(3)), stacktrace: Some(trace.clone()), ..Thread::default() }]
            .into(),
        ..Event::default()
    };
    let frames = |name: &str| json!({"frames": [{"function": "main"}, {"function": name}]});
    let expected = |name: &str| {
        json!({
            "exception": {"values": [{"type": "E", "stacktrace": frames(name)}]},
            "threads": {"values": [{"id": 3, "stacktrace": frames(name)}]},
        })
    };
    known_traces::learn(vec![0xe], &known("known"));
    for _ in 0..2 {
        assert_eq!(wire(event(&known("known"))), expected("known"));
    }
    let mut lent = known_traces::lend(&[0xe]).unwrap();
    let known_trace = known_traces::find(&lent).unwrap();
    assert_eq!((lent == known("known"), known_trace.has_spare()), (true, false));
    lent.frames[1].function = Some("changed by a hook".into());
    assert_eq!((wire(event(&lent)), known_trace.has_spare()), (expected("changed by a hook"), false));
    assert_eq!((wire(event(&known("known"))), known_trace.has_spare()), (expected("known"), true));
}
