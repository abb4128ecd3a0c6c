//! The bridge to `anyhow`: its errors become events with their whole chain, and with their own stack trace.
//!
//! ```
//! use sentry_integrations::anyhow::capture_anyhow;
//!
//! fn settings() -> anyhow::Result<u16> {
//!     Ok("80 80".parse()?)
//! }
//!
//! if let Err(error) = settings() {
//!     capture_anyhow(&error);
//! }
//! ```
//!
//! # The stack trace
//!
//! An error that has a backtrace (`anyhow` takes one where the error is made, if `RUST_BACKTRACE=1` or `RUST_LIB_BACKTRACE=1` is
//! set) has the stack trace of that place; it is on the outermost error, which is the title of the issue. Without one, and
//! with [`attach_stacktrace`](field@sentry_core::ClientOptions::attach_stacktrace), it is that of the capture.
//!
//! # Cost
//!
//! On the thread that captures: the errors' own `Display`; for a backtrace, the looking up of its symbols, which takes some
//! milliseconds for the first one of a process. Nothing while no client is listening.

use std::error::Error;

use sentry_core::protocol::Event;
use sentry_core::types::Uuid;
use sentry_core::{Hub, caught, event_from_error_with, suppress};

use crate::backtrace::stacktrace_of;

/// Captures an error of `anyhow` on the current hub, and returns the event's id; nil if nothing is sent.
pub fn capture_anyhow(e: &anyhow::Error) -> Uuid {
    Hub::with_active(|hub| hub.capture_anyhow(e))
}

/// An event for an error of `anyhow` and its sources, with the error's stack trace if it has one.
#[must_use]
pub fn event_from_error(err: &anyhow::Error) -> Event<'static> {
    let chain: &dyn Error = err.as_ref();
    with_stacktrace(err, sentry_core::event_from_error(chain))
}

fn with_stacktrace(err: &anyhow::Error, mut event: Event<'static>) -> Event<'static> {
    if let Some(outermost) = event.exception.values.last_mut() {
        // It may be of an error inside that panics when asked.
        outermost.stacktrace = caught(|| err.backtrace()).and_then(stacktrace_of);
    }
    event
}

/// What a [`Hub`] can do with errors of `anyhow`.
pub trait AnyhowHubExt {
    /// Captures an error on this hub, and returns the event's id; nil if nothing is sent.
    fn capture_anyhow(&self, e: &anyhow::Error) -> Uuid;
}

impl AnyhowHubExt for Hub {
    fn capture_anyhow(&self, e: &anyhow::Error) -> Uuid {
        let is_listening = !suppress::is_active() && self.client().is_some_and(|client| client.is_enabled());
        if !is_listening {
            return Uuid::nil();
        }
        let chain: &dyn Error = e.as_ref();
        self.capture_event(with_stacktrace(e, event_from_error_with(chain, self)))
    }
}
