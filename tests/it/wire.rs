//! The bytes of each kind of event, as a server gets them. Requirement ids are those of the spec digest.

use std::sync::Arc;

use sentry::protocol::{Attachment, Context, Event, Map, Request, Url};
use sentry::{Breadcrumb, ClientOptions, Hub, Level, User};
use serde_json::json;

use crate::start;
use crate::support::Receiver;

#[test]
fn a_message_with_everything_around_it() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    hub.configure_scope(|scope| {
        scope.set_tag("tag", "value");
        scope.set_user(Some(User { id: Some("7".into()), ..User::default() }));
        scope.set_extra("extra", json!({"nested": [1, null]}));
        scope.set_context("mine", Context::Other(Map::from([("k".to_owned(), json!("v"))])));
        scope.set_transaction(Some("GET /"));
        scope.set_fingerprint(Some(&["{{ default }}", "mine"]));
        scope.add_attachment(Attachment {
            filename: "a.bin".into(),
            buffer: b"a\nb".to_vec(),
            ..Attachment::default()
        });
    });
    hub.add_breadcrumb(Breadcrumb { message: Some("before".into()), ..Breadcrumb::default() });
    let id = hub.capture_message("hello \u{1F980}\n", Level::Warning);
    assert!(client.close(None));

    let [envelope] = &receiver.wait_envelopes(1)[..] else { panic!("one envelope") };
    // Envelope header: ids without dashes (ENV-05), sent_at once (ENV-09), sdk (ENV-07), trace (TRC-34), no dsn.
    let header = envelope.header.as_object().expect("an object");
    assert_eq!(header.keys().collect::<Vec<_>>(), ["event_id", "sdk", "sent_at", "trace"]);
    assert_eq!(header["event_id"], json!(id.simple().to_string()));
    assert_eq!(header["sdk"]["name"], "sentry.rust");
    assert!(header["sent_at"].as_str().is_some_and(|at| at.starts_with("20") && at.ends_with('Z')), "{header:?}");
    let event = envelope.event().expect("an event");
    assert_eq!(header["trace"]["trace_id"], event["contexts"]["trace"]["trace_id"]);
    assert_eq!(header["trace"]["public_key"], "public");
    assert_eq!(header["trace"]["release"], "it@1.0.0");
    assert!(header["trace"]["sample_rand"].is_string(), "all values are text (TRC-50)");

    // The event: CTX-70, EVT-01, EVT-03, EVT-04.
    assert_eq!(event["event_id"], header["event_id"]);
    assert_eq!(event["logentry"], json!({"formatted": "hello \u{1F980}\n"}));
    assert!(event.get("message").is_none() && event["timestamp"].is_number());
    assert_eq!(event["level"], "warning");
    assert_eq!(event["platform"], "native");
    assert_eq!((&event["environment"], &event["release"]), (&json!("test"), &json!("it@1.0.0")));
    assert_eq!(event["tags"], json!({"tag": "value"}));
    assert_eq!(event["user"], json!({"id": "7"}));
    assert_eq!(event["extra"], json!({"extra": {"nested": [1, null]}}));
    assert_eq!(event["contexts"]["mine"]["k"], "v");
    assert_eq!(event["transaction"], "GET /");
    assert_eq!(event["fingerprint"], json!(["{{ default }}", "mine"]));
    assert_eq!(event["breadcrumbs"]["values"][0]["message"], "before");
    for context in ["os", "device", "rust", "app", "trace"] {
        assert!(event["contexts"][context].is_object(), "{context} in {}", event["contexts"]);
    }
    // No machine name unless asked for (PII-30).
    assert!(event.get("server_name").is_none() && event["contexts"]["device"].get("name").is_none());
    let integrations = event["sdk"]["integrations"].as_array().expect("listed (CLI-34)");
    assert_eq!(integrations.len(), 5, "{integrations:?}");

    let attachment = envelope.item("attachment").expect("in the same envelope (ATT-03)");
    assert_eq!((attachment.payload.as_slice(), &attachment.header["filename"]), (&b"a\nb"[..], &json!("a.bin")));
}

