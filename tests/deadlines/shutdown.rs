//! Deadlines against a server that takes everything and never answers.

use std::time::{Duration, Instant};

use sentry::protocol::client_report::Category;
use sentry::{ClientOptions, Level};

use crate::support::{ScriptedServer, Step};
use crate::{alone, start};

const LIMIT: Duration = Duration::from_millis(100);
/// What the promise allows on top (DESIGN section 6: 150 ms in all).
const SLACK: Duration = Duration::from_millis(50);

/// Reads the request, and then nothing happens.
fn silent() -> ScriptedServer {
    ScriptedServer::start(vec![vec![Step::ReadRequest, Step::Hold]])
}

#[test]
fn flush_and_close_return_in_time() {
    let _alone = alone();
    let server = silent();
    let (hub, client) = start(&server.dsn(), ClientOptions::new());
    for n in 0..100 {
        hub.capture_message(&n.to_string(), Level::Error);
    }
    server.wait_requests(1);
    let started = Instant::now();
    assert!(!client.flush(Some(LIMIT)));
    let flushed = started.elapsed();
    assert!(flushed >= LIMIT && flushed <= LIMIT + SLACK, "flush took {flushed:?}");
    let started = Instant::now();
    assert!(!client.close(Some(LIMIT)));
    let closed = started.elapsed();
    assert!(closed <= LIMIT + SLACK, "close took {closed:?}");
    let row = client.stats().of(Category::Error);
    assert_eq!((row.captured, row.queued()), (100, 0), "what is not delivered at close is counted: {row:?}");
}

#[test]
fn dropping_the_guard_of_a_hub_takes_the_configured_time() {
    let _alone = alone();
    let server = silent();
    let (hub, client) = start(&server.dsn(), ClientOptions::new().shutdown_timeout(LIMIT));
    hub.capture_message("held", Level::Error);
    server.wait_requests(1);
    let started = Instant::now();
    drop((hub, client));
    let dropped = started.elapsed();
    assert!(dropped <= LIMIT + SLACK, "drop took {dropped:?}");
}

#[test]
fn a_flush_of_nothing_does_not_wait() {
    let _alone = alone();
    let server = silent();
    let (_hub, client) = start(&server.dsn(), ClientOptions::new());
    let started = Instant::now();
    assert!(client.flush(Some(Duration::from_secs(5))));
    assert!(client.close(Some(Duration::from_secs(5))));
    assert!(started.elapsed() < Duration::from_secs(1));
}
