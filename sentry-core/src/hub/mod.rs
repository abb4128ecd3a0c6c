//! The hub: where a thread or task keeps its scopes and the client it captures for.

pub(crate) mod activity;
mod bridged;
mod current;
mod repeats;
mod reports;
mod sessions;
mod stack;
mod telemetry;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::breadcrumbs::IntoBreadcrumbs;
use crate::capture::{Body, Capture, EventDraft, is_unhandled};
use crate::client::{Admission, Client};
use crate::clock;
use crate::crash;
use crate::hint::SharedError;
use crate::integration::Integration;
use crate::performance::TransactionOrSpan;
use crate::propagation::TracePropagationContext;
use crate::protocol::{Event, Level};
use crate::scope::{Crumb, LeanBreadcrumb, Lease, Scope, ScopeData, ScopeSnapshot, SpareBuffers};
use crate::session::Effect;
use crate::suppress;
use crate::sync::MutexGuard;
use repeats::{Chain, LastError, Source};
use stack::{Binding, Kind, Levels, Stack};

pub(crate) use activity::advance as forget_look_ups;
pub use bridged::{BridgedParent, BridgedSite, BridgedSpans};
pub use current::{SwitchGuard, bind_process_client, thread_is_ending};
pub use sessions::{end_session, end_session_with_status, start_session};
pub(crate) use stack::Home;
pub use stack::ScopeGuard;

/// A stack of scopes, and the client that captures with them.
///
/// Every thread has a current hub; a future has the one it is [bound to](crate::SentryFutureExt::bind_hub).
/// A thread's first hub is a copy of the main thread's at that moment.
///
/// # Threads and cloning
///
/// A hub can be shared, and used from many threads at once. One lock guards its stack, for the time of a few copies;
/// no user code runs under it.
///
/// # The client
///
/// A hub is bound to a client, to nobody, or not bound at all. One that is not bound, or whose client has been
/// closed, captures for the process-wide client that `init` sets, looked up at each use: so it does not matter
/// whether a thread or a task began before `init`.
pub struct Hub {
    stack: Arc<Stack>,
}

impl Hub {
    /// A hub that captures for `client` (`None`: for nobody) with `scope`.
    #[must_use]
    pub fn new(client: Option<Arc<Client>>, scope: Arc<Scope>) -> Self {
        Self::with_binding(client.map_or(Binding::Nobody, Binding::Bound), scope.settled())
    }

    /// A hub with a copy of the top scope of `other`, for the same client.
    #[must_use]
    pub fn new_from_top<H: AsRef<Hub>>(other: H) -> Self {
        other.as_ref().copy_as(Kind::Plain)
    }

    /// A hub for work of its own, such as a request, a job or a task: with a copy of the top scope, for the same client.
    /// What is set on one is not seen on the other.
    ///
    /// ```
    /// use sentry_core::{Hub, SentryFutureExt};
    ///
    /// let task = async { sentry_core::configure_scope(|scope| scope.set_tag("task", 1)) };
    /// # drop(
    /// task.bind_hub(Hub::current().fork())
    /// # );
    /// ```
    #[must_use]
    pub fn fork(&self) -> Arc<Self> {
        Arc::new(self.copy_as(Kind::Work))
    }

    /// Whether it was [forked](Self::fork) for a piece of work.
    #[doc(hidden)]
    #[must_use]
    pub fn is_fork(&self) -> bool {
        matches!(self.stack.kind, Kind::Work)
    }

    fn copy_as(&self, kind: Kind) -> Self {
        let (binding, scope) = {
            let levels = self.stack.lock();
            (levels.top.binding.clone(), levels.top.scope.clone())
        };
        Self { stack: Arc::new(Stack::new(binding, scope, kind)) }
    }

    /// A fork of `outer` for a span in it.
    fn for_span(outer: &Self, span: Option<TransactionOrSpan>, shares_breadcrumbs: bool) -> Arc<Self> {
        Arc::new(Self { stack: Arc::new(Stack::fork_for_span(&outer.stack, span, shares_breadcrumbs)) })
    }

