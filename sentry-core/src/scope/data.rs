//! The contents of a scope: its top layer, its span and its breadcrumbs, cheap to share and to change.

use std::sync::Arc;

use super::attached::Attached;
use super::change::{Change, Journal};
use super::crumb::Crumb;
use super::crumbs::{Crumbs, Retired};
use super::layer::Layer;
use super::processor::EventProcessor;
use crate::performance::TransactionOrSpan;
use crate::propagation::{PropagationContext, process_trace};
use crate::protocol::{Event, Transaction, User};
use crate::session::Session;

/// Cloning copies at most four pointers. A change made while a clone is held by someone else adds a layer, so
/// neither sees what the other does.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScopeData {
    layer: Option<Arc<Layer>>,
    /// Not in a layer: a transaction keeps the scope it began in, which must not keep those before it.
    span: Option<Arc<TransactionOrSpan>>,
    crumbs: Crumbs,
}

/// A session that was on a scope, and what else is to be dropped where no lock is held.
pub(crate) struct Replaced {
    pub(crate) session: Option<Arc<Session>>,
    _rest: Change,
}

impl ScopeData {
    /// Makes `change` and leaves in it what it replaced, for the caller to drop where no lock is held.
    pub(super) fn swap(&mut self, change: &mut Change) {
        match change {
            Change::Span(span) => std::mem::swap(&mut self.span, span),
            Change::ClearBreadcrumbs(cleared) => std::mem::swap(&mut self.crumbs, cleared),
            Change::Clear(cleared) => {
                cleared.layer = self.layer.as_ref().map(|layer| Arc::new(layer.cleared()));
                std::mem::swap(self, cleared);
            }
            change => {
                let deep = self.own_layer(|layer| layer.swap(change));
                if let Some(deep) = deep {
                    // The change holds copies of what is in there.
                    *change = Change::Merged { _all: deep };
                }
            }
        }
    }

    /// Makes the changes of `journal` and leaves in it what they replaced.
    pub(super) fn replay(&mut self, journal: &mut Journal) {
        for change in journal.changes_mut() {
            self.swap(change);
        }
    }

    /// Adds a breadcrumb; what falls off is left in `crumb` and returned, to be dropped without a lock.
    #[inline]
    pub(crate) fn add_breadcrumb(&mut self, crumb: &mut Crumb, max: usize) -> Retired {
        self.crumbs.push(crumb, max)
    }

    pub(crate) fn user(&self) -> Option<&Arc<User>> {
        self.layer.as_ref()?.effective_user()
    }

    pub(crate) fn span(&self) -> Option<&TransactionOrSpan> {
        self.span.as_deref()
    }

    pub(crate) fn session(&self) -> Option<&Arc<Session>> {
        self.layer.as_ref()?.effective_session()
    }

    /// Puts a session on the scope, and returns the one that was there.
    pub(crate) fn replace_session(&mut self, session: Option<Arc<Session>>) -> Replaced {
        let previous = self.session().cloned();
        let mut change = Change::Session(session);
        self.swap(&mut change);
        Replaced { session: previous, _rest: change }
    }

    /// The trace that work without a span belongs to.
    pub(crate) fn trace(&self) -> &PropagationContext {
        let own = self.layer.as_ref().and_then(|layer| layer.effective_trace());
        match own {
            Some(own) => own,
            None => process_trace(),
        }
    }

    /// The same scope outside of any span, as a new thread begins.
    pub(crate) fn without_span(self) -> Self {
        Self { span: None, ..self }
    }

    /// The same scope inside of `span`.
    pub(crate) fn with_span(self, span: TransactionOrSpan) -> Self {
        Self { span: Some(Arc::new(span)), ..self }
    }

    /// What was set on it since its layers ended with `before`, as a scope of its own; `None` if nothing was.
    pub(crate) fn added_to(&self, before: Option<&Arc<Layer>>) -> Option<Self> {
        let layer = self.layer.as_ref()?.added_to(before)?;
        Some(Self { layer: Some(Arc::new(layer)), ..Self::default() })
    }

    /// This scope's user, tags, contexts and extra, and below them those of `other`.
    pub(crate) fn on_top_of(self, other: Self) -> Self {
        match (self.layer, other.layer) {
            (Some(own), Some(below)) => Self { layer: Some(Arc::new(own.on_top_of(&below))), ..Self::default() },
            (own, below) => Self { layer: own.or(below), ..Self::default() },
        }
    }

