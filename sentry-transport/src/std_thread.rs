//! A thread for HTTP transports of a program's own: it takes envelopes in order, within the server's limits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use sentry_core::client_report::{Reason, Recorder};
use sentry_core::clock;
use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::{ItemLoss, LossSource};

use crate::delivery::enter_own_thread;
use crate::rate_limiter::RateLimiter;
use crate::worker::forget_payload;
use crate::world::spawn;

/// A thread that sends envelopes by a function of the program's.
///
/// Up to 30 wait (see [`with_channel_capacity`](StdTransportThreadOptions::with_channel_capacity)); more are dropped and
/// counted. Dropping this ends the thread once it has sent what waits; nobody waits for that.
pub struct StdTransportThread {
    tasks: Sender<Task>,
    recorder: Recorder,
}

/// What a [`StdTransportThread`] is made from.
#[must_use]
pub struct StdTransportThreadOptions<F> {
    send_fn: F,
    recorder: Recorder,
    channel_capacity: usize,
}

enum Task {
    Send(Box<Envelope>),
    /// Answered when everything before it was sent.
    Flush(Sender<()>),
}

impl<F> StdTransportThreadOptions<F> {
    /// Sends with `send_fn`, which tells the limiter what the server answered. It runs on the thread; one that panics
    /// loses its envelope and no other.
    pub fn new(send_fn: F) -> Self {
        Self { send_fn, recorder: Recorder::default(), channel_capacity: DEFAULT_CAPACITY }
    }

    /// Records losses there: that of [`TransportOptions`](sentry_core::TransportOptions). Default: nowhere.
    pub fn with_client_report_recorder(self, client_report_recorder: Recorder) -> Self {
        Self { recorder: client_report_recorder, ..self }
    }

    /// How many envelopes may wait. Default: 30; 0 counts as 1.
    pub fn with_channel_capacity(self, channel_capacity: usize) -> Self {
        Self { channel_capacity, ..self }
    }
}

impl<F> StdTransportThreadOptions<F>
where
    F: FnMut(Envelope, &mut RateLimiter) + Send + 'static,
{
    /// Starts the thread. Where none is to be had, envelopes are counted as lost.
    pub fn spawn_thread(self) -> StdTransportThread {
        let Self { mut send_fn, recorder, channel_capacity } = self;
        let (tasks, todo) = bounded(channel_capacity.max(1));
        let counting = recorder.clone();
        // A failed start drops the receiver: sending then fails, which is counted.
        let _ = spawn("sentry-transport", move || run(&todo, &counting, &mut send_fn));
        StdTransportThread { tasks, recorder }
    }
}

impl StdTransportThread {
    /// Starts a thread that sends with `send` and records losses nowhere.
    #[deprecated(note = "use `StdTransportThreadOptions`")]
    pub fn new<SendFn>(send: SendFn) -> Self
    where
        SendFn: FnMut(Envelope, &mut RateLimiter) + Send + 'static,
    {
        StdTransportThreadOptions::new(send).spawn_thread()
    }

    /// Hands an envelope over. It does not wait: when too many do, this one is dropped and counted.
    pub fn send(&self, envelope: Envelope) {
        let (envelope, reason) = match self.tasks.try_send(Task::Send(Box::new(envelope))) {
            Err(TrySendError::Full(Task::Send(envelope))) => (envelope, Reason::QueueOverflow),
            Err(TrySendError::Disconnected(Task::Send(envelope))) => (envelope, Reason::InternalError),
            _ => return,
        };
        self.recorder.record_lost_data(&*envelope, reason);
    }

    /// Waits until everything handed over before was sent, at most `timeout`; `false` when it was not.
    pub fn flush(&self, timeout: Duration) -> bool {
        let deadline = clock::now() + timeout.min(LONGEST_WAIT);
        let (done, flushed) = bounded(1);
        self.tasks.send_deadline(Task::Flush(done), deadline).is_ok() && flushed.recv_deadline(deadline).is_ok()
    }
}

