//! A hub's stack of scopes, each with the client it captures for, and the guard that takes one off again.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use uuid::Uuid;

use super::activity;
use super::repeats::LastError;
use crate::client::Client;
use crate::deny_list::DenyList;
use crate::ledger::Recorder;
use crate::options::TracesSamplingStrategy;
use crate::performance::TransactionOrSpan;
use crate::scope::{Layer, ScopeData};
use crate::sync::{Mutex, MutexGuard};

/// For whom a hub captures.
#[derive(Clone, Default)]
pub(super) enum Binding {
    /// For the process-wide client, whichever that is at the time.
    #[default]
    Unset,
    /// For nobody.
    Nobody,
    /// For this one; once it is closed, as if unset.
    Bound(Arc<Client>),
}

impl Binding {
    /// Lets `look` at the client. No handle is made of it: that might be the last one when it is dropped, under a lock.
    fn resolve<R>(&self, look: impl FnOnce(Option<&Arc<Client>>) -> R) -> R {
        match self {
            Self::Bound(client) if !client.is_closed() => look(Some(client)),
            Self::Nobody => look(None),
            _ => activity::with_process_client(look),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unset, Self::Unset) | (Self::Nobody, Self::Nobody) => true,
            (Self::Bound(one), Self::Bound(another)) => Arc::ptr_eq(one, another),
            _ => false,
        }
    }
}

/// The lock guards short copies and swaps only; no user code runs under it, and nothing of a user's is dropped.
pub(crate) struct Stack {
    levels: Mutex<Levels>,
    last_event_id: Mutex<Option<Uuid>>,
    pub(super) last_error: Mutex<Option<LastError>>,
    pub(super) kind: Kind,
    /// What is known about activity: the generation it was looked up in, and in the lowest bits what is wanted.
    activity: AtomicU64,
}

/// What a hub is for.
pub(super) enum Kind {
    /// A thread, or whatever a program makes hubs for.
    Plain,
    /// A piece of work with breadcrumbs of its own: a request, a job, a task.
    Work,
    /// A span of another tracing system, see [`bridged`](super::bridged).
    Span(Outer),
}

/// What the hub of a span is a fork of.
pub(super) struct Outer {
    /// Not kept alive: who still matters is by its own span or task, and chains of tasks that begin tasks have no end.
    stack: Weak<Stack>,
    /// What was set there.
    layer: Option<Arc<Layer>>,
    /// Whether it has the same breadcrumbs.
    shares_breadcrumbs: bool,
    /// The span was closed: whichever thread never left it is not in it any more.
    is_over: AtomicBool,
}

// It is only looked at, and a stack changes under its lock.
impl RefUnwindSafe for Outer {}
impl UnwindSafe for Outer {}

/// What a client may want to be captured; each is a bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum Wanted {
    /// Whatever can be sent.
    Anything = 1,
    Logs = 2,
    Metrics = 4,
}

impl Wanted {
    const BITS: u32 = 3;
    const MASK: u64 = (1 << Self::BITS) - 1;

    /// What `client` wants.
    fn of(client: &Client) -> u64 {
        if !client.is_enabled() {
            return 0;
        }
        let options = client.options();
        let logs = if options.enable_logs { Self::Logs as u64 } else { 0 };
        let metrics = if options.enable_metrics { Self::Metrics as u64 } else { 0 };
        Self::Anything as u64 | logs | metrics
    }
}

pub(super) struct Levels {
    pub(super) top: Level,
    below: Vec<Level>,
    last_id: u64,
    client: Option<Known>,
    client_generation: u64,
}

/// A client as looked up, with what adding a breadcrumb needs to know of it at hand.
///
/// It is not kept alive by being known: the last handle must not be dropped here, under the lock.
pub(super) struct Known {
    pub(super) client: Weak<Client>,
    pub(super) max_breadcrumbs: usize,
    pub(super) has_before_breadcrumb: bool,
    pub(super) deny_list: DenyList,
    pub(super) tracing: Tracing,
    /// For what is lost before it is anything.
    pub(super) recorder: Recorder,
}

