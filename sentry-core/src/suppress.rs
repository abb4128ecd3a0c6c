//! The thread-local mark "this thread is inside the SDK": captures made under it are dropped silently.
//!
//! User code that the SDK calls (hooks, processors, `Display`) may capture, and our HTTP client may log: without the
//! mark either could feed the SDK with its own work for ever (spec GEN-02, EXC-52).

use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;

/// Marks this thread until the guard is dropped. Guards nest.
#[must_use = "the mark ends when the guard is dropped"]
pub fn enter() -> SuppressGuard {
    DEPTH.with(|depth| depth.set(depth.get().saturating_add(1)));
    SuppressGuard { not_send: PhantomData }
}

/// Whether this thread is marked.
#[inline]
#[must_use]
pub fn is_active() -> bool {
    DEPTH.with(|depth| depth.get() > 0)
}

/// Keeps the mark of [`enter`].
#[derive(Debug)]
pub struct SuppressGuard {
    not_send: PhantomData<Rc<()>>,
}

impl Drop for SuppressGuard {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}

thread_local! {
    // Without a destructor, so it can be read for as long as the thread runs any code at all.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_nest_and_end() {
        assert!(!is_active());
        let outer = enter();
        let inner = enter();
        drop(outer);
        assert!(is_active());
        drop(inner);
        assert!(!is_active());
    }

    #[test]
    fn a_panic_ends_the_mark() {
        let _ = std::panic::catch_unwind(|| {
            let _guard = enter();
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(!is_active());
    }
}
