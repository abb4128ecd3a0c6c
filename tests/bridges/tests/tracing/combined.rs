//! The older layer, which is all others in one.
#![expect(deprecated, reason = "programs use it")]

use sentry::integrations::tracing::{
    EventFilter, EventMapping, breadcrumb_from_event, event_from_event, log_from_event,
};
use serde_json::json;
use tracing::{Level, debug, debug_span, error, info, info_span, warn};
use tracing_subscriber::prelude::*;

use crate::{crumbs, run_with, span, traced, transaction};

#[test]
fn by_default_levels_decide() {
    let sentry = traced();
    let received =
        run_with(&sentry, tracing_subscriber::registry().with(sentry::integrations::tracing::layer()), || {
            info_span!("root").in_scope(|| {
                debug_span!("ignored").in_scope(|| {
                    debug!("ignored");
                    info!("info");
                    sentry::configure_scope(|scope| scope.set_tag("a", 1));
                });
                warn!("warning");
                error!("event");
            });
        });
    let event = received.event("event");
    assert_eq!(crumbs(&event), ["info", "warning"]);
    // A span that does not count is no place of its own.
    assert_eq!(event["tags"], json!({"a": "1"}));
    assert_eq!(received.logs().len(), 3);
    assert!(transaction(&received, "root")["spans"].as_array().is_none_or(Vec::is_empty));
}

#[test]
fn filters_and_mappers_decide_instead() {
    let sentry = traced();
    let layer = sentry::integrations::tracing::layer()
        .event_filter(|metadata| {
            if *metadata.level() == Level::DEBUG {
                EventFilter::Event | EventFilter::Breadcrumb
            } else {
                EventFilter::Ignore
            }
        })
        .span_filter(|_| true)
        .enable_span_attributes();
    let received = run_with(&sentry, tracing_subscriber::registry().with(layer), || {
        debug_span!("root", a = 1).in_scope(|| {
            error!("ignored");
            debug!("event");
        });
    });
    let event = received.event("event");
    assert_eq!(event["contexts"]["Rust Tracing Fields"]["root:a"], json!(1));
    assert_eq!(crumbs(&event), ["event"]);
    assert_eq!(received.events().len(), 1);

    let sentry = traced();
    let layer = sentry::integrations::tracing::layer().event_mapper(|event, context| {
        EventMapping::Combined(
            vec![
                EventMapping::Breadcrumb(breadcrumb_from_event(event, Some(&context))),
                EventMapping::Event(Box::new(event_from_event(event, Some(&context)))),
                EventMapping::Log(log_from_event(
                    event,
                    None::<&tracing_subscriber::layer::Context<'_, tracing_subscriber::Registry>>,
                )),
                EventMapping::Ignore,
            ]
            .into(),
        )
    });
    let received = run_with(&sentry, tracing_subscriber::registry().with(layer), || {
        info_span!("root", a = 1).in_scope(|| {
            let _child = info_span!("child").entered();
            debug!("event");
        });
    });
    let event = received.event("event");
    assert_eq!(event["contexts"]["Rust Tracing Fields"]["root:a"], json!(1));
    assert_eq!((crumbs(&event), received.logs().len()), (vec!["event"], 1));
    assert_eq!(event["contexts"]["trace"]["span_id"], span(&transaction(&received, "root"), "child")["span_id"]);
}

#[test]
fn a_filter_is_asked_once() {
    let sentry = traced();
    let turn = std::sync::atomic::AtomicUsize::new(0);
    let layer = sentry::integrations::tracing::layer().event_filter(move |_| {
        let is_first = turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 2 == 0;
        if is_first { EventFilter::Event } else { EventFilter::Ignore }
    });
    let received = run_with(&sentry, tracing_subscriber::registry().with(layer), || {
        error!("first");
        error!("second");
        error!("third");
    });
    assert_eq!(received.events().len(), 2);
    received.event("third");
}

#[test]
fn a_mapper_may_log_and_panic() {
    let sentry = traced();
    let layer = sentry::integrations::tracing::layer().event_mapper(|event, _| {
        info!("mapping");
        assert!(*event.metadata().level() != Level::WARN, "no warnings");
        EventMapping::Event(Box::new(event_from_event(
            event,
            None::<&tracing_subscriber::layer::Context<'_, tracing_subscriber::Registry>>,
        )))
    });
    let received = run_with(&sentry, tracing_subscriber::registry().with(layer), || {
        error!("event");
        warn!("panics");
    });
    received.event("event");
    // The other one is the panic's own.
    assert_eq!(received.events().len(), 2, "{:#?}", received.events());
}
