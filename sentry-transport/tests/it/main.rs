//! The transport at the socket: a small server of our own answers, or does not, and the books have to balance.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml exempts test functions, not the helpers they call"
)]
#![allow(clippy::disallowed_methods, reason = "what takes how long is measured with the real clock")]
#![allow(dead_code, reason = "each test binary uses its part of the server")]

mod delivery;
mod faults;
mod lanes;
mod outage;
mod program;
mod server;
mod spool;
mod spotlight;
