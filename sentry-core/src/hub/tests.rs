//! Hubs, guards and captures together, over transports that keep what they get.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::options::ClientOptions;
use crate::protocol::Breadcrumb;
use crate::protocol::User;
use crate::protocol::client_report::{Category, Reason};
use crate::sync::Mutex;
use crate::test::TestTransport;

fn options(transport: &Arc<TestTransport>) -> ClientOptions {
    ClientOptions::new().dsn("https://public@sentry.invalid/1").transport(Arc::clone(transport))
}

fn hub_with(options: ClientOptions) -> Arc<Hub> {
    Arc::new(Hub::new(Some(Arc::new(Client::with_options(options))), Arc::default()))
}

fn hub() -> (Arc<Hub>, Arc<TestTransport>) {
    let transport = TestTransport::new();
    (hub_with(options(&transport)), transport)
}

#[test]
fn a_disabled_hub_calls_nothing_it_is_given() {
    let hub = Hub::new(None, Arc::default());
    hub.configure_scope(|_| -> () { panic!("called") });
    hub.add_breadcrumb(|| -> Breadcrumb { panic!("called") });
    assert_eq!(hub.with_scope(|_| panic!("called"), || 7), 7);
    assert!(hub.capture_message("m", Level::Info).is_nil());
    assert_eq!(hub.last_event_id(), None);
}

#[test]
fn a_closed_client_captures_nothing_more() {
    let (hub, transport) = hub();
    assert!(!hub.capture_message("before", Level::Info).is_nil());
    assert!(hub.client().expect("open").close(None));
    assert!(hub.capture_message("after", Level::Info).is_nil());
    assert_eq!(transport.fetch_and_clear_events().len(), 1);
}

#[test]
fn nothing_changed_at_once_by_many_threads_is_lost() {
    let (hub, transport) = hub();
    thread::scope(|scope| {
        for thread in 0..8 {
            let hub = &hub;
            scope.spawn(move || {
                for n in 0..100 {
                    hub.configure_scope(|scope| {
                        // A nested change, and one by another thread while this closure runs, must both stay.
                        hub.configure_scope(|scope| scope.set_tag(&format!("inner-{thread}-{n}"), n));
                        scope.set_tag(&format!("outer-{thread}-{n}"), n);
                    });
                    hub.capture_message("meanwhile", Level::Info);
                }
            });
        }
    });
    transport.fetch_and_clear_events();
    hub.capture_message("done", Level::Info);
    assert_eq!(transport.fetch_and_clear_events()[0].tags.len(), 8 * 100 * 2);
}

#[test]
fn forked_hubs_do_not_see_each_other() {
    let (hub, transport) = hub();
    hub.configure_scope(|scope| scope.set_tag("shared", 1));
    thread::scope(|scope| {
        for n in 0..8 {
            let fork = Hub::new_from_top(&*hub);
            scope.spawn(move || {
                for round in 0..50 {
                    fork.configure_scope(|scope| scope.set_tag("mine", n));
                    fork.add_breadcrumb(Breadcrumb { message: Some(n.to_string()), ..Default::default() });
                    fork.capture_message(&format!("{n} {round}"), Level::Info);
                }
            });
        }
    });
    let events = transport.fetch_and_clear_events();
    assert_eq!(events.len(), 400);
    for event in events {
        let owner = event.message.as_deref().and_then(|message| message.split(' ').next()).expect("set").to_owned();
        assert_eq!((event.tags["mine"].as_str(), event.tags["shared"].as_str()), (owner.as_str(), "1"));
        assert!(event.breadcrumbs.values.iter().all(|crumb| crumb.message.as_deref() == Some(&owner)));
    }
}

