//! For tests of programs: what would have been sent, in memory.
//!
//! ```
//! use sentry_core::test::with_captured_events;
//!
//! let events = with_captured_events(|| {
//!     sentry_core::capture_message("hello", sentry_core::Level::Info);
//! });
//! assert_eq!(events[0].message.as_deref(), Some("hello"));
//! ```

use std::fmt;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::client::Client;
use crate::hub::Hub;
use crate::options::ClientOptions;
use crate::pending::PendingEnvelope;
use crate::protocol::{Envelope, EnvelopeItem, Event};
use crate::suppress;
use crate::sync::Mutex;
use crate::transport::Transport;

/// A transport that keeps what it gets.
pub struct TestTransport {
    collected: Arc<Mutex<Vec<Envelope>>>,
    /// In the deferred mode, the way to the thread that finishes.
    finisher: Option<Mutex<mpsc::Sender<Job>>>,
}

enum Job {
    Finish(PendingEnvelope),
    /// Answered when everything before it is done.
    Settle(mpsc::Sender<()>),
}

impl TestTransport {
    /// Finishes events on the capturing thread: what was captured is there when the call returns, and an event that
    /// a hook dropped has no id.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { collected: Arc::default(), finisher: None })
    }

    /// Finishes events on a thread of its own, one at a time, as the built-in transport does in production: hooks run
    /// there, and an event they drop has still returned its id. Fetching waits until all captured before is finished.
    #[must_use]
    pub fn deferred() -> Arc<Self> {
        let collected = Arc::default();
        let (jobs, todo) = mpsc::channel();
        let kept = Arc::clone(&collected);
        let spawned =
            thread::Builder::new().name("sentry-test-worker".to_owned()).spawn(move || finish_all(&todo, &kept));
        // Where no thread is to be had, events are finished on the spot.
        Arc::new(Self { collected, finisher: spawned.is_ok().then(|| Mutex::new(jobs)) })
    }

    /// The events kept so far, which are then forgotten.
    pub fn fetch_and_clear_events(&self) -> Vec<Event<'static>> {
        let items = self.fetch_and_clear_envelopes().into_iter().flat_map(Envelope::into_items);
        items.filter_map(|item| if let EnvelopeItem::Event(event) = item { Some(*event) } else { None }).collect()
    }

    /// The envelopes kept so far, which are then forgotten.
    pub fn fetch_and_clear_envelopes(&self) -> Vec<Envelope> {
        self.settle(Duration::from_secs(60));
        std::mem::take(&mut *self.collected.lock())
    }

    fn settle(&self, timeout: Duration) -> bool {
        let Some(finisher) = &self.finisher else { return true };
        let (done, settled) = mpsc::channel();
        let _ = finisher.lock().send(Job::Settle(done));
        settled.recv_timeout(timeout).is_ok()
    }
}

impl Transport for TestTransport {
    fn send_envelope(&self, envelope: Envelope) {
        self.collected.lock().push(envelope);
    }

    fn flush(&self, timeout: Duration) -> bool {
        self.settle(timeout)
    }

    fn send_deferred(&self, pending: PendingEnvelope) {
        match &self.finisher {
            Some(finisher) => {
                let _ = finisher.lock().send(Job::Finish(pending));
            }
            None => pending.hand_over(|envelope| self.send_envelope(envelope)),
        }
    }
}

impl fmt::Debug for TestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestTransport").field("deferred", &self.finisher.is_some()).finish_non_exhaustive()
    }
}

fn finish_all(todo: &mpsc::Receiver<Job>, kept: &Mutex<Vec<Envelope>>) {
    let _mark = suppress::enter();
    for job in todo {
        match job {
            Job::Finish(pending) => pending.hand_over(|envelope| kept.lock().push(envelope)),
            Job::Settle(done) => drop(done.send(())),
        }
    }
}

/// The events that `f` captures, with a client of its own.
pub fn with_captured_events<F: FnOnce()>(f: F) -> Vec<Event<'static>> {
    with_captured_events_options(f, ClientOptions::default())
}

/// The events that `f` captures, with a client of its own that has `options`.
pub fn with_captured_events_options<F: FnOnce(), O: Into<ClientOptions>>(f: F, options: O) -> Vec<Event<'static>> {
    captured(f, options.into()).fetch_and_clear_events()
}

/// The envelopes that `f` captures, with a client of its own.
pub fn with_captured_envelopes<F: FnOnce()>(f: F) -> Vec<Envelope> {
    with_captured_envelopes_options(f, ClientOptions::default())
}

/// The envelopes that `f` captures, with a client of its own that has `options`.
pub fn with_captured_envelopes_options<F: FnOnce(), O: Into<ClientOptions>>(f: F, options: O) -> Vec<Envelope> {
    captured(f, options.into()).fetch_and_clear_envelopes()
}

fn captured(f: impl FnOnce(), mut options: ClientOptions) -> Arc<TestTransport> {
    let transport = TestTransport::new();
    if options.dsn.is_none() {
        options = options.dsn("https://public@sentry.invalid/1");
    }
    options.transport = Some(Arc::new(Arc::clone(&transport)));
    let client = Arc::new(Client::with_options(options));
    let hub = Hub::new(Some(Arc::clone(&client)), Arc::default());
    Hub::run(Arc::new(hub), f);
    // What waits for company (logs, metrics, sessions) comes, too.
    client.flush(None);
    transport
}
