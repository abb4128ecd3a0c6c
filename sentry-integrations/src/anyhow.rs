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

use std::backtrace::BacktraceStatus;
use std::fmt::{self, Write};

use sentry_core::protocol::{Event, Frame, Stacktrace};
use sentry_core::types::Uuid;
use sentry_core::{Hub, caught, suppress};

use crate::backtrace::parse_stacktrace;

/// Captures an error of `anyhow` on the current hub, and returns the event's id; nil if nothing is sent.
pub fn capture_anyhow(e: &anyhow::Error) -> Uuid {
    Hub::with_active(|hub| hub.capture_anyhow(e))
}

/// An event for an error of `anyhow` and its sources, with the error's stack trace if it has one.
#[must_use]
pub fn event_from_error(err: &anyhow::Error) -> Event<'static> {
    let chain: &dyn std::error::Error = err.as_ref();
    let mut event = sentry_core::event_from_error(chain);
    if let Some(outermost) = event.exception.values.last_mut() {
        outermost.stacktrace = stacktrace_of(err);
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
        if is_listening { self.capture_event(event_from_error(e)) } else { Uuid::nil() }
    }
}

fn stacktrace_of(err: &anyhow::Error) -> Option<Stacktrace> {
    // It may be of an error inside that panics when asked.
    let backtrace = caught(|| err.backtrace())?;
    if backtrace.status() != BacktraceStatus::Captured {
        return None;
    }
    let mut text = Lines(String::new());
    // The innermost calls come first, and are enough.
    let _ = write!(text, "{backtrace:#}");
    let mut stacktrace = parse_stacktrace(&text.0)?;
    // What takes a backtrace is no part of what went wrong. Newest last.
    let takes = |frame: &Frame| frame.function.as_ref().is_some_and(|function| function.contains("std::backtrace"));
    let taking = stacktrace.frames.iter().rev().take_while(|frame| takes(frame)).count();
    stacktrace.frames.truncate(stacktrace.frames.len().saturating_sub(taking));
    Some(stacktrace)
}

struct Lines(String);

impl Write for Lines {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.0.len() + part.len() > LIMIT {
            return Err(fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
}

/// Of a printed backtrace, in bytes: thousands of calls.
const LIMIT: usize = 512 * 1024;