#[test]
fn every_kind_of_user_code_may_capture_and_configure() {
    struct Meddling(Arc<Hub>);
    impl fmt::Debug for Meddling {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Meddling")
        }
    }
    impl fmt::Display for Meddling {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.capture_error(self);
            self.0.configure_scope(|scope| scope.set_tag("display", "seen"));
            f.write_str("meddling")
        }
    }
    impl std::error::Error for Meddling {}

    let transport = TestTransport::new();
    let meddle = |name: &'static str| {
        move || {
            let current = Hub::current();
            current.capture_message(name, Level::Info);
            current.configure_scope(|scope| scope.set_tag(name, "set"));
            current.add_breadcrumb(|| Breadcrumb { message: Some(name.to_owned()), ..Default::default() });
            current.client().map(|client| client.flush(None))
        }
    };
    let options = options(&transport)
        .before_send(move |event| {
            meddle("before_send")();
            Some(event)
        })
        .before_breadcrumb(move |crumb| {
            Hub::current().capture_message("in before_breadcrumb", Level::Info);
            Hub::current().configure_scope(|scope| scope.set_tag("before_breadcrumb", "set"));
            Some(crumb)
        });
    let hub = hub_with(options);
    hub.configure_scope(|scope| {
        scope.add_event_processor(move |event| {
            meddle("processor")();
            Some(event)
        });
    });
    Hub::run(Arc::clone(&hub), || {
        hub.add_breadcrumb(Breadcrumb::default());
        hub.capture_error(&Meddling(Arc::clone(&hub)));
        hub.capture_message("last", Level::Info);
    });
    let events = transport.fetch_and_clear_events();
    assert_eq!(events.len(), 2, "what was captured inside is dropped");
    let tags: Vec<&str> = events[1].tags.keys().map(String::as_str).collect();
    assert_eq!(tags, ["before_breadcrumb", "display"], "what hooks set on the event's own hub is not kept");
}

#[test]
fn hooks_see_the_scope_of_the_capture() {
    let transport = TestTransport::deferred();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let hub = hub_with(options(&transport).before_send(move |event| {
        let tag = Hub::current().configure_scope(|scope| scope.user().and_then(|user| user.id.clone()));
        sink.lock().push((tag, thread::current().name().map(str::to_owned)));
        Some(event)
    }));
    // Only an active hub shows its scope, and the hook's hub is not bound: it is active while this client is open.
    activity::set_process_client(hub.client().expect("open"));
    hub.configure_scope(|scope| scope.set_user(Some(User { id: Some("captured by".into()), ..Default::default() })));
    let id = hub.capture_message("m", Level::Info);
    hub.configure_scope(|scope| scope.set_user(None));
    let events = transport.fetch_and_clear_events();
    assert_eq!(events[0].event_id, id);
    assert_eq!(*seen.lock(), [(Some("captured by".to_owned()), Some("sentry-test-worker".to_owned()))]);
}

#[test]
fn an_event_dropped_at_once_has_no_id_and_is_counted() {
    for deferred in [false, true] {
        let transport = if deferred { TestTransport::deferred() } else { TestTransport::new() };
        let hub = hub_with(options(&transport).before_send(|event| (event.level != Level::Debug).then_some(event)));
        let kept = hub.capture_message("kept", Level::Info);
        let dropped = hub.capture_message("dropped", Level::Debug);
        assert_eq!(transport.fetch_and_clear_events().len(), 1);
        assert_eq!(dropped.is_nil(), !deferred);
        assert_eq!(hub.last_event_id(), Some(if deferred { dropped } else { kept }));
        let row = hub.client().expect("open").stats().of(Category::Error);
        assert_eq!((row.captured, row.delivered, row.queued(), row.lost_for(Reason::BeforeSend)), (2, 1, 0, 1));
    }
}

#[test]
fn hooks_on_caller_run_there_even_with_a_deferring_transport() {
    let transport = TestTransport::deferred();
    let here = thread::current().id();
    let elsewhere = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&elsewhere);
    let hub = hub_with(options(&transport).hooks_on_caller(true).before_send(move |event| {
        count.fetch_add(usize::from(thread::current().id() != here), Ordering::SeqCst);
        (event.level != Level::Debug).then_some(event)
    }));
    assert!(!hub.capture_message("kept", Level::Info).is_nil());
    assert!(hub.capture_message("dropped", Level::Debug).is_nil());
    assert_eq!(transport.fetch_and_clear_events().len(), 1);
    assert_eq!(elsewhere.load(Ordering::SeqCst), 0);
    let row = hub.client().expect("open").stats().of(Category::Error);
    assert_eq!((row.captured, row.delivered, row.lost_in_all()), (2, 1, 1));
}

