//! Where a bridged span is: the hub it has, shares or gets, and its place in a trace.

use std::sync::Arc;

use super::super::Hub;
use super::super::current::{self, Around};
use super::begin_lost;
use super::table::{self, SpanKey, State, Unsampled};
use crate::performance::TransactionOrSpan;
use crate::protocol::{SpanId, TraceId};

/// A place in a trace.
pub(crate) type Ids = (TraceId, SpanId);

/// The span's own hub, a fork of the one around it that is made now if there is none yet; `None` if it was closed.
pub(crate) fn own_hub(key: SpanKey) -> Option<Arc<Hub>> {
    let (own, around, keeps_breadcrumbs) =
        table::with(key, |row| (row.own.clone(), row.around.clone(), row.keeps_breadcrumbs))?;
    if own.is_some() {
        return own;
    }
    let outer = match around {
        Around::Hub(hub) => hub,
        Around::Span(parent) => hub_for_breadcrumbs(parent).unwrap_or_else(Hub::thread),
    };
    let span = span_of(key, &outer);
    let fork = Hub::for_span(&outer, span, !keeps_breadcrumbs);
    let (own, span) = table::with(key, |row| {
        let own = Arc::clone(row.own.get_or_insert_with(|| Arc::clone(&fork)));
        let span = match &row.state {
            State::Live(span) => Some(span.clone()),
            _ => None,
        };
        (own, span)
    })?;
    // The data of a transaction are those of the hub it ends in.
    if let (Some(TransactionOrSpan::Transaction(transaction)), true) = (span, Arc::ptr_eq(&own, &fork)) {
        transaction.move_home(&own);
    }
    Some(own)
}

/// The nearest hub that takes the breadcrumbs of the span; `None` if it was closed.
pub(crate) fn hub_for_breadcrumbs(key: SpanKey) -> Option<Arc<Hub>> {
    let mut at = key;
    for _ in 0..MOST_LEVELS {
        let found = table::with(at, |row| match (&row.own, row.keeps_breadcrumbs) {
            (Some(own), _) => Step::Found(Arc::clone(own)),
            (None, true) => Step::Fork,
            (None, false) => match &row.around {
                Around::Hub(hub) => Step::Found(Arc::clone(hub)),
                Around::Span(parent) => Step::Out(*parent),
            },
        });
        match found? {
            Step::Found(hub) => return Some(hub),
            Step::Fork => return own_hub(at),
            Step::Out(parent) => at = parent,
        }
    }
    None
}

enum Step {
    Found(Arc<Hub>),
    Fork,
    Out(SpanKey),
}

/// The nearest hub that there is already, and the place in a trace where that is not the hub's; `None` if the span was closed.
pub(crate) fn nearest(key: SpanKey) -> Option<(Arc<Hub>, Option<Ids>)> {
    let mut at = key;
    let mut ids = None;
    let mut lost = None;
    for _ in 0..MOST_LEVELS {
        let step = table::with(at, |row| {
            if let Some(own) = &row.own {
                return Step::Found(Arc::clone(own));
            }
            if ids.is_none() && lost.is_none() {
                match &row.state {
                    State::Off => {}
                    State::Live(span) | State::Below(Unsampled::Live(span)) => ids = Some(span.trace_ids()),
                    State::Lost(of) => ids = Some((of.trace_id, of.span_id())),
                    State::Below(Unsampled::Lost(root)) => lost = Some(*root),
                }
            }
            match &row.around {
                Around::Hub(hub) => Step::Found(Arc::clone(hub)),
                Around::Span(parent) => Step::Out(*parent),
            }
        });
        match step? {
            Step::Found(hub) => return Some((hub, ids.or_else(|| ids_of(lost?)))),
            Step::Fork => return None,
            Step::Out(parent) => at = parent,
        }
    }
    None
}

fn ids_of(root: SpanKey) -> Option<Ids> {
    table::with(root, |row| match &row.state {
        State::Lost(of) => Some((of.trace_id, of.span_id())),
        State::Live(span) => Some(span.trace_ids()),
        State::Off | State::Below(_) => None,
    })?
}

/// The Sentry span that is active in a bridged one, which is begun now if it was only noted; `None` if it is that of the
/// hub around it.
fn span_of(key: SpanKey, outer: &Arc<Hub>) -> Option<TransactionOrSpan> {
    enum Active {
        Span(TransactionOrSpan),
        Lost(SpanKey),
        Outer,
    }
    let active = table::with(key, |row| match &row.state {
        State::Live(span) | State::Below(Unsampled::Live(span)) => Active::Span(span.clone()),
        State::Lost(_) => Active::Lost(key),
        State::Below(Unsampled::Lost(root)) => Active::Lost(*root),
        State::Off => Active::Outer,
    })?;
    match active {
        Active::Span(span) => Some(span),
        Active::Lost(root) => begun(root, outer),
        Active::Outer => None,
    }
}

/// Begins the transaction that was only noted, unless another thread does.
fn begun(root: SpanKey, hub: &Arc<Hub>) -> Option<TransactionOrSpan> {
    let lost = table::with(root, |row| match &row.state {
        State::Lost(lost) => Ok(*lost),
        State::Live(span) => Err(Some(span.clone())),
        State::Off | State::Below(_) => Err(None),
    })?;
    let lost = match lost {
        Ok(lost) => lost,
        Err(there) => return there,
    };
    let transaction = begin_lost(hub, &lost);
    table::with(root, |row| match &mut row.state {
        State::Lost(now) => {
            // Those that began meanwhile.
            transaction.count_children(now.children.saturating_sub(lost.children));
            row.state = State::Live(transaction.clone().into());
            Some(transaction.into())
        }
        State::Live(span) => Some(span.clone()),
        State::Off | State::Below(_) => None,
    })?
}

/// The hub that data are taken from here, without making one.
pub(super) fn hub_here() -> Arc<Hub> {
    match current::around() {
        Around::Hub(hub) => hub,
        Around::Span(key) => hub_near(key),
    }
}

/// Lets `look` at the hub that data are taken from there, without making one.
pub(super) fn with_hub<R>(around: &Around, look: impl FnOnce(&Hub) -> R) -> R {
    match around {
        Around::Hub(hub) => look(hub),
        Around::Span(key) => look(&hub_near(*key)),
    }
}

fn hub_near(key: SpanKey) -> Arc<Hub> {
    nearest(key).map_or_else(Hub::thread, |(hub, _)| hub)
}

/// Whether a root keeps its breadcrumbs to itself: only what was forked for a piece of work has the same ones.
pub(super) fn keeps_breadcrumbs(around: &Around) -> bool {
    match around {
        Around::Hub(hub) => !hub.is_fork(),
        Around::Span(_) => false,
    }
}

/// More than any program nests; it ends what would go in a circle.
const MOST_LEVELS: usize = 10_000;
