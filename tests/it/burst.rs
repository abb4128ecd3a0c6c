//! Ten thousand messages with stacks at once: all delivered, in the queue's budget.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sentry::protocol::client_report::Category;
use sentry::{ClientOptions, Hub, Level};

use crate::start;
use crate::support::Receiver;

#[test]
fn ten_thousand_messages_with_stacks_are_delivered() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new().attach_stacktrace(true));
    thread::scope(|threads| {
        for n in 0..4 {
            let fork = Arc::new(Hub::new_from_top(&hub));
            threads.spawn(move || {
                for round in 0..2_500 {
                    fork.capture_message(&format!("{n} {round}"), Level::Error);
                }
            });
        }
    });
    assert!(client.close(Some(Duration::from_secs(120))), "{:?}", client.stats());
    let row = client.stats().of(Category::Error);
    assert_eq!((row.captured, row.delivered, row.queued()), (10_000, 10_000, 0), "{row:?}");
    let mut texts: Vec<String> =
        receiver.events().iter().map(|event| event["logentry"]["formatted"].to_string()).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 10_000);
}
