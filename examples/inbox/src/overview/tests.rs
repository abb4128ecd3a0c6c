//! From the bytes of envelopes to the text a person reads.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::*;

/// 2026-05-01 10:11:12 UTC.
const NOON: f64 = 1_777_630_272.0;
const TRACE: &str = "5e1f0c0c5e1f0c0c5e1f0c0c5e1f0c0c";

fn send(store: &Store, ty: &str, payload: &Value) {
    let body = format!("{{}}\n{{\"type\":\"{ty}\"}}\n{payload}\n");
    store.accept(body.as_bytes()).unwrap();
}

fn filled(items: &[(&str, Value)]) -> Store {
    let store = Store::new(None);
    items.iter().for_each(|(ty, payload)| send(&store, ty, payload));
    store
}

fn span(id: &str, parent: Option<&str>, start: f64, end: f64, op: &str, description: &str) -> Value {
    json!({"span_id": id, "trace_id": TRACE, "parent_span_id": parent, "start_timestamp": NOON + start,
        "timestamp": NOON + end, "op": op, "description": description, "status": "ok"})
}

fn checkout() -> Vec<(&'static str, Value)> {
    let frontend = json!({"type": "transaction", "event_id": "9ec79c33ec9942ab8353589fcb2e04dc",
    "transaction": "GET /checkout", "release": "frontend@1.0", "start_timestamp": NOON, "timestamp": NOON + 0.182,
    "contexts": {"trace": {"trace_id": TRACE, "span_id": "aaaa000000000001", "op": "http.server", "status": "ok"}},
    "spans": [
        span("aaaa000000000003", Some("aaaa000000000001"), 0.05, 0.17, "http.client", "POST http://payments/pay"),
        span("aaaa000000000002", Some("aaaa000000000001"), 0.012, 0.043, "db.query", "SELECT 1"),
    ]});
    let payments = json!({"type": "transaction", "event_id": "11111111ec9942ab8353589fcb2e04dc",
        "transaction": "POST /pay", "release": "payments@1.0",
        "start_timestamp": "2026-05-01T10:11:12.055Z", "timestamp": "2026-05-01T10:11:12.165Z",
        "contexts": {"trace": {"trace_id": TRACE, "span_id": "bbbb000000000001", "parent_span_id": "aaaa000000000003",
            "op": "http.server", "status": "internal_error"}}, "spans": []});
    let error = json!({"timestamp": NOON + 0.09,
        "exception": {"values": [{"type": "ParseIntError", "value": "invalid digit found in string"}]},
        "contexts": {"trace": {"trace_id": TRACE, "span_id": "bbbb000000000001"}}});
    // The called service is done first.
    vec![("transaction", payments), ("event", error), ("transaction", frontend)]
}

fn logs() -> Vec<(&'static str, Value)> {
    let slow = json!({"timestamp": NOON + 0.125, "trace_id": TRACE, "span_id": "aaaa000000000001", "level": "warn",
        "severity_number": 13, "body": "cart 7\nis slow", "attributes": {
            "user": {"type": "integer", "value": 5}, "sentry.release": {"type": "string", "value": "frontend@1.0"}}});
    let early = json!({"timestamp": NOON, "trace_id": TRACE, "level": "info", "body": "starting", "attributes": {}});
    vec![("log", json!({"items": [slow, early]}))]
}

fn metrics() -> Vec<(&'static str, Value)> {
    let metric = |ty: &str, name: &str, value: Value| json!({"timestamp": NOON, "trace_id": TRACE, "type": ty, "name": name, "value": value});
    let total = |value: f64| {
        json!({"timestamp": NOON, "trace_id": TRACE, "type": "distribution", "name": "cart.total", "value": value,
            "unit": "millisecond", "attributes": {"region": {"type": "string", "value": "eu"}}})
    };
    let first =
        [total(42.5), metric("counter", "orders", json!(3)), metric("gauge", "queue.len", json!(9)), total(90.0)];
    let second = [
        metric("gauge", "queue.len", json!(1)),
        metric("gauge", "queue.len", json!(3.0)),
        total(1.0),
        metric("counter", "orders", json!(5)),
    ];
    vec![("trace_metric", json!({"version": 2, "items": first})), ("trace_metric", json!({"items": second}))]
}

fn sessions() -> Vec<(&'static str, Value)> {
    let attrs = json!({"release": "checkout@3.1.0", "environment": "production"});
    let session = |status: &str, init: bool| {
        json!({"sid": "0a0a0a0a-0000-4000-8000-000000000001", "started": "2026-05-01T10:11:12Z", "init": init,
            "status": status, "errors": 1, "attrs": attrs})
    };
    let running = json!({"sid": "0a0a0a0a000040008000000000000002", "started": "2026-05-01T10:11:12Z", "init": true,
        "status": "ok", "attrs": {"release": "checkout@3.0.0"}});
    let bucket = json!({"started": "2026-05-01T10:11:00Z", "exited": 120, "errored": 4, "unhandled": 1});
    vec![
        ("session", session("ok", true)),
        ("sessions", json!({"attrs": attrs, "aggregates": [bucket]})),
        ("session", session("crashed", false)),
        ("session", running),
    ]
}

