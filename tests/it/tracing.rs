//! Transactions and traces as a server gets them: one decision, one sampling context, everything in its place.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sentry::protocol::client_report::{Category, Reason};
use sentry::protocol::{SpanStatus, Unit, Value};
use sentry::{ClientOptions, Hub, Level, TransactionContext, TransactionOrSpan, User};
use serde_json::json;

use crate::start;
use crate::support::Receiver;

fn traced() -> ClientOptions {
    ClientOptions::new().traces_sample_rate(1.0)
}

#[test]
fn a_transaction_with_everything_around_it() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), traced().dist("7"));
    hub.configure_scope(|scope| {
        scope.set_tag("scope", "tag");
        scope.set_user(Some(User { id: Some("7".into()), ..User::default() }));
    });
    let began = UNIX_EPOCH + Duration::from_millis(1_700_000_000_500);
    let transaction = hub.start_transaction_with_timestamp(TransactionContext::new("checkout", "http.server"), began);
    transaction.set_data("cart.size", 3.into());
    transaction.set_tag("own", true);
    transaction.set_measurement("cart.total", 12.5, Some(Unit::from("euro")));
    transaction.set_status(SpanStatus::Ok);
    let outer = transaction.start_child("db", "SELECT 1");
    outer.set_data("db.system", "postgresql".into());
    let inner = outer.start_child("db.fetch", "");
    let (outer_id, inner_id) = (outer.get_span_id().to_string(), inner.get_span_id().to_string());
    inner.finish();
    outer.set_status(SpanStatus::NotFound);
    outer.finish();
    let context = transaction.get_trace_context();
    transaction.finish_with_timestamp(began + Duration::from_millis(250));
    assert!(client.close(None));

    let [envelope] = &receiver.wait_envelopes(1)[..] else { panic!("one envelope") };
    let payload = envelope.item("transaction").expect("a transaction").json();
    // TXN-20, TXN-22, EVT-01, ENV-08.
    assert_eq!((&payload["type"], &payload["transaction"]), (&json!("transaction"), &json!("checkout")));
    assert_eq!(payload["event_id"], envelope.header["event_id"]);
    assert_eq!(payload["transaction_info"], json!({"source": "custom"}));
    assert_eq!(
        (&payload["start_timestamp"], &payload["timestamp"]),
        (&json!(1_700_000_000.5), &json!(1_700_000_000.75))
    );
    assert_eq!(
        (&payload["platform"], &payload["dist"], &payload["release"]),
        (&json!("native"), &json!("7"), &json!("it@1.0.0"))
    );
    assert_eq!(payload["tags"], json!({"scope": "tag", "own": "true"}));
    assert_eq!(payload["user"], json!({"id": "7"}));
    assert_eq!(payload["measurements"], json!({"cart.total": {"value": 12.5, "unit": "euro"}}));
    let trace = &payload["contexts"]["trace"];
    assert_eq!(trace["trace_id"], json!(context.trace_id.to_string()));
    assert_eq!(
        (&trace["op"], &trace["status"], &trace["origin"]),
        (&json!("http.server"), &json!("ok"), &json!("manual"))
    );
    assert_eq!(trace["data"], json!({"cart.size": 3}));
    assert!(payload["contexts"]["os"].is_object(), "integrations see transactions too: {}", payload["contexts"]);
    // Spans: TXN-24, TXN-30; in the order of their starts.
    let spans = payload["spans"].as_array().expect("spans");
    assert_eq!(spans.len(), 2);
    assert_eq!((&spans[0]["span_id"], &spans[0]["parent_span_id"]), (&json!(outer_id), &trace["span_id"]));
    assert_eq!((&spans[1]["span_id"], &spans[1]["parent_span_id"]), (&json!(inner_id), &json!(outer_id)));
    assert_eq!(
        (&spans[0]["op"], &spans[0]["description"], &spans[0]["status"]),
        (&json!("db"), &json!("SELECT 1"), &json!("not_found"))
    );
    assert_eq!(spans[0]["data"], json!({"db.system": "postgresql"}));
    assert!(spans.iter().all(|span| span["timestamp"].is_number() && span["trace_id"] == trace["trace_id"]));
    // The whole sampling context, as text (TRC-50, TRC-51).
    let header = &envelope.header["trace"];
    assert_eq!(header["trace_id"], trace["trace_id"]);
    assert_eq!((&header["sampled"], &header["sample_rate"]), (&json!("true"), &json!("1.0")));
    assert_eq!((&header["public_key"], &header["transaction"]), (&json!("public"), &json!("checkout")));
    assert_eq!((&header["release"], &header["environment"]), (&json!("it@1.0.0"), &json!("test")));
    assert!(header["sample_rand"].as_str().is_some_and(|rand| rand.len() == 8), "{header}");
    let stats = client.stats();
    assert_eq!((stats.of(Category::Transaction).delivered, stats.of(Category::Span).delivered), (1, 3));
    assert_eq!((stats.of(Category::Transaction).queued(), stats.of(Category::Span).queued()), (0, 0));
}

