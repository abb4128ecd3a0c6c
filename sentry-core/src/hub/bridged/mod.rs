//! Spans of another tracing system, such as crate `tracing`: which Sentry span each stands for, and which hub it is in.
//!
//! A span is a place of its own: what is set on the scope inside stays inside, and is there again whenever the span is
//! entered, on whichever thread. The obvious way, a fork of the hub for each span, costs a span in which nothing happens
//! (most of them) several allocations. So a span is a row in a table, and gets a hub when something in it needs one; a
//! transaction that is not sampled is not begun before that either.
//!
//! Breadcrumbs are the exception: they are what happened so far in a piece of work, so those of a span are its parent's
//! too, up to the root; or, where the hub around the root was forked for a request or a task, up to that.

mod place;
mod table;
#[cfg(test)]
mod tests;

use super::current::{self, Around};
use super::stack::{Known, Tracing};
use super::{Hub, activity};
use crate::performance::{Described, Transaction, TransactionContext, TransactionOrSpan};
use crate::propagation::{any_continued, decides, sample_rand_of};
use crate::protocol::TraceId;
use crate::protocol::client_report::{Category, Reason};
use crate::suppress;
use table::{Lost, Row, State, Unsampled};

pub(super) use place::{Ids, hub_for_breadcrumbs, nearest, own_hub};
pub(super) use table::{SpanKey, is_open};

/// The spans of one subscriber, for the layer that bridges them to Sentry.
///
/// Every call is for a span by the number that its system knows it by, which must not be that of another open one. Numbers
/// that are not known are ignored; so are spans that begin while nothing can be sent.
#[derive(Debug)]
pub struct BridgedSpans {
    /// Tells this one's numbers from those of others.
    system: u32,
}

/// The parent of a span, as its own system knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BridgedParent {
    /// None: it is a root.
    Root,
    /// What is current where it begins.
    Current,
    /// This one, wherever it begins.
    Explicit(u64),
}

/// What is known of a span before its fields are looked at.
#[derive(Debug, Clone, Copy)]
pub struct BridgedSite {
    /// Its name.
    pub name: &'static str,
    /// The part of the program that it is in.
    pub target: &'static str,
    /// The module that it is in.
    pub module: Option<&'static str>,
    /// The file that it is in.
    pub file: Option<&'static str>,
    /// The line that it begins in.
    pub line: Option<u32>,
    /// Whether its fields may say what it is called.
    pub is_named: bool,
    /// Whether its fields may say which trace it continues.
    pub is_continued: bool,
}

impl Default for BridgedSpans {
    fn default() -> Self {
        Self { system: table::new_system() }
    }
}

impl BridgedSpans {
    /// Begins a span. `current` is asked at times which span is current in its own system. `describe` runs only if someone will
    /// see what it returns, here and outside of all locks.
    ///
    /// Nothing is allocated for one that is not sampled.
    pub fn begin(
        &self,
        id: u64,
        parent: BridgedParent,
        current: impl FnOnce() -> Option<u64>,
        site: &BridgedSite,
        describe: impl FnOnce() -> Described,
    ) {
        if !activity::any_open() || suppress::is_active() {
            return;
        }
        let key = self.key(id);
        let (around, tree) = match parent {
            BridgedParent::Root => (Around::Hub(place::hub_here()), None),
            BridgedParent::Explicit(parent) if is_open(self.key(parent)) => (Around::Span(self.key(parent)), None),
            BridgedParent::Explicit(_) => (current::around(), None),
            BridgedParent::Current => match current::around() {
                Around::Hub(hub) if current::is_inside_span() => {
                    (Around::Hub(hub), current().map(|current| self.key(current)))
                }
                around => (around, None),
            },
        };
        let found = if parent == BridgedParent::Root { Parent::None } else { Parent::of(&around, tree) };
        let is_root = matches!(found, Parent::None | Parent::Ended(_));
        let state = match found {
            Parent::None => place::with_hub(&around, |hub| begin_root(hub, site, describe)),
            Parent::Ended(before) => place::with_hub(&around, |hub| {
                let context = |name: &str, op: &str| TransactionContext::continue_from_span(name, op, Some(before));
                begin(hub, site, describe(), context)
            }),
            Parent::Off => State::Off,
            Parent::Recorded(parent) => State::Live(parent.start_bridged(site, describe()).into()),
            Parent::Unsampled(Unsampled::Live(parent)) => {
                parent.count_child();
                State::Below(Unsampled::Live(parent))
            }
            Parent::Unsampled(Unsampled::Lost(root)) => match table::count_child(root) {
                Some(begun) => {
                    begun.count_child();
                    State::Below(Unsampled::Live(begun.into()))
                }
                None => State::Below(Unsampled::Lost(root)),
            },
        };
        let keeps_breadcrumbs = is_root && place::keeps_breadcrumbs(&around);
        let replaced = table::insert(key, Row { around, own: None, state, keeps_breadcrumbs });
        drop(replaced);
    }

