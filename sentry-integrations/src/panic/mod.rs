//! Turns panics into events, as early and with as little as can be: the panicking thread may be the last thing that
//! runs in this process.
//!
//! The hook is installed once per process, when the first client with a [`PanicIntegration`] is made, and serves the
//! client of the hub that is current where the panic happens. It
//!
//! 1. notes message, place, thread and addresses, and hands them over as urgent. Symbols, hooks and network are not
//!    this thread's business; registered extractors are, since they borrow the panic's information;
//! 2. calls the hook that was there before, always;
//! 3. waits for delivery, at most [`shutdown_timeout`](field@sentry_core::ClientOptions::shutdown_timeout), when the
//!    process is likely to end: see [`PanicWait`]. With a [spool](field@sentry_core::ClientOptions::spool_dir), it
//!    waited in step 1 until a record was on disk, at most 250 ms, and that is all.
//!
//! A panic inside a callback of the SDK is no event; it only reaches the previous hook. When a panic leaves a function
//! that cannot unwind, Rust calls the hooks a second time and then aborts: that call makes no second event, but waits.

mod hook;
mod location;
mod message;

use std::fmt;
use std::panic::PanicHookInfo;

use sentry_core::protocol::{Event, Exception, Level, Mechanism};
use sentry_core::{Capture, ClientOptions, Integration, StackTarget};

use crate::backtrace::{panic_stacktrace, raw_stack, resolve_panic};

pub use self::hook::panic_handler;
pub use self::message::message_from_panic_info;

/// Captures panics. One of the default integrations.
#[derive(Default)]
pub struct PanicIntegration {
    extractors: Vec<Extractor>,
    wait: PanicWait,
    previous_hook_last: bool,
}

type Extractor = Box<dyn Fn(&PanicHookInfo<'_>) -> Option<Event<'static>> + Send + Sync>;

/// When the panic hook waits until the event has left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PanicWait {
    /// When the process is likely to end: panics abort (`panic = "abort"`), the thread is called `main`, or the panic
    /// turned out not to be able to unwind.
    #[default]
    Likely,
    /// After every panic. A caught panic then costs its thread a round trip to the server.
    Always,
    /// Never: whoever ends the process flushes, or the guard of `init` does.
    Never,
}

