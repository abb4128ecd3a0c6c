//! The bridge to `snafu`: errors whose backtraces it manages become events with those.
//!
//! ```
//! use sentry_integrations::snafu::capture_snafu;
//! use snafu::{Backtrace, Snafu};
//!
//! #[derive(Debug, Snafu)]
//! #[snafu(display("the card was declined"))]
//! struct Declined {
//!     backtrace: Backtrace,
//! }
//!
//! capture_snafu(&DeclinedSnafu.build());
//! ```
//!
//! Other errors of `snafu` are captured by [`capture_error`](sentry_core::capture_error); backtraces of sources are found by an
//! [`ErrorTypesIntegration`](crate::backtrace::ErrorTypesIntegration).
//!
//! On the capturing thread it costs the errors' own `Display`, and for a backtrace the looking up of its symbols. Nothing
//! while no client is listening.

use std::error::Error;

use sentry_core::protocol::Event;
use sentry_core::types::Uuid;
use sentry_core::{Hub, caught, event_from_error_with, suppress};
use snafu::ErrorCompat;

use crate::backtrace::read_stacktrace;

/// Captures an error of `snafu` on the current hub, and returns the event's id; nil if nothing is sent.
pub fn capture_snafu<E: Error + ErrorCompat>(e: &E) -> Uuid {
    Hub::with_active(|hub| hub.capture_snafu(e))
}

/// An event for an error of `snafu` and its sources, with the error's stack trace if it has one.
#[must_use]
pub fn event_from_error<E: Error + ErrorCompat>(err: &E) -> Event<'static> {
    with_stacktrace(err, sentry_core::event_from_error(err))
}

/// What a [`Hub`] can do with errors of `snafu`.
pub trait SnafuHubExt {
    /// Captures an error on this hub, and returns the event's id; nil if nothing is sent.
    fn capture_snafu<E: Error + ErrorCompat>(&self, e: &E) -> Uuid;
}

impl SnafuHubExt for Hub {
    fn capture_snafu<E: Error + ErrorCompat>(&self, e: &E) -> Uuid {
        let is_listening = !suppress::is_active() && self.client().is_some_and(|client| client.is_enabled());
        if !is_listening {
            return Uuid::nil();
        }
        self.capture_event(with_stacktrace(e, event_from_error_with(e, self)))
    }
}

fn with_stacktrace<E: Error + ErrorCompat>(err: &E, mut event: Event<'static>) -> Event<'static> {
    if let Some(outermost) = event.exception.values.last_mut() {
        outermost.stacktrace = caught(|| err.backtrace()).flatten().and_then(read_stacktrace);
    }
    event
}
