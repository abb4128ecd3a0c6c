//! What the SDK's own work tells loggers never comes back to it: subscribers and loggers that want everything, under load.
//!
//! `SENTRY_TEST_SECONDS` says how long; 2 by default. A binary of its own, for its process-wide loggers.

#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "clippy.toml exempts test functions, not the helpers they call; and load takes real time"
)]

#[path = "../../support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sentry::integrations::log::{LogFilter, SentryLogger};
use sentry::integrations::tracing::{BreadcrumbLayer, ErrorLayer, LogLayer, SpanLayer};
use sentry::{Breadcrumb, ClientOptions, Level, TransactionContext};
use support::Receiver;
use tracing_subscriber::prelude::*;

/// Counts what reaches it: the test is worth nothing if nobody logs.
struct Counting;

static SEEN: AtomicUsize = AtomicUsize::new(0);

impl log::Log for Counting {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &log::Record<'_>) {
        SEEN.fetch_add(1, Ordering::Relaxed);
    }

    fn flush(&self) {}
}

#[test]
fn the_sdk_does_not_listen_to_itself() {
    let receiver = Receiver::start();
    let options = ClientOptions::new().dsn(&receiver.dsn()).release("it@1.0.0").traces_sample_rate(1.0).debug(true);
    let guard = sentry::init(options.attach_stacktrace(true));
    tracing_subscriber::registry()
        .with(SpanLayer::new())
        .with(BreadcrumbLayer::new())
        .with(ErrorLayer::new())
        .with(LogLayer::new())
        .init();
    let everything = LogFilter::Breadcrumb | LogFilter::Event | LogFilter::Log;
    let logger = SentryLogger::with_dest(Counting).filter(move |_| everything);
    log::set_boxed_logger(Box::new(logger)).expect("the first logger");
    log::set_max_level(log::LevelFilter::Trace);

    let seconds = std::env::var("SENTRY_TEST_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let end = Instant::now() + Duration::from_secs(seconds);
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                while Instant::now() < end {
                    sentry::add_breadcrumb(Breadcrumb { message: Some("own".into()), ..Breadcrumb::default() });
                    sentry::capture_message("own", Level::Info);
                    sentry::logger_info!("own");
                    sentry::start_transaction(TransactionContext::new("own", "task")).finish();
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
        }
    });
    assert!(guard.close(Some(Duration::from_secs(60))));

    assert_ne!(SEEN.load(Ordering::Relaxed), 0, "our HTTP client logs, and the destination gets it");
    let (mut events, mut logs) = (0, 0);
    for envelope in receiver.envelopes() {
        for item in envelope.items.iter().filter(|item| !item.kind().starts_with("client_report")) {
            let payload = item.json();
            match item.kind() {
                "event" => {
                    events += 1;
                    assert_eq!(payload["logentry"]["formatted"], "own", "{payload:#}");
                    let crumbs = payload["breadcrumbs"]["values"].as_array().cloned().unwrap_or_default();
                    assert!(crumbs.iter().all(|crumb| crumb["message"] == "own"), "{crumbs:#?}");
                }
                "log" => {
                    let items = payload["items"].as_array().expect("logs");
                    logs += items.len();
                    assert!(items.iter().all(|log| log["body"] == "own"), "{items:#?}");
                }
                "transaction" => assert_eq!(payload["transaction"], "own"),
                other => assert_eq!(other, "session", "{payload:#}"),
            }
        }
    }
    assert!(events > 0 && logs > 0);
}
