//! One layer of a scope: what was changed since the layer below it was shared with someone.

use std::borrow::Cow;
use std::sync::Arc;

use super::attached::Attached;
use super::change::Change;
use super::flags::Flags;
use super::key::Key;
use super::map::SmallMap;
use super::processor::EventProcessor;
use crate::propagation::PropagationContext;
use crate::protocol::{Context, Level, User, Value};
use crate::session::Session;
use crate::weight::{Held, context_bytes, user_bytes, value_bytes};

/// `None` in a field means "as below"; within it, `None` means "removed".
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(super) below: Option<Arc<Layer>>,
    /// How many layers there are up to here.
    depth: usize,
    level: Option<Option<Level>>,
    fingerprint: Option<Option<Fingerprint>>,
    transaction: Option<Option<Arc<str>>>,
    user: Option<Option<Arc<User>>>,
    trace: Option<Option<Arc<PropagationContext>>>,
    session: Option<Option<Arc<Session>>>,
    tags: SmallMap<Option<Box<str>>>,
    contexts: SmallMap<Option<Arc<Context>>>,
    extra: SmallMap<Option<Arc<Value>>>,
    processors: Vec<EventProcessor>,
    /// All attachments there are up to here, once this layer changes them.
    attachments: Option<Arc<Vec<Arc<Attached>>>>,
    /// All feature flags there are up to here, once this layer adds one.
    flags: Option<Flags>,
    /// See [`Charge`](crate::weight::Charge).
    pub(crate) held: Held,
}