    /// Makes it the current span of this thread; several times if need be, also on several threads at once.
    #[inline]
    pub fn enter(&self, id: u64) {
        if activity::any_open() {
            current::enter_span(self.key(id));
        }
    }

    /// Ends what [`enter`](Self::enter) began last on this thread for this span. Entries may end in any order.
    #[inline]
    pub fn exit(&self, id: u64) {
        current::leave_span(self.key(id));
    }

    /// Calls `f` inside of the span.
    pub fn within<R>(&self, id: u64, f: impl FnOnce() -> R) -> R {
        struct Inside<'a>(&'a BridgedSpans, u64);
        impl Drop for Inside<'_> {
            fn drop(&mut self) {
                self.0.exit(self.1);
            }
        }
        self.enter(id);
        let _inside = Inside(self, id);
        f()
    }

    /// Whether anything recorded for the span is kept.
    #[must_use]
    pub fn is_recorded(&self, id: u64) -> bool {
        table::live(self.key(id)).is_some_and(|span| span.is_recorded())
    }

    /// Adds to what is known of the span.
    pub fn record(&self, id: u64, described: Described) {
        if let Some(span) = table::live(self.key(id)) {
            span.describe(described);
        }
    }

    /// Notes that the span follows from another one, as a link.
    pub fn follows_from(&self, id: u64, other: u64) {
        if let (Some(span), Some(other)) = (table::live(self.key(id)), table::live(self.key(other))) {
            span.add_link(&other);
        }
    }

    /// Ends the span. The Sentry span is finished in the span's own hub.
    pub fn close(&self, id: u64) {
        let Some(row) = table::remove(self.key(id)) else { return };
        match &row.state {
            State::Live(TransactionOrSpan::Transaction(transaction)) => transaction.clone().finish(),
            State::Live(TransactionOrSpan::Span(span)) => {
                if let Some(inside) = row.own.as_ref().and_then(|own| own.set_inside()) {
                    span.note_inside(inside);
                }
                span.clone().finish();
            }
            State::Lost(lost) => place::with_hub(&row.around, |hub| hub.count_lost(lost)),
            State::Off | State::Below(_) => {}
        }
        if let Some(own) = &row.own {
            own.stack.end_span();
        }
    }

    /// Whether the span is known, and open.
    #[must_use]
    pub fn knows(&self, id: u64) -> bool {
        is_open(self.key(id))
    }

    fn key(&self, id: u64) -> SpanKey {
        SpanKey { system: self.system, id }
    }
}

impl Drop for BridgedSpans {
    fn drop(&mut self) {
        drop(table::remove_all(self.system));
    }
}

/// What a span that begins is below.
enum Parent {
    None,
    /// One whose transaction was sent already: what goes on is another part of the same trace.
    Ended(TransactionOrSpan),
    /// One that is not traced.
    Off,
    Recorded(TransactionOrSpan),
    Unsampled(Unsampled),
}

impl Parent {
    fn of(around: &Around, tree: Option<SpanKey>) -> Self {
        let (hub, span) = match around {
            Around::Span(key) => return Self::of_row(*key).unwrap_or(Self::None),
            Around::Hub(hub) => (hub, tree.and_then(Self::of_row)),
        };
        match (hub.span(), span) {
            (None, span) => span.unwrap_or(Self::None),
            // The hub was switched to within that span: its own span is in between, unless it came along from outside.
            (Some(inner), Some(outer)) if outer.is_part_of(&inner) => outer,
            (Some(inner), _) => Self::of_span(inner),
        }
    }