    /// This thread's own hub, whatever it is in at the moment.
    fn thread() -> Arc<Self> {
        current::thread_hub()
    }

    /// A copy of `main` for a thread that begins: with its data, outside its span.
    fn for_new_thread(main: &Self) -> Self {
        let (binding, scope) = {
            let levels = main.stack.lock();
            (levels.top.binding.clone(), levels.top.scope.clone())
        };
        Self::with_binding(binding, scope.without_span())
    }

    /// This thread's current hub.
    #[must_use]
    pub fn current() -> Arc<Self> {
        current::current()
    }

    /// The main thread's hub, which other threads' first hubs copy.
    #[must_use]
    pub fn main() -> Arc<Self> {
        current::main()
    }

    /// Calls `f` with the current hub.
    #[deprecated(note = "use `Hub::current`")]
    pub fn with<F, R>(f: F) -> R
    where
        F: FnOnce(&Arc<Self>) -> R,
    {
        f(&Self::current())
    }

    /// Calls `f` with the current hub if something captured there can be sent, and else returns the default.
    pub fn with_active<F, R>(f: F) -> R
    where
        F: FnOnce(&Arc<Self>) -> R,
        R: Default,
    {
        if !activity::any_open() || !current::with(Self::is_active) {
            return R::default();
        }
        f(&Self::current())
    }

    /// Calls `f` while `hub` is this thread's current one.
    pub fn run<F: FnOnce() -> R, R>(hub: Arc<Self>, f: F) -> R {
        let _guard = SwitchGuard::new(hub);
        f()
    }

    /// The client that is captured for.
    #[must_use]
    pub fn client(&self) -> Option<Arc<Client>> {
        self.stack.lock().client().and_then(|known| known.client.upgrade())
    }

    /// Binds the top of the stack to `client`; with `None`, to nobody.
    pub fn bind_client(&self, client: Option<Arc<Client>>) {
        self.stack.bind(client.map_or(Binding::Nobody, Binding::Bound));
    }

    /// The id of the last event captured here; events that were dropped at once do not count.
    #[must_use]
    pub fn last_event_id(&self) -> Option<Uuid> {
        self.stack.last_event_id()
    }

    /// Calls `f` with the client's integration of type `I`, and else returns the default.
    pub fn with_integration<I, F, R>(&self, f: F) -> R
    where
        I: Integration,
        F: FnOnce(&I) -> R,
        R: Default,
    {
        let client = self.client();
        client.as_ref().and_then(|client| client.integration::<I>()).map(f).unwrap_or_default()
    }

    /// Captures an event, and returns its id.
    ///
    /// Takes the event and pointers to the scopes, and queues them: no wait, and nothing of what finishing costs. The
    /// id is nil when the event is not sent (disabled, sampled out, captured inside a hook, or dropped by a hook with
    /// a transport that finishes at once).
    pub fn capture_event(&self, event: Event<'static>) -> Uuid {
        let Some(client) =
            self.listening_client().filter(|client| !client.pipeline().ignores_any(&event.exception.values))
        else {
            return Uuid::nil();
        };
        let source = Source::of_event(&event.exception.values);
        let again = self.repeated(source.as_ref(), || Chain::of_exceptions(&event.exception.values));
        let of_task = event.exception.values.last().filter(|exception| repeats::is_of_task(&exception.ty));
        let of_panic = || repeats::panic_of_task(of_task?.value.as_deref()?);
        if let Some(id) = again.or_else(of_panic) {
            return id;
        }
        let effect =
            Effect { is_error: event.level >= Level::Error, is_unhandled: is_unhandled(&event), is_crash: false };
        self.capture_for(&client, source, || effect, || Capture::from_event(event))
    }

    /// Captures an event that is put together where it is finished.
    #[doc(hidden)]
    pub fn capture_draft(&self, level: Level, draft: Box<dyn EventDraft>) -> Uuid {
        let effect = Effect { is_error: level >= Level::Error, ..Effect::default() };
        let wanted = |client: &Arc<Client>| !client.pipeline().ignores_any(draft.exceptions());
        let Some(client) = self.listening_client().filter(wanted) else { return Uuid::nil() };
        let source = (!draft.exceptions().is_empty()).then_some(Source::Draft);
        if let Some(id) = self.repeated(source.as_ref(), || Chain::of_exceptions(draft.exceptions())) {
            return id;
        }
        self.capture_for(&client, source, || effect, || Capture::new(Body::Draft(draft), level))
    }