#[test]
fn the_request_around_it() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    hub.capture_message(&"long enough to be compressed ".repeat(200), Level::Info);
    assert!(client.flush(None));
    hub.capture_message("and one more", Level::Info);
    assert!(client.close(None));
    let envelopes = receiver.wait_envelopes(2);
    let request = &envelopes[0].request;
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/api/42/envelope/"));
    assert_eq!(request.header("content-type"), Some("application/x-sentry-envelope"));
    assert_eq!(request.header("content-encoding"), Some("gzip"));
    let agent = request.header("user-agent").expect("set").to_owned();
    assert_eq!(agent, format!("sentry.rust/{}", "0.49.5"));
    let auth = format!("Sentry sentry_version=7, sentry_client={agent}, sentry_key=public");
    assert_eq!(request.header("x-sentry-auth"), Some(auth.as_str()));
    assert_eq!(request.header("accept-encoding"), None, "answers are never decompressed");
    assert_eq!(receiver.connections(), 1, "the connection is kept");
}

#[test]
fn an_error_with_its_chain_and_stack() {
    #[derive(Debug)]
    struct Outer(std::num::ParseIntError);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("no port")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new().attach_stacktrace(true));
    let error = Outer("x".parse::<u16>().expect_err("not a number"));
    let line = line!() + 1;
    hub.capture_error(&error);
    assert!(client.close(None));
    let event = receiver.wait_events(1).remove(0);
    let exceptions = event["exception"]["values"].as_array().expect("a list");
    let [root, outer] = &exceptions[..] else { panic!("root first (EXC-20), not {exceptions:#?}") };
    assert_eq!((&root["type"], &outer["type"]), (&json!("ParseIntError"), &json!("Outer")));
    assert_eq!(
        root["mechanism"],
        json!({"type": "chained", "handled": true, "exception_id": 1, "parent_id": 0, "source": "source"})
    );
    assert_eq!(outer["mechanism"], json!({"type": "generic", "handled": true, "exception_id": 0}));
    let frames = outer["stacktrace"]["frames"].as_array().expect("the stack sits on the outermost");
    let newest = frames.last().expect("frames, oldest first (STK-01)");
    assert_eq!((&newest["lineno"], &newest["in_app"]), (&json!(line), &json!(true)), "{newest:#}");
    assert!(
        newest["abs_path"]
            .as_str()
            .or(newest["filename"].as_str())
            .is_some_and(|path| path.ends_with("tests/it/wire.rs"))
    );
    assert!(newest["instruction_addr"].as_str().is_some_and(|addr| addr.starts_with("0x")));
    // The thread is listed without a stack of its own (STK-21), and the images that the addresses are in are there.
    let thread = &event["threads"]["values"][0];
    assert_eq!((&thread["id"], thread.get("stacktrace")), (&outer["thread_id"], None));
    if cfg!(target_os = "linux") {
        let image = &event["debug_meta"]["images"][0];
        assert_eq!(image["type"], "elf");
        assert!(image["debug_id"].is_string() && image["image_addr"].is_string() && image["image_size"].is_number());
    }
}

#[test]
fn hostile_text_never_breaks_the_envelope() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    let nasty = "\r\n{\"type\":\"event\"}\n\u{0}\u{202e}\"\\\u{7f}";
    hub.configure_scope(|scope| {
        scope.set_tag(nasty, nasty);
        scope.add_attachment(Attachment { filename: nasty.into(), buffer: vec![b'\n'; 3], ..Attachment::default() });
    });
    hub.capture_message(nasty, Level::Error);
    // So that it arrives first.
    assert!(client.flush(None));
    let before_1970 = std::time::UNIX_EPOCH - std::time::Duration::from_secs(3600);
    hub.capture_event(Event { timestamp: before_1970, message: Some("long ago".into()), ..Event::new() });
    assert!(client.close(None));
    let events = receiver.wait_events(2);
    assert_eq!(events[0]["logentry"]["formatted"], nasty);
    assert_eq!(events[1]["timestamp"], json!(-3600));
    // A file's name is never a path (ATT-01).
    let name = nasty.rsplit(['/', '\\']).next();
    assert_eq!(receiver.envelopes()[0].item("attachment").expect("kept").header["filename"].as_str(), name);
}

