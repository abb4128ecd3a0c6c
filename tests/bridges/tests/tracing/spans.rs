//! What becomes of spans.

use serde_json::json;
use tracing::{Instrument, info_span, trace_span};

use crate::loggers::Sentry;
use crate::{run, run_with, span, traced, transaction};

#[test]
fn roots_are_transactions_and_others_spans() {
    let sentry = traced();
    let received = run(&sentry, || {
        let root =
            info_span!("request", path = "/cart", tags.shop = "north", attempt = 3, late = tracing::field::Empty);
        let _in_root = root.enter();
        root.record("late", 1.5);
        let _child =
            info_span!("query", db.system = "postgresql", sentry.op = "db", sentry.name = "SELECT 1").entered();
        let _filtered = trace_span!("filtered").entered();
        let _grandchild = info_span!("fetch").entered();
    });
    let transaction = transaction(&received, "request");
    let trace = &transaction["contexts"]["trace"];
    assert_eq!(trace["op"], json!("tracing::spans::request"));
    assert_eq!(trace["origin"], json!("auto.tracing"));
    let data = &trace["data"];
    assert_eq!((&data["path"], &data["attempt"], &data["late"]), (&json!("/cart"), &json!(3), &json!(1.5)));
    assert_eq!(data["sentry.tracing.target"], json!("tracing::spans"));
    assert_eq!(data["code.module.name"], json!("tracing::spans"));
    assert!(
        data["code.file.path"].as_str().is_some_and(|file| file.ends_with("spans.rs"))
            && data["code.line.number"].is_u64()
    );
    assert_eq!(transaction["tags"], json!({"shop": "north"}));
    let query = span(&transaction, "SELECT 1");
    assert_eq!((&query["op"], &query["data"]["db.system"]), (&json!("db"), &json!("postgresql")));
    assert_eq!(query["data"]["code.module.name"], json!("tracing::spans"));
    assert_eq!(query["parent_span_id"], trace["span_id"]);
    let fetch = span(&transaction, "fetch");
    assert_eq!((&fetch["op"], &fetch["parent_span_id"]), (&json!("tracing::spans::fetch"), &query["span_id"]));
    assert_eq!(transaction["spans"].as_array().map(Vec::len), Some(2));
}

#[test]
fn names_that_are_recorded_later_count() {
    let sentry = traced();
    let received = run(&sentry, || {
        let root = info_span!("root", sentry.name = tracing::field::Empty, sentry.op = "http.server");
        root.record("sentry.name", "GET /cart");
        let child = info_span!(parent: &root, "child", sentry.op = tracing::field::Empty);
        child.record("sentry.op", "db");
    });
    let transaction = transaction(&received, "GET /cart");
    assert_eq!(transaction["contexts"]["trace"]["op"], json!("http.server"));
    assert_eq!(span(&transaction, "child")["op"], json!("db"));
    assert!(transaction["contexts"]["trace"]["data"].get("sentry.name").is_none());
}

