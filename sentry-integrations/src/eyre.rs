//! The bridge to `eyre` and `color-eyre`: their reports become events with their whole chain, and with their own stack trace.
//!
//! ```
//! use sentry_integrations::eyre::capture_eyre;
//!
//! fn settings() -> eyre::Result<u16> {
//!     Ok("80 80".parse()?)
//! }
//!
//! if let Err(report) = settings() {
//!     capture_eyre(&report);
//! }
//! ```
//!
//! # The stack trace
//!
//! A report whose handler took a backtrace (with `RUST_BACKTRACE=1` or `RUST_LIB_BACKTRACE=1` set) has the stack trace of that place,
//! on the outermost error. `eyre` shows it in a report's `Debug` only, which is where it is read from. Without one, and with
//! [`attach_stacktrace`](field@sentry_core::ClientOptions::attach_stacktrace), it is that of the capture.
//!
//! # Cost
//!
//! On the thread that captures: the report's `Debug` and the errors' own `Display`; for a backtrace, the looking up of its
//! symbols. Nothing while no client is listening.

use std::error::Error;

use sentry_core::protocol::{Event, Stacktrace};
use sentry_core::types::Uuid;
use sentry_core::{Hub, event_from_error_with, suppress};

use crate::backtrace::{parse_stacktrace, text_of};

/// Captures a report of `eyre` on the current hub, and returns the event's id; nil if nothing is sent.
pub fn capture_eyre(e: &eyre::Report) -> Uuid {
    Hub::with_active(|hub| hub.capture_eyre(e))
}

/// An event for a report of `eyre` and its sources, with the report's stack trace if it has one.
#[must_use]
pub fn event_from_report(report: &eyre::Report) -> Event<'static> {
    let chain: &dyn Error = report.as_ref();
    with_stacktrace(report, sentry_core::event_from_error(chain))
}

/// What a [`Hub`] can do with reports of `eyre`.
pub trait EyreHubExt {
    /// Captures a report on this hub, and returns the event's id; nil if nothing is sent.
    fn capture_eyre(&self, e: &eyre::Report) -> Uuid;
}

impl EyreHubExt for Hub {
    fn capture_eyre(&self, e: &eyre::Report) -> Uuid {
        let is_listening = !suppress::is_active() && self.client().is_some_and(|client| client.is_enabled());
        if !is_listening {
            return Uuid::nil();
        }
        let chain: &dyn Error = e.as_ref();
        self.capture_event(with_stacktrace(e, event_from_error_with(chain, self)))
    }
}

fn with_stacktrace(report: &eyre::Report, mut event: Event<'static>) -> Event<'static> {
    if let Some(outermost) = event.exception.values.last_mut() {
        outermost.stacktrace = printed(&text_of(format_args!("{report:?}")));
    }
    event
}

/// The stack trace in a report as it is printed, which lists the errors in the same way before it.
fn printed(report: &str) -> Option<Stacktrace> {
    let plain = without_colors(report);
    let lines = plain.split_inclusive('\n');
    let before: usize = lines.take_while(|line| !is_heading(line)).map(str::len).sum();
    parse_stacktrace(plain.get(before..)?)
}

/// Of the part with the backtrace: `Stack backtrace:` or a ruled `BACKTRACE`.
fn is_heading(line: &str) -> bool {
    let line = line.trim();
    line == "Stack backtrace:" || line.trim_matches(|c: char| !c.is_ascii_alphanumeric()) == "BACKTRACE"
}

/// Without the escape sequences of terminals.
fn without_colors(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split("\u{1b}[");
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        plain.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(report: &str) -> Vec<String> {
        let frames = printed(report).map(|trace| trace.frames).unwrap_or_default();
        frames.into_iter().filter_map(|frame| frame.function).collect()
    }

    #[test]
    fn the_backtrace_is_told_from_the_causes() {
        let causes = "no settings\n\nCaused by:\n   0: not found\n   1: no such file\n";
        assert!(functions(causes).is_empty());
        let plain =
            format!("{causes}\nStack backtrace:\n   0: app::read\n             at src/main.rs:3\n   1: app::main\n");
        assert_eq!(functions(&plain), ["app::main", "app::read"]);
    }

    #[test]
    fn colors_and_rules_are_no_part_of_it() {
        let report = concat!(
            "   0: \u{1b}[91mno settings\u{1b}[0m\n\n",
            "  \u{2501}\u{2501} BACKTRACE \u{2501}\u{2501}\n",
            "   \u{22ee} 5 frames hidden \u{22ee}\n",
            "   6: \u{1b}[31mapp::read\u{1b}[0m\u{1b}[90m::h0123456789abcdef\u{1b}[0m\n",
            "      at \u{1b}[35m/work/app/src/main.rs\u{1b}[0m:\u{1b}[35m32\u{1b}[0m\n",
            "   7: app::main::h0123456789abcdef\n",
        );
        assert_eq!(functions(report), ["app::main", "app::read"]);
        let trace = printed(report).unwrap();
        assert_eq!(trace.frames.last().and_then(|frame| frame.lineno), Some(32));
    }
}
