//! The batches of a client as one: when the first of them is due, how they are taken out, and what is counted then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Pipeline;
use crate::batch::{Batch, Limits, Pushed, Store, Take};
use crate::clock;
use crate::logs::LogRecord;
use crate::metrics::MetricRecord;
use crate::pending::{Class, PendingEnvelope};
use crate::protocol::client_report::{Category, LossSource, Reason};
use crate::protocol::{Envelope, ItemContainer};
use crate::sync::Mutex;

/// A batch that has left and is not finished yet.
pub(crate) trait Batched: Send + Sync {
    /// What its items count as.
    fn category(&self) -> Category;

    /// How urgent it is.
    fn class(&self) -> Class {
        Class::Bulk
    }

    /// What it weighs in a queue.
    fn bytes(&self) -> usize;

    /// Makes the envelope; `None` when hooks dropped all of it. What is dropped is counted.
    fn finish(self: Box<Self>, pipeline: &Pipeline) -> Option<Envelope>;

    /// Counts all of it as lost.
    fn count_lost(&self, pipeline: &Pipeline, reason: Reason);
}

impl Pipeline {
    /// Lets a log wait for others.
    pub(crate) fn push_log(self: &Arc<Self>, record: LogRecord) {
        self.recorder.record_captured(Category::LogItem, 1);
        self.push(&self.gathered().logs, record, clock::now);
    }

    /// Lets a metric wait for others.
    pub(crate) fn push_metric(self: &Arc<Self>, record: MetricRecord) {
        self.recorder.record_captured(Category::TraceMetric, 1);
        self.push(&self.gathered().metrics, record, clock::now);
    }

    #[inline]
    pub(super) fn push<S>(self: &Arc<Self>, batch: &Mutex<Batch<S>>, mut item: S::Item, now: impl FnMut() -> Instant)
    where
        S: Batched + Store + 'static,
    {
        let mut locked = batch.lock();
        let pushed = locked.push(&mut item, now);
        let _crossing = matches!(pushed, Pushed::Leaves(_)).then(|| self.gathered().transit.enter());
        drop(locked);
        match pushed {
            Pushed::Waits => {}
            Pushed::First(due) => self.wake_at(due),
            Pushed::Leaves(items) => self.hand_over(PendingEnvelope::batch(items, Arc::clone(self))),
            Pushed::Refused => {
                let mut refused = S::default();
                refused.push(&mut item);
                refused.count_lost(self, Reason::QueueOverflow);
            }
        }
    }

    /// When the oldest batch has waited long enough.
    pub(crate) fn next_batch_due(&self) -> Option<Instant> {
        let (sessions, aggregates) = (self.gathered().sessions.lock().due(), self.gathered().aggregates.lock().due());
        let (logs, metrics) = (self.gathered().logs.lock().due(), self.gathered().metrics.lock().due());
        [logs, metrics, sessions, aggregates].into_iter().flatten().min()
    }

    /// Sends the batches, and waits at most `timeout` for those that other threads are sending just now; `false` when
    /// they still are.
    pub(crate) fn send_batches(self: &Arc<Self>, take: Take, timeout: Duration) -> bool {
        self.take_batches(take, |pending| self.hand_over(pending));
        self.gathered().transit.wait(timeout)
    }

    /// Gives the batches to `send`, one after the other.
    pub(crate) fn take_batches(self: &Arc<Self>, take: Take, send: impl FnMut(PendingEnvelope)) {
        let _crossing = self.gathered().transit.enter();
        let sessions = self.take_sessions(take).into_iter();
        let logs = self.gathered().logs.lock().take(take);
        let metrics = self.gathered().metrics.lock().take(take);
        sessions.chain(self.pending(logs)).chain(self.pending(metrics)).for_each(send);
    }

    /// What was taken before it was full waits without the room for more: the queue goes by what items weigh.
    pub(super) fn pending<S: Batched + Store + 'static>(self: &Arc<Self>, mut items: S) -> Option<PendingEnvelope> {
        if items.len() == 0 {
            return None;
        }
        items.shrink();
        Some(PendingEnvelope::batch(items, Arc::clone(self)))
    }

    /// An envelope of one item, whose bytes are captured as of now, that their number is known. `None` if it is empty.
    pub(super) fn container(&self, container: ItemContainer, bytes: Category) -> Option<Envelope> {
        if container.is_empty() {
            return None;
        }
        let envelope = Envelope::from(container);
        for loss in envelope.losses().filter(|loss| loss.category == bytes) {
            self.recorder.record_captured(bytes, loss.quantity);
        }
        Some(envelope)
    }

    /// Counts bytes that are lost before their exact number is known.
    pub(super) fn count_lost_bytes(&self, category: Category, bytes: u64, reason: Reason) {
        self.recorder.record_captured(category, bytes);
        self.recorder.record_loss(category, reason, bytes);
    }
}

/// At most 100 logs or metrics travel together, and none waits longer than 5 seconds (spec LOG-14, MET-09). The item may
/// have 1 MiB (ITM-41): half of that leaves room for what is added where they are finished.
pub(super) const LIMITS: Limits = Limits { count: 100, bytes: 512 << 10, age: Duration::from_secs(5) };
