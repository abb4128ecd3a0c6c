//! The process's panic hook. A panic in here would abort the program, so nothing in here can.

use std::cell::Cell;
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Once};
use std::thread;

use sentry_core::protocol::SessionStatus;
use sentry_core::{Client, with_integration};

use super::{PanicIntegration, PanicWait, message_from_panic_info};
use crate::backtrace::{thread_is_ending, thread_name};

/// Reports a panic and waits as configured, for programs that install a hook of their own in place of the
/// integration's. Does nothing without a client that has a [`PanicIntegration`], and when the integration's own hook is
/// what called.
pub fn panic_handler(info: &PanicHookInfo<'_>) {
    if let Some(_mark) = Inside::enter() {
        report(info).wait();
    }
}

/// Puts the hook in front of the one there is, the first time it is called in the process.
pub(super) fn install() {
    static INSTALLED: Once = Once::new();
    // While panicking, hooks cannot be changed; the next client's setup installs it.
    if thread::panicking() {
        return;
    }
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| run(info, &*previous)));
    });
}

fn run(info: &PanicHookInfo<'_>, previous: &dyn Fn(&PanicHookInfo<'_>)) {
    let Some(_mark) = Inside::enter() else { return previous(info) };
    let report = report(info);
    if report.previous_hook_last {
        report.wait();
        previous(info);
    } else {
        previous(info);
        report.wait();
    }
}

/// What is left to do once the event was handed over.
#[derive(Default)]
struct Report {
    waits_for: Option<Arc<Client>>,
    previous_hook_last: bool,
}

impl Report {
    fn wait(&self) {
        if let Some(client) = &self.waits_for {
            client.flush_in_panic(None);
        }
    }
}

/// Hands the event over. Nothing without a client with the integration, and inside the SDK's callbacks.
fn report(info: &PanicHookInfo<'_>) -> Report {
    // Without a destructor: never out of reach.
    thread_local! { static REPORTED: Cell<bool> = const { Cell::new(false) } }
    with_integration(|integration: &PanicIntegration, hub| {
        let message = message_from_panic_info(info);
        let mut is_on_disk = false;
        // The second call for one panic: its event is on its way, unless the SDK had no client then.
        if !(is_second_call(message) && REPORTED.get()) {
            let mut capture = integration.capture(info);
            if ends_the_process(message) {
                capture.set_crash();
            }
            (_, is_on_disk) = hub.capture_crash(capture);
            REPORTED.set(true);
        } else {
            // That it could not be survived is only known now.
            hub.end_session_with_status(SessionStatus::Crashed);
        }
        let waits = integration.wait.waits(message, thread_name().as_deref(), thread_is_ending());
        Report {
            waits_for: if waits && !is_on_disk { hub.client() } else { None },
            previous_hook_last: integration.previous_hook_last,
        }
    })
}

impl PanicWait {
    fn waits(self, message: &str, thread: Option<&str>, is_ending: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            // Rust aborts when a destructor of a thread's data panics, without another call of the hook.
            Self::Likely => cfg!(panic = "abort") || thread == Some("main") || is_ending || cannot_unwind(message),
        }
    }
}

/// Whether this panic is certain to end the process, so that its session has crashed. One that unwinds may be survived.
fn ends_the_process(message: &str) -> bool {
    cfg!(panic = "abort") || cannot_unwind(message)
}

/// Whether Rust aborts after this call of the hook. The message tells; `PanicHookInfo::can_unwind` is unstable. A
/// program that panics with the same words waits for nothing, and that is all.
fn cannot_unwind(message: &str) -> bool {
    is_second_call(message) || message.starts_with("unsafe precondition(s) violated")
}

/// Whether this call follows one for the panic that is now found unable to unwind.
fn is_second_call(message: &str) -> bool {
    matches!(message, "panic in a function that cannot unwind" | "panic in a destructor during cleanup")
}

/// The mark "this thread is in the hook": a previous hook or an extractor that calls [`panic_handler`] reports nothing
/// twice.
struct Inside;

impl Inside {
    fn enter() -> Option<Self> {
        (!INSIDE.replace(true)).then_some(Self)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

thread_local! { static INSIDE: Cell<bool> = const { Cell::new(false) } }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hook_waits_when_the_process_is_likely_to_end() {
        let likely = cfg!(panic = "abort");
        for (message, thread, expected) in [
            ("x", Some("main"), true),
            ("x", Some("worker"), likely),
            ("x", None, likely),
            ("panic in a function that cannot unwind", Some("worker"), true),
            ("panic in a destructor during cleanup", None, true),
            ("unsafe precondition(s) violated: ptr::read requires that", None, true),
        ] {
            assert_eq!(PanicWait::Likely.waits(message, thread, false), expected, "{message} on {thread:?}");
            assert!(PanicWait::Likely.waits(message, thread, true));
            assert!(PanicWait::Always.waits(message, thread, false));
            assert!(!PanicWait::Never.waits(message, thread, true));
        }
    }

    #[test]
    fn the_hook_is_not_entered_twice() {
        let outer = Inside::enter();
        assert!(outer.is_some());
        assert!(Inside::enter().is_none());
        drop(outer);
        assert!(Inside::enter().is_some());
    }
}