fn check_ins() -> Vec<(&'static str, Value)> {
    let nightly = |id: &str, status: &str, duration: Option<f64>| json!({"check_in_id": format!("83a7{id:0>28}"), "monitor_slug": "nightly", "status": status, "duration": duration});
    let mut first = nightly("1", "in_progress", None);
    first["monitor_config"] = json!({"schedule": {"type": "interval", "value": 1, "unit": "day"}});
    let hourly = json!({"check_in_id": "83a70000000000000000000000000009", "monitor_slug": "hourly",
        "status": "in_progress", "monitor_config": {"schedule": {"type": "crontab", "value": "0 * * * *"}}});
    vec![
        ("check_in", first),
        ("check_in", nightly("1", "ok", Some(12.3))),
        ("check_in", nightly("2", "ok", None)),
        ("check_in", nightly("3", "error", Some(0.3))),
        ("check_in", hourly),
    ]
}

fn feedback() -> Vec<(&'static str, Value)> {
    let from_ann = json!({"message": "The button does nothing.", "name": "Ann", "contact_email": "ann@example.com",
        "associated_event_id": "9ec79c33ec9942ab8353589fcb2e04dc"});
    vec![
        ("feedback", json!({"timestamp": NOON, "contexts": {"feedback": from_ann}})),
        ("feedback", json!({"timestamp": NOON + 1.0, "contexts": {"feedback": {"message": "It\u{7} beeps."}}})),
    ]
}

#[test]
fn a_trace_of_two_services_with_an_error() {
    let expected = "\
trace 5e1f0c0c…  GET /checkout · 2 services · 182 ms
   0 ms └─ http.server  GET /checkout                182 ms  ok              frontend@1.0
  12 ms    ├─ db.query  SELECT 1                      31 ms  ok
  50 ms    └─ http.client  POST http://payments/pay  120 ms  ok
  55 ms       └─ http.server  POST /pay              110 ms  internal_error  payments@1.0
  90 ms          ✗ ParseIntError: invalid digit found in string
";
    let traces = filled(&checkout()).telemetry(|telemetry| telemetry.traces.clone());
    assert_eq!(render::traces(&traces, Style::plain()), expected);
    let ascii = render::traces(&traces, Style::plain().with_unicode(false));
    assert!(ascii.contains("\n  50 ms    `- http.client  POST http://payments/pay  120 ms  ok\n"), "{ascii}");
    assert!(ascii.contains("\n  90 ms          x ParseIntError: "), "{ascii}");
}

