//! Promises about time, one test at a time: in a binary of its own, so that nothing else takes the processor meanwhile.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "clippy.toml exempts test functions, not the helpers they call; and time promised is real time"
)]

#[path = "../support/mod.rs"]
mod support;

mod blocking_hook;
mod shutdown;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sentry::{Client, ClientOptions, Hub};

/// A hub of its own with a client as `init` makes it.
fn start(dsn: &str, options: ClientOptions) -> (Arc<Hub>, Arc<Client>) {
    // Nothing from the environment of whoever runs the tests.
    let options = sentry::apply_defaults(options.dsn(dsn).environment("test").release("it@1.0.0"));
    let client = Arc::new(Client::with_options(options));
    (Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default())), client)
}

/// Held by each test for as long as it runs.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
