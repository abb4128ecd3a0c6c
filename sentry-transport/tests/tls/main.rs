//! Which servers are trusted: real handshakes on a loopback port, with certificates made for each test.

#![cfg(all(feature = "rustls", not(feature = "native-tls")))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml exempts test functions, not the helpers they call"
)]
#![allow(clippy::disallowed_methods, reason = "the server's threads, and the variables that a child is started with")]
#![allow(dead_code, reason = "each test binary uses its part of the program")]

mod authority;
mod child;
#[path = "../it/program.rs"]
mod program;
mod server;
mod trust;
