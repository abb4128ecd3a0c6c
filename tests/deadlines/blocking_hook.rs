//! A hook that never returns.

use std::time::{Duration, Instant};

use sentry::protocol::Event;
use sentry::{ClientOptions, Level};

use crate::support::{Gate, Receiver};
use crate::{alone, start};

#[test]
fn a_hook_that_blocks_for_ever_costs_its_own_event_only() {
    let _alone = alone();
    let receiver = Receiver::start();
    let gate = Gate::new();
    let inside = gate.clone();
    let (hub, client) = start(
        &receiver.dsn(),
        ClientOptions::new().before_send(move |event| {
            if event.message.as_deref() == Some("blocks") {
                inside.pass();
            }
            Some(event)
        }),
    );
    hub.capture_message("blocks", Level::Error);
    gate.wait_started(1);
    hub.capture_message("behind it", Level::Error);
    hub.capture_event(Event { message: Some("a crash".into()), level: Level::Fatal, ..Event::new() });
    let mut got: Vec<String> = receiver.wait_events(2).iter().map(|e| e["logentry"]["formatted"].to_string()).collect();
    got.sort();
    assert_eq!(got, ["\"a crash\"", "\"behind it\""]);
    let started = Instant::now();
    assert!(!client.close(Some(Duration::from_millis(100))));
    let took = started.elapsed();
    gate.release();
    assert!(took <= Duration::from_millis(150), "close took {took:?}");
}
