//! What must end in time: flush, shutdown, drop, and everything behind user code that does not return.
//!
//! A binary of its own, one test at a time: what is measured is the transport, not the load of other tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml exempts test functions, not the helpers they call"
)]
#![allow(clippy::disallowed_methods, reason = "what takes how long is measured with the real clock")]
#![allow(dead_code, reason = "each test binary uses its part of the server")]

mod ending;
mod hooks;
#[path = "../it/program.rs"]
mod program;
#[path = "../it/server.rs"]
mod server;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held by each test.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
