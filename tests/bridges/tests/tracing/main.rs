//! The bridge to `tracing` at the socket: spans, scopes inside of them, events in all their shapes.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml exempts test functions, not the helpers they call"
)]

#[path = "../../../support/mod.rs"]
mod support;

mod combined;
mod context;
mod events;
mod privacy;
mod spans;

#[path = "../loggers/mod.rs"]
mod loggers;

use std::sync::Arc;

use loggers::{Received, Sentry, crumb_messages as crumbs};
use sentry::integrations::tracing::{BreadcrumbLayer, ErrorLayer, LogLayer, SpanLayer};
use sentry::{ClientOptions, Hub};
use serde_json::Value;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::prelude::*;

fn traced() -> Sentry {
    Sentry::start(ClientOptions::new().traces_sample_rate(1.0))
}

/// Runs `work` on the hub with a subscriber that has all layers, and returns what arrived.
fn run(sentry: &Sentry, work: impl FnOnce()) -> Received {
    run_with(sentry, all_layers(), work)
}

fn run_with(sentry: &Sentry, subscriber: impl Into<tracing::Dispatch>, work: impl FnOnce()) -> Received {
    Hub::run(Arc::clone(&sentry.hub), || tracing::dispatcher::with_default(&subscriber.into(), work));
    sentry.close()
}

fn all_layers() -> tracing::Dispatch {
    let breadcrumbs = filter_fn(|metadata| metadata.is_event() && *metadata.level() > tracing::Level::ERROR);
    tracing_subscriber::registry()
        .with(SpanLayer::new().with_filter(LevelFilter::DEBUG))
        .with(BreadcrumbLayer::new().with_filter(breadcrumbs))
        .with(ErrorLayer::new().with_filter(LevelFilter::ERROR))
        .with(LogLayer::new().with_filter(LevelFilter::WARN))
        .into()
}

fn transaction(received: &Received, name: &str) -> Value {
    let all = received.of("transaction");
    let found = all.iter().find(|transaction| transaction["transaction"] == name);
    found.cloned().unwrap_or_else(|| panic!("no transaction {name} in {all:#?}"))
}

/// The span of a transaction with that description.
fn span<'a>(transaction: &'a Value, description: &str) -> &'a Value {
    let spans = transaction["spans"].as_array().expect("spans");
    let found = spans.iter().find(|span| span["description"] == description);
    found.unwrap_or_else(|| panic!("no span {description} in {spans:#?}"))
}
