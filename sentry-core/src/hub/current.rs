//! Which hub a thread is in: the thread-local current hub, the main hub that threads start from, and switching.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};
use std::thread;

use super::{Hub, activity};
use crate::client::Client;
use crate::propagation::continue_process_trace;
use crate::scope::ScopeData;
use crate::sync::Mutex;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Hub>>> = const { RefCell::new(None) };
}

/// The hub that new threads copy.
static MAIN: Mutex<Option<Arc<Hub>>> = Mutex::new(None);
/// Whether a thread is in the main hub already.
static MAIN_TAKEN: AtomicBool = AtomicBool::new(false);

/// This thread's current hub. A thread that is being torn down gets one for the moment.
pub(super) fn current() -> Arc<Hub> {
    let known = CURRENT.try_with(|current| current.borrow().clone());
    match known {
        Ok(Some(hub)) => hub,
        Ok(None) => {
            let hub = hub_for_this_thread();
            set(Some(Arc::clone(&hub)));
            hub
        }
        Err(_) => Arc::new(Hub::for_new_thread(&main())),
    }
}

/// Lets `look` at the current hub where it is. It must run no user code: that might switch hubs.
#[inline]
pub(super) fn with<R>(mut look: impl FnMut(&Hub) -> R) -> R {
    let seen = CURRENT.try_with(|current| current.borrow().as_deref().map(&mut look));
    match seen {
        Ok(Some(seen)) => seen,
        // Makes one, or takes one for the moment.
        _ => look(&current()),
    }
}

pub(super) fn main() -> Arc<Hub> {
    let mut main = MAIN.lock();
    Arc::clone(main.get_or_insert_with(|| Arc::new(Hub::unbound(ScopeData::default()))))
}

/// The program's main thread is in the main hub, so that what it sets is there for threads started later; every
/// other thread has a copy of its own. No thread is special for having been first.
fn hub_for_this_thread() -> Arc<Hub> {
    if thread::current().name() == Some("main") && !MAIN_TAKEN.swap(true, Ordering::AcqRel) {
        return main();
    }
    Arc::new(Hub::for_new_thread(&main()))
}

/// Makes `client` the one of the process and of the current hub. In a program whose main thread is not Rust's, the
/// thread that does this first is taken for the main one.
#[doc(hidden)]
pub fn bind_process_client(client: Arc<Client>) {
    let hub = current();
    if !MAIN_TAKEN.swap(true, Ordering::AcqRel) {
        let previous = MAIN.lock().replace(Arc::clone(&hub));
        drop(previous);
    }
    if let Some(incoming) = client.options().process_trace.as_ref().filter(|incoming| client.continues(incoming)) {
        continue_process_trace(incoming.clone());
    }
    activity::set_process_client(Arc::clone(&client));
    hub.bind_client(Some(client));
}

/// Whether this thread's data is being dropped. Known only on threads that were in a hub before that began.
#[doc(hidden)]
#[must_use]
pub fn thread_is_ending() -> bool {
    CURRENT.try_with(|_| ()).is_err()
}

fn set(hub: Option<Arc<Hub>>) -> Option<Arc<Hub>> {
    CURRENT.try_with(|current| current.replace(hub)).ok().flatten()
}

/// Makes a hub the current one of this thread until the guard is dropped.
///
/// It cannot be sent to another thread, whose current hub it would confuse:
///
/// ```compile_fail
/// let guard = sentry_core::HubSwitchGuard::new(sentry_core::Hub::current());
/// std::thread::spawn(move || drop(guard));
/// ```
#[must_use = "the previous hub is current again when the guard is dropped"]
pub struct SwitchGuard {
    previous: Option<Arc<Hub>>,
    // Not `Send`, still `Sync`.
    not_send: PhantomData<MutexGuard<'static, ()>>,
}

impl SwitchGuard {
    /// Makes `hub` the current one.
    pub fn new(hub: Arc<Hub>) -> Self {
        Self { previous: set(Some(hub)), not_send: PhantomData }
    }
}

impl Drop for SwitchGuard {
    fn drop(&mut self) {
        // The replaced hub is dropped here, where the thread-local is no longer borrowed.
        let _replaced = set(self.previous.take());
    }
}