    /// Captures a message. Costs and returns as [`capture_event`](Self::capture_event) does.
    pub fn capture_message(&self, msg: &str, level: Level) -> Uuid {
        self.capture(Effect::default, || Capture::new(Body::Message(msg.into()), level))
    }

    /// Captures an error with its chain of sources. Their own `Display` and `source` run on this thread, outside
    /// locks; what they capture themselves is dropped, and if they panic only their text is missing.
    pub fn capture_error<E: Error + ?Sized>(&self, error: &E) -> Uuid {
        self.capture_error_as(error, SharedError::default())
    }

    /// Captures from a panicking thread: before all others, and without a hook, a look-up of symbols or a wait on it.
    /// With a transport that finishes at once, a short-lived thread finishes it; it is waited for, at most
    /// [`ClientOptions::shutdown_timeout`](crate::ClientOptions::shutdown_timeout).
    pub fn capture_urgent(&self, capture: Capture) -> Uuid {
        self.capture_crash(capture).0
    }

    /// As [`capture_urgent`](Self::capture_urgent), and tells whether a record of it is on disk: then nothing has to be
    /// waited for.
    #[doc(hidden)]
    pub fn capture_crash(&self, mut capture: Capture) -> (Uuid, bool) {
        let Some(client) = self.listening_client() else {
            return (Uuid::nil(), false);
        };
        let _mark = crash::enter();
        let admission = client.admit(|| capture.effect(), || self.snapshot());
        if admission == Admission::Lost {
            return (Uuid::nil(), false);
        }
        capture.is_sampled_out = admission == Admission::ForTheSession;
        capture.set_urgent();
        let told = repeats::told_of_panic(&capture);
        let (id, is_recorded) = client.deliver_crash(capture, self.snapshot());
        repeats::note_panic(told, id);
        (self.remember(id), is_recorded)
    }

    /// Puts a copy of the top scope on the stack, until the guard is dropped.
    pub fn push_scope(&self) -> ScopeGuard {
        let scope = self.stack.lock().top.scope.clone();
        self.stack.push(scope)
    }

    /// Calls `callback` with a scope on the stack that `scope_config` has changed. When nothing can be sent,
    /// `scope_config` is not called.
    pub fn with_scope<C, F, R>(&self, scope_config: C, callback: F) -> R
    where
        C: FnOnce(&mut Scope),
        F: FnOnce() -> R,
    {
        if !self.is_active() {
            return callback();
        }
        let mut scope = Scope::from_data(self.stack.lock().top.scope.clone());
        scope_config(&mut scope);
        let _guard = self.stack.push(scope.into_data());
        callback()
    }

    /// Changes the top scope. `f` sees it as it is now and runs without a lock; its changes are then made to the
    /// scope as it is by that time, so that none is lost. When nothing can be sent, `f` is not called.
    pub fn configure_scope<F, R>(&self, f: F) -> R
    where
        R: Default,
        F: FnOnce(&mut Scope) -> R,
    {
        if !self.is_active() {
            return R::default();
        }
        let (id, lease, base) = {
            let mut levels = self.stack.lock();
            (levels.top.id, Lease(levels.next_id()), levels.top.scope.clone())
        };
        let mut view = Scope::view(base, lease);
        let result = f(&mut view);
        drop(view.release_base(lease));
        let mut levels = self.stack.lock();
        // A scope that was taken off meanwhile needs no changes.
        if let Some(level) = levels.level_mut(id) {
            view.replay_on(&mut level.scope, lease);
        }
        drop(levels);
        result
    }