impl PanicIntegration {
    /// The integration without extractors, with the default waits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an extractor: the first that returns an event provides it, in place of the usual one.
    ///
    /// It runs in the panic hook, on the panicking thread, which may hold any of the program's locks. Should it panic,
    /// Rust aborts the process.
    #[must_use]
    pub fn add_extractor<F>(mut self, f: F) -> Self
    where
        F: Fn(&PanicHookInfo<'_>) -> Option<Event<'static>> + Send + Sync + 'static,
    {
        self.extractors.push(Box::new(f));
        self
    }

    /// When the hook waits until the event has left. Default: [`PanicWait::Likely`].
    #[must_use]
    pub fn wait(mut self, wait: PanicWait) -> Self {
        self.wait = wait;
        self
    }

    /// Call the previous hook after the wait, not before. For previous hooks that end the process. Default: `false`.
    #[must_use]
    pub fn previous_hook_last(mut self, previous_hook_last: bool) -> Self {
        self.previous_hook_last = previous_hook_last;
        self
    }

    /// The event for a panic, with the stack trace of the calling thread; from the extractors, if one has it.
    ///
    /// Looks symbols up on the calling thread, see [`current_stacktrace`](crate::backtrace::current_stacktrace).
    #[must_use]
    pub fn event_from_panic_info(&self, info: &PanicHookInfo<'_>) -> Event<'static> {
        self.extracted(info).unwrap_or_else(|| {
            let mut event = plain_event(info);
            if let Some(exception) = event.exception.values.last_mut() {
                exception.stacktrace = panic_stacktrace();
            }
            event
        })
    }

    fn extracted(&self, info: &PanicHookInfo<'_>) -> Option<Event<'static>> {
        self.extractors.iter().find_map(|extract| extract(info))
    }

    /// What the panicking thread alone knows.
    fn capture(&self, info: &PanicHookInfo<'_>) -> Capture {
        let mut capture = Capture::from_event(self.extracted(info).unwrap_or_else(|| plain_event(info)));
        if !capture.has_stacktrace() {
            let target = if capture.has_exception() { StackTarget::Exception } else { StackTarget::Thread };
            capture.add_raw_stack(raw_stack(target, resolve_panic));
        }
        capture
    }
}

impl Integration for PanicIntegration {
    fn name(&self) -> &'static str {
        "panic"
    }

    fn setup(&self, _options: &mut ClientOptions) {
        hook::install();
    }

    fn process_event(&self, mut event: Event<'static>, options: &ClientOptions) -> Option<Event<'static>> {
        if options.symbolize_stacktraces {
            location::complete(&mut event);
        }
        Some(event)
    }
}

impl fmt::Debug for PanicIntegration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PanicIntegration")
            .field("extractors", &self.extractors.len())
            .field("wait", &self.wait)
            .field("previous_hook_last", &self.previous_hook_last)
            .finish()
    }
}

/// The usual event, without a stack.
fn plain_event(info: &PanicHookInfo<'_>) -> Event<'static> {
    let mechanism = Mechanism {
        ty: location::MECHANISM.to_owned(),
        handled: Some(false),
        data: info.location().map(location::data).unwrap_or_default(),
        ..Mechanism::default()
    };
    let exception = Exception {
        ty: "panic".to_owned(),
        value: Some(message::describe(info.payload()).into_owned()),
        mechanism: Some(mechanism),
        ..Exception::default()
    };
    Event { level: Level::Fatal, exception: vec![exception].into(), ..Event::default() }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Runs `f` with the information of a real panic, on a thread of its own: hooks are the process's, and other
    /// tests' panics must find theirs.
    pub(super) fn with_panic_info<R: Send + 'static>(
        f: impl Fn(&PanicHookInfo<'_>) -> R + Send + Sync + 'static,
        panic: impl FnOnce() + Send + 'static,
    ) -> R {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let seen = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&seen);
        let previous = Arc::new(std::panic::take_hook());
        let chained = Arc::clone(&previous);
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() == Some("panics-on-purpose") {
                *slot.lock().unwrap() = Some(f(info));
            } else {
                chained(info);
            }
        }));
        let thread = std::thread::Builder::new().name("panics-on-purpose".to_owned()).spawn(panic).unwrap();
        assert!(thread.join().is_err());
        std::panic::set_hook(Box::new(move |info| previous(info)));
        let outcome = seen.lock().unwrap().take();
        outcome.unwrap()
    }

    #[test]
    fn the_event_says_what_and_where() {
        let line = line!() + 2;
        let event =
            with_panic_info(|info| PanicIntegration::new().event_from_panic_info(info), || panic!("no {}", "money"));
        assert_eq!(event.level, Level::Fatal);
        let [exception] = &event.exception.values[..] else { panic!("{:?}", event.exception) };
        assert_eq!((exception.ty.as_str(), exception.value.as_deref()), ("panic", Some("no money")));
        let mechanism = exception.mechanism.as_ref().unwrap();
        assert_eq!((mechanism.ty.as_str(), mechanism.handled), ("panic", Some(false)));
        assert_eq!(mechanism.data["file"], file!());
        assert_eq!(mechanism.data["line"], line);
        assert!(mechanism.data["column"].is_u64());
        assert!(exception.stacktrace.as_ref().unwrap().frames.iter().all(|frame| frame.instruction_addr.is_some()));
    }

    #[test]
    fn the_first_extractor_with_an_event_provides_it() {
        let integration = || {
            PanicIntegration::new()
                .add_extractor(|_| None)
                .add_extractor(|info| (info.location()?.line() > 0).then(|| message("first")))
                .add_extractor(|_| Some(message("second")))
        };
        fn message(text: &str) -> Event<'static> {
            Event { message: Some(text.to_owned()), ..Event::default() }
        }
        let (event, capture) = with_panic_info(
            move |info| (integration().event_from_panic_info(info), integration().capture(info)),
            || panic!("x"),
        );
        assert_eq!(event.message.as_deref(), Some("first"));
        assert!(event.exception.is_empty());
        assert!(capture.has_stacktrace() && !capture.has_exception());
        assert!(format!("{capture:?}").contains("target: Thread"));
    }

    #[test]
    fn the_capture_carries_addresses_and_no_symbols() {
        let capture = with_panic_info(|info| PanicIntegration::new().capture(info), || panic!("x"));
        assert_eq!(capture.level(), Level::Fatal);
        let text = format!("{capture:?}");
        assert!(text.contains("target: Exception") && text.contains("thread_name: Some(\"panics-on-purpose\")"));
        assert!(text.contains("stacktrace: None"), "{text}");
    }
}