#[test]
fn events_in_a_span_belong_to_it() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), traced());
    let transaction = hub.start_transaction(TransactionContext::new("GET /cart", "http.server"));
    let span = transaction.start_child("db", "SELECT 1");
    hub.configure_scope(|scope| scope.set_span(Some(TransactionOrSpan::from(span.clone()))));
    hub.capture_message("inside", Level::Error);
    assert!(client.flush(None));
    let baggage = span.iter_headers().find(|(name, _)| *name == "baggage").expect("baggage").1;
    hub.configure_scope(|scope| scope.set_span(None));
    hub.capture_message("outside", Level::Error);
    assert!(client.close(None));

    let envelopes = receiver.wait_envelopes(2);
    let inside = envelopes[0].event().expect("an event");
    let context = &inside["contexts"]["trace"];
    assert_eq!(context["span_id"], json!(span.get_span_id().to_string()));
    assert_eq!(context["parent_span_id"], json!(transaction.get_trace_context().span_id.to_string()));
    assert_eq!(context["op"], "db");
    assert_eq!(inside["transaction"], "GET /cart");
    // The same context in the envelope as in outgoing requests.
    let header = envelopes[0].header["trace"].as_object().expect("a trace header");
    let members: Vec<String> =
        baggage.split(',').map(|member| member.split('=').next().unwrap_or_default().into()).collect();
    assert_eq!(members.len(), header.len(), "{baggage} and {header:?}");
    assert!(header.keys().all(|key| members.contains(&format!("sentry-{key}"))));
    let outside = envelopes[1].event().expect("an event");
    assert_ne!(outside["contexts"]["trace"]["trace_id"], context["trace_id"]);
    assert!(outside.get("transaction").is_none());
    assert!(envelopes[1].header["trace"].get("sampled").is_none(), "nothing was decided (TRC-32)");
}

#[test]
fn what_came_in_goes_on_unchanged() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), traced());
    let incoming = [
        ("sentry-trace", "5e1f0c0c4d9a4b7c8d2e3f4051627384-a1b2c3d4e5f60718-1"),
        (
            "baggage",
            "vendor=x,sentry-trace_id=5e1f0c0c4d9a4b7c8d2e3f4051627384,sentry-public_key=theirs,sentry-sample_rate=0.25,sentry-sample_rand=0.113355,sentry-sampled=true,sentry-release=them%401",
        ),
    ];
    let context = TransactionContext::continue_from_headers("GET /", "http.server", incoming);
    let transaction = hub.start_transaction(context);
    let headers: Vec<_> = transaction.start_child("http.client", "GET /next").iter_headers().collect();
    transaction.finish();
    assert!(client.close(None));
    let [envelope] = &receiver.wait_envelopes(1)[..] else { panic!("one envelope") };
    let payload = envelope.item("transaction").expect("a transaction").json();
    assert_eq!(payload["contexts"]["trace"]["trace_id"], "5e1f0c0c4d9a4b7c8d2e3f4051627384");
    assert_eq!(payload["contexts"]["trace"]["parent_span_id"], "a1b2c3d4e5f60718");
    // Nothing of ours is mixed in (TRC-53), nor is another vendor's baggage passed on (TRC-06).
    assert_eq!(
        envelope.header["trace"],
        json!({"trace_id": "5e1f0c0c4d9a4b7c8d2e3f4051627384", "public_key": "theirs", "sample_rate": "0.25",
            "sample_rand": "0.113355", "sampled": "true", "release": "them@1"})
    );
    assert!(headers[0].1.starts_with("5e1f0c0c4d9a4b7c8d2e3f4051627384-") && headers[0].1.ends_with("-1"));
    assert!(!headers[1].1.contains("vendor") && headers[1].1.contains("sentry-release=them%401"), "{headers:?}");
}