/// How a client samples transactions, as far as that can be told in advance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tracing {
    Off,
    Rate(f32),
    /// A function is asked.
    Asks,
}

#[derive(Clone)]
pub(super) struct Level {
    pub(super) id: u64,
    pub(super) binding: Binding,
    pub(super) scope: ScopeData,
}

impl Stack {
    pub(super) fn new(binding: Binding, scope: ScopeData, kind: Kind) -> Self {
        // Each stack counts in a range of its own, so that an id occurs once in a process.
        static STACKS: AtomicU64 = AtomicU64::new(1);
        let first = STACKS.fetch_add(1, Ordering::Relaxed) << 32;
        let top = Level { id: first, binding, scope };
        let levels = Levels { top, below: Vec::new(), last_id: first, client: None, client_generation: 0 };
        Self {
            levels: Mutex::new(levels),
            last_event_id: Mutex::new(None),
            last_error: Mutex::new(None),
            kind,
            activity: AtomicU64::new(0),
        }
    }

    /// A copy of the top of `outer` for a span in it.
    pub(super) fn fork_for_span(outer: &Arc<Self>, span: Option<TransactionOrSpan>, shares_breadcrumbs: bool) -> Self {
        let (binding, mut scope) = {
            let levels = outer.lock();
            (levels.top.binding.clone(), levels.top.scope.clone())
        };
        let layer = scope.layer().cloned();
        if let Some(span) = span {
            scope = scope.with_span(span);
        }
        Self::new(
            binding,
            scope,
            Kind::Span(Outer {
                stack: Arc::downgrade(outer),
                layer,
                shares_breadcrumbs,
                is_over: AtomicBool::new(false),
            }),
        )
    }

    /// The hub around it that has the same breadcrumbs, unless a scope was pushed here, which keeps its own.
    #[inline]
    pub(super) fn with_same_breadcrumbs(&self, levels: &Levels) -> Option<&Weak<Self>> {
        match &self.kind {
            Kind::Span(outer) if outer.shares_breadcrumbs && levels.below.is_empty() => Some(&outer.stack),
            _ => None,
        }
    }

    /// What was set in the span since it had a hub; `None` if nothing was, or this is not the hub of a span.
    pub(super) fn set_inside(&self) -> Option<ScopeData> {
        let Kind::Span(outer) = &self.kind else { return None };
        let scope = self.lock().top.scope.clone();
        scope.added_to(outer.layer.as_ref())
    }