#[test]
fn what_is_over_a_limit_is_cut_or_counted() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    let big = "x".repeat(3 << 20);
    hub.configure_scope(|scope| {
        scope.set_extra("big", big.clone().into());
        scope.add_attachment(Attachment { filename: "big".into(), buffer: vec![0; 21 << 20], ..Attachment::default() });
    });
    hub.capture_message("small", Level::Error);
    // Compressing megabytes takes its time without optimisation.
    assert!(client.close(Some(std::time::Duration::from_secs(30))));
    let envelope = receiver.wait_envelopes(1).remove(0);
    let item = envelope.item("event").expect("cut, not lost (ITM-41)");
    assert!(item.payload.len() <= 1 << 20, "{}", item.payload.len());
    assert_eq!(envelope.event().expect("json")["logentry"]["formatted"], "small");
    assert!(envelope.item("attachment").is_none(), "over 20 MiB (ATT-04)");
    let stats = client.stats().of(sentry::protocol::client_report::Category::Attachment);
    assert_eq!((stats.captured, stats.lost_in_all(), stats.queued()), (21 << 20, 21 << 20, 0));
}

#[test]
fn a_request_a_program_set_is_sent_as_set() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    let request = Request {
        url: Url::parse("https://example.com/login?token=1").ok(),
        query_string: Some("token=1".into()),
        headers: Map::from([("Authorization".to_owned(), "set by the program".to_owned())]),
        ..Request::default()
    };
    hub.capture_event(Event { request: Some(request), ..Event::new() });
    assert!(client.close(None));
    let event = receiver.wait_events(1).remove(0);
    assert_eq!(event["request"]["headers"]["Authorization"], "set by the program");
    assert_eq!(event["request"]["url"], "https://example.com/login?token=1");
}

#[test]
fn an_envelope_sent_as_it_is_keeps_its_headers() {
    let receiver = Receiver::start();
    let (_hub, client) = start(&receiver.dsn(), ClientOptions::new());
    let bytes = b"{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\",\"new_attribute\":{\"a\":1}}\n\
        {\"type\":\"from_the_future\",\"length\":3,\"x\":true}\nabc\n";
    client.send_envelope(sentry::Envelope::from_slice(bytes).expect("well-formed"));
    assert!(client.close(None));
    let envelope = receiver.wait_envelopes(1).remove(0);
    assert_eq!(envelope.header["new_attribute"], json!({"a": 1}));
    assert_eq!(envelope.event_id().as_deref(), Some("9ec79c33ec9942ab8353589fcb2e04dc"));
    let item = envelope.item("from_the_future").expect("kept (ENV-18)");
    assert_eq!((item.payload.as_slice(), &item.header["x"]), (&b"abc"[..], &json!(true)));
}

#[test]
fn threads_start_with_the_scope_they_were_given() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    hub.configure_scope(|scope| scope.set_tag("parent", 1));
    std::thread::scope(|threads| {
        for n in 0..4 {
            let fork = Arc::new(Hub::new_from_top(&hub));
            threads.spawn(move || {
                Hub::run(fork, || {
                    sentry::configure_scope(|scope| scope.set_tag("own", n));
                    sentry::capture_message(&n.to_string(), Level::Info);
                });
            });
        }
    });
    assert!(client.close(None));
    for event in receiver.wait_events(4) {
        assert_eq!(event["tags"], json!({"parent": "1", "own": event["logentry"]["formatted"]}));
    }
}
