//! Sessions as a server gets them, whatever becomes of the events in them.

use std::sync::Arc;
use std::time::Duration;

use sentry::protocol::SessionStatus;
use sentry::protocol::client_report::Category;
use sentry::{ClientOptions, Hub, Level, SessionMode, User};
use serde_json::{Value, json};

use crate::support::{Gate, Receiver, Reply};
use crate::{assert_balanced, start};

/// All session updates that came, in order.
fn updates(receiver: &Receiver) -> Vec<Value> {
    let envelopes = receiver.envelopes();
    let items = envelopes.iter().flat_map(|envelope| &envelope.items);
    items.filter(|item| item.kind() == "session").map(|item| item.json()).collect()
}

/// All sums of requests that came.
fn sums(receiver: &Receiver) -> Vec<Value> {
    let envelopes = receiver.envelopes();
    let items = envelopes.iter().flat_map(|envelope| &envelope.items);
    items.filter(|item| item.kind() == "sessions").map(|item| item.json()).collect()
}

fn total(sums: &[Value], name: &str) -> u64 {
    let aggregates = sums.iter().flat_map(|sum| sum["aggregates"].as_array().into_iter().flatten());
    aggregates.filter_map(|one| one[name].as_u64()).sum()
}

fn states(receiver: &Receiver) -> Vec<(String, u64, bool)> {
    (updates(receiver).iter())
        .map(|update| {
            let init = update.get("init").and_then(Value::as_bool).unwrap_or_default();
            (update["status"].as_str().unwrap_or_default().into(), update["errors"].as_u64().unwrap_or_default(), init)
        })
        .collect()
}

fn state(status: &str, errors: u64, init: bool) -> (String, u64, bool) {
    (status.to_owned(), errors, init)
}

fn an_error() -> std::num::ParseIntError {
    "x".parse::<u8>().expect_err("no number")
}

#[test]
fn a_session_that_ends_well() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    hub.configure_scope(|scope| {
        scope.set_user(Some(User { email: Some("jane@example.com".into()), ..User::default() }))
    });
    hub.start_session();
    hub.configure_scope(|scope| scope.set_user(None));
    hub.capture_message("not an error, whatever its level", Level::Fatal);
    hub.end_session();
    assert!(client.close(None));
    let [update] = &updates(&receiver)[..] else { panic!("one update: {:?}", updates(&receiver)) };
    // SES-40.
    assert_eq!(update["attrs"], json!({"release": "it@1.0.0", "environment": "test"}));
    assert_eq!((&update["status"], &update["errors"], &update["init"]), (&json!("exited"), &json!(0), &json!(true)));
    assert_eq!(update["did"], "jane@example.com");
    assert!(
        update["started"].as_str().is_some_and(|at| at.ends_with('Z')) && update["duration"].is_number(),
        "{update}"
    );
    assert!(update["sid"].as_str().is_some_and(|id| id.replace('-', "").len() == 32));
    let sessions = client.stats().of(Category::Session);
    assert_eq!((sessions.captured, sessions.delivered, sessions.queued()), (1, 1, 0));
}

/// The first answer is held back until everything else has happened: what is reported must not depend on it.
fn slow_receiver() -> (Receiver, Gate) {
    let gate = Gate::new();
    let inside = gate.clone();
    let receiver = Receiver::with(move |n, _| {
        if n == 0 {
            inside.pass();
        }
        Reply::status(200)
    });
    (receiver, gate)
}

#[test]
fn error_then_end_with_a_slow_first_answer() {
    let (receiver, gate) = slow_receiver();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    hub.capture_message("keeps the wire busy", Level::Info);
    gate.wait_started(1);
    hub.start_session();
    for _ in 0..3 {
        hub.capture_error(&an_error());
    }
    hub.end_session();
    gate.release();
    assert!(client.close(None));
    let states = states(&receiver);
    assert_eq!(states.last(), Some(&state("exited", 3, states.len() == 1)), "{states:?}");
    assert_eq!(states.iter().filter(|(_, _, init)| *init).count(), 1, "{states:?}");
}