#[test]
fn what_is_not_sampled_is_counted_with_its_spans_and_hooks_count_what_they_take() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new().traces_sample_rate(0.0));
    let transaction = hub.start_transaction(TransactionContext::new("lost", "task"));
    for _ in 0..3 {
        transaction.start_child("step", "").finish();
    }
    assert!(
        transaction.iter_headers().any(|(_, value)| value.ends_with("-0")),
        "a rate of zero is a decision (TRC-31)"
    );
    transaction.finish();
    assert!(client.close(None));
    let stats = client.stats();
    assert_eq!(stats.of(Category::Transaction).lost, [(Reason::SampleRate, 1)]);
    assert_eq!(stats.of(Category::Span).lost, [(Reason::SampleRate, 4)], "CRP-30");

    let options = traced().ignore_transactions(["GET /health"]).before_send_transaction(|mut transaction| {
        transaction.spans.truncate(1);
        (transaction.name.as_deref() != Some("drop")).then_some(transaction)
    });
    let (hub, client) = start(&receiver.dsn(), options);
    for name in ["GET /health", "drop", "keep"] {
        let transaction = hub.start_transaction(TransactionContext::new(name, "task"));
        for _ in 0..3 {
            transaction.start_child("step", "").finish();
        }
        transaction.finish();
    }
    assert!(client.close(None));
    let stats = client.stats();
    let (transactions, spans) = (stats.of(Category::Transaction), stats.of(Category::Span));
    assert_eq!((transactions.captured, transactions.delivered, transactions.queued()), (3, 1, 0));
    assert_eq!((transactions.lost_for(Reason::EventProcessor), transactions.lost_for(Reason::BeforeSend)), (1, 1));
    assert_eq!((spans.captured, spans.delivered, spans.queued()), (12, 2, 0));
    // Four with each dropped one, and the two that were taken out of the kept one (CRP-31).
    assert_eq!((spans.lost_for(Reason::EventProcessor), spans.lost_for(Reason::BeforeSend)), (4, 6));
}

#[test]
fn a_thousand_spans_at_most_and_the_rest_counted() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), traced());
    let transaction = hub.start_transaction(TransactionContext::new("long", "task"));
    for _ in 0..1_010 {
        transaction.start_child("step", "").finish();
    }
    transaction.finish();
    assert!(client.close(None));
    let payload = receiver.wait_envelopes(1)[0].item("transaction").expect("a transaction").json();
    assert_eq!(payload["spans"].as_array().map(Vec::len), Some(1_000));
    let spans = client.stats().of(Category::Span);
    assert_eq!((spans.delivered, spans.lost_for(Reason::BufferOverflow), spans.queued()), (1_001, 10, 0));
}

#[test]
fn a_transaction_belongs_to_the_hub_it_was_started_on() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), traced());
    let request = Arc::new(Hub::new_from_top(&hub));
    let transaction = request.start_transaction(TransactionContext::new("request", "http.server"));
    request.configure_scope(|scope| scope.set_tag("hub", "request"));
    hub.configure_scope(|scope| scope.set_tag("hub", "other"));
    let finish = Arc::clone(&hub);
    std::thread::spawn(move || Hub::run(finish, || transaction.finish())).join().expect("no panic");
    assert!(client.flush(None));
    let gone = request.start_transaction(TransactionContext::new("hub is gone", "http.server"));
    drop(request);
    gone.finish();
    assert!(client.close(None));
    let envelopes = receiver.wait_envelopes(2);
    for envelope in envelopes {
        let payload = envelope.item("transaction").expect("a transaction").json();
        assert_eq!(payload["tags"], json!({"hub": "request"}), "{}", payload["transaction"]);
    }
}

#[test]
fn tracing_without_performance() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new().org_id(7.into()));
    Hub::run(hub, || {
        let headers = [("sentry-trace", "5e1f0c0c4d9a4b7c8d2e3f4051627384-a1b2c3d4e5f60718")];
        sentry::continue_trace(headers, || {
            sentry::capture_message("continued", Level::Error);
            let out: Vec<_> = Hub::current().configure_scope(|scope| scope.iter_trace_propagation_headers().collect());
            assert!(out[0].1.starts_with("5e1f0c0c4d9a4b7c8d2e3f4051627384-") && out[0].1.matches('-').count() == 1);
            assert_eq!(out.len(), 1, "what came without baggage goes on without (TRC-54)");
        });
        assert!(client.flush(None));
        let foreign = [headers[0], ("baggage", "sentry-org_id=8")];
        sentry::continue_trace(foreign, || sentry::capture_message("foreign", Level::Error));
        let transaction = sentry::start_transaction(TransactionContext::new("never sent", "task"));
        transaction.finish();
    });
    assert!(client.close(None));
    let envelopes = receiver.wait_envelopes(2);
    let trace_of = |n: usize| envelopes[n].event().expect("an event")["contexts"]["trace"]["trace_id"].clone();
    assert_eq!(trace_of(0), "5e1f0c0c4d9a4b7c8d2e3f4051627384");
    assert_ne!(
        trace_of(1),
        "5e1f0c0c4d9a4b7c8d2e3f4051627384",
        "another organization's trace is not continued (TRC-21)"
    );
    assert_eq!(envelopes[1].header["trace"]["org_id"], "7");
    assert_eq!(client.stats().of(Category::Transaction).captured, 0, "tracing is off: nothing to count");
}

