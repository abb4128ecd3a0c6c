//! Bridged spans in any order: what is set in one is there again, and nowhere but below it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::client::Client;
use crate::options::ClientOptions;
use crate::protocol::{Breadcrumb, Level};
use crate::test::TestTransport;

const SITE: BridgedSite = BridgedSite {
    name: "span",
    target: "tests",
    module: None,
    file: None,
    line: None,
    is_named: false,
    is_continued: false,
};

fn hub(options: ClientOptions) -> (Arc<Hub>, Arc<TestTransport>) {
    let transport = TestTransport::new();
    let options = options.dsn("https://public@sentry.invalid/1").transport(Arc::clone(&transport));
    (Arc::new(Hub::new(Some(Arc::new(Client::with_options(options))), Arc::default())), transport)
}

#[derive(Debug, Clone)]
enum Step {
    /// With this parent, if it is open; else with the current one.
    Begin(usize, Option<usize>),
    Enter(usize),
    Exit(usize),
    Close(usize),
    Tag,
    Crumb,
    Capture,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let span = 0usize..6;
    let step = prop_oneof![
        3 => (span.clone(), prop::option::of(span.clone())).prop_map(|(span, parent)| Step::Begin(span, parent)),
        4 => span.clone().prop_map(Step::Enter),
        3 => span.clone().prop_map(Step::Exit),
        1 => span.prop_map(Step::Close),
        2 => Just(Step::Tag),
        2 => Just(Step::Crumb),
        3 => Just(Step::Capture),
    ];
    prop::collection::vec(step, 0..60)
}

/// What is known of the spans that are open, without hubs.
#[derive(Default)]
struct Model {
    /// Each with the spans around it, the root first, and itself last.
    open: BTreeMap<usize, Vec<u64>>,
    entered: Vec<usize>,
    tagged: BTreeSet<u64>,
    /// The breadcrumbs of each root, as the spans they were added in.
    crumbs: BTreeMap<u64, Vec<u64>>,
    next: u64,
}