#[test]
fn a_survived_panic_is_unhandled() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    hub.start_session();
    let unhandled: sentry::protocol::Event<'static> = serde_json::from_value(json!({
        "level": "fatal", "exception": {"values": [{"type": "panic", "mechanism": {"type": "panic", "handled": false}}]}
    }))
    .expect("an event");
    hub.capture_event(unhandled);
    assert!(client.flush(None));
    hub.end_session();
    assert!(client.close(None));
    assert_eq!(states(&receiver), [state("ok", 1, true), state("unhandled", 1, false)]);
    let envelopes = receiver.envelopes();
    assert!(envelopes[0].item("event").is_some() && envelopes[0].item("session").is_some(), "together (SES-33)");
}

#[test]
fn dropped_by_a_hook_then_end() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new().before_send(|_| None));
    hub.start_session();
    hub.capture_error(&an_error());
    hub.end_session();
    assert!(client.close(None));
    assert_eq!(states(&receiver), [state("exited", 0, true)], "SES-22");
}

#[test]
fn sampled_out_then_end() {
    for has_hook in [false, true] {
        let receiver = Receiver::start();
        let mut options = ClientOptions::new().sample_rate(0.0);
        if has_hook {
            options = options.before_send(|event| (event.level != Level::Fatal).then_some(event));
        }
        let (hub, client) = start(&receiver.dsn(), options);
        hub.start_session();
        assert!(hub.capture_error(&an_error()).is_nil());
        hub.with_scope(|scope| scope.set_level(Some(Level::Fatal)), || hub.capture_error(&an_error()));
        assert!(client.flush(None));
        hub.end_session();
        assert!(client.close(None));
        // With the hook, the second is dropped by it, and counts for nothing.
        let errors = if has_hook { 1 } else { 2 };
        assert_eq!(
            states(&receiver).last(),
            Some(&state("exited", errors, false)),
            "{has_hook}: {:?}",
            states(&receiver)
        );
        assert!(receiver.events().is_empty());
        let row = client.stats().of(Category::Error);
        assert_eq!((row.captured, row.lost_in_all(), row.queued()), (2, 2, 0));
    }
}

/// Whoever finishes the events, and also where no client report takes the sessions along.
#[test]
fn errors_that_a_limit_stops_still_count_and_the_end_is_sent() {
    expect_limited_errors_to_count(ClientOptions::new());
    expect_limited_errors_to_count(ClientOptions::new().hooks_on_caller(true));
    expect_limited_errors_to_count(ClientOptions::new().send_client_reports(false));
}

fn expect_limited_errors_to_count(options: ClientOptions) {
    let receiver = Receiver::with(|n, _| match n {
        0 => Reply::status(429).header("X-Sentry-Rate-Limits", "60:error:key"),
        _ => Reply::status(200),
    });
    let (hub, client) = start(&receiver.dsn(), options);
    hub.capture_message("brings the limit", Level::Error);
    assert!(client.flush(None));
    hub.start_session();
    hub.capture_error(&an_error());
    hub.end_session();
    assert!(client.close(None));
    assert_eq!(states(&receiver).last().map(|(status, errors, _)| (status.as_str(), *errors)), Some(("exited", 1)));
    assert_balanced(&client);
}

#[test]
fn a_new_session_ends_the_old_one_and_a_forgotten_one_ends_with_its_hub() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    hub.start_session();
    hub.start_session();
    hub.end_session_with_status(SessionStatus::Abnormal);
    hub.start_session();
    drop(hub);
    assert!(client.close(None));
    let statuses: Vec<String> = states(&receiver).into_iter().map(|(status, ..)| status).collect();
    assert_eq!(statuses, ["exited", "abnormal", "exited"]);
}

#[test]
fn requests_are_summed_by_the_minute() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new().session_mode(SessionMode::Request));
    for n in 0..10 {
        let request = Hub::new_from_top(&hub);
        request.start_session();
        if n % 5 == 0 {
            request.capture_error(&an_error());
        }
        request.end_session();
    }
    assert!(client.flush(Some(Duration::from_secs(5))));
    assert!(client.close(None));
    let sums = sums(&receiver);
    assert_eq!((total(&sums, "exited"), total(&sums, "errored")), (8, 2), "{sums:?}");
    assert!(updates(&receiver).is_empty());
    assert!(sums.iter().all(|sum| sum["attrs"]["release"] == "it@1.0.0"));
    let sessions = client.stats().of(Category::Session);
    assert_eq!((sessions.captured, sessions.delivered), (10, 10));
}

