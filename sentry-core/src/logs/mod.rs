//! Structured logs: the macros, and what they leave on the calling thread. Finished logs are made in `pipeline/logs.rs`.
//!
//! Public for the macros only.

mod argument;
mod macros;
mod record;
#[cfg(all(test, feature = "logs"))]
mod tests;
#[cfg(all(test, not(feature = "logs")))]
mod tests_off;

use std::fmt;

use crate::caught::caught;
use crate::hub::{Hub, activity};
use crate::protocol::{LogAttribute, LogLevel, Value};
use crate::suppress;

pub use self::argument::{Argument, ByDebug, ByDisplay, ByNothing, ByValue};
pub use self::record::LogRecord;

/// What is known of a call of a macro before it runs.
#[derive(Debug, PartialEq)]
pub struct Site {
    /// The text with its placeholders.
    pub template: &'static str,
    /// The names of the parameters, in order; positional ones have an empty one.
    pub names: &'static [&'static str],
}

/// Whether a log captured now would be sent: else nothing of it is evaluated.
#[inline]
#[must_use]
pub fn is_listening() -> bool {
    // Without the feature the compiler leaves out the whole call.
    cfg!(feature = "logs") && activity::any_open() && Hub::current_wants_logs()
}

/// An attribute of a call.
pub type Attribute = (&'static str, LogAttribute);

/// Makes a log. `text` and `fill`, which adds the values of the parameters, call the user's `Display`s: what those capture
/// themselves is dropped, and of one that panics only the text is missing.
#[must_use]
pub fn record(
    level: LogLevel,
    site: &'static Site,
    text: fmt::Arguments<'_>,
    attributes: Vec<Attribute>,
    fill: &dyn Fn(&mut Vec<Value>),
) -> LogRecord {
    let _mark = suppress::enter();
    let body = caught(|| fmt::format(text)).unwrap_or_else(|| site.template.to_owned());
    let mut parameters = Vec::new();
    if !site.names.is_empty() {
        parameters.reserve_exact(site.names.len());
        let _ = caught(|| fill(&mut parameters));
    }
    LogRecord::from_macro(level, site, body, attributes, parameters)
}

/// Captures a log on the current hub, for which the caller holds none of the arguments any more: hooks and a custom
/// transport, which may run in here, might want a lock that one of them holds.
pub fn emit(record: LogRecord) {
    Hub::capture_log_on_current(record);
}
