//! What the integration tests stand on: servers that misbehave on purpose, gates instead of sleeps, child processes.
//!
//! Each test binary writes `mod support;`. Nothing here uses the SDK: what checks the wire must not share its mistakes.
//! A failed expectation panics, on the thread of the test where possible: servers remember what their threads saw and
//! raise it in the next `wait_*` call or when they are dropped.

#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]
#![allow(unreachable_pub, missing_docs, reason = "a module of test binaries, not an API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "clippy.toml exempts test functions, not the helpers they call"
)]
#![allow(clippy::disallowed_methods, reason = "tests read the real clock and environment; the SDK's own is under test")]

pub mod child;
pub mod envelope;
pub mod folder;
pub mod gate;
pub mod http;
pub mod listener;
pub mod receiver;
pub mod server;
pub mod tools;

pub use envelope::{ParsedEnvelope, ReceivedItem};
pub use folder::{Folder, count_kept};
pub use gate::{Deadline, Gate, wait_until};
pub use http::{Reply, Request};
pub use receiver::{ReceivedEnvelope, Receiver};
pub use server::{ScriptedServer, Step};