#[test]
fn there_is_no_session_without_a_release() {
    let receiver = Receiver::start();
    let client = Arc::new(sentry::Client::with_options(sentry::apply_defaults(
        ClientOptions::new().dsn(&receiver.dsn()).release(""),
    )));
    let hub = Hub::new(Some(client.clone()), Default::default());
    hub.start_session();
    hub.end_session();
    assert!(client.close(None));
    assert!(receiver.envelopes().is_empty());
}

/// The session is over before its event is finished, and nothing but `close` looks after it.
#[test]
fn a_request_whose_event_is_still_pending_is_summed_at_close() {
    let (receiver, gate) = slow_receiver();
    let options = ClientOptions::new().session_mode(SessionMode::Request);
    let (hub, client) = start(&receiver.dsn(), options);
    hub.capture_message("keeps the wire busy", Level::Info);
    gate.wait_started(1);
    for _ in 0..50 {
        let request = Hub::new_from_top(&hub);
        request.start_session();
        request.capture_error(&an_error());
        request.end_session();
    }
    gate.release();
    assert!(client.close(None));
    let sums = sums(&receiver);
    assert_eq!((total(&sums, "exited"), total(&sums, "errored")), (0, 50), "{sums:?}");
    assert_balanced(&client);
    assert_eq!(client.stats().of(Category::Session).delivered, 50);
}

#[test]
fn a_hub_that_is_dropped_while_its_event_is_pending_ends_its_session() {
    let (receiver, gate) = slow_receiver();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    hub.capture_message("keeps the wire busy", Level::Info);
    gate.wait_started(1);
    hub.start_session();
    hub.capture_error(&an_error());
    drop(hub);
    gate.release();
    assert!(client.close(None));
    let states = states(&receiver);
    assert_eq!(states.last(), Some(&state("exited", 1, states.len() == 1)), "{states:?}");
    assert_balanced(&client);
}

#[test]
fn a_session_of_a_fork_leaves_that_of_its_parent_alone() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    hub.start_session();
    let fork = Arc::new(Hub::new_from_top(&hub));
    fork.start_session();
    hub.with_scope(|_| {}, || hub.start_session());
    // The pushed scope is gone, and its session with it.
    assert!(client.flush(None));
    assert_eq!(states(&receiver), [state("exited", 0, true)]);
    fork.end_session_with_status(SessionStatus::Abnormal);
    hub.capture_error(&an_error());
    assert!(client.flush(None));
    hub.end_session();
    assert!(client.close(None));
    let ends: Vec<_> = states(&receiver).into_iter().filter(|(status, ..)| status != "ok").collect();
    assert_eq!(ends[1..], [state("abnormal", 0, true), state("exited", 1, false)]);
}

#[test]
fn an_error_of_another_client_counts_for_the_session_of_its_own_client() {
    let (ours, theirs) = (Receiver::start(), Receiver::start());
    let (hub, client) = start(&ours.dsn(), ClientOptions::new().session_mode(SessionMode::Application));
    let (_, other) = start(&theirs.dsn(), ClientOptions::new().release("other@2"));
    hub.start_session();
    let fork = Hub::new_from_top(&hub);
    fork.bind_client(Some(Arc::clone(&other)));
    fork.capture_error(&std::fmt::Error);
    assert!(other.flush(None));
    drop(fork);
    hub.end_session();
    assert!(client.close(None) && other.close(None));
    assert_eq!(updates(&theirs).len(), 0);
    let [announced, .., ended] = &updates(&ours)[..] else { panic!("two updates: {:#?}", updates(&ours)) };
    assert_eq!((&announced["init"], &announced["errors"]), (&json!(true), &json!(1)));
    assert_eq!((&ended["status"], &ended["attrs"]["release"]), (&json!("exited"), &json!("it@1.0.0")));
}
