//! User code that the SDK calls: it may block, capture and change scopes, and nobody else pays for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sentry::{ClientOptions, Hub, Level};

use crate::start;
use crate::support::Receiver;

#[test]
fn flush_and_close_inside_a_hook_return_at_once() {
    let receiver = Receiver::start();
    let client_for_hook: Arc<std::sync::OnceLock<Arc<sentry::Client>>> = Arc::default();
    let in_hook = Arc::clone(&client_for_hook);
    let slow = Arc::new(AtomicBool::new(false));
    let was_slow = Arc::clone(&slow);
    let (hub, client) = start(
        &receiver.dsn(),
        ClientOptions::new().before_send(move |event| {
            let started = Instant::now();
            if let Some(client) = in_hook.get() {
                client.flush(Some(Duration::from_secs(5)));
                client.close(Some(Duration::from_secs(5)));
            }
            was_slow.store(started.elapsed() > Duration::from_secs(1), Ordering::SeqCst);
            Some(event)
        }),
    );
    let _ = client_for_hook.set(Arc::clone(&client));
    hub.capture_message("m", Level::Info);
    receiver.wait_events(1);
    assert!(!slow.load(Ordering::SeqCst));
    assert!(client.is_enabled());
    client.close(None);
}

#[test]
fn eight_threads_with_meddling_hooks_lose_and_mix_up_nothing() {
    let receiver = Receiver::start();
    let meddle = || {
        Hub::current().capture_message("from inside a hook", Level::Info);
        Hub::current().configure_scope(|scope| scope.set_tag("leaked", "yes"));
        sentry::capture_message("from inside a hook", Level::Info);
        sentry::configure_scope(|scope| scope.set_tag("leaked", "yes"));
    };
    let (hub, client) = start(
        &receiver.dsn(),
        ClientOptions::new().before_send(move |event| {
            meddle();
            Some(event)
        }),
    );
    hub.configure_scope(|scope| {
        scope.add_event_processor(move |event| {
            meddle();
            Some(event)
        });
    });
    const EACH: usize = 50;
    /// Its text is made on the capturing thread: what it sets there is kept, what it captures is not.
    #[derive(Debug)]
    struct Meddling;
    impl std::fmt::Display for Meddling {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            sentry::capture_error(self);
            sentry::configure_scope(|scope| scope.set_tag("display", "seen"));
            f.write_str("meddling")
        }
    }
    impl std::error::Error for Meddling {}
    thread::scope(|threads| {
        for n in 0..8 {
            let fork = Arc::new(Hub::new_from_top(&hub));
            let shared = &hub;
            threads.spawn(move || {
                Hub::run(fork, || {
                    for round in 0..EACH {
                        sentry::capture_error(&Meddling);
                        sentry::configure_scope(|scope| scope.set_tag("thread", n));
                        sentry::capture_message(&format!("{n}"), Level::Info);
                        shared.configure_scope(|scope| scope.set_tag(&format!("{n}-{round}"), "set"));
                    }
                });
            });
        }
    });
    hub.capture_message("the end", Level::Info);
    assert!(client.close(Some(Duration::from_secs(10))));
    let events = receiver.wait_events(2 * 8 * EACH + 1);
    assert_eq!(events.len(), 2 * 8 * EACH + 1, "nothing captured inside user code");
    let (errors, messages): (Vec<_>, Vec<_>) = events.iter().partition(|event| event["exception"].is_object());
    assert!(errors.iter().all(|event| event["tags"]["display"] == "seen"));
    for event in messages {
        assert!(event["tags"].get("leaked").is_none(), "{event}");
        match event["logentry"]["formatted"].as_str() {
            Some("the end") => assert_eq!(event["tags"].as_object().map(serde_json::Map::len), Some(8 * EACH)),
            text => assert_eq!(event["tags"]["thread"].as_str(), text),
        }
    }
}
