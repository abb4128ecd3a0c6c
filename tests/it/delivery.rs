//! What becomes of events when the server limits, refuses or cannot be reached: each is delivered or counted.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sentry::protocol::client_report::{Category, Reason};
use sentry::{ClientOptions, Level};
use serde_json::json;

use crate::start;
use crate::support::{Deadline, Receiver, Reply};

#[test]
fn a_closed_port_counts_its_losses_and_holds_nobody_up() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let (hub, client) = start(&format!("http://public@127.0.0.1:{port}/42"), ClientOptions::new());
    for n in 0..20 {
        hub.capture_message(&n.to_string(), Level::Error);
    }
    let deadline = Deadline::after(Duration::from_secs(5));
    // There is nobody to wait for; what is there may still arrive later.
    assert!(!client.flush(Some(Duration::from_secs(5))));
    let row = client.stats().of(Category::Error);
    assert_eq!((row.captured, row.lost_in_all(), row.queued()), (20, 0, 20));
    client.close(Some(Duration::from_secs(5)));
    assert!(!deadline.has_passed());
    let row = client.stats().of(Category::Error);
    assert_eq!((row.captured, row.lost_for(Reason::NetworkError), row.queued()), (20, 20, 0));
}

#[test]
fn what_is_captured_while_a_proxy_answers_for_the_server_arrives() {
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = Arc::clone(&mended);
    let receiver = Receiver::with(move |_, _| Reply::status(if is_mended.load(Ordering::Acquire) { 200 } else { 503 }));
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    for n in 0..100 {
        hub.capture_message(&n.to_string(), Level::Error);
    }
    assert!(!client.flush(Some(Duration::from_secs(5))));
    mended.store(true, Ordering::Release);
    assert!(client.close(Some(Duration::from_secs(20))));
    let row = client.stats().of(Category::Error);
    assert_eq!((row.captured, row.delivered), (100, 100));
}

#[test]
fn a_rate_limit_is_obeyed_and_what_it_costs_is_reported_with_the_next_envelope() {
    let limited = |n: usize, _: &_| match n {
        0 => Reply::status(429).header("X-Sentry-Rate-Limits", "60:error:key, 10:unknown:key"),
        _ => Reply::status(200),
    };
    let receiver = Receiver::with(limited);
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    hub.capture_message("answered with 429", Level::Error);
    assert!(client.flush(None));
    hub.capture_message("not sent at all", Level::Error);
    assert!(client.close(None));
    let row = client.stats().of(Category::Error);
    // 429 is counted by the server, not by us (TRN-13).
    assert_eq!((row.captured, row.limited_by_server, row.queued()), (2, 1, 0));
    assert_eq!(row.lost, [(Reason::RatelimitBackoff, 1)]);
    let envelopes = receiver.wait_envelopes(2);
    let report = envelopes[1].item("client_report").expect("a report at close").json();
    assert_eq!(
        report["discarded_events"],
        json!([{"reason": "ratelimit_backoff", "category": "error", "quantity": 1}])
    );
}

#[test]
fn a_refusal_is_counted_and_said_once_without_the_key() {
    let receiver = Receiver::with(|_, _| Reply::json(403, r#"{"detail":"project is disabled"}"#));
    let said = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = std::sync::Arc::clone(&said);
    let options = ClientOptions::new().diagnostics(move |line| sink.lock().expect("unpoisoned").push(line.to_owned()));
    let (hub, client) = start(&receiver.dsn().replace("public", "verysecretkey"), options);
    hub.capture_message("one", Level::Error);
    hub.capture_message("two", Level::Error);
    assert!(client.close(None));
    let row = client.stats().of(Category::Error);
    assert_eq!((row.lost_for(Reason::SendError), row.queued()), (2, 0));
    let said = said.lock().expect("unpoisoned");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("403") && !said[0].contains("verysecretkey"), "{said:?}");
}

#[test]
fn losses_inside_the_sdk_are_reported_too() {
    let receiver = Receiver::start();
    let (hub, client) = start(
        &receiver.dsn(),
        ClientOptions::new().before_send(|event| (event.level != Level::Debug).then_some(event)),
    );
    hub.capture_message("dropped", Level::Debug);
    hub.capture_message("kept", Level::Info);
    assert!(client.close(None));
    let reports: Vec<_> = receiver.envelopes().iter().filter_map(|e| Some(e.item("client_report")?.json())).collect();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0]["discarded_events"], json!([{"reason": "before_send", "category": "error", "quantity": 1}]));
}

#[test]
fn a_client_that_is_dropped_sends_what_it_has() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    for n in 0..50 {
        hub.capture_message(&n.to_string(), Level::Info);
    }
    drop((hub, client));
    assert_eq!(receiver.events().len(), 50, "all there when the drop returns");
}
