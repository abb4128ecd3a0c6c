//! The calling thread's number and name, also while the thread is being torn down.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use sentry_core::protocol::{Thread, ThreadId};

use super::current_stacktrace;

/// The calling thread, marked as the current one; with its stack if asked for, which then costs what
/// [`current_stacktrace`] does.
#[must_use]
pub fn current_thread(with_stack: bool) -> Thread {
    Thread {
        id: Some(ThreadId::Int(id())),
        name: name(),
        stacktrace: if with_stack { current_stacktrace() } else { None },
        current: true,
        ..Thread::default()
    }
}

/// A number of its own for each thread of the process, in the order in which they asked, from 1.
pub(super) fn id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Without a destructor: never out of reach.
    thread_local! { static ID: Cell<u64> = const { Cell::new(0) } }
    ID.with(|id| {
        if id.get() == 0 {
            id.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        id.get()
    })
}

/// The thread's name. `None` for threads without one, and late in a thread's life.
pub(crate) fn name() -> Option<String> {
    // `std::thread::current` panics once the thread's data is gone.
    if is_ending() {
        return None;
    }
    std::thread::current().name().map(str::to_owned)
}

/// Whether the thread's data is being dropped. Known only on threads that used the SDK before that began.
pub(crate) fn is_ending() -> bool {
    thread_local! { static ALIVE: Alive = const { Alive } }
    ALIVE.try_with(|_| ()).is_err() || sentry_core::thread_is_ending()
}

struct Alive;

impl Drop for Alive {
    fn drop(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_have_numbers_and_names() {
        let spawn = |name: &str| std::thread::Builder::new().name(name.to_owned()).spawn(|| current_thread(false));
        let [a, b] = ["a", "b"].map(|name| spawn(name).unwrap().join().unwrap());
        assert_eq!((a.name.as_deref(), a.current, a.crashed, a.stacktrace), (Some("a"), true, false, None));
        assert_ne!(a.id, b.id);
        assert_eq!(current_thread(false).id, Some(ThreadId::Int(id())));
        assert!(id() > 0);
    }

    #[test]
    fn a_thread_at_its_end_has_no_name_and_keeps_its_number() {
        thread_local! { static LATE: Cell<Option<Late>> = const { Cell::new(None) } }
        struct Late(std::sync::mpsc::Sender<(u64, Option<String>)>);
        impl Drop for Late {
            fn drop(&mut self) {
                let _ = self.0.send((id(), name()));
            }
        }
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("late".to_owned()).spawn(move || {
            LATE.set(Some(Late(sender)));
            // Destructors run in the order of first use or its reverse: the answer is right either way.
            (id(), name())
        });
        let (number, name) = thread.unwrap().join().unwrap();
        assert_eq!(name.as_deref(), Some("late"));
        let (late_number, late_name) = receiver.recv().unwrap();
        assert_eq!(late_number, number);
        assert!(late_name.is_none() || late_name == name, "{late_name:?}");
    }
}