    /// Adds one or more breadcrumbs. When nothing can be sent, a closure given for them is not called.
    pub fn add_breadcrumb<B: IntoBreadcrumbs>(&self, breadcrumb: B) {
        if self.is_active() {
            for breadcrumb in breadcrumb.into_breadcrumbs() {
                let mut crumb = Crumb::Whole(breadcrumb);
                if let Some(client) = self.add_without_hook(&mut crumb) {
                    if let Some(mut crumb) = ask_hook(&client, crumb) {
                        self.add_asked(&mut crumb);
                    }
                }
            }
        }
    }

    /// As [`add_breadcrumb`](Self::add_breadcrumb) on the current hub, without counting as a user of it. User code
    /// runs between, not inside, the looks at the current hub.
    #[inline]
    pub(crate) fn add_breadcrumb_to_current<B: IntoBreadcrumbs>(breadcrumb: B) {
        if current::with(Self::is_active) {
            breadcrumb.into_breadcrumbs().for_each(|breadcrumb| Self::add_here(&mut Crumb::Whole(breadcrumb)));
        }
    }

    /// Adds a breadcrumb of a bridge's, which is asked for one if it can be sent, and given buffers for it. As with
    /// [`add_breadcrumb`](crate::add_breadcrumb), no hub is made for that.
    #[doc(hidden)]
    #[inline]
    pub fn add_lean_breadcrumb(note: impl FnOnce(SpareBuffers) -> LeanBreadcrumb) {
        if activity::any_open() && current::with(Self::is_active) {
            let mut crumb = Crumb::Lean(note(SpareBuffers::take()));
            Self::add_here(&mut crumb);
            // Now the one that fell off.
            if let Crumb::Lean(old) = crumb {
                SpareBuffers::keep(old);
            }
        }
    }

    #[inline]
    fn add_here(crumb: &mut Crumb) {
        if let Some(client) = current::with_breadcrumbs(|hub| hub.add_without_hook(crumb)) {
            if let Some(mut crumb) = ask_hook(&client, crumb.take()) {
                current::with_breadcrumbs(|hub| hub.add_asked(&mut crumb));
            }
        }
    }

    /// Adds a breadcrumb and leaves in it what it replaced; or leaves it, and returns the client whose hook is to be
    /// asked first.
    #[inline]
    fn add_without_hook(&self, crumb: &mut Crumb) -> Option<Arc<Client>> {
        let mut levels = self.stack.lock();
        let known = levels.client()?;
        if known.has_before_breadcrumb {
            return known.client.upgrade();
        }
        let max = known.max_breadcrumbs;
        self.add_locked(levels, crumb, max);
        None
    }

    /// Adds what the hook made of a breadcrumb, and leaves in it what it replaced.
    fn add_asked(&self, crumb: &mut Crumb) {
        let mut levels = self.stack.lock();
        if let Some(max) = levels.client().map(|known| known.max_breadcrumbs) {
            self.add_locked(levels, crumb, max);
        }
    }

    #[inline]
    fn add_locked(&self, mut levels: MutexGuard<'_, Levels>, crumb: &mut Crumb, max: usize) {
        if self.stack.with_same_breadcrumbs(&levels).is_some() {
            drop(levels);
            return self.add_to_all(crumb, max);
        }
        let retired = levels.top.scope.add_breadcrumb(crumb, max);
        // What has fallen off is dropped here, without the lock.
        drop(levels);
        drop(retired);
    }

    /// Adds a breadcrumb of a span to the hubs around it as well.
    #[cold]
    fn add_to_all(&self, crumb: &mut Crumb, max: usize) {
        let mut next = Some(Arc::clone(&self.stack));
        while let Some(stack) = next {
            let mut copy = crumb.clone();
            let mut levels = stack.lock();
            let outer = stack.with_same_breadcrumbs(&levels).cloned();
            let retired = levels.top.scope.add_breadcrumb(&mut copy, max);
            drop(levels);
            drop(retired);
            next = outer.and_then(|outer| outer.upgrade());
        }
    }