    /// What a transaction needs of it: it has no breadcrumbs, and is a span itself.
    pub(crate) fn for_transaction(self) -> Self {
        Self { span: None, crumbs: Crumbs::default(), ..self }
    }

    pub(crate) fn sets_level(&self) -> bool {
        self.layer.as_ref().is_some_and(|layer| layer.effective_level().is_some())
    }

    pub(crate) fn processors(&self) -> Vec<EventProcessor> {
        self.layer.as_ref().map(|layer| layer.all_processors()).unwrap_or_default()
    }

    pub(crate) fn attachments(&self) -> &[Arc<Attached>] {
        self.layer.as_ref().and_then(|layer| layer.all_attachments()).map_or(&[], |all| all)
    }

    pub(crate) fn layer(&self) -> Option<&Arc<Layer>> {
        self.layer.as_ref()
    }

    pub(crate) fn crumbs(&self) -> &Crumbs {
        &self.crumbs
    }

    /// Lays the scope under `event`: what the event says itself wins, key by key (spec SCP-09); a level of
    /// the scope replaces the event's, a fingerprint only the default one.
    pub(crate) fn merge_into(&self, event: &mut Event<'static>, max_breadcrumbs: usize) {
        if !self.crumbs.is_empty() {
            let own = std::mem::take(&mut event.breadcrumbs.values);
            let room = max_breadcrumbs.saturating_sub(own.len());
            event.breadcrumbs.values =
                self.crumbs.newest(room).into_iter().cloned().map(Crumb::into_whole).chain(own).collect();
        }
        let Some(layer) = &self.layer else { return };
        if let Some(level) = layer.effective_level() {
            event.level = level;
        }
        if let (Some(fingerprint), true) = (layer.effective_fingerprint(), is_default(&event.fingerprint)) {
            event.fingerprint = fingerprint.to_vec().into();
        }
        if event.transaction.is_none() {
            event.transaction = layer.effective_transaction().map(|name| name.to_string());
        }
        if event.user.is_none() {
            event.user = layer.effective_user().map(|user| User::clone(user));
        }
        layer.each_tag(|key, value| {
            event.tags.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        });
        layer.each_context(|key, context| {
            event.contexts.entry(key.to_owned()).or_insert_with(|| (**context).clone());
        });
        layer.each_extra(|key, value| {
            event.extra.entry(key.to_owned()).or_insert_with(|| (**value).clone());
        });
        if let Some(flags) = layer.effective_flags() {
            flags.merge_into(event);
        }
    }

    /// As [`merge_into`](Self::merge_into), for a transaction.
    pub(crate) fn merge_into_transaction(&self, transaction: &mut Transaction<'static>) {
        let Some(layer) = &self.layer else { return };
        if transaction.user.is_none() {
            transaction.user = layer.effective_user().map(|user| User::clone(user));
        }
        layer.each_tag(|key, value| {
            transaction.tags.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        });
        layer.each_context(|key, context| {
            transaction.contexts.entry(key.to_owned()).or_insert_with(|| (**context).clone());
        });
        layer.each_extra(|key, value| {
            transaction.extra.entry(key.to_owned()).or_insert_with(|| (**value).clone());
        });
    }

    /// Makes `change` in a layer that nobody else holds: a new one if need be, on top, or in the place of all if they are
    /// many. Those are returned then, to be dropped without a lock.
    fn own_layer(&mut self, change: impl FnOnce(&mut Layer)) -> Option<Arc<Layer>> {
        if let Some(layer) = self.layer.as_mut().and_then(Arc::get_mut) {
            change(layer);
            return None;
        }
        let deep = self.layer.take_if(|layer| layer.is_deep());
        let mut layer = match &deep {
            Some(deep) => deep.merged(),
            None => self.layer.take().map_or_else(Layer::default, Layer::above),
        };
        change(&mut layer);
        self.layer = Some(Arc::new(layer));
        deep
    }
}

fn is_default(fingerprint: &[std::borrow::Cow<'_, str>]) -> bool {
    matches!(fingerprint, [only] if only == "{{ default }}") || fingerprint.is_empty()
}
