//! The layered scope against a naive one, under random programs of changes, snapshots and views.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::protocol::{Breadcrumb, Map};

/// What a scope should hold, kept the simplest way there is.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    tags: BTreeMap<String, String>,
    extra: BTreeMap<String, Value>,
    contexts: Vec<String>,
    user: Option<String>,
    level: Option<Level>,
    transaction: Option<String>,
    crumbs: Vec<String>,
    attachments: Vec<String>,
}

#[derive(Debug, Clone)]
enum Step {
    Tag(u8, u8),
    RemoveTag(u8),
    Extra(u8, u8),
    RemoveExtra(u8),
    Context(u8),
    RemoveContext(u8),
    User(Option<u8>),
    Level(Option<Level>),
    Transaction(Option<u8>),
    Crumb(u8),
    ClearCrumbs,
    Attach(u8),
    ClearAttachments,
    Clear,
    /// Keeps a clone, so that later steps may not touch what it shares.
    Snapshot,
}

const MAX_CRUMBS: usize = 5;

fn step() -> impl Strategy<Value = Step> {
    let key = 0u8..6;
    prop_oneof![
        6 => (key.clone(), any::<u8>()).prop_map(|(key, value)| Step::Tag(key, value)),
        2 => key.clone().prop_map(Step::RemoveTag),
        2 => (key.clone(), any::<u8>()).prop_map(|(key, value)| Step::Extra(key, value)),
        1 => key.clone().prop_map(Step::RemoveExtra),
        2 => key.clone().prop_map(Step::Context),
        1 => key.clone().prop_map(Step::RemoveContext),
        2 => proptest::option::of(any::<u8>()).prop_map(Step::User),
        1 => proptest::option::of(Just(Level::Warning)).prop_map(Step::Level),
        1 => proptest::option::of(any::<u8>()).prop_map(Step::Transaction),
        4 => any::<u8>().prop_map(Step::Crumb),
        1 => Just(Step::ClearCrumbs),
        1 => any::<u8>().prop_map(Step::Attach),
        1 => Just(Step::ClearAttachments),
        1 => Just(Step::Clear),
        6 => Just(Step::Snapshot),
    ]
}

impl Model {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Tag(key, value) => {
                self.tags.insert(key.to_string(), value.to_string());
            }
            Step::RemoveTag(key) => {
                self.tags.remove(&key.to_string());
            }
            Step::Extra(key, value) => {
                self.extra.insert(key.to_string(), (*value).into());
            }
            Step::RemoveExtra(key) => {
                self.extra.remove(&key.to_string());
            }
            Step::Context(key) => {
                self.contexts.retain(|there| *there != key.to_string());
                self.contexts.push(key.to_string());
                self.contexts.sort();
            }
            Step::RemoveContext(key) => self.contexts.retain(|there| *there != key.to_string()),
            Step::User(id) => self.user = id.map(|id| id.to_string()),
            Step::Level(level) => self.level = *level,
            Step::Transaction(name) => self.transaction = name.map(|name| name.to_string()),
            Step::Crumb(n) => {
                self.crumbs.push(n.to_string());
                let surplus = self.crumbs.len().saturating_sub(MAX_CRUMBS);
                self.crumbs.drain(..surplus);
            }
            Step::ClearCrumbs => self.crumbs.clear(),
            Step::Attach(n) => self.attachments.push(n.to_string()),
            Step::ClearAttachments => self.attachments.clear(),
            Step::Clear => *self = Self::default(),
            Step::Snapshot => {}
        }
    }
}

fn take(scope: &mut Scope, step: &Step) {
    match step {
        Step::Tag(key, value) => scope.set_tag(&key.to_string(), value),
        Step::RemoveTag(key) => scope.remove_tag(&key.to_string()),
        Step::Extra(key, value) => scope.set_extra(&key.to_string(), (*value).into()),
        Step::RemoveExtra(key) => scope.remove_extra(&key.to_string()),
        Step::Context(key) => scope.set_context(&key.to_string(), Context::Other(Map::new())),
        Step::RemoveContext(key) => scope.remove_context(&key.to_string()),
        Step::User(id) => scope.set_user(id.map(|id| User { id: Some(id.to_string()), ..Default::default() })),
        Step::Level(level) => scope.set_level(*level),
        Step::Transaction(name) => scope.set_transaction(name.map(|name| name.to_string()).as_deref()),
        Step::Crumb(n) => {
            let crumb = Breadcrumb { message: Some(n.to_string()), ..Default::default() };
            scope.data.add_breadcrumb(&mut crumb.into(), MAX_CRUMBS);
        }
        Step::ClearCrumbs => scope.clear_breadcrumbs(),
        Step::Attach(n) => scope.add_attachment(Attachment { filename: n.to_string(), ..Default::default() }),
        Step::ClearAttachments => scope.clear_attachments(),
        Step::Clear => scope.clear(),
        Step::Snapshot => {}
    }
}

fn name_of(attached: &Attached) -> String {
    match attached {
        Attached::Memory(attachment) => attachment.filename.clone(),
        Attached::File(file) => file.name(),
    }
}

fn read(scope: &Scope) -> Model {
    let data = scope.settled();
    let mut event = Event::new();
    data.merge_into(&mut event, MAX_CRUMBS);
    Model {
        tags: event.tags,
        extra: event.extra,
        contexts: event.contexts.into_keys().collect(),
        user: event.user.and_then(|user| user.id),
        level: (event.level != Level::Error).then_some(event.level),
        transaction: event.transaction,
        crumbs: event.breadcrumbs.values.into_iter().filter_map(|crumb| crumb.message).collect(),
        attachments: data.attachments().iter().map(|attached| name_of(attached)).collect(),
    }
}