#[test]
fn colours_do_not_move_the_columns_of_a_trace() {
    let traces = filled(&checkout()).telemetry(|telemetry| telemetry.traces.clone());
    let plain = render::traces(&traces, Style::plain());
    let coloured = render::traces(&traces, Style::plain().with_colour(true));
    assert!(coloured.contains("\x1b[31minternal_error\x1b[0m"), "{coloured}");
    let codes = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[36m"];
    let bare = codes.into_iter().fold(coloured, |text, code| text.replace(code, ""));
    let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(lines(&bare), lines(&plain));
}

#[test]
fn logs_are_in_the_order_of_their_time() {
    let expected = "\
10:11:12.000  info   starting  trace 5e1f0c0c…
10:11:12.125  warn   cart 7 is slow  user=5  trace 5e1f0c0c… span aaaa000000000001
";
    let logs = filled(&logs()).telemetry(|telemetry| telemetry.logs.clone());
    assert_eq!(render::logs(&logs, Style::plain()), expected);
}

#[test]
fn metrics_are_a_table() {
    let expected = "\
METRIC      TYPE          UNIT         COUNT  VALUES                    ATTRIBUTES
cart.total  distribution  millisecond      3  p50 42.5  p95 90  max 90  region=eu
orders      counter                        2  sum 8
queue.len   gauge                          3  last 3  min 1  max 9
";
    let metrics = filled(&metrics()).telemetry(|telemetry| telemetry.metrics.clone());
    assert_eq!(render::metrics(&metrics, Style::plain()), expected);
}

#[test]
fn releases_have_their_crash_free_rate() {
    let expected = "\
RELEASE         ENVIRONMENT  STARTED  EXITED  ERRORED  UNHANDLED  CRASHED  ABNORMAL  CRASH-FREE
checkout@3.0.0                     1       0        0          0        0         0    100.00 %
checkout@3.1.0  production       126     120        4          1        1         0     99.20 %
";
    let releases = filled(&sessions()).telemetry(|telemetry| telemetry.releases.clone());
    assert_eq!(render::releases(&releases, Style::plain()), expected);
}

#[test]
fn monitors_show_their_last_runs() {
    let expected = "\
MONITOR  SCHEDULE     RUNS  LAST          BEFORE THAT, NEWEST FIRST
hourly   0 * * * *       1  in_progress
nightly  every 1 day     3  error 300 ms  ok, ok 12.3 s
";
    let monitors = filled(&check_ins()).telemetry(|telemetry| telemetry.monitors.clone());
    assert_eq!(render::monitors(&monitors, Style::plain()), expected);
}

#[test]
fn feedback_is_a_table() {
    let expected = "\
TIME          FROM                   MESSAGE                   EVENT
10:11:12.000  Ann <ann@example.com>  The button does nothing.  9ec79c33ec9942ab8353589fcb2e04dc
10:11:13.000  anonymous              It\\u{7} beeps.
";
    let feedback = filled(&feedback()).telemetry(|telemetry| telemetry.feedback.clone());
    assert_eq!(render::feedback(&feedback, Style::plain()), expected);
}

#[test]
fn what_comes_is_a_line_each() {
    let items = [checkout(), logs(), metrics(), sessions(), check_ins(), feedback()].concat();
    let store = filled(&items);
    let lines =
        |range| -> Vec<String> { store.news(&range).iter().map(|news| render::news(news, Style::plain())).collect() };
    // The event is number 1: it counts, and is shown as an issue.
    assert_eq!(store.items(), 24);
    assert!(store.wait_items(24, Duration::ZERO) && !store.wait_items(25, Duration::ZERO));
    let expected = "\
trace     5e1f0c0c…  http.server  POST /pay  110 ms  internal_error  payments@1.0
trace     5e1f0c0c…  http.server  GET /checkout  182 ms  ok  frontend@1.0
log       10:11:12.125  warn   cart 7 is slow  user=5  trace 5e1f0c0c… span aaaa000000000001
log       10:11:12.000  info   starting  trace 5e1f0c0c…
metric    distribution cart.total  42.5 millisecond  region=eu
metric    counter orders  3
";
    assert_eq!(lines(0..7).concat(), expected);
    let expected = "\
session   checkout@3.1.0  ok  1 error
sessions  checkout@3.1.0  125 sessions
session   checkout@3.1.0  crashed  1 error
";
    assert_eq!(lines(13..16).concat(), expected);
    let expected = "\
check-in  nightly  error 300 ms
check-in  hourly  in_progress
feedback  Ann <ann@example.com>: The button does nothing.
feedback  anonymous: It\\u{7} beeps.
";
    assert_eq!(lines(20..24).concat(), expected);
    assert!(lines(24..99).is_empty());
}

#[test]
fn an_overview_has_a_section_for_each_kind_there_is() {
    let all = overview(&filled(&[checkout(), check_ins()].concat()), Style::plain());
    let titles: Vec<&str> = all.lines().filter(|line| line.starts_with("==")).collect();
    assert_eq!(titles, ["== Issues ==", "== Traces ==", "== Monitors =="]);
    assert_eq!(overview(&Store::new(None), Style::plain()), "Nothing yet.\n");
}

#[test]
fn an_event_alone_makes_no_trace() {
    let [_, error, _] = <[_; 3]>::try_from(checkout()).unwrap();
    let all = overview(&filled(&[error]), Style::plain());
    assert!(all.starts_with("== Issues ==\n") && !all.contains("Traces"), "{all}");
}

/// Files without the typed readers in between, which refuse some of this.
fn file(store: &Store, ty: &str, payload: Value) {
    store.file_item(ty, &payload);
}

const TYPES: [&str; 7] = ["transaction", "session", "sessions", "check_in", "log", "trace_metric", "feedback"];

#[test]
fn fields_of_any_type_harm_nobody() {
    let samples = [checkout(), logs(), metrics(), sessions(), check_ins(), feedback()].concat();
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(u64::MAX),
        json!(1e308),
        json!(""),
        json!("\u{1b}[2J\u{202e}"),
        json!("ä".repeat(10_000)),
        json!([]),
        json!([[[null]]]),
        json!({}),
        json!({"value": {"value": []}}),
    ];
    let store = Store::new(None);
    for strange in &odd {
        for ty in TYPES {
            file(&store, ty, strange.clone());
        }
        for (ty, payload) in &samples {
            for path in paths(payload) {
                let mut changed = payload.clone();
                *changed.pointer_mut(&path).unwrap() = strange.clone();
                // Either it is refused as malformed or shown somehow.
                let _ = store.accept(format!("{{}}\n{{\"type\":\"{ty}\"}}\n{changed}\n").as_bytes());
                file(&store, ty, changed);
            }
        }
    }
    let text = overview(&store, Style::plain());
    let all: String = store.news(&(0..u64::MAX)).iter().map(|news| render::news(news, Style::plain())).collect();
    for text in [text, all] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 4000), "{text}");
    }
}

