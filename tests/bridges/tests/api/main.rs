//! Every public item of the bridges, used as programs written for the official crates use it: that this compiles is the
//! test.

#![allow(dead_code, reason = "compiled, not run")]

mod actix;
mod anyhow;
mod log;
mod slog;
mod tower;
mod tracing;
