//! The bridge to tower with real servers, axum, hyper and tonic, on several threads; and at the socket what they report.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "clippy.toml exempts test functions, not the helpers they call"
)]

#[path = "../../../support/mod.rs"]
mod support;

mod answers;
mod client;
mod concurrent;
mod grpc;
mod nested;
mod sessions;
mod site;
mod streams;
mod traces;