    fn of_row(key: SpanKey) -> Option<Self> {
        table::with(key, |row| match &row.state {
            State::Off => Self::Off,
            State::Live(span) => Self::of_span(span.clone()),
            State::Below(unsampled) => Self::Unsampled(unsampled.clone()),
            State::Lost(_) => Self::Unsampled(Unsampled::Lost(key)),
        })
    }

    fn of_span(span: TransactionOrSpan) -> Self {
        match span.is_recorded() {
            _ if span.has_ended() => Self::Ended(span),
            true => Self::Recorded(span),
            false => Self::Unsampled(Unsampled::Live(span)),
        }
    }

    /// Whether it is in the transaction of `span`.
    fn is_part_of(&self, span: &TransactionOrSpan) -> bool {
        match self {
            Self::Recorded(own) | Self::Unsampled(Unsampled::Live(own)) => own.transaction() == span.transaction(),
            _ => false,
        }
    }
}

fn begin_root(hub: &Hub, site: &BridgedSite, describe: impl FnOnce() -> Described) -> State {
    let mut trace_id = None;
    match hub.tracing() {
        None => return State::Off,
        Some((Tracing::Off, _)) if !site.is_continued => return State::Off,
        // Thrown before anything is built. A trace from elsewhere has been decided on there.
        Some((Tracing::Rate(rate), is_open)) if is_open && !site.is_continued => {
            let own = TraceId::default();
            if !site.is_named && (rate <= 0.0 || !decides(sample_rand_of(own), rate)) {
                return State::Lost(Lost { trace_id: own, children: 0, name: site.name, target: site.target });
            }
            trace_id = Some(own);
        }
        Some(_) => {}
    }
    let mut described = describe();
    let sentry_trace = described.sentry_trace.take();
    begin(hub, site, described, |name, op| match (sentry_trace, trace_id) {
        (Some(header), _) => TransactionContext::continue_from_headers(name, op, [("sentry-trace", header.as_str())]),
        (None, Some(trace_id)) => TransactionContext::new_with_trace_id(name, op, trace_id),
        (None, None) => TransactionContext::new(name, op),
    })
}

fn begin(
    hub: &Hub,
    site: &BridgedSite,
    mut described: Described,
    context: impl FnOnce(&str, &str) -> TransactionContext,
) -> State {
    let name = described.name.take().unwrap_or_else(|| site.name.to_owned());
    let op = described.op.take().unwrap_or_else(|| op_of(site.target, site.name));
    let transaction = hub.start_transaction(context(&name, &op));
    transaction.describe_bridged(site, described);
    State::Live(transaction.into())
}

/// Begins what was only noted, because something needs it.
fn begin_lost(hub: &Hub, lost: &Lost) -> Transaction {
    let op = op_of(lost.target, lost.name);
    let context = TransactionContext::new_with_details(lost.name, &op, lost.trace_id, Some(lost.span_id()), None);
    let transaction = hub.start_transaction(context);
    transaction.count_children(lost.children);
    transaction
}

fn op_of(target: &str, name: &str) -> String {
    [target, "::", name].concat()
}

impl Hub {
    /// How transactions are sampled here, and whether they begin traces of their own.
    fn tracing(&self) -> Option<(Tracing, bool)> {
        let mut levels = self.stack.lock();
        let tracing = levels.client()?.tracing;
        Some((tracing, !any_continued() || levels.top.scope.trace().incoming().is_none()))
    }

    /// Counts what was never begun, as it would have been.
    fn count_lost(&self, lost: &Lost) {
        if suppress::is_active() {
            return;
        }
        let mut levels = self.stack.lock();
        let Some(Known { recorder, .. }) = levels.client() else { return };
        for (category, quantity) in [(Category::Transaction, 1), (Category::Span, lost.children.saturating_add(1))] {
            recorder.record_captured(category, quantity);
            recorder.record_loss(category, Reason::SampleRate, quantity);
        }
    }
}
