//! Which hub a thread is in: its own, one that was switched to, or that of a span that was entered; and the main hub that
//! threads start from.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};
use std::thread;

use super::bridged::{self, Ids, SpanKey};
use super::{Hub, activity};
use crate::client::Client;
use crate::propagation::continue_process_trace;
use crate::scope::ScopeData;
use crate::sync::Mutex;

thread_local! {
    static CURRENT: RefCell<Place> = const { RefCell::new(Place { own: None, entered: Vec::new() }) };
    /// What tells this thread's guards apart.
    static GUARDS: Cell<u64> = const { Cell::new(0) };
}

/// Where a thread is.
struct Place {
    /// The thread's own hub, once something needed it.
    own: Option<Arc<Hub>>,
    /// What was entered and not left, the latest last. It may be left in any order.
    entered: Vec<Entered>,
}

enum Entered {
    /// A hub that was switched to, and the number of the guard.
    Hub(u64, Arc<Hub>),
    /// A span of another tracing system; and its own hub, once it is known to have one.
    Span(SpanKey, Option<Arc<Hub>>),
}

/// The hub that the next span, log or breadcrumb belongs to, and the place in a trace if it is not the hub's.
pub(super) struct Here<'a> {
    pub(super) hub: &'a Arc<Hub>,
    pub(super) span: Option<Ids>,
}

/// What a span that begins is in.
#[derive(Clone)]
pub(super) enum Around {
    Hub(Arc<Hub>),
    Span(SpanKey),
}

/// The hub that new threads copy.
static MAIN: Mutex<Option<Arc<Hub>>> = Mutex::new(None);
/// Whether a thread is in the main hub already.
static MAIN_TAKEN: AtomicBool = AtomicBool::new(false);

/// This thread's current hub, for whatever may be done with it: inside a span that is the span's own. A thread that is
/// being torn down gets one for the moment.
pub(super) fn current() -> Arc<Hub> {
    let known = CURRENT.try_with(|place| place.borrow().known());
    match known {
        Ok(Known::Hub(hub)) => hub,
        Ok(Known::Inside(key)) => match bridged::own_hub(key) {
            Some(hub) => {
                remember(key, &hub);
                hub
            }
            // It was closed this very moment, by another thread.
            None => thread_hub(),
        },
        Ok(Known::Nothing) => thread_hub(),
        Err(_) => Arc::new(Hub::for_new_thread(&main())),
    }
}

/// Lets `look` at the hub that the current one is, or would be a fork of. It must run no user code: that might switch hubs.
#[inline]
pub(super) fn with<R>(mut look: impl FnMut(&Hub) -> R) -> R {
    let seen = CURRENT.try_with(|place| place.borrow().at_hand().map(&mut look));
    match seen {
        Ok(Some(seen)) => seen,
        _ => here(|here| look(here.hub)),
    }
}

