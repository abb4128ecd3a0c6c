//! Integrations of the Sentry SDK: what gathers data from the process, and what turns panics into events.
//!
//! | module | feature | what it does | on the capturing thread |
//! |---|---|---|---|
//! | [`backtrace`] | `backtrace` | stack traces for events that have none; readable frames | unwinding, a few µs |
//! | [`contexts`] | `contexts` | operating system, runtime, device, program | nothing |
//! | [`debug_images`] | `debug-images` | which files the addresses of a stack trace belong to | nothing |
//! | [`mod@panic`] | `panic` | an event for every panic | unwinding, a few µs |
//! | `log`, `slog`, `tracing` | of that name | breadcrumbs, events, logs and spans of loggers | the text and its fields |
//! | `anyhow`, `eyre`, `snafu` | of that name | events of their errors | their texts and stack |
//! | `tower`, `actix` | `tower`, `tower-http`, `actix` | a hub, request data and a transaction for each request | a copy of the headers; the body, if it may leave |
//! | [`thread`], `tokio`, `rayon` | none, or of that name | the current hub goes along to threads, tasks and jobs | a fork of it |
//!
//! Everything else happens where the event is finished: on the SDK's worker with the built-in transport. The facade
//! re-exports the modules as `sentry::integrations`.

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "anyhow")]
pub mod anyhow;
#[cfg(feature = "backtrace")]
#[cfg_attr(
    not(all(feature = "panic", feature = "anyhow", feature = "eyre", feature = "snafu")),
    allow(dead_code, unused_imports, reason = "stacks of panics are for `panic`, text is read for errors")
)]
pub mod backtrace;
#[cfg(feature = "contexts")]
pub mod contexts;
#[cfg(feature = "debug-images")]
pub mod debug_images;
#[cfg(feature = "eyre")]
pub mod eyre;
#[cfg(any(feature = "log", feature = "slog", feature = "tracing"))]
#[cfg_attr(
    not(any(feature = "log", feature = "slog")),
    expect(dead_code, reason = "spans have no more to do with it than texts and numbers")
)]
mod fields;
#[cfg(feature = "log")]
pub mod log;
#[cfg(feature = "panic")]
pub mod panic;
#[cfg(feature = "rayon")]
pub mod rayon;
#[cfg(any(feature = "log", feature = "slog", feature = "tracing"))]
#[cfg_attr(
    not(all(any(feature = "log", feature = "slog"), feature = "tracing")),
    allow(dead_code, reason = "each bridge uses its part")
)]
mod reentry;
#[cfg(feature = "slog")]
pub mod slog;
#[cfg(feature = "snafu")]
pub mod snafu;
pub mod thread;
#[cfg(feature = "tokio")]
pub mod tokio;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(feature = "tracing")]
pub mod tracing;
#[cfg(any(feature = "actix", feature = "tower-http"))]
mod web;
