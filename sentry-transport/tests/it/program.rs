//! A program that uses the transport through a client, and the books it keeps.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sentry_core::protocol::client_report::{Category, Reason};
use sentry_core::protocol::{Event, Level};
use sentry_core::{Client, ClientOptions};
use sentry_transport::DefaultTransportFactory;

pub(crate) struct Program {
    pub(crate) client: Client,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Program {
    pub(crate) fn new(dsn: &str) -> Self {
        Self::with(dsn, |options| options)
    }

    pub(crate) fn with(dsn: &str, more: impl FnOnce(ClientOptions) -> ClientOptions) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let options = ClientOptions::new()
            .dsn(dsn)
            .transport(DefaultTransportFactory)
            .diagnostics(move |line: &str| sink.lock().unwrap().push(line.to_owned()));
        Self { client: Client::with_options(more(options)), lines }
    }

    pub(crate) fn capture(&self, text: &str) {
        self.client.capture_event(message(text), None);
    }

    pub(crate) fn capture_fatal(&self, text: &str) {
        self.client.capture_event(Event { level: Level::Fatal, ..message(text) }, None);
    }

    /// Flushes with time to spare.
    #[track_caller]
    pub(crate) fn flush(&self) {
        assert!(self.client.flush(Some(Duration::from_secs(20))), "not flushed: {:?}", self.client.stats());
    }

    /// Flushes in vain and closes, since there is nobody to reach: neither takes long, and what did not arrive is lost.
    #[track_caller]
    pub(crate) fn give_up(&self) {
        let (flushed, took) = timed(|| self.client.flush(Some(Duration::from_secs(20))));
        assert!(!flushed && took < Duration::from_secs(5), "{flushed} after {took:?}: {:?}", self.client.stats());
        let (closed, took) = timed(|| self.client.close(Some(Duration::from_secs(20))));
        assert!(took < Duration::from_secs(5), "{closed} after {took:?}");
    }

    /// What was said, without being asked for more.
    pub(crate) fn said(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// The books of error events: captured, delivered, limited by the server, lost by reason; and nothing is missing.
    #[track_caller]
    pub(crate) fn expect_books(&self, captured: u64, delivered: u64, limited: u64, lost: &[(Reason, u64)]) {
        let row = self.client.stats().of(Category::Error);
        assert_eq!(
            (row.captured, row.delivered, row.limited_by_server, row.lost.as_slice()),
            (captured, delivered, limited, lost)
        );
        assert_eq!(row.queued(), 0);
    }
}

pub(crate) fn message(text: &str) -> Event<'static> {
    Event { message: Some(text.to_owned()), ..Event::default() }
}

pub(crate) fn timed<R>(run: impl FnOnce() -> R) -> (R, Duration) {
    let start = Instant::now();
    let result = run();
    (result, start.elapsed())
}

/// Expects `attempt`, which takes a deadline of 100 ms, to keep it. Other programs may have kept the processor from one
/// attempt or two, but a delay of our own would be in all of them.
#[track_caller]
pub(crate) fn expect_in_time(attempt: impl Fn() -> Duration) {
    let mut took = Vec::new();
    while took.len() < 5 {
        took.push(attempt());
        if took.last() <= Some(&SLACK) {
            return;
        }
    }
    panic!("took {took:?}");
}

/// What is promised for a deadline of 100 ms.
const SLACK: Duration = Duration::from_millis(150);
