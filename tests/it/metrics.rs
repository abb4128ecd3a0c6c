//! Metrics at the socket: what they look like, and that none is lost silently.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sentry::protocol::Unit;
use sentry::protocol::client_report::{Category, Reason};
use sentry::{ClientOptions, Hub, TransactionContext, metrics};
use serde_json::{Value, json};

use crate::support::{Gate, ReceivedEnvelope, Receiver, Reply};
use crate::{assert_balanced, start};

fn metrics_in(envelopes: &[ReceivedEnvelope]) -> Vec<Value> {
    let items = envelopes.iter().filter_map(|envelope| envelope.item("trace_metric"));
    items.flat_map(|item| item.json()["items"].as_array().expect("items").clone()).collect()
}

#[test]
fn a_metric_as_the_server_gets_it() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new().traces_sample_rate(1.0));
    Hub::run(hub, || {
        let transaction = sentry::start_transaction(TransactionContext::new("checkout", "task"));
        sentry::configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
        metrics::distribution("query.duration", 12.5).unit(Unit::Millisecond).attribute("rows", 3).capture();
        transaction.finish();
    });
    assert!(client.close(None));
    let envelopes = receiver.envelopes();
    let envelope = envelopes.iter().find(|envelope| envelope.item("trace_metric").is_some()).expect("a metric");
    assert_eq!(envelope.items.len(), 1, "metrics travel by themselves (ITM-01)");
    assert!(envelope.header.get("trace").is_none(), "{}", envelope.header);
    let item = envelope.item("trace_metric").expect("a metric");
    let length = item.payload.len();
    assert_eq!(
        item.header,
        json!({
            "type": "trace_metric", "item_count": 1, "length": length,
            "content_type": "application/vnd.sentry.items.trace-metric+json",
        })
    );
    let mut metric = item.json()["items"][0].take();
    let transaction = envelopes.iter().find_map(|envelope| envelope.item("transaction")).expect("a transaction").json();
    let trace = &transaction["contexts"]["trace"];
    assert_eq!((&metric["trace_id"], &metric["span_id"]), (&trace["trace_id"], &trace["span_id"]));
    let timestamp = metric["timestamp"].as_f64().expect("seconds");
    assert!((timestamp - transaction["timestamp"].as_f64().expect("seconds")).abs() < 60.0, "{timestamp}");
    let object = metric.as_object_mut().expect("an object");
    for varies in ["timestamp", "trace_id", "span_id"] {
        object.remove(varies);
    }
    let text = |text: &str| json!({"value": text, "type": "string"});
    assert_eq!(
        metric,
        json!({
            "type": "distribution",
            "name": "query.duration",
            "value": 12.5,
            "unit": "millisecond",
            "attributes": {
                "rows": {"value": 3, "type": "integer"},
                "sentry.environment": text("test"),
                "sentry.release": text("it@1.0.0"),
                "sentry.sdk.name": text("sentry.rust"),
                "sentry.sdk.version": text(env!("CARGO_PKG_VERSION")),
            },
        })
    );
    assert_balanced(&client);
}

#[test]
fn one_that_is_too_large_costs_itself_and_no_other() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    Hub::run(hub, || {
        metrics::counter("before", 1).capture();
        metrics::counter("large", 1).attribute("text", "x".repeat(2_048)).capture();
        metrics::gauge("n".repeat(2_048), 1).capture();
        metrics::gauge("no number", f64::NAN).capture();
        metrics::counter("after", 1).capture();
    });
    assert!(client.close(None));
    let metrics = metrics_in(&receiver.envelopes());
    let names: Vec<_> = metrics.iter().map(|metric| metric["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["before", "after"]);
    let row = client.stats().of(Category::TraceMetric);
    assert_eq!((row.captured, row.delivered, row.lost), (5, 2, vec![(Reason::InternalSdkError, 3)]));
    let bytes = client.stats().of(Category::TraceMetricByte);
    assert!(bytes.lost_for(Reason::InternalSdkError) > 4_096, "{bytes:?}");
    assert_balanced(&client);
}

#[test]
fn a_million_for_a_server_that_does_not_answer_are_bounded_and_counted() {
    let gate = Gate::new();
    let inside = gate.clone();
    let receiver = Receiver::with(move |_, _| {
        inside.pass();
        Reply::status(200)
    });
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    thread::scope(|threads| {
        for _ in 0..4 {
            let fork = Arc::new(Hub::new_from_top(&hub));
            threads.spawn(move || {
                Hub::run(fork, || (0..250_000).for_each(|_| metrics::counter("loop", 1).capture()));
            });
        }
    });
    let row = client.stats().of(Category::TraceMetric);
    assert_eq!((row.captured, row.delivered), (1_000_000, 0));
    // None of them weighs less than this, and the queue for what comes in bulk has 32 MiB.
    const LEAST_BYTES: u64 = 128;
    assert!(row.queued() <= (32 << 20) / LEAST_BYTES, "{row:?}");
    assert!(row.lost_for(Reason::QueueOverflow) > 0, "{row:?}");
    gate.release();
    assert!(client.close(Some(Duration::from_secs(120))), "{:?}", client.stats());
    let row = client.stats().of(Category::TraceMetric);
    assert!(row.delivered > 0, "{row:?}");
    assert_balanced(&client);
    let envelopes = receiver.envelopes();
    let counts = envelopes.iter().filter_map(|envelope| envelope.item("trace_metric")?.header["item_count"].as_u64());
    assert_eq!(counts.sum::<u64>(), row.delivered);
}

#[test]
fn the_kill_switch_is_for_all_of_them() {
    let receiver = Receiver::start();
    #[expect(deprecated, reason = "it is what is tested")]
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new().enable_metrics(false));
    hub.capture_metric(metrics::counter("orders", 1));
    client.capture_metric(metrics::counter("orders", 1), &sentry::Scope::default());
    Hub::run(hub, || metrics::gauge("orders", 1).capture());
    assert!(client.close(None));
    assert!(receiver.envelopes().is_empty());
    assert_eq!(client.stats().of(Category::TraceMetric).captured, 0);
}