    pub(super) fn end_span(&self) {
        if let Kind::Span(outer) = &self.kind {
            outer.is_over.store(true, Ordering::Release);
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(&self.kind, Kind::Span(outer) if outer.is_over.load(Ordering::Acquire))
    }

    pub(super) fn last_event_id(&self) -> Option<Uuid> {
        *self.last_event_id.lock()
    }

    /// Notes an event, also for the hubs around those of spans: whoever asks there asks about the same work.
    pub(super) fn remember(&self, id: Uuid) {
        *self.last_event_id.lock() = Some(id);
        let mut next = self.outer();
        while let Some(stack) = next {
            *stack.last_event_id.lock() = Some(id);
            next = stack.outer();
        }
    }

    /// What it is a fork of, while that is there.
    fn outer(&self) -> Option<Arc<Self>> {
        match &self.kind {
            Kind::Span(outer) => outer.stack.upgrade(),
            Kind::Plain | Kind::Work => None,
        }
    }

    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, Levels> {
        self.levels.lock()
    }

    /// Whether what is captured here can be sent. Two loads, unless something changed since the last time.
    #[inline]
    pub(super) fn is_active(&self) -> bool {
        self.wants(Wanted::Anything)
    }

    /// Whether `wanted` is. Two loads, unless something changed since the last time.
    #[inline]
    pub(super) fn wants(&self, wanted: Wanted) -> bool {
        let known = self.activity.load(Ordering::Acquire);
        let all = if known >> Wanted::BITS == activity::generation() { known } else { self.look_up_activity() };
        all & wanted as u64 != 0
    }

    #[cold]
    fn look_up_activity(&self) -> u64 {
        let generation = activity::generation();
        let all = self.lock().top.binding.resolve(|client| client.map_or(0, |client| Wanted::of(client)));
        self.activity.store(generation << Wanted::BITS | (all & Wanted::MASK), Ordering::Release);
        all
    }

    pub(super) fn bind(&self, binding: Binding) {
        let previous = std::mem::replace(&mut self.lock().top.binding, binding);
        activity::advance();
        drop(previous);
    }

    /// Puts a level on top, for the same client.
    pub(super) fn push(self: &Arc<Self>, scope: ScopeData) -> ScopeGuard {
        let mut levels = self.lock();
        let id = levels.next_id();
        let level = Level { id, binding: levels.top.binding.clone(), scope };
        let covered = std::mem::replace(&mut levels.top, level);
        levels.below.push(covered);
        ScopeGuard(Some((Arc::clone(self), id)))
    }

    /// Takes the level `id` off, wherever it is. One that is gone already is nobody's fault.
    fn pop(&self, id: u64) {
        let mut levels = self.lock();
        let popped = if levels.top.id == id {
            let Some(uncovered) = levels.below.pop() else { return };
            let same = uncovered.binding.is_same(&levels.top.binding);
            let popped = std::mem::replace(&mut levels.top, uncovered);
            if !same {
                activity::advance();
            }
            popped
        } else {
            let Some(at) = levels.below.iter().position(|level| level.id == id) else {
                return;
            };
            levels.below.remove(at)
        };
        drop(levels);
        drop(popped);
    }
}

impl Levels {
    /// An id for a level, or for a view lent of one.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The client that the top level captures for.
    #[inline]
    pub(super) fn client(&mut self) -> Option<&Known> {
        let generation = activity::generation();
        if self.client_generation != generation {
            self.look_up_client(generation);
        }
        self.client.as_ref()
    }

    #[cold]
    fn look_up_client(&mut self, generation: u64) {
        let know = |client: &Arc<Client>| Known {
            max_breadcrumbs: client.options().max_breadcrumbs,
            has_before_breadcrumb: client.options().before_breadcrumb.is_some(),
            deny_list: client.options().deny_list.clone(),
            tracing: match client.options().traces_sampling_strategy {
                TracesSamplingStrategy::Disabled => Tracing::Off,
                TracesSamplingStrategy::FixedRate(rate) => Tracing::Rate(rate),
                TracesSamplingStrategy::Function(_) => Tracing::Asks,
            },
            recorder: client.pipeline().recorder().clone(),
            client: Arc::downgrade(client),
        };
        self.client = self.top.binding.resolve(|client| client.map(know));
        self.client_generation = generation;
    }

    /// The level `id`, if it is still there.
    pub(super) fn level_mut(&mut self, id: u64) -> Option<&mut Level> {
        if self.top.id == id {
            return Some(&mut self.top);
        }
        self.below.iter_mut().find(|level| level.id == id)
    }
}

/// A hub that is remembered without being kept alive.
#[derive(Clone, Default)]
pub(crate) struct Home(Weak<Stack>);

impl Home {
    pub(super) fn of(stack: &Arc<Stack>) -> Self {
        Self(Arc::downgrade(stack))
    }

    /// Its top scope as it is now; `None` if the hub is gone.
    pub(crate) fn scope(&self) -> Option<ScopeData> {
        Some(self.0.upgrade()?.lock().top.scope.clone())
    }
}

/// Takes a scope off its hub's stack when dropped.
///
/// Guards dropped out of order take off their own scope and no other.
#[derive(Default)]
#[must_use = "the scope is taken off when the guard is dropped"]
pub struct ScopeGuard(Option<(Arc<Stack>, u64)>);

impl fmt::Debug for ScopeGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScopeGuard")
    }
}

impl Drop for ScopeGuard {
    fn drop(&mut self) {
        if let Some((stack, id)) = self.0.take() {
            stack.pop(id);
        }
    }
}
