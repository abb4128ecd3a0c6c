//! The state that all threads of a transport share, and what callers do with it: hand over, flush, shut down.
//!
//! Everything is under one lock, which no user code runs under and nobody waits under. Books before tickets: what
//! became of something is recorded before it counts as settled, so that a flush that returns finds the books complete.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use sentry_core::client_report::Recorder;
use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::Reason;
use sentry_core::wire::{Encoded, EncodedEnvelope};
use sentry_core::{
    BatchSource, Class, Diagnostics, PendingEnvelope, Recovery, fork, sdk_info, shared_scope_bytes, suppress,
};

use crate::flights::{FlightId, MAX_HELD};
use crate::guarded::Guarded;
use crate::machine::{AHEAD_OF_EACH_SENDER, COUNTING, Machine};
use crate::queue::{Limits, Queue};
use crate::scribe;
use crate::sender::{Job, Post};
use crate::spool::Spool;
use crate::spotlight::Spotlight;
use crate::sys;
use crate::tickets::Generation;
use crate::waiter::Waiter;
use crate::worker;
use crate::world::{Bell, Mutex, MutexGuard, Receiver, Sender, bounded, now, thread_local};

/// A transport without its HTTP client. Dropping it without [`shutdown`](Self::shutdown) waits for nothing: its threads
/// go on for at most two seconds.
pub(crate) struct Delivery {
    pub(crate) shared: Arc<Shared>,
    /// The process it belongs to.
    generation: u32,
}

/// What the threads share.
pub(crate) struct Shared {
    state: Mutex<State>,
    wake: Bell,
    pub(crate) jobs: (Sender<Job>, Receiver<Job>),
    /// Disconnected at the end.
    pub(crate) over: Receiver<()>,
    pub(crate) post: Box<dyn Post>,
    pub(crate) recorder: Recorder,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) batches: BatchSource,
    pub(crate) recovery: Recovery,
    /// Where what is accepted is kept until it has a verdict.
    pub(crate) spool: Option<Spool>,
    pub(crate) scribe: Bell,
    pub(crate) spotlight: Option<Spotlight>,
    /// Which no message repeats.
    pub(crate) keys: Vec<String>,
}

/// What a delivery is made of.
pub(crate) struct Parts {
    pub(crate) recorder: Recorder,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) batches: BatchSource,
    pub(crate) recovery: Recovery,
    pub(crate) spool: Option<Spool>,
    pub(crate) spotlight: Option<Spotlight>,
    pub(crate) keys: Vec<String>,
    /// How many events may be queued.
    pub(crate) capacity: Option<usize>,
    pub(crate) max_senders: usize,
}

pub(crate) struct State {
    pub(crate) queue: Queue<Entry>,
    pub(crate) machine: Machine,
    pub(crate) worker: WorkerState,
    /// What did not arrive and is tried again, in the order of the failures, and what waits for an earlier one in its lane.
    pub(crate) kept: VecDeque<Job>,
    /// What may need a record on disk before it is finished, in the order in which it came.
    pub(crate) unrecorded: VecDeque<Arc<Guarded>>,
    pub(crate) scribe: scribe::Is,
    /// Held until the end, for the senders to see that it is not yet.
    pub(crate) running: Option<Sender<()>>,
    pub(crate) waiters: Vec<Waiter>,
    /// The last report that left alone.
    pub(crate) last_report: Option<FlightId>,
    /// How refused work is counted.
    pub(crate) refused_as: Reason,
    /// How many threads are in `shutdown`.
    pub(crate) closers: usize,
    /// Those of them whose time is over, and who wait for the books.
    pub(crate) waiting_for_books: Vec<Sender<()>>,
    /// How many the end has counted, once it has.
    pub(crate) given_up: Option<usize>,
}

