//! What is known about the work at hand: tags, user, breadcrumbs and the like, laid under every event captured in it.

mod attached;
mod change;
mod crumb;
mod crumbs;
mod data;
mod flags;
mod global;
mod key;
mod layer;
mod map;
mod processor;

use std::borrow::Cow;
use std::fmt;
use std::panic::RefUnwindSafe;
use std::sync::Arc;

use crate::attachment_file::FileAttachment;
use crate::hub::Hub;
#[cfg(feature = "logs")]
use crate::origin::Origin;
use crate::performance::{SpanLink, TraceHeader, TraceHeadersIter, TransactionOrSpan};
use crate::propagation::PropagationContext;
#[cfg(feature = "logs")]
use crate::protocol::Log;
use crate::protocol::{Attachment, Context, Event, Level, Transaction, User, Value};
use change::{Change, Journal};

pub use crumb::{LeanBreadcrumb, SpareBuffers};
pub use global::configure_global_scope;

pub(crate) use attached::Attached;
pub(crate) use crumb::Crumb;
use crumbs::Crumbs;
pub(crate) use crumbs::Node;
pub(crate) use data::ScopeData;
pub(crate) use layer::Layer;
pub(crate) use processor::EventProcessor;

/// Data that is added to every event captured while the scope is the current one.
///
/// # Threads and cloning
///
/// A clone is cheap and independent: what is changed on one is not seen by the other. Inside
/// [`configure_scope`](crate::configure_scope) the scope is a view: it shows the scope as it was when the call began,
/// with your changes; when the closure returns, the changes are made to the scope as it is *then*. So no update is
/// lost when threads or nested calls change the same scope at once, and no lock is held while the closure runs.
/// Only assigning to the scope as a whole (`*scope = other`) replaces what others did meanwhile.
///
/// # Precedence
///
/// Event, then scope, then [global scope](configure_global_scope), for each tag, context and extra by itself, and for
/// user and transaction as a whole. A level set on a scope replaces the event's.
#[derive(Default)]
pub struct Scope {
    data: ScopeData,
    /// Only in a view: the changes made to it, not applied to `data` yet.
    view: Option<View>,
}

struct View {
    journal: Journal,
    lease: Lease,
}

/// What tells the view lent to one call of `configure_scope` from all others, which a program may have kept: a number
/// that occurs once in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease(pub(crate) u64);

impl Scope {
    /// Removes everything but the event processors: those may be there to protect private data.
    pub fn clear(&mut self) {
        self.change(Change::Clear(ScopeData::default()));
    }

    /// Removes the breadcrumbs.
    pub fn clear_breadcrumbs(&mut self) {
        self.change(Change::ClearBreadcrumbs(Crumbs::default()));
    }

    /// Sets the level of every event; `None` leaves it to the events.
    pub fn set_level(&mut self, level: Option<Level>) {
        self.change(Change::Level(level));
    }

    /// Sets how events are grouped; `{{ default }}` in it stands for Sentry's own grouping.
    pub fn set_fingerprint(&mut self, fingerprint: Option<&[&str]>) {
        let owned = fingerprint.map(|parts| parts.iter().map(|part| Cow::Owned((*part).to_owned())).collect());
        self.change(Change::Fingerprint(owned));
    }

    /// Sets the name of the work at hand, such as the route. Renames the transaction that is active on this scope, too
    /// (spec TXN-27).
    pub fn set_transaction(&mut self, transaction: Option<&str>) {
        if let (Some(name), Some(span)) = (transaction, self.get_span()) {
            span.transaction().set_name(name);
        }
        self.change(Change::Transaction(transaction.map(Arc::from)));
    }

    /// Sets the user.
    pub fn set_user(&mut self, user: Option<User>) {
        self.change(Change::User(user.map(Arc::new)));
    }