pub(crate) type Fingerprint = Arc<[Cow<'static, str>]>;

const DEPTH_LIMIT: usize = 16;

impl Layer {
    /// An empty layer on top of `below`.
    pub(super) fn above(below: Arc<Layer>) -> Self {
        Self { depth: below.depth + 1, below: Some(below), ..Self::default() }
    }

    /// Whether there are so many layers that it is better to merge them: reading walks them all.
    pub(super) fn is_deep(&self) -> bool {
        self.depth >= DEPTH_LIMIT
    }

    /// Makes `change` here and leaves in it what it replaced in this layer.
    pub(super) fn swap(&mut self, change: &mut Change) {
        match change {
            Change::Level(level) => replace(&mut self.level, level),
            Change::Fingerprint(fingerprint) => replace(&mut self.fingerprint, fingerprint),
            Change::Transaction(transaction) => replace(&mut self.transaction, transaction),
            Change::User(user) => replace(&mut self.user, user),
            Change::Trace(trace) => replace(&mut self.trace, trace),
            Change::Session(session) => replace(&mut self.session, session),
            Change::Tag(key, value) => self.tags.swap(key, value),
            Change::Context(key, value) => self.contexts.swap(key, value),
            Change::Extra(key, value) => self.extra.swap(key, value),
            Change::Processor(processor) => self.processors.push(processor.clone()),
            Change::Attachment(attachment) => {
                let mut all = self.all_attachments().map(|all| all.to_vec()).unwrap_or_default();
                all.push(Arc::clone(attachment));
                self.attachments = Some(Arc::new(all));
            }
            Change::Flag(flag, result) => {
                let flags = self.flags.take().or_else(|| self.effective_flags().cloned());
                self.flags.insert(flags.unwrap_or_default()).add(flag, *result);
            }
            Change::ClearAttachments => self.attachments = Some(Arc::default()),
            // They are about more than a layer.
            Change::Span(_) | Change::ClearBreadcrumbs(_) | Change::Clear(_) | Change::Merged { .. } => {}
        }
    }

    /// What is left when a scope is cleared: the processors, which may be there to protect private data, and the session.
    pub(super) fn cleared(&self) -> Self {
        Self { processors: self.all_processors(), session: Some(self.effective_session().cloned()), ..Self::default() }
    }

    pub(super) fn effective_level(&self) -> Option<Level> {
        self.down().find_map(|layer| layer.level).flatten()
    }

    pub(super) fn effective_fingerprint(&self) -> Option<&Fingerprint> {
        self.down().find_map(|layer| layer.fingerprint.as_ref()).and_then(Option::as_ref)
    }

    pub(super) fn effective_transaction(&self) -> Option<&Arc<str>> {
        self.down().find_map(|layer| layer.transaction.as_ref()).and_then(Option::as_ref)
    }

    pub(super) fn effective_user(&self) -> Option<&Arc<User>> {
        self.down().find_map(|layer| layer.user.as_ref()).and_then(Option::as_ref)
    }

    pub(super) fn effective_trace(&self) -> Option<&Arc<PropagationContext>> {
        self.down().find_map(|layer| layer.trace.as_ref()).and_then(Option::as_ref)
    }

    pub(super) fn effective_session(&self) -> Option<&Arc<Session>> {
        self.down().find_map(|layer| layer.session.as_ref()).and_then(Option::as_ref)
    }

    pub(super) fn all_attachments(&self) -> Option<&Arc<Vec<Arc<Attached>>>> {
        self.down().find_map(|layer| layer.attachments.as_ref())
    }

    pub(super) fn effective_flags(&self) -> Option<&Flags> {
        self.down().find_map(|layer| layer.flags.as_ref())
    }

    /// In the order in which they were added.
    pub(super) fn all_processors(&self) -> Vec<EventProcessor> {
        let mut layers: Vec<&Layer> = self.down().filter(|layer| !layer.processors.is_empty()).collect();
        layers.reverse();
        layers.into_iter().flat_map(|layer| layer.processors.iter().cloned()).collect()
    }

    pub(super) fn each_tag(&self, mut visit: impl FnMut(&str, &str)) {
        self.each(|layer| &layer.tags, |key, value| visit(key, value));
    }

    pub(super) fn each_context(&self, visit: impl FnMut(&str, &Arc<Context>)) {
        self.each(|layer| &layer.contexts, visit);
    }

    pub(super) fn each_extra(&self, visit: impl FnMut(&str, &Arc<Value>)) {
        self.each(|layer| &layer.extra, visit);
    }

    /// This layer's own memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let tags =
            self.tags.iter().map(|(key, value)| key.heap_bytes() + value.as_ref().map_or(0, |value| value.len()));
        let contexts = self
            .contexts
            .iter()
            .map(|(key, value)| key.heap_bytes() + value.as_ref().map_or(0, |context| context_bytes(context)));
        let extra = self
            .extra
            .iter()
            .map(|(key, value)| key.heap_bytes() + value.as_ref().map_or(0, |value| value_bytes(value)));
        let entries = self.tags.iter().count() + self.contexts.iter().count() + self.extra.iter().count();
        let user = self.user.iter().flatten().map(|user| user_bytes(user)).sum::<usize>();
        let below = self.below.as_ref().and_then(|below| below.all_attachments());
        let is_below = |attachment: &&Arc<Attached>| {
            below.is_some_and(|below| below.iter().any(|there| Arc::ptr_eq(there, attachment)))
        };
        let attachments = (self.attachments.iter().flat_map(|all| all.iter()))
            .filter(|attachment| !is_below(attachment))
            .map(|attachment| attachment.bytes());
        let texts = self.transaction.iter().flatten().map(|name| name.len());
        let parts = self.fingerprint.iter().flatten().flat_map(|parts| parts.iter()).map(|part| part.len());
        size_of::<Self>()
            + entries * size_of::<(Key, usize)>()
            + tags.chain(contexts).chain(extra).chain(attachments).chain(texts).chain(parts).sum::<usize>()
            + user
            + self.flags.as_ref().map_or(0, Flags::bytes)
    }

    pub(crate) fn below(&self) -> Option<&Arc<Layer>> {
        self.below.as_ref()
    }

    /// This layer and those below it, the newest first.
    fn down(&self) -> impl Iterator<Item = &Layer> {
        std::iter::successors(Some(self), |layer| layer.below.as_deref())
    }

    /// Visits each key's newest value, unless that says "removed".
    fn each<'a, V: 'a>(
        &'a self,
        map: impl Fn(&'a Layer) -> &'a SmallMap<Option<V>>,
        mut visit: impl FnMut(&str, &'a V),
    ) {
        let layers: Vec<&SmallMap<Option<V>>> = self.down().map(map).filter(|map| !map.is_empty()).collect();
        for (depth, layer) in layers.iter().enumerate() {
            for (key, value) in layer.iter() {
                let newer = layers.iter().take(depth).any(|above| above.get(key).is_some());
                if let (false, Some(value)) = (newer, value) {
                    visit(key.as_str(), value);
                }
            }
        }
    }

    /// User, tags, contexts and extra of the layers from here down to, but without, `end`, in one layer; `None` if there are
    /// none. Layers that were merged meanwhile are all there is.
    pub(super) fn added_to(&self, end: Option<&Arc<Layer>>) -> Option<Self> {
        let is_end = |layer: &Self| end.is_some_and(|end| std::ptr::eq(&raw const **end, layer));
        let mut added = Self::default();
        for layer in self.down().take_while(|layer| !is_end(layer)) {
            added.fill(layer);
        }
        let is_empty =
            added.user.is_none() && added.tags.is_empty() && added.contexts.is_empty() && added.extra.is_empty();
        (!is_empty).then_some(added)
    }

    /// User, tags, contexts and extra of this layer, and where it says nothing of `other`.
    pub(super) fn on_top_of(&self, other: &Self) -> Self {
        let mut both = Self::default();
        both.fill(self);
        both.fill(other);
        both
    }

    fn fill(&mut self, other: &Self) {
        if self.user.is_none() {
            self.user.clone_from(&other.user);
        }
        self.tags.fill(&other.tags);
        self.contexts.fill(&other.contexts);
        self.extra.fill(&other.extra);
    }

    /// Everything from here down in one layer.
    pub(super) fn merged(&self) -> Self {
        let mut merged = Self {
            level: Some(self.effective_level()),
            fingerprint: Some(self.effective_fingerprint().cloned()),
            transaction: Some(self.effective_transaction().cloned()),
            user: Some(self.effective_user().cloned()),
            trace: Some(self.effective_trace().cloned()),
            session: Some(self.effective_session().cloned()),
            processors: self.all_processors(),
            attachments: self.all_attachments().cloned(),
            flags: self.effective_flags().cloned(),
            ..Self::default()
        };
        self.each(|layer| &layer.tags, |key, value| merged.tags.swap(&key.into(), &mut Some(value.clone())));
        self.each(
            |layer| &layer.contexts,
            |key, value| merged.contexts.swap(&key.into(), &mut Some(Arc::clone(value))),
        );
        self.each(|layer| &layer.extra, |key, value| merged.extra.swap(&key.into(), &mut Some(Arc::clone(value))));
        merged
    }
}

fn replace<T>(slot: &mut Option<Option<T>>, value: &mut Option<T>) {
    let new = value.take();
    if let Some(old) = slot.replace(new) {
        *value = old;
    }
}