fn run(todo: &Receiver<Task>, recorder: &Recorder, send_fn: &mut impl FnMut(Envelope, &mut RateLimiter)) {
    let _mark = enter_own_thread();
    let mut limiter = RateLimiter::new();
    for task in todo {
        match task {
            Task::Send(envelope) => {
                if let Some(envelope) = limiter.filter(*envelope, recorder) {
                    let losses: Vec<ItemLoss> = envelope.losses().collect();
                    let sent = catch_unwind(AssertUnwindSafe(|| send_fn(envelope, &mut limiter)));
                    sent.unwrap_or_else(|payload| {
                        recorder.record_lost_data(losses.as_slice(), Reason::InternalError);
                        forget_payload(payload);
                    });
                }
            }
            Task::Flush(done) => drop(done.try_send(())),
        }
    }
}

const DEFAULT_CAPACITY: usize = 30;
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::sync::{Arc, Mutex};

    use super::*;
    use sentry_core::protocol::Event;
    use sentry_core::protocol::client_report::{Category, Reason as Why};
    use sentry_core::{Client, ClientOptions, Transport, TransportOptions};

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn envelopes_are_sent_in_order_within_limits_and_overflow_is_counted() {
        let (started, starts) = mpsc::channel();
        let (go, gate) = mpsc::channel::<bool>();
        let gate = Mutex::new(gate);
        let recorder = Recorder::default();
        let thread = StdTransportThreadOptions::new(move |_: Envelope, limiter: &mut RateLimiter| {
            started.send(()).unwrap();
            if gate.lock().unwrap().recv().unwrap() {
                limiter.update_from_429();
            }
        })
        .with_client_report_recorder(recorder.clone())
        .with_channel_capacity(1)
        .spawn_thread();
        thread.send(Event::default().into());
        starts.recv_timeout(LONG).unwrap();
        // One is being sent, one waits, one is too many.
        thread.send(Event::default().into());
        thread.send(Event::default().into());
        assert!(!thread.flush(Duration::from_millis(10)), "in time, whatever the function does");
        go.send(true).unwrap();
        assert!(thread.flush(LONG));
        let row = recorder.stats().of(Category::Error);
        assert_eq!((row.lost_for(Why::QueueOverflow), row.lost_for(Why::RatelimitBackoff)), (1, 1));
    }

    #[test]
    fn a_function_that_panics_costs_its_envelope_and_no_other() {
        let (sent, arrived) = mpsc::channel();
        let mut first = true;
        let recorder = Recorder::default();
        let thread = StdTransportThreadOptions::new(move |envelope: Envelope, _: &mut RateLimiter| {
            if std::mem::take(&mut first) {
                std::panic::resume_unwind(Box::new("a bug"));
            }
            sent.send(envelope).unwrap();
        })
        .with_client_report_recorder(recorder.clone())
        .spawn_thread();
        thread.send(Event::default().into());
        thread.send(Event::default().into());
        assert!(arrived.recv_timeout(LONG).is_ok());
        assert_eq!(recorder.stats().of(Category::Error).lost_for(Why::InternalSdkError), 1);
        drop(thread);
        assert!(arrived.recv_timeout(LONG).is_err(), "the thread has ended");
    }

    /// The client counts what it gave to `send_envelope` as delivered.
    #[test]
    fn what_is_lost_was_not_delivered() {
        struct Mine(StdTransportThread);
        impl Transport for Mine {
            fn send_envelope(&self, envelope: Envelope) {
                self.0.send(envelope);
            }
            fn flush(&self, timeout: Duration) -> bool {
                self.0.flush(timeout)
            }
        }
        let factory = |options: &ClientOptions| -> Arc<dyn Transport> {
            let options = TransportOptions::try_from_client_options(options).unwrap();
            let send = move |_: Envelope, limiter: &mut RateLimiter| {
                limiter.update_from_sentry_header("60:error:key");
            };
            let thread = StdTransportThreadOptions::new(send)
                .with_client_report_recorder(options.client_report_recorder)
                .with_channel_capacity(8);
            Arc::new(Mine(thread.spawn_thread()))
        };
        let client = Client::with_options(ClientOptions::new().dsn("https://key@sentry.invalid/1").transport(factory));
        for _ in 0..3 {
            client.capture_event(Event::default(), None);
        }
        assert!(client.flush(Some(LONG)));
        let row = client.stats().of(Category::Error);
        assert_eq!((row.captured, row.delivered, row.lost), (3, 1, vec![(Why::RatelimitBackoff, 2)]));
    }
}