/// JSON pointers to everything in it.
fn paths(value: &Value) -> Vec<String> {
    let below = |key: String, value: &Value| paths(value).into_iter().map(move |path| format!("/{key}{path}"));
    let mut all = vec![String::new()];
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| all.extend(below(key.replace('/', "~1"), value)))
        }
        Value::Array(list) => list.iter().enumerate().for_each(|(at, value)| all.extend(below(at.to_string(), value))),
        _ => {}
    }
    all
}

#[test]
fn what_cannot_be_read_is_counted() {
    let store = Store::new(None);
    for ty in TYPES {
        file(&store, ty, json!(null));
    }
    file(&store, "log", json!([{"body": "a bare list will do"}, 7]));
    file(&store, "from_the_future", json!(null));
    assert_eq!(store.items(), 1);
    assert!(overview(&store, Style::plain()).ends_with("\n8 items could not be read.\n"));
}

/// A transaction whose spans name these parents.
fn with_spans(count: u32, parent: impl Fn(u32) -> u32) -> Value {
    let spans: Vec<Value> = (2..count + 2)
        .map(|id| {
            json!({"span_id": format!("{id:016x}"), "parent_span_id": format!("{:016x}", parent(id)), "start_timestamp": NOON, "timestamp": NOON})
        })
        .collect();
    json!({"transaction": "t", "start_timestamp": NOON, "timestamp": NOON,
        "contexts": {"trace": {"trace_id": TRACE, "span_id": "0000000000000001"}}, "spans": spans})
}

#[test]
fn any_number_of_spans_gives_a_tree_of_bounded_size() {
    // Side by side, each below the one before, in pairs of each other's parents, their own parents, all that are kept in one circle.
    let shapes: [fn(u32) -> u32; 5] =
        [|_| 1, |id| id - 1, |id| id ^ 1, |id| id, |id| if id == 10_000 { 2 } else { id + 1 }];
    for (shape, parent) in shapes.into_iter().enumerate() {
        let count = if shape == 0 { 100_000 } else { 10_000 };
        let store = filled(&[("transaction", with_spans(count, parent))]);
        let text = render::traces(&store.telemetry(|telemetry| telemetry.traces.clone()), Style::plain());
        let lines: Vec<&str> = text.lines().collect();
        assert!((20..=202).contains(&lines.len()), "{shape}: {}", lines.len());
        let shown = lines.len() - 2;
        assert_eq!(lines.last().copied(), Some(format!("  … {} more", count as usize + 1 - shown).as_str()), "{shape}");
        assert!(lines.iter().all(|line| line.chars().count() < 200), "{shape}");
    }
}

#[test]
fn circles_and_orphans_are_shown_once_each() {
    // 2 and 3 are each other's parents, 4 hangs on them, 5 names nobody known, 6 itself.
    let parents = [3, 2, 3, 99, 6];
    let store = filled(&[("transaction", with_spans(5, |id| parents[id as usize - 2]))]);
    let traces = store.telemetry(|telemetry| telemetry.traces.clone());
    let expected = "\
trace 5e1f0c0c…  t · 0 ms
  0 ms ├─ default  t    0 ms
  0 ms ├─ default       0 ms
  0 ms │  └─ default    0 ms
  0 ms │     └─ default  0 ms
  0 ms ├─ default       0 ms
  0 ms └─ default       0 ms
";
    let unpadded =
        |text: &str| text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    assert_eq!(unpadded(&render::traces(&traces, Style::plain())), unpadded(expected));
}

#[test]
fn clocks_before_their_time_are_no_problem() {
    let late = SystemTime::UNIX_EPOCH + Duration::from_secs(9);
    let event = json!({"timestamp": 1, "message": "early", "contexts": {"trace": {"trace_id": TRACE}}});
    let mut transaction = with_spans(0, |id| id);
    transaction["start_timestamp"] = json!(9);
    transaction["timestamp"] = json!(8);
    let traces = filled(&[("event", event), ("transaction", transaction)]).telemetry(|all| all.traces.clone());
    assert_eq!(traces.iter().next().unwrap().1.start(), Some(late));
    let expected = "trace 5e1f0c0c…  t\n  0 ms ✗ early\n  0 ms └─ default  t\n";
    assert_eq!(render::traces(&traces, Style::plain()), expected);
}