proptest! {
    #[test]
    fn layers_hold_what_a_naive_scope_holds(steps in proptest::collection::vec(step(), 0..80)) {
        let mut scope = Scope::default();
        let mut model = Model::default();
        let mut snapshots = Vec::new();
        for step in &steps {
            take(&mut scope, step);
            model.take(step);
            if matches!(step, Step::Snapshot) {
                snapshots.push((scope.clone(), model.clone()));
            }
            prop_assert_eq!(&read(&scope), &model);
        }
        for (snapshot, then) in &snapshots {
            prop_assert_eq!(&read(snapshot), then);
        }
    }

    #[test]
    fn a_view_shows_and_replays_its_changes(
        before in proptest::collection::vec(step(), 0..20),
        inside in proptest::collection::vec(step(), 0..20),
        meanwhile in proptest::collection::vec(step(), 0..5),
    ) {
        let no_crumbs = |step: &&Step| !matches!(step, Step::Crumb(_));
        let mut scope = Scope::default();
        let mut model = Model::default();
        for step in &before {
            take(&mut scope, step);
            model.take(step);
        }
        let lease = Lease(1);
        let mut view = Scope::view(scope.data.clone(), lease);
        let mut shown = model.clone();
        for step in inside.iter().filter(no_crumbs) {
            take(&mut view, step);
            shown.take(step);
            prop_assert_eq!(view.user().and_then(|user| user.id.clone()), shown.user.clone());
        }
        prop_assert_eq!(read(&view), shown);
        // Someone else changes the scope before the view's changes are made.
        for step in &meanwhile {
            take(&mut scope, step);
            model.take(step);
        }
        for step in inside.iter().filter(no_crumbs) {
            model.take(step);
        }
        drop(view.release_base(lease));
        view.replay_on(&mut scope.data, lease);
        prop_assert_eq!(read(&scope), model);
    }
}

#[test]
fn the_event_wins_over_the_scope_key_by_key() {
    let mut scope = Scope::default();
    scope.set_tag("both", "scope");
    scope.set_tag("mine", "scope");
    scope.set_user(Some(User { id: Some("scope".into()), ..Default::default() }));
    scope.set_fingerprint(Some(&["scope"]));
    let mut event = Event::new();
    event.tags.insert("both".into(), "event".into());
    event.fingerprint = vec!["event".into()].into();
    let event = scope.apply_to_event(event).expect("kept");
    assert_eq!(event.tags["both"], "event");
    assert_eq!(event.tags["mine"], "scope");
    assert_eq!(event.user.and_then(|user| user.id).as_deref(), Some("scope"));
    assert_eq!(event.fingerprint, vec!["event"]);
}

#[test]
fn processors_run_in_order_survive_clear_and_can_drop() {
    let mut scope = Scope::default();
    for n in ["1", "2"] {
        scope.add_event_processor(move |mut event| {
            event.culprit.get_or_insert_default().push_str(n);
            Some(event)
        });
    }
    scope.clear();
    assert_eq!(scope.apply_to_event(Event::new()).and_then(|event| event.culprit).as_deref(), Some("12"));
    scope.add_event_processor(|_| None);
    assert_eq!(scope.apply_to_event(Event::new()), None);
}

#[test]
fn assigning_over_a_view_replaces_the_scope() {
    let mut scope = Scope::default();
    scope.set_tag("old", 1);
    let lease = Lease(1);
    let mut view = Scope::view(scope.data.clone(), lease);
    view = {
        drop(view);
        Scope::default()
    };
    view.set_tag("new", 2);
    view.replay_on(&mut scope.data, lease);
    assert_eq!(read(&scope).tags.into_keys().collect::<Vec<_>>(), ["new"]);
}

#[test]
fn a_view_that_was_kept_can_be_assigned_back_as_a_whole() {
    let mut scope = Scope::default();
    scope.set_tag("old", 1);
    let lease = Lease(1);
    let mut view = Scope::view(scope.data.clone(), lease);
    view.set_tag("recorded", 2);
    let saved = std::mem::take(&mut view);
    drop(view.release_base(lease));
    view.replay_on(&mut scope.data, lease);
    assert_eq!(read(&scope), Model::default(), "what was left is an empty scope");
    let lease = Lease(2);
    let mut view = Scope::view(scope.data.clone(), lease);
    drop(std::mem::replace(&mut view, saved));
    drop(view.release_base(lease));
    view.replay_on(&mut scope.data, lease);
    assert_eq!(read(&scope).tags.into_keys().collect::<Vec<_>>(), ["old", "recorded"]);
}

#[test]
fn what_a_change_replaces_is_left_in_it_to_be_dropped_without_a_lock() {
    let user = |id: &str| Arc::new(User { id: Some(id.to_owned()), ..User::default() });
    let (mut data, first) = (ScopeData::default(), user("first"));
    let alive = Arc::downgrade(&first);
    data.swap(&mut Change::User(Some(first)));
    let mut merged = None;
    for n in 0..40 {
        let snapshot = data.clone();
        let mut change = Change::User(Some(user(&n.to_string())));
        data.swap(&mut change);
        drop(snapshot);
        if matches!(change, Change::Merged { .. }) {
            merged.get_or_insert(change);
        }
        // Covered by later users, it goes with the layers that are merged, and not before those are let go of.
        assert!(alive.strong_count() > 0);
    }
    drop(merged.expect("so many layers are merged"));
    assert_eq!(alive.strong_count(), 0);

    let last = data.user().map(Arc::downgrade).expect("a user");
    let mut change = Change::Clear(ScopeData::default());
    data.swap(&mut change);
    assert!(data.user().is_none() && last.strong_count() > 0);
    drop(change);
    assert_eq!(last.strong_count(), 0);
}
