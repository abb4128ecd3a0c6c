//! What leaves the socket, and when: the SDK as a program uses it, against servers on loopback.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "clippy.toml exempts test functions, not the helpers they call; and time promised is real time"
)]

#[path = "../support/mod.rs"]
mod support;

mod burst;
mod delivery;
mod errors;
mod feedback;
mod flags_and_files;
mod hooks;
#[cfg(feature = "logs")]
mod logs;
#[cfg(feature = "metrics")]
mod metrics;
mod monitors;
mod sessions;
mod tracing;
mod wire;

use std::sync::Arc;

use sentry::{Client, ClientOptions, Hub};

/// A hub of its own with a client as `init` makes it, so that tests can run beside each other.
fn start(dsn: &str, options: ClientOptions) -> (Arc<Hub>, Arc<Client>) {
    // Nothing from the environment of whoever runs the tests.
    let options = sentry::apply_defaults(options.dsn(dsn).environment("test").release("it@1.0.0"));
    let client = Arc::new(Client::with_options(options));
    (Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default())), client)
}

/// Everything captured has been delivered or counted, once the client is closed.
#[track_caller]
fn assert_balanced(client: &Client) {
    for row in client.stats().categories() {
        assert_eq!(row.captured, row.delivered + row.limited_by_server + row.lost_in_all(), "{row:?}");
    }
}