#[test]
fn parents_are_those_that_tracing_knows() {
    let sentry = traced();
    let received = run(&sentry, || {
        let one = info_span!("one");
        let two = info_span!("two");
        let _in_two = two.enter();
        info_span!(parent: &one, "child of one").in_scope(|| {
            info_span!("grandchild of one").in_scope(|| {});
        });
        info_span!(parent: None, "root").in_scope(|| {});
        info_span!("child of two").in_scope(|| {});
    });
    let spans = |name: &str| {
        let transaction = transaction(&received, name);
        let spans = transaction["spans"].as_array().expect("spans").clone();
        spans.iter().map(|span| span["description"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(spans("one"), ["child of one", "grandchild of one"]);
    assert_eq!(spans("two"), ["child of two"]);
    assert_eq!(spans("root"), [""; 0]);
}

#[test]
fn what_a_span_follows_from_is_linked() {
    let sentry = traced();
    let received = run(&sentry, || {
        let cause = info_span!("cause");
        let root = info_span!("root");
        root.follows_from(&cause);
        let child = info_span!(parent: &root, "child");
        child.follows_from(&cause);
        child.follows_from(&root);
    });
    let (cause, root) = (transaction(&received, "cause"), transaction(&received, "root"));
    let trace = |transaction: &serde_json::Value| transaction["contexts"]["trace"].clone();
    let link = |to: &serde_json::Value| json!({"trace_id": to["trace_id"], "span_id": to["span_id"], "sampled": true});
    assert_eq!(trace(&root)["links"], json!([link(&trace(&cause))]));
    assert_eq!(span(&root, "child")["links"], json!([link(&trace(&cause)), link(&trace(&root))]));
    assert!(trace(&cause).get("links").is_none());
}

#[test]
fn a_trace_can_be_continued_by_a_field() {
    let sentry = traced();
    let received = run(&sentry, || {
        let header = "5e1f0c0c4d9a4b7c8d2e3f4051627384-a1b2c3d4e5f60718-1";
        let root = info_span!("root", sentry.trace = header);
        info_span!(parent: &root, "child", sentry.trace = "00000000000000000000000000000001-0000000000000001-1");
    });
    let transaction = transaction(&received, "root");
    let trace = &transaction["contexts"]["trace"];
    assert_eq!(trace["trace_id"], json!("5e1f0c0c4d9a4b7c8d2e3f4051627384"));
    assert_eq!(trace["parent_span_id"], json!("a1b2c3d4e5f60718"));
    assert_eq!(span(&transaction, "child")["trace_id"], trace["trace_id"]);
}

#[test]
fn what_is_not_sampled_is_counted_with_its_spans() {
    let sentry = Sentry::start(sentry::ClientOptions::new().traces_sample_rate(0.0));
    let received = run(&sentry, || {
        // Nothing needs this one: it is never begun.
        info_span!("unseen").in_scope(|| {
            (0..3).for_each(|_| info_span!("child").in_scope(|| info_span!("grandchild").in_scope(|| {})));
        });
        // An event needs this one, when it has a child already, and another one after it.
        info_span!("seen").in_scope(|| {
            info_span!("before").in_scope(|| {});
            tracing::error!("seen");
            info_span!("after").in_scope(|| tracing::error!("inside"));
        });
    });
    assert_eq!(received.of("transaction").len(), 0);
    let lost = |category: &str| {
        let reports = received.of("client_report");
        let all = reports.iter().flat_map(|report| report["discarded_events"].as_array().cloned().unwrap_or_default());
        all.filter(|lost| lost["category"] == category && lost["reason"] == "sample_rate")
            .map(|lost| lost["quantity"].as_u64().expect("a number"))
            .sum::<u64>()
    };
    assert_eq!((lost("transaction"), lost("span")), (2, (1 + 6) + (1 + 2)));
    // Both events belong to the transaction that was not sampled, and say so.
    let (seen, inside) = (received.event("seen"), received.event("inside"));
    assert_eq!(seen["transaction"], json!("seen"));
    assert_eq!(seen["contexts"]["trace"]["op"], json!("tracing::spans::seen"));
    assert_eq!(seen["contexts"]["trace"]["trace_id"], inside["contexts"]["trace"]["trace_id"]);
    let envelope = received.0.iter().find(|envelope| envelope.item("event").is_some()).expect("an event");
    assert_eq!(envelope.header["trace"]["sampled"], json!("false"));
}

#[test]
fn a_span_may_be_entered_on_many_threads_and_left_in_any_order() {
    let sentry = traced();
    let received = run(&sentry, || {
        let root = info_span!("root");
        let (one, two) = (root.clone(), root.clone());
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        std::thread::scope(|threads| {
            for number in 0..4 {
                let (root, dispatch) = (&root, &dispatch);
                threads.spawn(move || {
                    tracing::dispatcher::with_default(dispatch, || {
                        let _entered = root.enter();
                        info_span!("work", number).in_scope(|| tracing::error!("from {number}"));
                    });
                });
            }
        });
        let inner = info_span!(parent: &root, "inner");
        let (in_one, in_inner, in_two) = (one.enter(), inner.enter(), two.enter());
        drop(in_one);
        // Of the same span entered twice, the later entry ends first, whichever guard is dropped.
        tracing::error!("in inner");
        drop(in_inner);
        tracing::error!("in root");
        drop(in_two);
        // Never left here, as if its guard had gone to another thread.
        std::mem::forget(info_span!("stray").entered());
        sentry::capture_message("still well", sentry::Level::Info);
    });
    let transaction = transaction(&received, "root");
    assert_eq!(transaction["spans"].as_array().map(Vec::len), Some(5));
    for number in 0..4 {
        let event = received.event(&format!("from {number}"));
        assert_eq!(event["contexts"]["trace"]["trace_id"], transaction["contexts"]["trace"]["trace_id"]);
    }
    let span_id = |message: &str| received.event(message)["contexts"]["trace"]["span_id"].clone();
    assert_eq!(span_id("in inner"), span(&transaction, "inner")["span_id"]);
    assert_eq!(span_id("in root"), transaction["contexts"]["trace"]["span_id"]);
}

#[test]
fn more_spans_left_behind_than_any_program_nests_do_not_pile_up() {
    let sentry = traced();
    let received = run(&sentry, || {
        for _ in 0..1_000 {
            let span = info_span!("root");
            let id = span.id().expect("enabled");
            // As a guard does that is sent to another thread.
            tracing::dispatcher::get_default(|dispatch| dispatch.enter(&id));
            sentry::configure_scope(|scope| scope.set_tag("stray", 1));
            drop(span);
            // It is closed: nobody is in it any more.
            assert!(sentry::configure_scope(|scope| scope.get_span()).is_none());
        }
        tracing::error!("nowhere");
        info_span!("last").in_scope(|| sentry::configure_scope(|scope| scope.set_tag("a", 1)));
    });
    assert!(received.event("nowhere")["tags"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn instrumented_futures_end_their_spans() {
    let sentry = traced();
    let dispatch = crate::all_layers();
    let work = async {
        async { tokio::task::yield_now().await }.instrument(info_span!("inner")).await;
    };
    let guard = tracing::dispatcher::set_default(&dispatch);
    let future = sentry::SentryFutureExt::bind_hub(work.instrument(info_span!("unseen")), sentry.hub.clone());
    drop(guard);
    drop(future);
    let received = tokio::task::spawn_blocking(move || {
        run_with(&sentry, dispatch, || {
            tokio::runtime::Builder::new_current_thread()
                .build()
                .expect("a runtime")
                .block_on(async { async { tokio::task::yield_now().await }.instrument(info_span!("outer")).await });
        })
    })
    .await
    .expect("no panic");
    transaction(&received, "outer");
}