    /// The user set on this scope. The global scope's is not seen here.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        let recorded = self.recorded(|change| match change {
            Change::User(user) => Some(user.as_deref()),
            Change::Clear(_) => Some(None),
            _ => None,
        });
        recorded.unwrap_or_else(|| self.data.user().map(|user| &**user))
    }

    /// Sets the span that events and logs captured with this scope belong to, and whose trace is passed on.
    pub fn set_span(&mut self, span: Option<TransactionOrSpan>) {
        self.change(Change::Span(span.map(Arc::new)));
    }

    /// The span set on this scope.
    #[must_use]
    pub fn get_span(&self) -> Option<TransactionOrSpan> {
        let recorded = self.recorded(|change| match change {
            Change::Span(span) => Some(span.as_deref()),
            Change::Clear(_) => Some(None),
            _ => None,
        });
        recorded.unwrap_or_else(|| self.data.span()).cloned()
    }

    /// Sets the trace that work without a span belongs to; `None` for that of the process.
    pub(crate) fn set_trace(&mut self, trace: Option<PropagationContext>) {
        self.change(Change::Trace(trace.map(Arc::new)));
    }

    /// The headers by which another service continues this scope's trace: its span's, or without one those of the trace
    /// it belongs to all the same (spec TRC-30).
    pub fn iter_trace_propagation_headers(&self) -> impl Iterator<Item = TraceHeader> + use<> {
        let span = self.get_span();
        match span {
            Some(span) => span.iter_headers(),
            None => {
                let client = Hub::current().client();
                let context = self.settled().trace().outgoing(client.as_deref());
                TraceHeadersIter::new(&context, client.as_deref())
            }
        }
    }

    /// Sets a tag: short text that issues can be searched by. Sentry cuts keys and values at 200 characters.
    pub fn set_tag<V: ToString>(&mut self, key: &str, value: V) {
        let value = value.to_string().into_boxed_str();
        self.change(Change::Tag(key.into(), Some(value)));
    }

    /// Removes a tag.
    pub fn remove_tag(&mut self, key: &str) {
        self.change(Change::Tag(key.into(), None));
    }

    /// Sets a context: a named group of facts.
    pub fn set_context<C: Into<Context>>(&mut self, key: &str, value: C) {
        let value = Arc::new(value.into());
        self.change(Change::Context(key.into(), Some(value)));
    }

    /// Removes a context.
    pub fn remove_context(&mut self, key: &str) {
        self.change(Change::Context(key.into(), None));
    }

    /// Sets an extra: a value of any shape. Prefer [`set_context`](Self::set_context).
    pub fn set_extra(&mut self, key: &str, value: Value) {
        self.change(Change::Extra(key.into(), Some(Arc::new(value))));
    }

    /// Removes an extra.
    pub fn remove_extra(&mut self, key: &str) {
        self.change(Change::Extra(key.into(), None));
    }

    /// Adds a function that every event passes before it leaves, and that may change or drop it (`None`).
    ///
    /// It runs where events are finished (the worker thread with the built-in transport), outside all locks; one
    /// that panics drops the event. Processors run in the order in which they were added, the global scope's last.
    pub fn add_event_processor<F>(&mut self, f: F)
    where
        F: Fn(Event<'static>) -> Option<Event<'static>> + Send + Sync + RefUnwindSafe + 'static,
    {
        self.change(Change::Processor(EventProcessor::new(f)));
    }

    /// Adds a file to every event. It is shared, not copied, by the events waiting to be sent.
    pub fn add_attachment(&mut self, attachment: Attachment) {
        self.change(Change::Attachment(Arc::new(Attached::Memory(attachment))));
    }

    /// Adds the file at a path to every event. It is read where an event is finished, and not before; see
    /// [`FileAttachment`] for what happens then, and for giving it another name.
    ///
    /// ```
    /// sentry_core::configure_scope(|scope| scope.add_attachment_from_path("/etc/app.toml"));
    /// ```
    pub fn add_attachment_from_path<F: Into<FileAttachment>>(&mut self, file: F) {
        self.change(Change::Attachment(Arc::new(Attached::File(file.into()))));
    }

    /// Remembers that a feature flag was evaluated, and how. Events list the 100 most recent flags, each with its last
    /// result; the span of the scope lists its first 10. Names are cut at 32 characters.
    pub fn add_feature_flag(&mut self, flag: &str, result: bool) {
        let flag = flags::cut(flag);
        if let Some(span) = self.get_span() {
            span.note_flag(flag, result);
        }
        self.change(Change::Flag(flag.into(), result));
    }

    /// Removes the attachments.
    pub fn clear_attachments(&mut self) {
        self.change(Change::ClearAttachments);
    }

    /// Lays the scope under `event` and runs its processors on it; `None` when one of them dropped it.
    ///
    /// This is what the SDK does to captured events; it is public for programs that finish events themselves.
    #[must_use]
    pub fn apply_to_event(&self, mut event: Event<'static>) -> Option<Event<'static>> {
        let data = self.settled();
        data.merge_into(&mut event, usize::MAX);
        data.processors().iter().try_fold(event, |event, processor| processor.process(event))
    }

    /// Lays the scope under `transaction`. No processor runs: theirs are events.
    pub fn apply_to_transaction(&self, transaction: &mut Transaction<'static>) {
        self.settled().merge_into_transaction(transaction);
    }

    /// Puts `log` into the scope's trace, if it is in none, and into its span.
    ///
    /// This is what the SDK does to captured logs; it is public for programs that finish logs themselves.
    #[cfg(feature = "logs")]
    pub fn apply_to_log(&self, log: &mut Log) {
        Origin::of(&self.settled(), false).link(log);
    }

    /// The newest recorded change that `find` finds something in.
    fn recorded<'a, T>(&'a self, find: impl FnMut(&'a Change) -> Option<T>) -> Option<T> {
        self.view.iter().flat_map(|view| view.journal.changes()).rev().find_map(find)
    }

    /// A view of `data` for one call of `configure_scope`: changes are recorded, not made.
    pub(crate) fn view(data: ScopeData, lease: Lease) -> Self {
        Self { data, view: Some(View { journal: Journal::Empty, lease }) }
    }

    /// Makes the changes recorded in this view on `target`. What they replace is left in the view, so that it is
    /// dropped with it: where the caller no longer holds a lock.
    pub(crate) fn replay_on(&mut self, target: &mut ScopeData, lease: Lease) {
        match &mut self.view {
            Some(view) if view.lease == lease => target.replay(&mut view.journal),
            // Assigned over as a whole: the last writer wins.
            _ => {
                self.data = self.settled();
                self.view = None;
                std::mem::swap(&mut self.data, target);
            }
        }
    }

    /// Lets go of the scope the view was made from, so that a replay can change it in place.
    pub(crate) fn release_base(&mut self, lease: Lease) -> ScopeData {
        match &self.view {
            Some(view) if view.lease == lease => std::mem::take(&mut self.data),
            _ => ScopeData::default(),
        }
    }

    pub(crate) fn from_data(data: ScopeData) -> Self {
        Self { data, view: None }
    }

    pub(crate) fn into_data(self) -> ScopeData {
        if self.view.is_some() { self.settled() } else { self.data }
    }

    /// The contents, with the changes of a view applied.
    pub(crate) fn settled(&self) -> ScopeData {
        let mut data = self.data.clone();
        if let Some(view) = &self.view {
            data.replay(&mut view.journal.clone());
        }
        data
    }

    fn change(&mut self, mut change: Change) {
        match &mut self.view {
            Some(view) => view.journal.record(change),
            None => self.data.swap(&mut change),
        }
    }
}

impl Clone for Scope {
    fn clone(&self) -> Self {
        Self::from_data(self.settled())
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut event = Event { breadcrumbs: Default::default(), ..Event::default() };
        self.settled().merge_into(&mut event, usize::MAX);
        f.debug_struct("Scope")
            .field("transaction", &event.transaction)
            .field("user", &event.user)
            .field("tags", &event.tags)
            .field("contexts", &event.contexts)
            .field("extra", &event.extra)
            .field("breadcrumbs", &event.breadcrumbs.values.len())
            .finish_non_exhaustive()
    }
}

/// The scopes of a capture as they were when it was made.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScopeSnapshot {
    pub(crate) scope: ScopeData,
    pub(crate) global: ScopeData,
    /// The span that was active.
    pub(crate) span: Option<SpanLink>,
}

impl ScopeSnapshot {
    /// With the global scope as it is now.
    pub(crate) fn new(scope: ScopeData) -> Self {
        let span = scope.span().map(TransactionOrSpan::link);
        Self { scope, global: global::snapshot(), span }
    }
}

#[cfg(test)]
mod tests;
