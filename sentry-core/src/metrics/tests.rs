use std::sync::Arc;

use serde_json::json;

use super::{counter, distribution, gauge};
use crate::protocol::client_report::{Category, Reason};
use crate::protocol::{Envelope, EnvelopeItem, ItemContainer, Metric, Unit, User};
use crate::test::{TestTransport, with_captured_envelopes_options};
use crate::{Client, ClientOptions, Hub, Stats, configure_scope};

fn metrics_in(envelopes: Vec<Envelope>) -> Vec<Metric> {
    let items = envelopes.into_iter().flat_map(Envelope::into_items);
    let metrics = items.filter_map(|item| match item {
        EnvelopeItem::ItemContainer(ItemContainer::Metrics(metrics)) => Some(metrics),
        _ => None,
    });
    metrics.flatten().collect()
}

fn metrics_with(options: ClientOptions, f: impl FnOnce()) -> Vec<Metric> {
    metrics_in(with_captured_envelopes_options(f, options))
}

/// The metrics that `f` captures, and the books of their client.
fn counted(options: ClientOptions, f: impl FnOnce()) -> (Vec<Metric>, Stats) {
    let transport = TestTransport::new();
    let options = options.dsn("https://public@sentry.invalid/1").transport(Arc::clone(&transport));
    let client = Arc::new(Client::with_options(options));
    Hub::run(Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default())), f);
    client.flush(None);
    for category in [Category::TraceMetric, Category::TraceMetricByte] {
        assert_eq!(client.stats().of(category).queued(), 0, "{category}");
    }
    (metrics_in(transport.fetch_and_clear_envelopes()), client.stats())
}

#[test]
fn each_kind_has_its_type_value_unit_and_attributes() {
    let metrics = metrics_with(ClientOptions::new().environment("prod").server_name("host-1"), || {
        counter("orders", 1).attribute("shop", "berlin").attribute("shop", "hamburg").capture();
        gauge("queue.depth", 42_u32).unit("jobs").attribute("sentry.environment", "mine").capture();
        distribution(String::from("query.duration"), 12.5).unit(Unit::Millisecond).capture();
    });
    let seen: Vec<_> =
        metrics.iter().map(|metric| json!([metric.r#type, metric.name, metric.value, metric.unit])).collect();
    assert_eq!(
        seen,
        [
            json!(["counter", "orders", 1.0, null]),
            json!(["gauge", "queue.depth", 42.0, "jobs"]),
            json!(["distribution", "query.duration", 12.5, "millisecond"]),
        ]
    );
    let attribute = |n: usize, key: &str| metrics[n].attributes.get(key).map(|value| value.0.clone());
    assert_eq!(attribute(0, "shop"), Some(json!("hamburg")), "the last one counts");
    assert_eq!(attribute(0, "sentry.environment"), Some(json!("prod")));
    assert_eq!(attribute(1, "sentry.environment"), Some(json!("mine")));
    assert_eq!(attribute(2, "server.address"), Some(json!("host-1")));
    assert_eq!(attribute(2, "sentry.sdk.name"), Some(json!("sentry.rust")));
    assert_eq!(attribute(2, "sentry.sdk.version"), Some(json!(env!("CARGO_PKG_VERSION"))));
}

#[test]
fn metrics_belong_to_the_active_span_or_else_to_the_trace_at_hand() {
    let metrics = metrics_with(ClientOptions::new().traces_sample_rate(1.0), || {
        gauge("outside", 1).capture();
        let transaction = crate::start_transaction(crate::TransactionContext::new("work", "task"));
        configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
        let context = transaction.get_trace_context();
        gauge("inside", 1).attribute("expected", format!("{} {}", context.trace_id, context.span_id)).capture();
    });
    assert_eq!(metrics[0].span_id, None);
    assert_ne!(metrics[0].trace_id, metrics[1].trace_id);
    let ids = format!("{} {}", metrics[1].trace_id, metrics[1].span_id.expect("a span"));
    assert_eq!(metrics[1].attributes["expected"].0, json!(ids));
}

#[test]
fn the_user_is_told_only_if_that_was_asked_for() {
    let capture = || {
        configure_scope(|scope| scope.set_user(Some(User { email: Some("a@b.c".into()), ..User::default() })));
        counter("orders", 1).capture();
    };
    assert!(!metrics_with(ClientOptions::new(), capture)[0].attributes.contains_key("user.email"));
    let told = metrics_with(ClientOptions::new().send_default_pii(true), capture);
    assert_eq!(told[0].attributes["user.email"].0, json!("a@b.c"));
}

#[test]
fn a_hook_changes_and_drops() {
    let options = ClientOptions::new().before_send_metric(|mut metric| {
        counter("from inside the hook", 1).capture();
        metric.value += 1.0;
        (metric.name != "dropped").then_some(metric)
    });
    let (metrics, stats) = counted(options, || {
        counter("kept", 1).capture();
        counter("dropped", 1).capture();
    });
    assert_eq!(metrics.iter().map(|metric| (&*metric.name, metric.value)).collect::<Vec<_>>(), [("kept", 2.0)]);
    let row = stats.of(Category::TraceMetric);
    assert_eq!((row.captured, row.delivered, row.lost), (2, 1, vec![(Reason::BeforeSend, 1)]));
}

#[test]
fn what_is_no_number_is_dropped_and_counted() {
    let (metrics, stats) = counted(ClientOptions::new(), || {
        for value in [f64::NAN, f64::INFINITY, 1.0, f64::NEG_INFINITY] {
            gauge("temperature", value).capture();
        }
    });
    assert_eq!(metrics.len(), 1);
    let row = stats.of(Category::TraceMetric);
    assert_eq!((row.captured, row.delivered, row.lost), (4, 1, vec![(Reason::InternalSdkError, 3)]));
    assert!(stats.of(Category::TraceMetricByte).lost_for(Reason::InternalSdkError) > 0);
}

#[test]
fn nothing_is_captured_for_a_client_without_metrics() {
    #[expect(deprecated, reason = "the kill switch")]
    let options = ClientOptions::new().enable_metrics(false);
    let (metrics, stats) = counted(options, || {
        counter("orders", 1).capture();
        Hub::current().capture_metric(counter("orders", 1));
        let client = Hub::current().client().expect("bound");
        client.capture_metric(counter("orders", 1), &crate::Scope::default());
    });
    assert!(metrics.is_empty());
    assert_eq!(stats, Stats::default());
}