/// What the others know of the worker.
#[derive(Debug)]
pub(crate) struct WorkerState {
    /// What it sleeps for, if it sleeps.
    pub(crate) wants: Wants,
    /// Until when, while it does; `None` is for good.
    pub(crate) sleeps_until: Option<Instant>,
    /// Until when it may be busy finishing an event, if it is.
    pub(crate) patience_ends: Option<Instant>,
    /// Which worker is the one. Another that comes back from a hook hands over what it has and ends.
    pub(crate) epoch: u64,
    /// How many others have not come back yet.
    pub(crate) stuck: usize,
    /// What was sent last came from disk: now something new is.
    pub(crate) took_stored: bool,
    /// When to take over what other processes left; never without a spool.
    pub(crate) adopts_at: Option<Instant>,
    /// The last report before the end was sent.
    pub(crate) has_said_goodbye: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    Nothing,
    /// The queue is empty.
    Work,
    /// Enough is ahead of the wire.
    Room,
}

/// Something accepted and not finished yet.
pub(crate) struct Entry {
    pub(crate) content: Content,
    pub(crate) class: Class,
    pub(crate) generation: Generation,
}

pub(crate) enum Content {
    Pending(PendingEnvelope),
    /// An error that goes to disk meanwhile.
    Guarded(Arc<Guarded>),
    /// It came finished, from outside a client.
    Encoded(EncodedEnvelope),
}

