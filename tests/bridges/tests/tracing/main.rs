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

use std::sync::Arc;

use sentry::integrations::tracing::{BreadcrumbLayer, ErrorLayer, LogLayer, SpanLayer};
use sentry::{Client, ClientOptions, Hub};
use serde_json::Value;
use support::{ReceivedEnvelope, Receiver};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::prelude::*;

/// A client, the hub that captures for it, and a server.
struct Sentry {
    receiver: Receiver,
    client: Arc<Client>,
    hub: Arc<Hub>,
}

impl Sentry {
    fn start(options: ClientOptions) -> Self {
        let receiver = Receiver::start();
        let options = sentry::apply_defaults(options.dsn(&receiver.dsn()).environment("test").release("it@1.0.0"));
        let client = Arc::new(Client::with_options(options));
        let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
        Self { receiver, client, hub }
    }

    fn traced() -> Self {
        Self::start(ClientOptions::new().traces_sample_rate(1.0))
    }

    /// Runs `work` on the hub with a subscriber that has all layers, and returns what arrived.
    fn run(&self, work: impl FnOnce()) -> Received {
        self.run_with(all_layers(), work)
    }

    fn run_with(&self, subscriber: impl Into<tracing::Dispatch>, work: impl FnOnce()) -> Received {
        Hub::run(Arc::clone(&self.hub), || tracing::dispatcher::with_default(&subscriber.into(), work));
        self.close()
    }

    fn close(&self) -> Received {
        assert!(self.client.close(None));
        for row in self.client.stats().categories() {
            assert_eq!(row.captured, row.delivered + row.lost_in_all(), "{row:?}");
        }
        Received(self.receiver.envelopes())
    }
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

/// What a server got.
struct Received(Vec<ReceivedEnvelope>);

impl Received {
    fn of(&self, kind: &str) -> Vec<Value> {
        self.0.iter().filter_map(|envelope| envelope.item(kind)).map(|item| item.json()).collect()
    }

    fn transactions(&self) -> Vec<Value> {
        self.of("transaction")
    }

    fn transaction(&self, name: &str) -> Value {
        let found = self.transactions().into_iter().find(|transaction| transaction["transaction"] == name);
        found.unwrap_or_else(|| panic!("no transaction {name} in {:#?}", self.transactions()))
    }

    fn events(&self) -> Vec<Value> {
        self.of("event")
    }

    fn event(&self, message: &str) -> Value {
        let found = self.events().into_iter().find(|event| event["logentry"]["formatted"] == message);
        found.unwrap_or_else(|| panic!("no event {message} in {:#?}", self.events()))
    }

    fn logs(&self) -> Vec<Value> {
        self.of("log")
            .into_iter()
            .flat_map(|container| container["items"].as_array().cloned().expect("items"))
            .collect()
    }
}

/// The messages of an event's breadcrumbs.
fn crumbs(event: &Value) -> Vec<&str> {
    let values = event["breadcrumbs"]["values"].as_array().map(Vec::as_slice).unwrap_or_default();
    values.iter().map(|crumb| crumb["message"].as_str().expect("a message")).collect()
}

/// The span of a transaction with that description.
fn span<'a>(transaction: &'a Value, description: &str) -> &'a Value {
    let spans = transaction["spans"].as_array().expect("spans");
    let found = spans.iter().find(|span| span["description"] == description);
    found.unwrap_or_else(|| panic!("no span {description} in {spans:#?}"))
}
