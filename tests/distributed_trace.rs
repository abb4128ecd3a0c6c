//! The example of two processes: one trace, one decision, one sampling context, judged by what both sides sent.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml exempts test functions, not the helpers they call"
)]

mod support;

use std::process::Command;

use support::{Receiver, child};

#[test]
fn two_processes_continue_one_trace() {
    let receiver = Receiver::start();
    let out = Command::new(child::example("distributed_trace"))
        .env("SENTRY_DSN", receiver.dsn())
        .output()
        .expect("cargo builds examples before it runs tests");
    assert!(out.status.success(), "{out:?}");
    let envelopes = receiver.wait_envelopes(3);

    let transaction = |name: &str| {
        let of_that_name = |envelope: &&support::ReceivedEnvelope| {
            envelope.item("transaction").is_some_and(|item| item.json()["transaction"] == name)
        };
        let envelope = envelopes.iter().find(of_that_name).unwrap_or_else(|| panic!("{name} in {envelopes:?}"));
        (envelope.header["trace"].clone(), envelope.item("transaction").expect("found").json())
    };
    let (shop_context, shop) = transaction("POST /checkout");
    let (service_context, service) = transaction("POST /pay");
    let with_error = envelopes.iter().find(|envelope| envelope.event().is_some()).expect("the service's error");
    let error = with_error.event().expect("found");

    // One sampling context, that of the head, whoever sends it (TRC-51 to TRC-53).
    for key in ["trace_id", "sample_rand", "sample_rate", "sampled", "org_id", "release", "transaction", "public_key"] {
        assert!(shop_context[key].is_string(), "{key} in {shop_context}");
    }
    assert_eq!((&shop_context["sampled"], &shop_context["org_id"]), (&"true".into(), &"1".into()));
    assert_eq!(service_context, shop_context);
    assert_eq!(with_error.header["trace"], shop_context);
    assert_eq!((&shop["release"], &service["release"]), (&"shop@1.0.0".into(), &"payments@2.3.0".into()));

    // One tree.
    let trace_of = |payload: &serde_json::Value| payload["contexts"]["trace"].clone();
    let client =
        shop["spans"].as_array().expect("spans").iter().find(|span| span["op"] == "http.client").expect("a call");
    assert_eq!(trace_of(&service)["parent_span_id"], client["span_id"]);
    assert_eq!(trace_of(&error)["span_id"], trace_of(&service)["span_id"]);
    assert_eq!(error["transaction"], "POST /pay");
    for payload in [&shop, &service, &error] {
        assert_eq!(trace_of(payload)["trace_id"], shop_context["trace_id"]);
    }
}
