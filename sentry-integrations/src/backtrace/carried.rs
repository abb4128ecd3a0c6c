//! Backtraces that errors carry: printed, read again, and found in errors of the program's own types.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::error::Error;
use std::fmt::{self, Display, Write};

use sentry_core::protocol::{Frame, Stacktrace};
use sentry_core::{Integration, caught};

use super::parse_stacktrace;

/// Tells what is known of the program's own types of errors where they are sources of others: their names, and the
/// backtraces they carry. Without it they are `dyn Error`, of which little is known.
///
/// ```
/// use std::backtrace::Backtrace;
/// use sentry_integrations::backtrace::ErrorTypesIntegration;
///
/// #[derive(Debug)]
/// struct Refused {
///     backtrace: Backtrace,
/// }
/// # impl std::fmt::Display for Refused {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("refused") }
/// # }
/// impl std::error::Error for Refused {}
///
/// let integration = ErrorTypesIntegration::new()
///     .with::<std::fmt::Error>()
///     .with_backtrace(|error: &Refused| Some(&error.backtrace));
/// # let _ = integration;
/// ```
///
/// On the capturing thread it costs a comparison for each type and source, and the looking up of a backtrace's symbols, which
/// takes some milliseconds for the first one of a process.
#[derive(Default)]
pub struct ErrorTypesIntegration {
    types: Vec<Known>,
}

/// A type of errors.
struct Known {
    name: &'static str,
    is_of: fn(&(dyn Error + 'static)) -> bool,
    stacktrace: ReadStacktrace,
}

type ReadStacktrace = Box<dyn Fn(&(dyn Error + 'static)) -> Option<Stacktrace> + Send + Sync>;

impl ErrorTypesIntegration {
    /// The integration, which knows no type yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a type of errors by its name.
    #[must_use]
    pub fn with<E: Error + 'static>(self) -> Self {
        self.with_backtrace(|_: &E| None)
    }

    /// Adds a type of errors, and how to come at their backtrace. That runs on the capturing thread.
    #[must_use]
    pub fn with_backtrace<E: Error + 'static>(
        mut self,
        backtrace: impl Fn(&E) -> Option<&Backtrace> + Send + Sync + 'static,
    ) -> Self {
        self.types.push(Known {
            name: std::any::type_name::<E>(),
            is_of: |error| error.is::<E>(),
            stacktrace: Box::new(move |error| stacktrace_of(backtrace(error.downcast_ref()?)?)),
        });
        self
    }
}

impl Integration for ErrorTypesIntegration {
    fn name(&self) -> &'static str {
        "error-types"
    }

    fn error_type(&self, error: &(dyn Error + 'static)) -> Option<&'static str> {
        self.types.iter().find(|known| (known.is_of)(error)).map(|known| known.name)
    }

    fn error_stacktrace(&self, error: &(dyn Error + 'static)) -> Option<Stacktrace> {
        self.types.iter().find_map(|known| (known.stacktrace)(error))
    }
}

impl fmt::Debug for ErrorTypesIntegration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorTypesIntegration").field("types", &self.types.len()).finish()
    }
}

/// The stack trace of a backtrace, without the frames that took it. `None` if there was none to be had.
pub(crate) fn stacktrace_of(backtrace: &Backtrace) -> Option<Stacktrace> {
    if backtrace.status() == BacktraceStatus::Captured { read(format_args!("{backtrace:#}")) } else { None }
}

/// The stack trace in something that prints as a backtrace.
pub(crate) fn read(printed: impl Display) -> Option<Stacktrace> {
    let text = text_of(printed);
    let mut stacktrace = parse_stacktrace(&text)?;
    // What takes a backtrace is no part of what went wrong. Newest last.
    let takes = |frame: &Frame| {
        frame
            .function
            .as_ref()
            .is_some_and(|function| function.contains("std::backtrace") || function.contains("snafu::"))
    };
    let taking = stacktrace.frames.iter().rev().take_while(|frame| takes(frame)).count();
    stacktrace.frames.truncate(stacktrace.frames.len().saturating_sub(taking));
    Some(stacktrace).filter(|stacktrace| !stacktrace.frames.is_empty())
}

/// What it prints, within bounds. The innermost calls come first, and are enough.
pub(crate) fn text_of(printed: impl Display) -> String {
    let mut text = Limited(String::new());
    // Its own code may panic.
    let _ = caught(|| write!(text, "{printed}"));
    text.0
}

struct Limited(String);

impl Write for Limited {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Carries(Backtrace);
    impl Display for Carries {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("carries")
        }
    }
    impl Error for Carries {}

    #[test]
    fn names_and_backtraces_of_known_types_are_told() {
        let integration =
            ErrorTypesIntegration::new().with::<fmt::Error>().with_backtrace(|error: &Carries| Some(&error.0));
        let carries = Carries(Backtrace::force_capture());
        let name = integration.error_type(&carries).unwrap();
        assert!(name.ends_with("::Carries"), "{name}");
        let trace = integration.error_stacktrace(&carries).unwrap();
        let newest = trace.frames.last().and_then(|frame| frame.function.as_deref()).unwrap();
        assert!(newest.contains("names_and_backtraces_of_known_types_are_told"), "{newest}");
        assert_eq!(integration.error_stacktrace(&Carries(Backtrace::disabled())), None);
        assert_eq!(integration.error_type(&fmt::Error), Some("core::fmt::Error"));
        assert_eq!(integration.error_type(&std::env::VarError::NotPresent), None);
    }
}
