//! Stack traces: taking them cheaply, reading them later, and telling the program's own frames from the rest.
//!
//! A stack is taken as bare addresses (some µs, no lock, no symbols) and read where the event is finished. Reading
//! stops at the runtime's start marker, cuts the SDK's frames and the panic machinery off the other end, and marks
//! which frames are the program's own ([`process_event_stacktrace`] has the rules).

mod capture;
mod carried;
mod function;
mod in_app;
mod integration;
mod native;
mod parse;
mod path;
mod process;
#[cfg(feature = "debug-images")]
mod recover;
mod resolver;
mod source;
mod thread;
mod tidy;
mod trim;

pub use sentry_core::protocol::{Frame, Stacktrace};

pub use self::carried::ErrorTypesIntegration;
pub use self::integration::{AttachStacktraceIntegration, ProcessStacktraceIntegration};
pub use self::native::backtrace_to_stacktrace;
pub use self::parse::parse_stacktrace;
pub use self::process::process_event_stacktrace;
pub use self::thread::current_thread;

pub(crate) use self::capture::raw_stack;
pub(crate) use self::carried::{read as read_stacktrace, stacktrace_of, text_of};
pub(crate) use self::path::{filename, is_foreign};
pub(crate) use self::resolver::resolve_panic;
pub(crate) use self::thread::{is_ending as thread_is_ending, name as thread_name};

/// The calling thread's stack, newest frame last, starting at the caller.
///
/// Symbols are looked up on the calling thread: the first call in a process reads the program's debug information
/// (many milliseconds), later ones are cached. `in_app` is left open: [`process_event_stacktrace`] decides it.
#[must_use]
pub fn current_stacktrace() -> Option<Stacktrace> {
    resolver::stacktrace(&capture::addresses(), trim::Origin::Call)
}

/// The calling thread's stack as [`current_stacktrace`] has it, for use in a panic hook: starting where it panicked.
pub(crate) fn panic_stacktrace() -> Option<Stacktrace> {
    resolver::stacktrace(&capture::addresses(), trim::Origin::Panic)
}