#[test]
fn panicking_hooks_drop_what_they_were_given_and_are_counted_as_drops() {
    let transport = TestTransport::new();
    let said = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&said);
    let panic = || -> Option<Event<'static>> { std::panic::resume_unwind(Box::new(())) };
    let options = options(&transport)
        .diagnostics(move |line| sink.lock().push(line.to_owned()))
        .before_send(move |event| if event.level == Level::Debug { panic() } else { Some(event) })
        .before_breadcrumb(move |crumb| {
            if crumb.level == Level::Debug { std::panic::resume_unwind(Box::new(())) } else { Some(crumb) }
        });
    let hub = hub_with(options);
    hub.add_breadcrumb(Breadcrumb { level: Level::Debug, ..Default::default() });
    hub.add_breadcrumb(Breadcrumb::default());
    assert!(hub.capture_message("m", Level::Debug).is_nil());
    hub.capture_message("m", Level::Info);
    hub.configure_scope(|scope| scope.add_event_processor(move |_| panic()));
    hub.capture_message("m", Level::Info);
    let events = transport.fetch_and_clear_events();
    assert_eq!((events.len(), events[0].breadcrumbs.values.len()), (1, 1));
    let row = hub.client().expect("open").stats().of(Category::Error);
    assert_eq!((row.lost_for(Reason::BeforeSend), row.lost_for(Reason::EventProcessor)), (1, 1));
    assert_eq!(said.lock().len(), 1, "one line for all of them: {:?}", said.lock());
}

#[test]
fn sampled_out_captures_build_nothing_and_are_counted() {
    struct Unreadable;
    impl fmt::Debug for Unreadable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("read")
        }
    }
    impl fmt::Display for Unreadable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("read")
        }
    }
    impl std::error::Error for Unreadable {}
    let transport = TestTransport::new();
    let hub = hub_with(options(&transport).sample_rate(0.0).before_send(|_| panic!("ran")));
    assert!(hub.capture_error(&Unreadable).is_nil());
    assert_eq!(hub.client().expect("open").stats().of(Category::Error).lost_for(Reason::SampleRate), 1);
    assert_eq!(transport.fetch_and_clear_envelopes(), []);
}

#[test]
fn the_global_scope_reaches_hubs_made_before_it_and_yields_to_theirs() {
    let (hub, transport) = hub();
    hub.configure_scope(|scope| scope.set_tag("global-or-mine", "mine"));
    crate::configure_global_scope(|scope| {
        scope.set_tag("from-global", "yes");
        scope.set_tag("global-or-mine", "global");
    });
    hub.capture_message("m", Level::Info);
    let tags = &transport.fetch_and_clear_events()[0].tags;
    assert_eq!((tags["from-global"].as_str(), tags["global-or-mine"].as_str()), ("yes", "mine"));
    crate::configure_global_scope(Scope::clear);
}

#[test]
fn an_envelope_carries_the_trace_and_the_attachments() {
    let (hub, transport) = hub();
    let attachment =
        crate::protocol::Attachment { filename: "a.txt".into(), buffer: b"abc".to_vec(), ..Default::default() };
    hub.configure_scope(|scope| scope.add_attachment(attachment.clone()));
    let id = hub.capture_message("m", Level::Info);
    let envelope = transport.fetch_and_clear_envelopes().remove(0);
    assert_eq!(envelope.uuid(), Some(&id));
    let items: Vec<_> = envelope.items().collect();
    assert!(matches!(items[1], crate::protocol::EnvelopeItem::Attachment(there) if *there == attachment));
    let headers = serde_json::to_value(envelope.headers()).expect("json");
    let trace_id = headers["trace"]["trace_id"].as_str().expect("a trace").to_owned();
    let crate::protocol::Context::Trace(trace) = &envelope.event().expect("an event").contexts["trace"] else {
        panic!("a trace context")
    };
    assert_eq!(trace.trace_id.to_string(), trace_id);
    assert_eq!(headers["trace"]["public_key"], "public");
}

#[derive(Debug, Clone)]
enum Step {
    Push(u8),
    Drop(usize),
    Tag(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![any::<u8>().prop_map(Step::Push), any::<usize>().prop_map(Step::Drop), any::<u8>().prop_map(Step::Tag)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn guards_dropped_in_any_order_take_off_their_own_scope(steps in proptest::collection::vec(step(), 0..40)) {
        let (hub, transport) = hub();
        // The model: each level's id and tags, the lowest first.
        let mut model: Vec<(usize, Vec<String>)> = vec![(0, Vec::new())];
        let mut guards: Vec<(usize, ScopeGuard)> = Vec::new();
        let mut next = 1;
        for step in steps {
            match step {
                Step::Push(n) => {
                    guards.push((next, hub.push_scope()));
                    let mut tags = model.last().expect("never empty").1.clone();
                    tags.push(format!("p{n}"));
                    hub.configure_scope(|scope| scope.set_tag(&format!("p{n}"), 1));
                    model.push((next, tags));
                    next += 1;
                }
                Step::Drop(at) if !guards.is_empty() => {
                    let (id, guard) = guards.remove(at % guards.len());
                    drop(guard);
                    model.retain(|(there, _)| *there != id);
                }
                Step::Drop(_) => {}
                Step::Tag(n) => {
                    hub.configure_scope(|scope| scope.set_tag(&format!("t{n}"), 1));
                    model.last_mut().expect("never empty").1.push(format!("t{n}"));
                }
            }
            hub.capture_message("now", Level::Info);
            let event = transport.fetch_and_clear_events().remove(0);
            let mut expected = model.last().expect("never empty").1.clone();
            expected.sort();
            expected.dedup();
            prop_assert_eq!(event.tags.into_keys().filter(|tag| tag != "from-global" && tag != "global-or-mine").collect::<Vec<_>>(), expected);
        }
    }
}

#[test]
fn switching_hubs_nests_and_survives_panics() {
    let (one, _) = hub();
    let (two, _) = hub();
    let outside = Hub::current();
    Hub::run(Arc::clone(&one), || {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            Hub::run(Arc::clone(&two), || {
                assert!(Arc::ptr_eq(&Hub::current(), &two));
                std::panic::resume_unwind(Box::new(()));
            });
        }));
        assert!(caught.is_err() && Arc::ptr_eq(&Hub::current(), &one));
    });
    assert!(Arc::ptr_eq(&Hub::current(), &outside));
}

