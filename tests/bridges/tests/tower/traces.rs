//! Requests belong to their caller's trace, with transactions and without.

use axum::{Router, routing::get as route};
use sentry::integrations::tower::{NewSentryLayer, SentryHttpLayer, SentryRequestLayer};
use sentry::{ClientOptions, Level};
use serde_json::json;

use crate::client::ask;
use crate::site::{Received, Site, trace};

const TRACE: &str = "5e1f0c0c4d9a4b7c8d2e3f4051627384";
const SPAN: &str = "a1b2c3d4e5f60718";

fn answer(options: ClientOptions, transactions: usize, headers: &[(&str, &str)]) -> Received {
    let site = Site::start(options);
    let handler = || async {
        sentry::capture_message("seen", Level::Error);
    };
    let address = site.serve(Router::new().route("/", route(handler)).layer(SentryRequestLayer::new()));
    site.run(ask(address, "GET", "/", headers, ""));
    site.close(transactions, 1)
}

#[test]
fn a_transaction_continues_it() {
    let sentry_trace = format!("{TRACE}-{SPAN}-1");
    let headers = [("sentry-trace", &*sentry_trace), ("baggage", "sentry-sample_rate=0.25,sentry-sampled=true")];
    let received = answer(ClientOptions::new().traces_sample_rate(0.0), 1, &headers);
    let transaction = received.transaction("GET /");
    assert_eq!(
        (&trace(&transaction)["trace_id"], &trace(&transaction)["parent_span_id"]),
        (&json!(TRACE), &json!(SPAN))
    );
    let event = received.event("seen");
    assert_eq!(
        (&trace(&event)["trace_id"], &trace(&event)["span_id"]),
        (&json!(TRACE), &trace(&transaction)["span_id"])
    );
    let header =
        received.envelopes.iter().find(|envelope| envelope.item("transaction").is_some()).expect("it").header.clone();
    assert_eq!(header["trace"], json!({"sample_rate": "0.25", "sampled": "true"}));
}

#[test]
fn errors_belong_to_it_without_transactions() {
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let event = answer(ClientOptions::new(), 0, &[("traceparent", &*parent)]).event("seen");
    assert_eq!((&trace(&event)["trace_id"], &trace(&event)["parent_span_id"]), (&json!(TRACE), &json!(SPAN)));
}

#[test]
fn a_trace_of_another_organization_is_not_continued() {
    let options = || ClientOptions::new().traces_sample_rate(1.0).org_id("1".parse().expect("an id"));
    let sentry_trace = format!("{TRACE}-{SPAN}-0");
    let headers = [("sentry-trace", &*sentry_trace), ("baggage", "sentry-org_id=2")];
    let received = answer(options(), 1, &headers);
    assert_ne!(trace(&received.transaction("GET /"))["trace_id"], json!(TRACE));
    assert_ne!(trace(&received.event("seen"))["trace_id"], json!(TRACE));
}

#[test]
fn each_request_without_one_begins_its_own() {
    let site = Site::start(ClientOptions::new());
    let handler = || async {
        sentry::capture_message("seen", Level::Error);
    };
    let address = site.serve(Router::new().route("/", route(handler)).layer(SentryRequestLayer::new()));
    site.run(async {
        ask(address, "GET", "/", &[], "").await;
        ask(address, "GET", "/", &[("sentry-trace", "nonsense")], "").await;
    });
    let received = site.close(0, 2);
    let events = received.of("event");
    assert_ne!(trace(events[0])["trace_id"], trace(events[1])["trace_id"]);
}

/// What the thread was busy with when the request came is not what the request is part of.
#[test]
fn a_span_of_the_thread_is_not_the_requests() {
    let site = Site::traced();
    let outer = site.hub.start_transaction(sentry::TransactionContext::new("the program", "main"));
    site.hub.configure_scope(|scope| scope.set_span(Some(outer.clone().into())));
    let handler = || async {
        sentry::capture_message("seen", Level::Error);
    };
    let app = || Router::new().route("/", route(handler));
    let two = app().layer(SentryHttpLayer::new().enable_transaction());
    let addresses = [
        site.serve(app().layer(SentryRequestLayer::new())),
        site.serve(two.layer(NewSentryLayer::<axum::extract::Request>::new_from_top())),
    ];
    let sentry_trace = format!("{TRACE}-{SPAN}-1");
    for address in addresses {
        site.run(ask(address, "GET", "/", &[("sentry-trace", &*sentry_trace)], ""));
    }
    site.hub.configure_scope(|scope| scope.set_span(None));
    let received = site.close(2, 2);
    for item in received.of("transaction") {
        assert_eq!((&trace(item)["trace_id"], &item["transaction"]), (&json!(TRACE), &json!("GET /")));
    }
    let seen = received.of("event").into_iter().filter(|event| event["logentry"]["formatted"] == "seen");
    assert!(seen.inspect(|event| assert_eq!(trace(event)["trace_id"], json!(TRACE))).count() == 2);
}
