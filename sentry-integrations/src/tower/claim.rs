//! Which request this thread is serving: how layers find out that a hub is their request's, in whichever order they are.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use sentry_core::Hub;

/// The hub of a request that is being served. The first layer for hubs inside takes it, instead of one of its own; what
/// comes later, such as requests that the handler makes of other services of the program, does not.
#[derive(Debug)]
pub(super) struct Claim {
    hub: Arc<Hub>,
    is_taken: AtomicBool,
}

impl Claim {
    pub(super) fn on(hub: Arc<Hub>) -> Arc<Self> {
        Arc::new(Self { hub, is_taken: AtomicBool::new(false) })
    }

    /// This thread serves that request until the guard is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> Serving {
        let around = SERVED.try_with(|served| served.replace(Some(Arc::clone(self))));
        Serving(around.ok().flatten())
    }
}

/// Whether `current` is the hub of the request that this thread is serving, for whoever asks first.
pub(super) fn take(current: &Arc<Hub>) -> bool {
    let served = SERVED.try_with(|served| served.borrow().clone()).ok().flatten();
    served.is_some_and(|claim| Arc::ptr_eq(&claim.hub, current) && !claim.is_taken.swap(true, Ordering::AcqRel))
}

/// A layer for hubs has made `hub` for the request that it calls its service with next.
pub(super) fn made(hub: &Arc<Hub>) {
    let before = MADE.try_with(|made| made.replace(Arc::downgrade(hub)));
    drop(before);
}

/// Whether `current` was made for this very request, for whoever asks first. A service that another thread calls later
/// does not find out, and makes a hub of its own, which is as right.
pub(super) fn is_made(current: &Arc<Hub>) -> bool {
    let is_it = |made: &RefCell<Weak<Hub>>| {
        let is_it = std::ptr::eq(made.borrow().as_ptr(), Arc::as_ptr(current));
        is_it.then(|| made.take())
    };
    MADE.try_with(is_it).ok().flatten().is_some()
}

/// Keeps what was served before.
#[must_use = "the request is served until the guard is dropped"]
pub(super) struct Serving(Option<Arc<Claim>>);

impl Drop for Serving {
    fn drop(&mut self) {
        let served = SERVED.try_with(|served| served.replace(self.0.take()));
        drop(served);
    }
}

thread_local! {
    static SERVED: RefCell<Option<Arc<Claim>>> = const { RefCell::new(None) };
    static MADE: RefCell<Weak<Hub>> = const { RefCell::new(Weak::new()) };
}