    /// Whether what is captured here can be sent.
    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        self.stack.is_active()
    }

    /// The hub that hooks find themselves in: the scopes of a capture, as they were.
    pub(crate) fn of_snapshot(snapshot: &ScopeSnapshot) -> Self {
        Self::unbound(snapshot.scope.clone())
    }

    fn unbound(scope: ScopeData) -> Self {
        Self::with_binding(Binding::Unset, scope)
    }

    fn with_binding(binding: Binding, scope: ScopeData) -> Self {
        Self { stack: Arc::new(Stack::new(binding, scope, Kind::Plain)) }
    }

    /// Builds a capture and sends it, if one is wanted at all.
    fn capture(&self, effect: impl FnOnce() -> Effect, build: impl FnOnce() -> Capture) -> Uuid {
        match self.listening_client() {
            Some(client) => self.capture_for(&client, None, effect, build),
            None => Uuid::nil(),
        }
    }

    /// The event of the error that is captured just now by `source`, if there is one.
    fn repeated(&self, source: Option<&Source>, chain: impl FnOnce() -> Chain) -> Option<Uuid> {
        let source = source?;
        let is_same = |chain: Chain| {
            let last = self.stack.last_error.lock();
            last.as_ref().filter(|last| last.chain == chain).map(|last| last.event_id)
        };
        let may_be = self.stack.last_error.lock().as_ref().is_some_and(|last| last.may_be_met_by(source, clock::wall));
        if may_be { is_same(chain()) } else { None }
    }

    fn capture_for(
        &self,
        client: &Client,
        source: Option<Source>,
        effect: impl FnOnce() -> Effect,
        build: impl FnOnce() -> Capture,
    ) -> Uuid {
        let admission = client.admit(effect, || self.snapshot());
        if admission == Admission::Lost {
            return Uuid::nil();
        }
        let mut capture = build();
        capture.is_sampled_out = admission == Admission::ForTheSession;
        let last = source.and_then(|source| {
            let (chain, event_id) = (Chain::of_capture(&capture)?, capture.event_id);
            Some(LastError { source, chain, event_id, at: clock::wall() })
        });
        let id = client.deliver(capture, self.snapshot());
        if let Some(last) = last.filter(|last| last.event_id == id) {
            let before = self.stack.last_error.lock().replace(last);
            drop(before);
        }
        self.remember(id)
    }

    fn listening_client(&self) -> Option<Arc<Client>> {
        if !self.is_active() {
            return None;
        }
        self.client().filter(|client| client.is_listening())
    }

    /// The hub to come back to, and what a transaction needs of its scope as it is now.
    pub(crate) fn home(&self) -> (Home, ScopeData) {
        let scope = self.stack.lock().top.scope.clone();
        (Home::of(&self.stack), scope.for_transaction())
    }

    /// The span on its scope.
    fn span(&self) -> Option<TransactionOrSpan> {
        self.stack.lock().top.scope.span().cloned()
    }

    /// What was set in the span that it is the hub of.
    fn set_inside(&self) -> Option<ScopeData> {
        self.stack.set_inside()
    }

    /// The trace from elsewhere that work without a span belongs to.
    pub(crate) fn incoming_trace(&self) -> Option<TracePropagationContext> {
        self.stack.lock().top.scope.trace().incoming().cloned()
    }

    fn snapshot(&self) -> ScopeSnapshot {
        let scope = self.stack.lock().top.scope.clone();
        ScopeSnapshot::new(scope)
    }

    fn remember(&self, id: Uuid) -> Uuid {
        if !id.is_nil() {
            self.stack.remember(id);
        }
        id
    }
}

fn ask_hook(client: &Client, crumb: Crumb) -> Option<Crumb> {
    // Inside a hook, this one included: asking again might never end.
    if suppress::is_active() {
        return None;
    }
    let before_breadcrumb = client.options().before_breadcrumb.as_ref()?;
    let _mark = suppress::enter();
    client
        .pipeline()
        .guarded("before_breadcrumb", || before_breadcrumb(crumb.into_whole()))
        .ok()
        .flatten()
        .map(Crumb::Whole)
}

impl AsRef<Hub> for Hub {
    fn as_ref(&self) -> &Hub {
        self
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("last_event_id", &self.last_event_id()).finish_non_exhaustive()
    }
}