impl Model {
    fn path(&self) -> &[u64] {
        self.entered.last().and_then(|span| self.open.get(span)).map_or(&[], Vec::as_slice)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_is_set_in_a_span_is_there_again_and_nowhere_else(steps in steps(), rate in prop::option::of(0u8..2)) {
        let options = rate.map_or(ClientOptions::new(), |rate| ClientOptions::new().traces_sample_rate(f32::from(rate)));
        let (hub, transport) = hub(options);
        let spans = BridgedSpans::default();
        let mut model = Model::default();
        let outside = Hub::current();
        Hub::run(hub, || -> Result<(), TestCaseError> {
            for step in steps {
                match step {
                    Step::Begin(span, parent) if !model.open.contains_key(&span) => {
                        let parent = parent.filter(|parent| model.open.contains_key(parent));
                        let mut path = parent.map_or(model.path().to_vec(), |parent| model.open[&parent].clone());
                        model.next += 1;
                        path.push(model.next);
                        let given = parent.map_or(BridgedParent::Current, |parent| BridgedParent::Explicit(parent as u64));
                        let current = || model.entered.last().map(|span| *span as u64);
                        spans.begin(span as u64, given, current, &SITE, Described::default);
                        model.open.insert(span, path);
                    }
                    Step::Enter(span) if model.open.contains_key(&span) => {
                        spans.enter(span as u64);
                        model.entered.push(span);
                    }
                    Step::Exit(span) => {
                        spans.exit(span as u64);
                        if let Some(at) = model.entered.iter().rposition(|entered| *entered == span) {
                            model.entered.remove(at);
                        }
                    }
                    // As a tracing system does: not before it was left, and its children closed.
                    Step::Close(span) if !model.entered.contains(&span) => {
                        let Some(own) = model.open.get(&span).and_then(|path| path.last()) else { continue };
                        if model.open.values().filter(|path| path.contains(own)).count() == 1 {
                            spans.close(span as u64);
                            model.open.remove(&span);
                        }
                    }
                    Step::Tag => {
                        let Some(own) = model.path().last().copied() else { continue };
                        Hub::current().configure_scope(|scope| scope.set_tag(&own.to_string(), own));
                        model.tagged.insert(own);
                    }
                    Step::Crumb => {
                        let path = model.path();
                        let (Some(root), Some(own)) = (path.first().copied(), path.last().copied()) else { continue };
                        crate::add_breadcrumb(Breadcrumb { message: Some(own.to_string()), ..Breadcrumb::default() });
                        model.crumbs.entry(root).or_default().push(own);
                    }
                    Step::Capture => {
                        crate::capture_message("here", Level::Info);
                        let [event] = &transport.fetch_and_clear_events()[..] else { panic!("one event") };
                        let tags: BTreeSet<u64> = event.tags.keys().map(|tag| tag.parse().expect("a number")).collect();
                        let path = model.path();
                        if let Some(own) = path.last() {
                            prop_assert_eq!(tags.contains(own), model.tagged.contains(own));
                        }
                        prop_assert!(tags.iter().all(|tag| path.contains(tag)), "{tags:?} in {path:?}");
                        let crumb = |crumb: &Breadcrumb| crumb.message.as_ref()?.parse::<u64>().ok();
                        let crumbs: Vec<u64> = event.breadcrumbs.values.iter().filter_map(crumb).collect();
                        let all = path.first().and_then(|root| model.crumbs.get(root)).cloned().unwrap_or_default();
                        match path {
                            [] | [_] => prop_assert_eq!(crumbs, all),
                            // A child has those of its parents from before it was a place of its own.
                            _ => prop_assert!(crumbs.iter().all(|crumb| all.contains(crumb)), "{crumbs:?} of {all:?}"),
                        }
                    }
                    Step::Begin(..) | Step::Enter(_) | Step::Close(_) => {}
                }
            }
            Ok(())
        })?;
        model.entered.iter().for_each(|span| spans.exit(*span as u64));
        prop_assert!(Arc::ptr_eq(&Hub::current(), &outside));
    }
}

#[test]
fn a_table_of_spans_is_empty_again() {
    let (hub, _) = hub(ClientOptions::new().traces_sample_rate(1.0));
    let weak = Hub::run(Arc::clone(&hub), || {
        let spans = BridgedSpans::default();
        spans.begin(1, BridgedParent::Root, || None, &SITE, Described::default);
        spans.begin(2, BridgedParent::Explicit(1), || None, &SITE, Described::default);
        let own = spans.within(2, Hub::current);
        assert!(!Arc::ptr_eq(&own, &hub));
        // One is closed, the other is left to the table.
        spans.close(2);
        Arc::downgrade(&own)
    });
    assert!(weak.upgrade().is_none());
    assert_eq!(Arc::strong_count(&hub), 1);
}

#[test]
fn a_span_that_is_closed_is_no_place_any_more() {
    let (hub, _) = hub(ClientOptions::new());
    Hub::run(Arc::clone(&hub), || {
        let spans = BridgedSpans::default();
        spans.begin(1, BridgedParent::Current, || None, &SITE, Described::default);
        spans.enter(1);
        spans.close(1);
        assert!(Arc::ptr_eq(&Hub::current(), &hub));
        spans.exit(1);
        spans.exit(1);
        spans.record(1, Described::default());
        spans.close(1);
        assert!(Arc::ptr_eq(&Hub::current(), &hub));
    });
}

#[test]
fn threads_that_fork_a_span_at_once_get_the_same_hub() {
    let (hub, _) = hub(ClientOptions::new().traces_sample_rate(0.0));
    let spans = BridgedSpans::default();
    for id in 0..50 {
        let begin = || spans.begin(id, BridgedParent::Current, || None, &SITE, Described::default);
        Hub::run(Arc::clone(&hub), begin);
        let barrier = std::sync::Barrier::new(4);
        let hubs: Vec<Arc<Hub>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        spans.within(id, || {
                            barrier.wait();
                            Hub::current()
                        })
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert!(hubs.iter().all(|hub| Arc::ptr_eq(hub, &hubs[0])));
    }
}

#[test]
fn tasks_that_begin_tasks_for_ever_keep_nobody_before_them() {
    let (first, _) = hub(ClientOptions::new().traces_sample_rate(1.0));
    let spans = BridgedSpans::default();
    let mut around = first;
    let second = Arc::downgrade(&around.fork());
    for id in 0..100_000 {
        around = Hub::run(around, || {
            spans.begin(id, BridgedParent::Current, || None, &SITE, Described::default);
            let own = spans.within(id, || {
                crate::add_breadcrumb(Breadcrumb::default());
                Hub::current()
            });
            spans.close(id);
            own
        });
    }
    assert!(second.upgrade().is_none());
}

#[test]
fn work_that_goes_on_after_its_transaction_is_traced_on_its_own() {
    let (hub, transport) = hub(ClientOptions::new().traces_sample_rate(1.0));
    Hub::run(hub, || {
        let request = crate::start_transaction(TransactionContext::new("request", "http.server"));
        let trace_id = request.get_trace_context().trace_id;
        crate::configure_scope(|scope| scope.set_span(Some(request.clone().into())));
        let task = Hub::current().fork();
        request.finish();
        assert_eq!(transport.fetch_and_clear_envelopes().len(), 1);
        Hub::run(task, || {
            let spans = BridgedSpans::default();
            spans.begin(1, BridgedParent::Current, || None, &SITE, Described::default);
            spans.within(1, || {
                let current = crate::configure_scope(|scope| scope.get_span()).expect("a span");
                assert_eq!(current.get_trace_context().trace_id, trace_id);
                spans.begin(2, BridgedParent::Current, || None, &SITE, Described::default);
                spans.close(2);
            });
            spans.close(1);
        });
        assert_eq!(transport.fetch_and_clear_envelopes().len(), 1);
    });
}