#[test]
fn a_dropped_future_drops_its_parts_in_its_own_hub() {
    use crate::futures::SentryFutureExt;
    struct Reports(Arc<Mutex<Option<Arc<Hub>>>>);
    impl Drop for Reports {
        fn drop(&mut self) {
            *self.0.lock() = Some(Hub::current());
        }
    }
    let (hub, _) = hub();
    let seen = Arc::new(Mutex::new(None));
    let reports = Reports(Arc::clone(&seen));
    let future = async move {
        let _reports = reports;
        std::future::pending::<()>().await;
    };
    drop(future.bind_hub(Arc::clone(&hub)));
    assert!(Arc::ptr_eq(seen.lock().as_ref().expect("dropped"), &hub));
}

#[test]
fn a_client_that_is_bound_to_nothing_any_more_is_dropped_and_may_use_the_hub_meanwhile() {
    struct UsesTheHub(Arc<Hub>, Arc<AtomicUsize>);
    impl Drop for UsesTheHub {
        fn drop(&mut self) {
            self.0.configure_scope(|scope| scope.set_tag("dropped", 1));
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    let hub = Arc::new(Hub::new(None, Arc::default()));
    let dropped = Arc::new(AtomicUsize::new(0));
    let owned = UsesTheHub(Arc::clone(&hub), Arc::clone(&dropped));
    let client = Client::with_options(options(&TestTransport::new()).before_send(move |event| {
        let _ = &owned;
        Some(event)
    }));
    hub.bind_client(Some(Arc::new(client)));
    hub.add_breadcrumb(Breadcrumb::default());
    hub.capture_message("known to the hub", Level::Info);
    hub.bind_client(None);
    hub.add_breadcrumb(Breadcrumb::default());
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

#[test]
fn no_integration_runs_on_a_panicking_thread() {
    struct OnCapture(Arc<AtomicUsize>);
    impl Integration for OnCapture {
        fn on_capture(&self, _: &mut Capture, _: &ClientOptions) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let calls = Arc::new(AtomicUsize::new(0));
    let transport = TestTransport::new();
    let hub = hub_with(options(&transport).add_integration(OnCapture(Arc::clone(&calls))));
    hub.capture_message("an ordinary one", Level::Info);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert!(!hub.capture_urgent(Capture::from_event(Event::new())).is_nil());
    assert_eq!((calls.load(Ordering::SeqCst), transport.fetch_and_clear_events().len()), (1, 2));
}

#[test]
fn a_raw_envelope_weighs_what_it_is() {
    let raw = crate::Envelope::from_bytes_raw(vec![b'x'; 100_000]).expect("raw");
    assert!(crate::weight::envelope_bytes(&raw) >= 100_000);
}

#[test]
fn a_processor_whose_destructor_panics_costs_nothing() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new(()));
        }
    }
    let transport = TestTransport::deferred();
    let hub = hub_with(options(&transport));
    let client = hub.client().expect("bound");
    hub.with_scope(
        |scope| {
            let panics = Panics;
            scope.add_event_processor(move |event| {
                let _ = &panics;
                drop(event);
                None
            });
        },
        || hub.capture_message("dropped", Level::Info),
    );
    assert!(client.flush(None));
    let row = client.stats().of(crate::protocol::client_report::Category::Error);
    assert_eq!((row.captured, row.lost_in_all()), (1, 1), "{row:?}");
}
