//! What a program can decide about errors: which are not reported, which part is, and what is known of them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sentry::protocol::client_report::{Category, Reason};
use sentry::protocol::{Breadcrumb, Event};
use sentry::{ClientOptions, Level};
use serde_json::json;

use crate::support::Receiver;
use crate::{assert_balanced, start};

/// Symbols of a debug build take their time.
const PATIENCE: Duration = Duration::from_secs(10);

/// With a source that can be looked for.
#[derive(Debug)]
struct Failed(std::io::Error);

impl Failed {
    fn with(kind: std::io::ErrorKind) -> Self {
        Self(kind.into())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it failed")
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn source_kind(error: &dyn Error) -> Option<std::io::ErrorKind> {
    Some(error.source()?.downcast_ref::<std::io::Error>()?.kind())
}

#[test]
fn on_error_sees_the_error_and_its_event_on_the_caller() {
    let receiver = Receiver::start();
    let options = ClientOptions::new().attach_stacktrace(true).on_error(|error, event| {
        // Captures in here are dropped.
        sentry::capture_message("from inside", Level::Error);
        if let Some(kind) = source_kind(error) {
            event.tags.insert("kind".to_owned(), format!("{kind:?}"));
            event.tags.insert("thread".to_owned(), std::thread::current().name().unwrap_or_default().to_owned());
            event.level = Level::Warning;
        }
        if error.source().is_none() {
            event.culprit = Some("half changed".to_owned());
            std::panic::resume_unwind(Box::new(()));
        }
    });
    let (hub, client) = start(&receiver.dsn(), options);
    let caller = std::thread::current().name().unwrap_or_default().to_owned();
    sentry::Hub::run(Arc::clone(&hub), || {
        let id = sentry::capture_error(&Failed::with(std::io::ErrorKind::TimedOut));
        assert_eq!(sentry::last_event_id(), Some(id));
        // So that the first arrives first.
        assert!(client.flush(Some(PATIENCE)));
        sentry::capture_error(&"x".parse::<u8>().expect_err("no number"));
    });
    assert!(client.close(Some(PATIENCE)));
    let events = receiver.wait_events(2);
    assert_eq!(
        (&events[0]["tags"], &events[0]["level"]),
        (&json!({"kind": "TimedOut", "thread": caller}), &json!("warning"))
    );
    let exceptions = events[0]["exception"]["values"].as_array().expect("listed");
    assert_eq!((exceptions.len(), &exceptions[1]["type"]), (2, &json!("Failed")));
    assert!(exceptions[1]["stacktrace"]["frames"].is_array(), "as without the hook");
    assert_eq!(events[1]["culprit"], "half changed", "one that panics costs nothing");
    assert_eq!(events.len(), 2);
    assert_balanced(&client);
}

#[test]
fn ignored_errors_are_counted_and_never_asked_for_their_text() {
    #[derive(Debug)]
    struct Mute;
    impl fmt::Display for Mute {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("asked for its text")
        }
    }
    impl Error for Mute {}
    let receiver = Receiver::start();
    let options = ClientOptions::new()
        .ignore_errors([
            "it::errors::ignored_errors_are_counted_and_never_asked_for_their_text::Mute",
            "ParseIntError",
            "Int",
        ])
        .ignore_errors_if(|error| source_kind(error) == Some(std::io::ErrorKind::NotFound))
        .before_send(|event| (event.culprit.is_none()).then_some(event));
    let (hub, client) = start(&receiver.dsn(), options);
    let ignored: [&dyn Fn() -> sentry::types::Uuid; 4] = [
        &|| hub.capture_error(&Mute),
        &|| hub.capture_error(&"x".parse::<u8>().expect_err("no number")),
        &|| hub.capture_error(&Failed::with(std::io::ErrorKind::NotFound)),
        &|| hub.capture_event(sentry::event_from_error(&"x".parse::<u8>().expect_err("no number"))),
    ];
    for (n, capture) in ignored.iter().enumerate() {
        assert!(capture().is_nil(), "{n}");
    }
    assert!(!hub.capture_error(&Failed::with(std::io::ErrorKind::TimedOut)).is_nil());
    assert!(!hub.capture_error(&"x".parse::<f32>().expect_err("no number")).is_nil());
    assert!(client.close(None));
    assert_eq!(receiver.events().len(), 2);
    let row = client.stats().of(Category::Error);
    assert_eq!((row.captured, row.lost_for(Reason::EventProcessor), row.delivered), (6, 4, 2));
    assert_balanced(&client);
}

#[test]
fn the_error_sampler_decides_in_place_of_the_rate() {
    let receiver = Receiver::start();
    let options = ClientOptions::new()
        // Which is only asked where the sampler fails.
        .sample_rate(0.0)
        .before_send(|mut event| {
            event.logger = event.message.clone();
            Some(event)
        })
        // It sees what the hook made of the event.
        .error_sampler(|event| match event.logger.as_deref() {
            Some("kept") => 1.0,
            Some("out of range") => 1.5,
            Some("no number") => f32::NAN,
            Some("panics") => std::panic::resume_unwind(Box::new(())),
            _ => 0.0,
        });
    let (hub, client) = start(&receiver.dsn(), options);
    for text in ["kept", "given up", "out of range", "no number", "panics"] {
        hub.capture_message(text, Level::Error);
    }
    assert!(client.close(None));
    let [event] = &receiver.events()[..] else { panic!("one event") };
    assert_eq!(event["logentry"]["formatted"], "kept");
    let row = client.stats().of(Category::Error);
    assert_eq!((row.captured, row.lost_for(Reason::SampleRate)), (5, 4));
    assert_balanced(&client);
}

#[test]
fn what_the_sampler_gives_up_the_session_has_seen() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new().error_sampler(|_| 0.0));
    hub.start_session();
    hub.capture_error(&Failed::with(std::io::ErrorKind::TimedOut));
    hub.end_session();
    assert!(client.close(None));
    let envelopes = receiver.envelopes();
    let sessions = envelopes.iter().flat_map(|envelope| &envelope.items).filter(|item| item.kind() == "session");
    let last = sessions.collect::<Vec<_>>().pop().expect("a session").json();
    assert_eq!((&last["errors"], &last["status"]), (&json!(1), &json!("exited")));
    assert!(receiver.events().is_empty());
    assert_balanced(&client);
}

