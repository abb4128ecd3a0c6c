//! The changes a scope can undergo, as values: recorded while user code runs, replayed under the lock afterwards.

use std::sync::Arc;

use super::attached::Attached;
use super::crumbs::Crumbs;
use super::data::ScopeData;
use super::key::Key;
use super::layer::{Fingerprint, Layer};
use super::processor::EventProcessor;
use crate::performance::TransactionOrSpan;
use crate::propagation::PropagationContext;
use crate::protocol::{Context, Level, User, Value};
use crate::session::Session;

/// What it puts into a scope is exchanged for what was there.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Level(Option<Level>),
    Fingerprint(Option<Fingerprint>),
    Transaction(Option<Arc<str>>),
    User(Option<Arc<User>>),
    Span(Option<Arc<TransactionOrSpan>>),
    Trace(Option<Arc<PropagationContext>>),
    Session(Option<Arc<Session>>),
    Tag(Key, Option<Box<str>>),
    Context(Key, Option<Arc<Context>>),
    Extra(Key, Option<Arc<Value>>),
    Processor(EventProcessor),
    Attachment(Arc<Attached>),
    Flag(Key, bool),
    ClearAttachments,
    ClearBreadcrumbs(Crumbs),
    Clear(ScopeData),
    /// Made together with another change, which is not needed any more: the layers that were merged for it.
    Merged {
        _all: Arc<Layer>,
    },
}

/// Recorded changes in order. Most calls make one, which needs no allocation.
#[derive(Debug, Clone, Default)]
pub(super) enum Journal {
    #[default]
    Empty,
    One(Change),
    Many(Vec<Change>),
}

impl Journal {
    pub(super) fn record(&mut self, change: Change) {
        *self = match std::mem::take(self) {
            Self::Empty => Self::One(change),
            Self::One(first) => Self::Many(vec![first, change]),
            Self::Many(mut changes) => {
                changes.push(change);
                Self::Many(changes)
            }
        };
    }

    pub(super) fn changes(&self) -> &[Change] {
        match self {
            Self::Empty => &[],
            Self::One(change) => std::slice::from_ref(change),
            Self::Many(changes) => changes,
        }
    }

    pub(super) fn changes_mut(&mut self) -> &mut [Change] {
        match self {
            Self::Empty => &mut [],
            Self::One(change) => std::slice::from_mut(change),
            Self::Many(changes) => changes,
        }
    }
}
