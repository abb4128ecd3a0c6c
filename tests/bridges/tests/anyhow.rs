//! The bridge to `anyhow` at the socket.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml exempts test functions, not the helpers they call"
)]

#[path = "../../support/counting.rs"]
mod counting;
mod loggers;
#[path = "../../support/mod.rs"]
mod support;

use std::fmt;
use std::sync::Arc;

use anyhow::Context as _;
use counting::allocations;
use loggers::Sentry;
use sentry::ClientOptions;
use sentry::integrations::anyhow::{AnyhowHubExt, capture_anyhow, event_from_error};
use serde_json::{Value, json};
use support::child;

fn settings() -> anyhow::Result<u16> {
    let port: u16 = "eighty".parse().context("the port is no number")?;
    Ok(port)
}

fn failure() -> anyhow::Error {
    settings().context("no settings").expect_err("no number")
}

fn exceptions(event: &Value) -> &[Value] {
    event["exception"]["values"].as_array().map(Vec::as_slice).unwrap_or_default()
}

#[test]
fn the_whole_chain_is_captured() {
    let sentry = Sentry::start(ClientOptions::new());
    let received = sentry.run(|| {
        let id = capture_anyhow(&failure());
        assert_eq!(sentry::last_event_id(), Some(id));
        assert!(!sentry::Hub::current().capture_anyhow(&anyhow::anyhow!("plain {}", 7)).is_nil());
    });
    let mut events = received.events();
    // Up to four senders: in any order.
    events.sort_by_key(|event| std::cmp::Reverse(exceptions(event).len()));
    let texts: Vec<&str> = exceptions(&events[0]).iter().map(|e| e["value"].as_str().expect("a text")).collect();
    assert_eq!(texts, ["invalid digit found in string", "the port is no number", "no settings"]);
    let [root, middle, outermost] = exceptions(&events[0]) else { panic!("three exceptions") };
    assert_eq!(root["type"], json!("ParseIntError"));
    let place = |exception: &Value| {
        let mechanism = &exception["mechanism"];
        (mechanism["exception_id"].clone(), mechanism["parent_id"].clone())
    };
    assert_eq!(
        [outermost, middle, root].map(place),
        [(json!(0), json!(null)), (json!(1), json!(0)), (json!(2), json!(1)),]
    );
    assert_eq!(exceptions(&events[1])[0]["value"], json!("plain 7"));
}

/// Whether backtraces are taken is decided once in a process, by its environment.
#[test]
fn the_stack_is_that_of_the_error_on_the_outermost_exception() {
    if child::is("stack") {
        let sentry = Sentry::start(ClientOptions::new());
        let received = sentry.run(|| _ = capture_anyhow(&failure()));
        child::report("event", &received.events()[0].to_string());
        return;
    }
    for (backtraces, expected) in [("1", true), ("0", false)] {
        let test = "the_stack_is_that_of_the_error_on_the_outermost_exception";
        let outcome = child::spawn(test, "stack").env("RUST_LIB_BACKTRACE", backtraces).run();
        assert!(outcome.success(), "{outcome:?}");
        let event: Value = serde_json::from_str(&outcome.value("event").expect("an event")).expect("JSON");
        let [root, middle, outermost] = exceptions(&event) else { panic!("three exceptions in {event:#}") };
        assert_eq!([&root["stacktrace"], &middle["stacktrace"]], [&json!(null), &json!(null)]);
        let frames = outermost["stacktrace"]["frames"].as_array();
        assert_eq!(frames.is_some(), expected, "{event:#}");
        let Some(frames) = frames else { continue };
        let of = |name: &str| frames.iter().position(|f| f["function"].as_str().is_some_and(|f| f.contains(name)));
        let made = of("settings").expect("where it was made");
        assert!(of("failure").expect("its caller") < made, "newest last: {frames:#?}");
        assert_eq!(frames[made]["in_app"], json!(true));
        assert!(frames[made]["lineno"].is_u64() && frames[made]["filename"].is_string(), "{:#}", frames[made]);
        let newer = &frames[made + 1..];
        assert!(newer.iter().all(|frame| frame["in_app"] == json!(false)), "{newer:#?}");
        assert_eq!(of("std::backtrace"), None, "{newer:#?}");
    }
}

#[test]
fn without_a_client_nothing_is_asked() {
    #[derive(Debug)]
    struct Aborts;
    impl fmt::Display for Aborts {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            std::process::abort()
        }
    }
    impl std::error::Error for Aborts {}
    let error = anyhow::Error::new(Aborts);
    let nobody = Arc::new(sentry::Hub::new(None, Arc::default()));
    assert_eq!(allocations(|| assert!(nobody.capture_anyhow(&error).is_nil())), 0);
    sentry::Hub::run(nobody, || assert!(capture_anyhow(&error).is_nil()));
}

#[test]
fn a_display_that_panics_costs_its_text_only() {
    #[derive(Debug)]
    struct Panics;
    impl fmt::Display for Panics {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half a text")?;
            std::panic::resume_unwind(Box::new(()))
        }
    }
    impl std::error::Error for Panics {}
    let event = event_from_error(&anyhow::Error::new(Panics).context("outer"));
    let texts: Vec<_> = event.exception.values.iter().map(|e| e.value.as_deref().expect("a text")).collect();
    assert_eq!(texts, ["half a text [its Display panicked]", "outer"]);
}
