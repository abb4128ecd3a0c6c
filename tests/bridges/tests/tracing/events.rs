//! What becomes of events.

use std::error::Error;
use std::fmt;

use sentry::integrations::tracing::{BreadcrumbLayer, ErrorLayer, LogLayer, SpanLayer};
use serde_json::json;
use tracing::{error, info, info_span, warn};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::loggers::Sentry;
use crate::{run, run_with, traced, transaction};

#[derive(Debug)]
struct Outer(Inner);

#[derive(Debug)]
struct Inner;

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer failed")
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("inner failed")
    }
}

impl Error for Inner {}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn an_error_event_has_its_fields_tags_and_exceptions() {
    let sentry = traced();
    let received = run(&sentry, || {
        let failure = Outer(Inner);
        let failure: &(dyn Error + 'static) = &failure;
        error!(
            error = failure,
            tags.shop = "north",
            attempt = 3,
            ratio = f64::NAN,
            ok = false,
            name = "x",
            "it failed"
        );
    });
    let event = received.event("it failed");
    assert_eq!((&event["logger"], &event["level"]), (&json!("tracing::events"), &json!(null)));
    assert_eq!(event["tags"], json!({"shop": "north"}));
    let fields = &event["contexts"]["Rust Tracing Fields"];
    assert_eq!(
        (&fields["attempt"], &fields["ratio"], &fields["ok"], &fields["name"]),
        (&json!(3), &json!("NaN"), &json!(false), &json!("x"))
    );
    let place = &event["contexts"]["Rust Tracing Location"];
    assert_eq!(place["module_path"], json!("tracing::events"));
    assert!(place["file"].as_str().is_some_and(|file| file.ends_with("events.rs")) && place["line"].is_u64());
    let exceptions = event["exception"]["values"].as_array().expect("exceptions");
    let told: Vec<_> = exceptions.iter().map(|exception| (&exception["type"], &exception["value"])).collect();
    assert_eq!(told, [(&json!("Inner"), &json!("inner failed")), (&json!("Outer"), &json!("outer failed"))]);
    assert_eq!(exceptions[1]["mechanism"]["type"], json!("tracing"));
    assert_eq!(exceptions[1]["mechanism"]["handled"], json!(true));
}

#[test]
fn an_error_without_words_is_the_message() {
    #[tracing::instrument(err)]
    fn fails() -> Result<(), Inner> {
        Err(Inner)
    }
    let sentry = traced();
    let received = run(&sentry, || drop(fails()));
    received.event("inner failed");
}

#[test]
fn a_breadcrumb_has_its_fields_and_a_log_its_place() {
    let sentry = traced();
    let received = run(&sentry, || {
        let failure: &(dyn Error + 'static) = &Outer(Inner);
        info_span!("root").in_scope(|| {
            warn!(error = failure, size = 7, "careful");
            error!("now");
        });
    });
    let event = received.event("now");
    let crumb = &event["breadcrumbs"]["values"][0];
    assert_eq!(
        (&crumb["type"], &crumb["category"], &crumb["level"]),
        (&json!("log"), &json!("tracing::events"), &json!("warning"))
    );
    assert_eq!(crumb["data"], json!({"size": 7, "error": ["Outer: outer failed", "Inner: inner failed"]}));
    let logs = received.logs();
    let [careful, now] = &logs[..] else { panic!("two logs: {logs:#?}") };
    assert_eq!((&careful["body"], &careful["level"], &now["body"]), (&json!("careful"), &json!("warn"), &json!("now")));
    let attributes = &careful["attributes"];
    assert_eq!(attributes["size"], json!({"value": 7, "type": "integer"}));
    assert_eq!(attributes["sentry.origin"], json!({"value": "auto.log.tracing", "type": "string"}));
    assert_eq!(attributes["code.module.name"]["value"], json!("tracing::events"));
    let transaction = transaction(&received, "root");
    assert_eq!(
        (&careful["trace_id"], &careful["span_id"]),
        (&transaction["contexts"]["trace"]["trace_id"], &transaction["contexts"]["trace"]["span_id"])
    );
}

#[test]
fn logs_are_linked_to_spans_that_have_no_hub() {
    for rate in [0.0, 1.0] {
        let sentry = Sentry::start(sentry::ClientOptions::new().traces_sample_rate(rate));
        let received = run(&sentry, || {
            info_span!("root").in_scope(|| {
                info_span!("child").in_scope(|| warn!("first"));
                warn!("second");
                error!("event");
            });
        });
        let logs = received.logs();
        let event = received.event("event");
        assert!(
            logs.iter().all(|log| log["trace_id"] == event["contexts"]["trace"]["trace_id"]),
            "{logs:#?} {event:#}"
        );
        assert_eq!(logs[1]["span_id"], event["contexts"]["trace"]["span_id"]);
    }
}

#[test]
fn fields_of_spans_are_added_where_that_is_asked_for() {
    let subscriber = || {
        let all = LevelFilter::TRACE;
        tracing_subscriber::registry()
            .with(SpanLayer::new())
            .with(BreadcrumbLayer::new().enable_span_attributes().with_filter(all))
            .with(ErrorLayer::new().enable_span_attributes().with_filter(all))
            .with(LogLayer::new().enable_span_attributes().with_filter(all))
    };
    for rate in [0.0, 1.0] {
        let sentry = Sentry::start(sentry::ClientOptions::new().traces_sample_rate(rate));
        let received = run_with(&sentry, subscriber(), || {
            let outer = info_span!("outer", a = 1, same = "outer", late = tracing::field::Empty, tags.t = 1);
            let _outer = outer.enter();
            outer.record("late", "recorded");
            let _inner = info_span!("outer", same = "inner").entered();
            error!(own = true, "event");
        });
        let event = received.event("event");
        let expected =
            json!({"own": true, "outer:a": 1, "outer:same": "inner", "outer:late": "recorded", "type": "unknown"});
        assert_eq!(event["contexts"]["Rust Tracing Fields"], expected);
        let log = &received.logs()[0]["attributes"];
        assert_eq!((&log["outer:a"]["value"], &log["outer:same"]["value"]), (&json!(1), &json!("inner")));
    }
}

#[test]
fn an_event_with_a_parent_of_its_own_is_in_that() {
    let sentry = traced();
    let received = run(&sentry, || {
        let one = info_span!("one");
        one.in_scope(|| sentry::configure_scope(|scope| scope.set_tag("one", 1)));
        let _two = info_span!("two").entered();
        info!(parent: &one, "crumb of one");
        error!(parent: &one, "in one");
        error!("in two");
    });
    let (one, two) = (received.event("in one"), received.event("in two"));
    assert_eq!((&one["tags"]["one"], &two["tags"]["one"]), (&json!("1"), &json!(null)));
    assert_eq!((crate::crumbs(&one), crate::crumbs(&two)), (vec!["crumb of one"], vec![]));
    let transaction = transaction(&received, "one");
    assert_eq!(one["contexts"]["trace"]["span_id"], transaction["contexts"]["trace"]["span_id"]);
}

#[test]
fn a_debug_that_captures_does_not_hang() {
    struct Talkative;
    impl fmt::Debug for Talkative {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            sentry::capture_message("from debug", sentry::Level::Info);
            info_span!("from debug").in_scope(|| sentry::configure_scope(|scope| scope.set_tag("a", 1)));
            f.write_str("talkative")
        }
    }
    let sentry = traced();
    let received = run(&sentry, || {
        info_span!("root", field = ?Talkative).in_scope(|| error!(field = ?Talkative, "event"));
    });
    assert_eq!(received.event("event")["contexts"]["Rust Tracing Fields"]["field"], json!("talkative"));
    received.event("from debug");
}