#[test]
fn a_transaction_continues_the_trace_that_its_scope_continues() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), traced());
    let headers = [("sentry-trace", "5e1f0c0c4d9a4b7c8d2e3f4051627384-a1b2c3d4e5f60718-1")];
    Hub::run(hub, || {
        sentry::continue_trace(headers, || {
            sentry::start_transaction(TransactionContext::new("joins", "task")).finish();
            let own = sentry::protocol::TraceId::default();
            sentry::start_transaction(TransactionContext::new_with_trace_id("has its own", "task", own)).finish();
            sentry::start_new_trace(|| {
                sentry::start_transaction(TransactionContext::new("begins anew", "task")).finish();
            });
        });
        sentry::start_transaction(TransactionContext::new("outside", "task")).finish();
    });
    assert!(client.close(None));
    for envelope in receiver.wait_envelopes(4) {
        let transaction = envelope.item("transaction").expect("a transaction").json();
        let trace = &transaction["contexts"]["trace"];
        let joins = transaction["transaction"] == "joins";
        assert_eq!(trace["trace_id"] == "5e1f0c0c4d9a4b7c8d2e3f4051627384", joins, "{transaction}");
        assert_eq!(trace["parent_span_id"] == "a1b2c3d4e5f60718", joins, "{transaction}");
    }
}

#[test]
fn samplers_see_the_parent_and_cannot_do_harm() {
    let receiver = Receiver::start();
    let options = ClientOptions::new().diagnostics(|_| {}).traces_sampler(|context| match context.name() {
        "panics" => panic!("a sampler's bug"),
        "mad" => f32::NAN,
        "parent" => f32::from(u8::from(context.sampled() == Some(true) && context.parent_sample_rate() == Some(0.5))),
        "custom" => context.custom().and_then(|custom| custom.get("rate")?.as_f64()).unwrap_or_default() as f32,
        _ => 0.0,
    });
    let (hub, client) = start(&receiver.dsn(), options);
    let parent = [
        ("sentry-trace", "5e1f0c0c4d9a4b7c8d2e3f4051627384-a1b2c3d4e5f60718-1"),
        ("baggage", "sentry-sample_rate=0.5,sentry-sampled=true"),
    ];
    let mut explicit = TransactionContext::new("explicit", "task");
    explicit.set_sampled(true);
    for context in [
        TransactionContext::new("panics", "task"),
        TransactionContext::continue_from_headers("panics", "task", parent),
        TransactionContext::new("mad", "task"),
        TransactionContext::continue_from_headers("parent", "task", parent),
        TransactionContext::builder("custom", "task").with_custom("rate".into(), Value::from(1.0)).finish(),
        TransactionContext::new("no", "task"),
        explicit,
    ] {
        hub.start_transaction(context).finish();
    }
    assert!(client.close(None));
    let mut names: Vec<_> = (receiver.wait_envelopes(4).iter())
        .filter_map(|envelope| Some(envelope.item("transaction")?.json()["transaction"].to_string()))
        .collect();
    names.sort();
    // A sampler that fails is none: the parent's decision stands (HOK-24).
    assert_eq!(names, ["\"custom\"", "\"explicit\"", "\"panics\"", "\"parent\""]);
    assert_eq!(client.stats().of(Category::Transaction).lost, [(Reason::SampleRate, 1)]);
}

#[test]
fn an_end_before_the_beginning_is_mended() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), traced());
    let transaction = hub.start_transaction(TransactionContext::new("clock set back", "task"));
    transaction.start_child("step", "").finish_with_timestamp(SystemTime::UNIX_EPOCH);
    transaction.finish_with_timestamp(SystemTime::UNIX_EPOCH);
    assert!(client.close(None));
    let payload = receiver.wait_envelopes(1)[0].item("transaction").expect("a transaction").json();
    // The server discards what ends before it begins (TXN-21).
    for part in [&payload, &payload["spans"][0]] {
        assert!(part["timestamp"].as_f64() >= part["start_timestamp"].as_f64(), "{part}");
    }
}
