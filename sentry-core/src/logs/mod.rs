//! Structured logs: the macros, and what they leave on the calling thread. Finished logs are made in `pipeline/logs.rs`.
//!
//! Public for the macros only.

mod argument;
mod macros;
mod parameters;
mod record;
#[cfg(all(test, feature = "logs"))]
mod tests;
#[cfg(all(test, not(feature = "logs")))]
mod tests_off;

use std::borrow::Cow;
use std::fmt;

use crate::caught::caught;
use crate::hub::{Hub, activity};
use crate::protocol::{LogAttribute, LogLevel};
use crate::suppress;

pub use self::argument::{Argument, ByDebug, ByDisplay, ByNothing, ByValue};
pub use self::parameters::Parameters;
pub use self::record::LogRecord;
pub(crate) use self::record::{LogParts, PackedLogs};

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
pub type Attribute = (Cow<'static, str>, LogAttribute);

/// Makes a log. `text` and `fill`, which adds the values of the parameters, call the user's `Display`s: what those capture
/// themselves is dropped, and of one that panics only the text is missing.
#[must_use]
pub fn record(
    level: LogLevel,
    site: &'static Site,
    text: fmt::Arguments<'_>,
    attributes: Vec<Attribute>,
    fill: &dyn Fn(&mut Parameters),
) -> LogRecord {
    let _mark = suppress::enter();
    let count = site.names.len();
    let mut parameters = Parameters::with_room(count, site.template.len() + count * BYTES_OF_A_PARAMETER);
    if !matches!(caught(|| parameters.write_body(text)), Some(Ok(()))) {
        parameters.set_body(site.template);
    }
    if count > 0 {
        let _ = caught(|| fill(&mut parameters));
    }
    LogRecord::from_macro(level, site, attributes, parameters)
}

/// Twice, once in the body.
const BYTES_OF_A_PARAMETER: usize = 32;

/// Captures a log on the current hub, for which the caller holds none of the arguments any more: hooks and a custom
/// transport, which may run in here, might want a lock that one of them holds.
pub fn emit(record: LogRecord) {
    Hub::capture_log_on_current(record);
}
