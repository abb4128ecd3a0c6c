//! What costs no memory: the calls that are made all the time and come to nothing. A binary of its own, for its allocator.

#![allow(clippy::expect_used, reason = "clippy.toml exempts test functions, not the helpers they call")]

use std::sync::Arc;

use sentry::protocol::{SpanId, SpanStatus, Value};
use sentry::{Client, ClientOptions, Hub, Level, Transaction, TransactionContext};

#[path = "support/counting.rs"]
mod counting;

use counting::allocations;

/// A hub whose client throws everything away.
fn hub(options: ClientOptions) -> Hub {
    struct Nowhere;
    impl sentry::Transport for Nowhere {
        fn send_envelope(&self, _: sentry::protocol::Envelope) {}
    }
    let options = options.dsn("https://public@sentry.invalid/1").transport(Arc::new(Nowhere));
    Hub::new(Some(Arc::new(Client::with_options(options))), Arc::default())
}

fn use_it(transaction: &Transaction) {
    transaction.set_data("key", Value::Bool(true));
    transaction.set_extra("key", Value::Null);
    transaction.set_tag("key", 7);
    transaction.set_status(SpanStatus::Ok);
    let span = transaction.start_child("db.query", "SELECT 1");
    span.set_data("key", Value::Bool(true));
    span.set_tag("key", "value");
    span.set_status(SpanStatus::Ok);
    span.set_name("SELECT 2");
    let inner = span.start_child_with_details("db.fetch", "", SpanId::default(), std::time::SystemTime::UNIX_EPOCH);
    inner.finish();
    span.finish();
}

#[test]
fn what_is_not_sampled_allocates_nothing_after_its_start() {
    for options in [ClientOptions::new().traces_sample_rate(0.0), ClientOptions::new()] {
        let hub = hub(options);
        // Random ids come from a buffer that is filled at the first use.
        hub.start_transaction(TransactionContext::new("warm", "up")).finish();
        let transaction = hub.start_transaction(TransactionContext::new("GET /", "http.server"));
        assert_eq!(allocations(|| use_it(&transaction)), 0);
        assert_eq!(allocations(|| transaction.finish()), 0);
    }
    // The same work, recorded, does allocate: the test can fail.
    let hub = hub(ClientOptions::new().traces_sample_rate(1.0));
    let transaction = hub.start_transaction(TransactionContext::new("GET /", "http.server"));
    assert_ne!(allocations(|| use_it(&transaction)), 0);
}

#[test]
fn a_disabled_sdk_allocates_nothing() {
    let hub = Hub::new(None, Arc::default());
    let calls = allocations(|| {
        hub.capture_message("nobody listens", Level::Error);
        hub.add_breadcrumb(sentry::Breadcrumb::default);
        hub.configure_scope(|scope| scope.set_tag("key", "value"));
        hub.start_session();
        hub.end_session();
    });
    assert_eq!(calls, 0);
}