impl Delivery {
    /// Starts the worker. When that is impossible, it is said, and everything is refused.
    pub(crate) fn start(post: Box<dyn Post>, parts: Parts) -> Self {
        let Parts { recorder, diagnostics, batches, recovery, spool, spotlight, keys, capacity, max_senders } = parts;
        let limits = Limits { count: capacity.unwrap_or(usize::MAX), ..Limits::default() };
        let worker = WorkerState {
            wants: Wants::Nothing,
            sleeps_until: None,
            patience_ends: None,
            epoch: 0,
            stuck: 0,
            took_stored: false,
            adopts_at: spool.as_ref().map(|_| now()),
            has_said_goodbye: false,
        };
        let (running, over) = bounded(0);
        let state = State {
            queue: Queue::new(limits),
            machine: Machine::new(max_senders),
            worker,
            kept: VecDeque::new(),
            unrecorded: VecDeque::new(),
            scribe: scribe::Is::Away,
            running: Some(running),
            waiters: Vec::new(),
            last_report: None,
            refused_as: Reason::QueueOverflow,
            closers: 0,
            waiting_for_books: Vec::new(),
            given_up: None,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            wake: Bell::default(),
            jobs: bounded(max_senders.max(1) * AHEAD_OF_EACH_SENDER + MAX_HELD + worker::MAX_STUCK + 2),
            over,
            post,
            recorder,
            diagnostics,
            batches,
            recovery,
            spool,
            scribe: Bell::default(),
            spotlight,
            keys,
        });
        if let Err(error) = worker::spawn(&shared, 0) {
            let message = format_args!("cannot start a thread, so nothing will be sent: {error}");
            shared.diagnostics.fault("worker thread", message);
            let mut state = shared.lock();
            state.refused_as = Reason::InternalSdkError;
            state.machine.close();
            state.given_up = Some(0);
        }
        Self { shared, generation: fork::generation() }
    }

    /// Takes an event that is not finished. Costs the caller one lock, and a wake-up if the worker sleeps for work. With a
    /// spool, a crash is on disk when this returns, if that takes no longer than 250 ms.
    pub(crate) fn send_deferred(&self, pending: PendingEnvelope) {
        if self.shared.spool.is_some() && pending.class() == Class::Crash && !is_own_thread() {
            return scribe::send_crash(&self.shared, pending);
        }
        self.shared.push_pending(pending);
    }

    /// Makes sure that the worker looks at the client's batches at `at`. Costs one lock, and a wake-up if it would sleep
    /// longer.
    pub(crate) fn wake_at(&self, at: Instant) {
        let mut state = self.shared.lock();
        let sleeps_longer = state.worker.sleeps_until.is_none_or(|until| until > at);
        if state.worker.wants != Wants::Nothing && sleeps_longer {
            state.worker.wants = Wants::Nothing;
            drop(state);
            self.shared.wake_worker();
        }
    }

    /// Takes a finished envelope and accounts for it. It is encoded on the caller's thread.
    pub(crate) fn send_envelope(&self, envelope: Envelope) {
        let class = Class::of(&envelope);
        let envelope = self.shared.encode(envelope);
        let bytes = envelope.body_bytes();
        if !envelope.is_empty() {
            self.shared.push(Content::Encoded(envelope), class, bytes);
        }
    }

    /// Waits until everything accepted before has a verdict, and what was lost is reported; at most `timeout`.
    /// `false` when something has no verdict: also at once when the server cannot be reached, by two attempts. On a thread
    /// of the transport it does not wait.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        if is_own_thread() {
            return false;
        }
        self.shared.wait(deadline_after(timeout))
    }

    /// Like [`flush`](Self::flush), and accepts nothing any more. What has no verdict then is counted as
    /// `network_error`: it could not be delivered and is not tried again. Requests in flight are not cut: they may
    /// still arrive, but what becomes of them is not counted a second time.
    pub(crate) fn shutdown(&self, timeout: Duration) -> bool {
        let deadline = deadline_after(timeout);
        if is_own_thread() {
            self.shared.begin_close(deadline);
            return false;
        }
        self.shared.lock().closers += 1;
        self.shared.begin_close(deadline);
        let settled = self.shared.wait(deadline);
        self.shared.end();
        self.shared.wait_for_books(deadline + COUNTING);
        self.shared.lock().closers -= 1;
        settled
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        // After a fork, its threads and locks are those of the parent.
        if self.generation == fork::generation() {
            self.shared.begin_close(deadline_after(GRACE));
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("Delivery")
            .field("queued", &state.queue.len())
            .field("phase", &state.machine.phase())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// A panic of ours under the lock leaves the state whole enough to go on with.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the worker, if it sleeps. A wake-up it does not need costs it a look around.
    pub(crate) fn wake_worker(&self) {
        self.wake.ring();
    }

    /// Sleeps until woken or `until`.
    pub(crate) fn sleep(&self, until: Option<Instant>) {
        self.wake.wait(until);
    }

    pub(crate) fn push_pending(&self, mut pending: PendingEnvelope) {
        pending.charge_scopes();
        let (class, bytes) = (pending.class(), pending.own_bytes());
        let content = match &self.spool {
            Some(spool) if class != Class::Bulk => {
                let guarded = Guarded::new(pending, now());
                if spool.is_sync() || class == Class::Crash {
                    guarded.record(spool);
                }
                Content::Guarded(guarded)
            }
            _ => Content::Pending(pending),
        };
        self.push(content, class, bytes);
    }

    fn push(&self, content: Content, class: Class, bytes: usize) {
        let mut state = self.lock();
        let Some(generation) = state.machine.accept() else {
            let reason = state.refused_as;
            drop(state);
            return self.discard(content, reason);
        };
        let mut is_unwatched = false;
        if let Content::Guarded(guarded) = &content {
            if !guarded.is_looked_after() {
                state.unrecorded.push_back(Arc::clone(guarded));
                is_unwatched = state.scribe != scribe::Is::Watching;
            }
        }
        let victims = state.queue.push(Entry { content, class, generation }, class, bytes, shared_scope_bytes(class));
        let wakes = match state.worker.wants {
            Wants::Work => !state.queue.is_empty(),
            // It has nothing to do for this one but to call the scribe.
            Wants::Room => is_unwatched,
            Wants::Nothing => false,
        };
        if wakes {
            state.worker.wants = Wants::Nothing;
        }
        drop(state);
        if wakes {
            self.wake_worker();
        }
        if !victims.is_empty() {
            self.diagnostics.remark("queue full", format_args!("the queue is full: events are dropped and counted"));
            self.discard_all(victims, Reason::QueueOverflow);
        }
    }

    /// Counts entries as lost, then settles them.
    pub(crate) fn discard_all(&self, entries: Vec<Entry>, reason: Reason) {
        let mut generations = Vec::with_capacity(entries.len());
        for Entry { content, generation, .. } in entries {
            self.discard(content, reason);
            generations.push(generation);
        }
        let mut state = self.lock();
        for generation in generations {
            state.machine.settle(generation);
        }
        self.settled(&mut state);
    }

    /// Counts first and drops then. What is dropped may be the last handle of a user's closure or value, whose
    /// destructor may panic.
    pub(crate) fn discard(&self, content: Content, reason: Reason) {
        let discarded = catch_unwind(AssertUnwindSafe(|| match content {
            Content::Pending(pending) => pending.discard(reason),
            Content::Guarded(guarded) => self.discard_guarded(&guarded, reason),
            Content::Encoded(envelope) => self.recorder.record_losses(envelope.losses(), reason),
        }));
        discarded.unwrap_or_else(worker::forget_payload);
    }

    fn discard_guarded(&self, guarded: &Guarded, reason: Reason) {
        let Some((pending, file)) = guarded.take() else { return };
        if let Some((spool, file)) = self.spool.as_ref().zip(file) {
            // What the queue has no room for is on disk all the same.
            if reason == Reason::QueueOverflow && spool.park(file, pending.losses(), Vec::new(), 0) {
                return pending.leave();
            }
            spool.remove(file);
        }
        pending.discard(reason);
    }

    /// Encodes an envelope and counts what had to be left out.
    pub(crate) fn encode(&self, envelope: Envelope) -> EncodedEnvelope {
        let Encoded { envelope, dropped } = EncodedEnvelope::encode(envelope, &sdk_info());
        for (loss, reason) in dropped {
            self.recorder.record_losses([loss], reason);
        }
        envelope
    }

    /// Looks after the worker: replaces it while a hook keeps it, and ends for it what it does not come to end.
    pub(crate) fn watch(self: &Arc<Self>, now: Instant) {
        worker::take_over_if_stuck(self, now);
        if self.lock().gives_up_at().is_some_and(|at| at <= now) {
            self.end();
        }
    }
}

impl State {
    /// Takes out the first of those kept that may be sent.
    pub(crate) fn next_kept(&mut self) -> Option<Job> {
        let at = self.kept.iter().position(|job| self.machine.may_go(job.id))?;
        self.kept.remove(at)
    }

    /// Whether one of those kept may be sent.
    pub(crate) fn has_next_kept(&self) -> bool {
        self.kept.iter().any(|job| self.machine.may_go(job.id))
    }

    /// The worker of `epoch`, if it is still the one, calls user code, which may take until `patience_ends`.
    pub(crate) fn expect_finish(&mut self, epoch: u64, patience_ends: Instant) {
        if self.worker.epoch == epoch {
            self.worker.patience_ends = Some(patience_ends);
        }
    }

    /// The worker of `epoch` comes back from user code. `false` when another took its place.
    pub(crate) fn is_back(&mut self, epoch: u64) -> bool {
        let is_the_one = self.worker.epoch == epoch;
        if is_the_one {
            self.worker.patience_ends = None;
        } else {
            self.worker.stuck = self.worker.stuck.saturating_sub(1);
        }
        is_the_one
    }
}

/// What a thread of ours enters first: nothing on it is captured, and it waits for no transport.
pub(crate) fn enter_own_thread() -> suppress::SuppressGuard {
    OWN_THREAD.with(|own| own.set(true));
    sys::let_others_run_first();
    suppress::enter()
}

fn is_own_thread() -> bool {
    OWN_THREAD.with(Cell::get)
}

thread_local! {
    // Without a destructor, so it can be read for as long as the thread runs any code at all.
    static OWN_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Nobody waits longer than a day: there is no wait without a deadline.
fn deadline_after(timeout: Duration) -> Instant {
    now() + timeout.min(LONGEST_WAIT)
}

const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// What a transport that was dropped may still use.
const GRACE: Duration = Duration::from_secs(2);
/// How often those who wait look after the worker.
pub(crate) const WATCH: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use sentry_core::CategoryStats;
    use sentry_core::protocol::client_report::{Category, Item, Report};
    use sentry_core::protocol::{Attachment, Event};

    use super::*;
    use crate::encode::Body;
    use crate::reply::{Answer, Reply};

    const LONG: Duration = Duration::from_secs(20);

    struct Scripted<F>(F);

    impl<F: Fn(usize) -> Reply + Send + Sync + 'static> Post for Scripted<F> {
        fn post(&self, body: Body<'_>) -> Reply {
            (self.0)(body.bytes.len())
        }
    }

    fn delivery(post: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Delivery, Recorder) {
        let recorder = Recorder::default();
        let parts = Parts {
            recorder: recorder.clone(),
            diagnostics: Diagnostics::default(),
            batches: BatchSource::default(),
            recovery: Recovery::default(),
            spool: None,
            spotlight: None,
            keys: Vec::new(),
            capacity: None,
            max_senders: 4,
        };
        let delivery = Delivery::start(Box::new(Scripted(post)), parts);
        (delivery, recorder)
    }

    fn answer(rate_limits: Option<&str>) -> Reply {
        Reply::Answer(Answer { status: 200, rate_limits: rate_limits.map(str::to_owned), ..Answer::default() })
    }

    fn event_with_attachment() -> Envelope {
        let mut envelope = Envelope::from(Event::default());
        envelope.add_item(Attachment { buffer: vec![0; 7], ..Attachment::default() });
        envelope
    }

    #[test]
    fn a_client_that_panics_costs_its_envelope_and_no_other() {
        let calls = AtomicUsize::new(0);
        let (delivery, recorder) = delivery(move |_| match calls.fetch_add(1, Ordering::AcqRel) {
            0 => std::panic::resume_unwind(Box::new("a bug")),
            _ => answer(None),
        });
        for _ in 0..3 {
            delivery.send_envelope(Event::default().into());
        }
        assert!(delivery.flush(LONG));
        let row = recorder.stats().of(Category::Error);
        assert_eq!((row.delivered, row.lost_for(Reason::InternalSdkError)), (2, 1));
    }

    #[test]
    fn after_a_failure_of_ours_everything_is_counted_and_nothing_hangs() {
        let (delivery, recorder) = delivery(|_| answer(None));
        delivery.shared.fail();
        delivery.send_envelope(event_with_attachment());
        assert!(delivery.flush(LONG) && delivery.shutdown(LONG));
        assert_eq!(recorder.stats().of(Category::Error).lost_for(Reason::InternalSdkError), 1);
        assert_eq!(recorder.stats().of(Category::Attachment).lost_for(Reason::InternalSdkError), 7);
    }

    #[test]
    fn the_last_report_leaves_whoever_comes_first_at_the_end() {
        for _ in 0..300 {
            let posts = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&posts);
            let (delivery, recorder) = delivery(move |_| {
                counted.fetch_add(1, Ordering::AcqRel);
                answer(Some("60:error:org"))
            });
            delivery.send_envelope(Event::default().into());
            assert!(delivery.flush(LONG));
            // Limited: the worker drops it, and has a loss to report just when the end is waited for.
            delivery.send_envelope(Event::default().into());
            assert!(delivery.shutdown(LONG));
            assert_eq!(posts.load(Ordering::Acquire), 2, "{:?}", recorder.stats());
        }
    }

    #[test]
    fn what_is_limited_is_left_out_item_by_item() {
        for (header, delivered, limited) in [("60:attachment:org", (1, 0), (0, 7)), ("60:error:org", (0, 0), (1, 7))] {
            let (delivery, recorder) = delivery(move |_| answer(Some(header)));
            let mut first = Envelope::new();
            first.add_item(Report::new([Item::new(Category::Session, Reason::SampleRate, 1)]));
            delivery.send_envelope(first);
            assert!(delivery.flush(LONG));
            delivery.send_envelope(event_with_attachment());
            assert!(delivery.flush(LONG));
            let row = |category| recorder.stats().of(category);
            let (error, attachment) = (row(Category::Error), row(Category::Attachment));
            assert_eq!((error.delivered, attachment.delivered), delivered, "{header}");
            let lost = |row: CategoryStats| row.lost_for(Reason::RatelimitBackoff);
            assert_eq!((lost(error), lost(attachment)), limited, "{header}");
        }
    }

    #[test]
    fn many_envelopes_from_many_threads_all_get_a_verdict() {
        let (delivery, recorder) = delivery(|_| answer(None));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..200 {
                        delivery.send_envelope(Event::default().into());
                        if n % 50 == 0 {
                            assert!(delivery.flush(LONG));
                        }
                    }
                });
            }
        });
        assert!(delivery.shutdown(LONG));
        assert_eq!(recorder.stats().of(Category::Error).delivered, 800);
    }
}