#[test]
fn the_hint_has_the_error_that_was_given_away() {
    /// Tells when it is gone.
    #[derive(Debug)]
    struct Counted(Arc<AtomicUsize>);
    impl fmt::Display for Counted {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("counted")
        }
    }
    impl Error for Counted {}
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let receiver = Receiver::start();
    let options = ClientOptions::new().attach_stacktrace(true).before_send_with_hint(|mut event, hint| {
        let is_there = hint.error().is_some_and(|error| error.downcast_ref::<Counted>().is_some());
        event.extra.insert("is_there".to_owned(), is_there.into());
        event.extra.insert("types".to_owned(), hint.error_types.clone().into());
        event.extra.insert("thread".to_owned(), hint.thread_name.clone().into());
        event.extra.insert("is_urgent".to_owned(), hint.is_urgent.into());
        (event.culprit.as_deref() != Some("drop")).then_some(event)
    });
    let (hub, client) = start(&receiver.dsn(), options);
    let dropped = Arc::new(AtomicUsize::new(0));
    hub.capture_error_owned(Arc::new(Counted(Arc::clone(&dropped))));
    hub.capture_error(&Failed::with(std::io::ErrorKind::TimedOut));
    hub.capture_event(Event { culprit: Some("drop".to_owned()), ..Event::new() });
    hub.capture_message("m", Level::Fatal);
    assert!(client.close(Some(PATIENCE)));
    let events = receiver.wait_events(3);
    let with_type = |ty: &str| events.iter().find(|event| event["extra"]["types"][0] == ty).expect("there");
    let owned = with_type("Counted");
    assert_eq!((&owned["extra"]["is_there"], owned["extra"]["is_urgent"].as_bool()), (&json!(true), Some(false)));
    assert_eq!(owned["extra"]["thread"].as_str(), std::thread::current().name());
    let borrowed = with_type("it::errors::Failed");
    assert_eq!(borrowed["extra"]["is_there"], json!(false));
    assert_eq!(borrowed["extra"]["types"].as_array().map(Vec::len), Some(2));
    let urgent = events.iter().filter(|event| event["extra"]["is_urgent"] == json!(true)).count();
    assert_eq!((urgent, dropped.load(Ordering::SeqCst)), (1, 1));
    assert_eq!(client.stats().of(Category::Error).lost_for(Reason::BeforeSend), 1);
    assert_balanced(&client);
}

#[test]
fn long_values_are_cut_behind_the_hooks() {
    let receiver = Receiver::start();
    let options = ClientOptions::new().max_value_length(10).before_send(|mut event| {
        event.tags.insert("seen".to_owned(), event.message.as_ref().map_or(0, String::len).to_string());
        Some(event)
    });
    let (hub, client) = start(&receiver.dsn(), options);
    hub.add_breadcrumb(Breadcrumb { message: Some("a long breadcrumb".into()), ..Breadcrumb::default() });
    hub.capture_message("a long message", Level::Info);
    assert!(client.flush(None));
    hub.capture_error(&Failed::with(std::io::ErrorKind::TimedOut));
    assert!(client.close(None));
    let events = receiver.wait_events(2);
    assert_eq!(events[0]["logentry"]["formatted"], "a long ...");
    assert_eq!(events[0]["breadcrumbs"]["values"][0]["message"], "a long ...");
    assert_eq!(events[0]["tags"]["seen"], "14");
    assert_eq!(events[1]["exception"]["values"][1]["value"], "it failed");
}

#[test]
fn without_client_reports_losses_are_counted_and_not_told() {
    let receiver = Receiver::start();
    let options = ClientOptions::new()
        .send_client_reports(false)
        .before_send(|event| (event.level != Level::Debug).then_some(event));
    let (hub, client) = start(&receiver.dsn(), options);
    hub.capture_message("dropped", Level::Debug);
    hub.capture_message("kept", Level::Info);
    assert!(client.close(None));
    let envelopes = receiver.wait_envelopes(1);
    assert!(envelopes.iter().all(|envelope| envelope.item("client_report").is_none()));
    let row = client.stats().of(Category::Error);
    assert_eq!((envelopes.len(), row.captured, row.delivered, row.lost_for(Reason::BeforeSend)), (1, 2, 1, 1));
    assert_balanced(&client);
}