/// As [`with`], and tells the place in the trace.
pub(super) fn here<R>(mut look: impl FnMut(Here<'_>) -> R) -> R {
    let seen = CURRENT.try_with(|place| place.borrow().look(&mut look));
    match seen {
        Ok(Some(seen)) => seen,
        // Makes one, or takes one for the moment.
        _ => look(Here { hub: &thread_hub(), span: None }),
    }
}

/// The hub that takes the breadcrumbs of this place: those of a span are its parent's too, up to where they are kept.
#[inline]
pub(super) fn with_breadcrumbs<R>(mut add: impl FnMut(&Hub) -> R) -> R {
    let added = CURRENT.try_with(|place| place.borrow().at_hand().map(&mut add));
    match added {
        Ok(Some(added)) => added,
        _ => add(&hub_for_breadcrumbs()),
    }
}

/// The same where it may have to be made, which is more than a look.
#[cold]
fn hub_for_breadcrumbs() -> Arc<Hub> {
    match around() {
        Around::Hub(hub) => hub,
        Around::Span(key) => bridged::hub_for_breadcrumbs(key).unwrap_or_else(thread_hub),
    }
}

/// What a span that begins now is in.
pub(super) fn around() -> Around {
    let known = CURRENT.try_with(|place| {
        let place = place.borrow();
        match place.innermost() {
            Some(Entered::Hub(_, hub)) => Some(Around::Hub(Arc::clone(hub))),
            Some(Entered::Span(key, _)) => Some(Around::Span(*key)),
            None => place.own.clone().map(Around::Hub),
        }
    });
    known.ok().flatten().unwrap_or_else(|| Around::Hub(thread_hub()))
}

/// Whether any span was entered on this thread, and not left.
pub(super) fn is_inside_span() -> bool {
    let is_inside =
        |place: &RefCell<Place>| place.borrow().entered.iter().any(|entered| matches!(entered, Entered::Span(..)));
    CURRENT.try_with(is_inside).unwrap_or(false)
}

/// Enters a span on this thread.
pub(super) fn enter_span(key: SpanKey) {
    enter(Entered::Span(key, None));
}

/// Leaves a span where it was entered last on this thread.
pub(super) fn leave_span(key: SpanKey) {
    leave(|entered| matches!(entered, Entered::Span(there, _) if *there == key));
}

fn enter(new: Entered) {
    let _ = CURRENT.try_with(|place| {
        let left_behind = {
            let mut place = place.borrow_mut();
            place.entered.push(new);
            place.take_left_behind()
        };
        drop(left_behind);
    });
}

fn leave(is_it: impl Fn(&Entered) -> bool) {
    let left = CURRENT.try_with(|place| {
        let entered = &mut place.borrow_mut().entered;
        let at = entered.iter().rposition(is_it)?;
        Some(entered.remove(at))
    });
    // Dropped here, where the thread-local is no longer borrowed: it may hold the last handle of a hub.
    drop(left);
}

/// Notes that a span which was entered has this hub.
fn remember(key: SpanKey, own: &Arc<Hub>) {
    let _ = CURRENT.try_with(|place| {
        if let Some(Entered::Span(there, hub)) = place.borrow_mut().entered.last_mut() {
            if *there == key {
                *hub = Some(Arc::clone(own));
            }
        }
    });
}

enum Known {
    Hub(Arc<Hub>),
    Inside(SpanKey),
    Nothing,
}

impl Place {
    /// The hub, if it is known without looking at spans.
    #[inline]
    fn at_hand(&self) -> Option<&Hub> {
        match self.entered.last() {
            None => self.own.as_deref(),
            Some(Entered::Hub(_, hub)) => Some(hub),
            Some(Entered::Span(_, Some(hub))) => Some(&**hub).filter(|hub| !hub.stack.is_over()),
            Some(Entered::Span(_, None)) => None,
        }
    }

    /// What was entered last, and is there still.
    #[inline]
    fn innermost(&self) -> Option<&Entered> {
        self.entered.iter().rev().find(|entered| match entered {
            Entered::Hub(..) => true,
            Entered::Span(_, Some(hub)) => !hub.stack.is_over(),
            Entered::Span(key, None) => bridged::is_open(*key),
        })
    }

    fn known(&self) -> Known {
        match self.innermost() {
            Some(Entered::Hub(_, hub) | Entered::Span(_, Some(hub))) => Known::Hub(Arc::clone(hub)),
            Some(Entered::Span(key, None)) => Known::Inside(*key),
            None => self.own.clone().map_or(Known::Nothing, Known::Hub),
        }
    }

    #[inline]
    fn look<R>(&self, look: &mut impl FnMut(Here<'_>) -> R) -> Option<R> {
        match self.innermost() {
            Some(Entered::Hub(_, hub) | Entered::Span(_, Some(hub))) => Some(look(Here { hub, span: None })),
            Some(Entered::Span(key, None)) => {
                let (hub, span) = bridged::nearest(*key)?;
                Some(look(Here { hub: &hub, span }))
            }
            None => self.own.as_ref().map(|hub| look(Here { hub, span: None })),
        }
    }

    /// Spans that were left on another thread than they were entered on would stay here for ever: takes out those that are
    /// closed, once there is a suspicious number of entries.
    fn take_left_behind(&mut self) -> Vec<Entered> {
        if self.entered.len() < MANY || !self.entered.len().is_power_of_two() {
            return Vec::new();
        }
        let is_closed = |entered: &Entered| matches!(entered, Entered::Span(key, _) if !bridged::is_open(*key));
        let (closed, open) = std::mem::take(&mut self.entered).into_iter().partition(is_closed);
        self.entered = open;
        closed
    }
}

/// More than any program nests, unless something is wrong.
const MANY: usize = 128;

/// This thread's own hub.
pub(super) fn thread_hub() -> Arc<Hub> {
    let known = CURRENT.try_with(|place| place.borrow().own.clone());
    match known {
        Ok(Some(hub)) => hub,
        Ok(None) => {
            let hub = hub_for_this_thread();
            let _ = CURRENT.try_with(|place| place.borrow_mut().own.get_or_insert_with(|| Arc::clone(&hub)).clone());
            hub
        }
        Err(_) => Arc::new(Hub::for_new_thread(&main())),
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
    number: u64,
    // Not `Send`, still `Sync`.
    not_send: PhantomData<MutexGuard<'static, ()>>,
}

impl SwitchGuard {
    /// Makes `hub` the current one.
    pub fn new(hub: Arc<Hub>) -> Self {
        let number = GUARDS.with(|last| {
            last.set(last.get().wrapping_add(1));
            last.get()
        });
        enter(Entered::Hub(number, hub));
        Self { number, not_send: PhantomData }
    }
}

impl Drop for SwitchGuard {
    fn drop(&mut self) {
        leave(|entered| matches!(entered, Entered::Hub(number, _) if *number == self.number));
    }
}
