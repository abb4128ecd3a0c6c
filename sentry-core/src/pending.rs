//! An envelope that is not finished yet: what a deferring transport queues, finishes and accounts for.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};

use uuid::Uuid;

use crate::capture::Capture;
use crate::caught::caught;
use crate::clock;
use crate::crash;
use crate::performance::FinishedTransaction;
use crate::pipeline::{Batched, Finished, Pipeline};
use crate::protocol::client_report::{Category, ItemLoss, LossSource, Reason};
use crate::protocol::{Envelope, EnvelopeItem, Level, MonitorCheckIn, SessionStatus};
use crate::scope::ScopeSnapshot;
use crate::suppress;
use crate::weight::{Charge, check_in_bytes, envelope_bytes};

/// What gets delivered first: within a class by age, and a lower class never costs a higher one anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Panics and fatal events.
    Crash,
    /// Other events, check-ins, feedback.
    Error,
    /// Transactions, logs, metrics, sessions and everything else.
    Bulk,
}

impl Class {
    /// The class of a finished envelope: that of its most urgent item.
    #[must_use]
    pub fn of(envelope: &Envelope) -> Self {
        let classes = envelope.items().map(|item| match item {
            EnvelopeItem::Event(event) if event.level == Level::Fatal => Self::Crash,
            EnvelopeItem::Event(_) | EnvelopeItem::MonitorCheckIn(_) | EnvelopeItem::Feedback(_) => Self::Error,
            EnvelopeItem::SessionUpdate(update) if update.status != SessionStatus::Ok => Self::Error,
            _ => Self::Bulk,
        });
        classes.min().unwrap_or(Self::Bulk)
    }
}

/// An envelope on its way that still has to be finished.
///
/// It accounts for itself: dropped without [`finish`](Self::finish) or [`discard`](Self::discard), it is counted as
/// lost inside the SDK.
pub struct PendingEnvelope {
    content: Option<Content>,
    pipeline: Arc<Pipeline>,
    outcome: Outcome,
    charge: Charge,
}

enum Content {
    Capture(Box<Capture>),
    Transaction(Box<(FinishedTransaction, ScopeSnapshot)>),
    CheckIn(Box<(MonitorCheckIn, ScopeSnapshot)>),
    Batch(Box<dyn Batched>),
    Ready(Box<Envelope>, Class),
}

impl PendingEnvelope {
    pub(crate) fn capture(capture: Box<Capture>, pipeline: Arc<Pipeline>, outcome: Outcome) -> Self {
        Self { content: Some(Content::Capture(capture)), pipeline, outcome, charge: Charge::none() }
    }

    pub(crate) fn transaction(finished: FinishedTransaction, scope: ScopeSnapshot, pipeline: Arc<Pipeline>) -> Self {
        Self::without_outcome(Content::Transaction(Box::new((finished, scope))), pipeline)
    }

    pub(crate) fn check_in(
        check_in: MonitorCheckIn,
        scope: ScopeSnapshot,
        pipeline: Arc<Pipeline>,
        outcome: Outcome,
    ) -> Self {
        let content = Content::CheckIn(Box::new((check_in, scope)));
        Self { content: Some(content), pipeline, outcome, charge: Charge::none() }
    }

    pub(crate) fn batch(batch: impl Batched + 'static, pipeline: Arc<Pipeline>) -> Self {
        Self::without_outcome(Content::Batch(Box::new(batch)), pipeline)
    }

    pub(crate) fn ready(envelope: Envelope, class: Class, pipeline: Arc<Pipeline>) -> Self {
        Self::without_outcome(Content::Ready(Box::new(envelope), class), pipeline)
    }

    fn without_outcome(content: Content, pipeline: Arc<Pipeline>) -> Self {
        Self { content: Some(content), pipeline, outcome: Outcome::default(), charge: Charge::none() }
    }

    /// The event's id, if it is about one.
    #[must_use]
    pub fn event_id(&self) -> Option<Uuid> {
        match self.content.as_ref()? {
            Content::Capture(capture) => Some(capture.event_id),
            Content::Transaction(transaction) => Some(transaction.0.event_id),
            Content::CheckIn(_) | Content::Batch(_) => None,
            Content::Ready(envelope, _) => envelope.uuid().copied(),
        }
    }

    /// When it is to be delivered, compared with others.
    #[must_use]
    pub fn class(&self) -> Class {
        match &self.content {
            Some(Content::Capture(capture)) if capture.urgent => Class::Crash,
            Some(Content::Capture(_) | Content::CheckIn(_)) => Class::Error,
            Some(Content::Ready(_, class)) => *class,
            Some(Content::Batch(batch)) => batch.class(),
            Some(Content::Transaction(_)) | None => Class::Bulk,
        }
    }

    /// Whether finishing it is no work any more: its items are looked at one by one.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self.content, Some(Content::Ready(..)) | None)
    }

    /// The category whose rate limit decides whether finishing is worth the work.
    #[must_use]
    pub fn category(&self) -> Category {
        match &self.content {
            Some(Content::Ready(envelope, _)) => envelope
                .items()
                .next()
                .and_then(|item| item.losses().next())
                .map_or(Category::Default, |loss| loss.category),
            Some(Content::Transaction(_)) => Category::Transaction,
            Some(Content::CheckIn(_)) => Category::Monitor,
            Some(Content::Batch(batch)) => batch.category(),
            Some(Content::Capture(capture)) => capture.kind.category(),
            None => Category::Error,
        }
    }

    /// What it weighs in a queue, in bytes, without the scopes it shares with other pending envelopes.
    #[must_use]
    pub fn own_bytes(&self) -> usize {
        match &self.content {
            Some(Content::Capture(capture)) => capture.bytes(),
            Some(Content::Transaction(transaction)) => transaction.0.bytes,
            Some(Content::CheckIn(check_in)) => check_in_bytes(&check_in.0),
            Some(Content::Batch(batch)) => batch.bytes(),
            Some(Content::Ready(envelope, _)) => envelope_bytes(envelope),
            None => 0,
        }
    }

    /// Begins to count the scopes it shares with others in [`shared_scope_bytes`](crate::shared_scope_bytes), until
    /// it is finished or gone. A queue calls this once, when it takes the envelope.
    pub fn charge_scopes(&mut self) {
        let scope = match &self.content {
            Some(Content::Capture(capture)) => &capture.scope,
            Some(Content::Transaction(transaction)) => &transaction.1,
            Some(Content::CheckIn(check_in)) => &check_in.1,
            Some(Content::Batch(_) | Content::Ready(..)) | None => return,
        };
        self.charge = Charge::of(scope, self.class());
    }

    /// Looks up the symbols of its stacks, ahead of [`finish`](Self::finish), which does it otherwise. The first look-up
    /// in a process reads debug information, for some hundred milliseconds. No hook runs.
    pub fn resolve_stacks(&mut self) {
        if let Some(Content::Capture(capture)) = &mut self.content {
            self.pipeline.resolve_stacks(capture);
        }
    }

    /// What can be kept on disk of it as it is, beside it; `None` for what is no use unfinished (batches,
    /// transactions) or was sampled out. Costs about what the event's JSON will. No hook runs.
    #[must_use]
    pub fn record(&self) -> Option<Record> {
        match self.content.as_ref()? {
            Content::Capture(capture) if capture.is_sampled_out => None,
            Content::Capture(capture) => Some(Record { envelope: self.pipeline.record(capture), is_finished: false }),
            Content::CheckIn(check_in) => {
                Some(Record { envelope: self.pipeline.record_check_in(check_in.0.clone()), is_finished: false })
            }
            Content::Ready(envelope, _) => Some(Record { envelope: Envelope::clone(envelope), is_finished: true }),
            Content::Transaction(_) | Content::Batch(_) => None,
        }
    }

    /// Finishes it: merges the scopes, resolves stacks, runs hooks and integrations. `None` when one of them dropped
    /// the event, which is then counted; unless its session is to be told of, which then travels alone. From here on the caller accounts for what becomes of the envelope.
    ///
    /// This runs user code for as long as it takes. A panic in it is caught and counted.
    #[must_use]
    pub fn finish(mut self) -> Option<Envelope> {
        let Finished { envelope, is_kept } = match self.content.take()? {
            Content::Ready(envelope, _) => Finished { envelope: Some(*envelope), is_kept: true },
            Content::Capture(capture) => self.pipeline.finish(*capture),
            Content::Transaction(transaction) => {
                let (finished, scope) = *transaction;
                let envelope = self.pipeline.finish_transaction(finished, &scope);
                Finished { is_kept: envelope.is_some(), envelope }
            }
            Content::CheckIn(check_in) => {
                let (check_in, scope) = *check_in;
                let envelope = self.pipeline.finish_check_in(check_in, &scope);
                Finished { is_kept: envelope.is_some(), envelope }
            }
            Content::Batch(batch) => {
                let envelope = batch.finish(&self.pipeline);
                Finished { is_kept: envelope.is_some(), envelope }
            }
        };
        self.outcome.set(if is_kept { Outcome::SENT } else { Outcome::DROPPED });
        envelope
    }

    /// Drops it unfinished and counts it as lost for `reason`.
    pub fn discard(mut self, reason: Reason) {
        self.count_lost(reason);
    }

    /// Leaves it to its [record](Self::record) on disk, which another process will find. The caller has accounted for
    /// it; its session is told what happened.
    pub fn leave(mut self) {
        if let Some(Content::Capture(capture)) = self.content.take() {
            self.settle_session(*capture);
        }
        self.outcome.set(Outcome::SENT);
    }

    /// Tells the capture call that its record is on disk: a process that ends may end.
    pub fn set_recorded(&self) {
        self.outcome.set(Outcome::RECORDED);
    }

    /// What is lost with it, as far as that is known before it is finished.
    #[must_use]
    pub fn losses(&self) -> Vec<ItemLoss> {
        match &self.content {
            Some(Content::Ready(envelope, _)) => envelope.losses().collect(),
            Some(_) => vec![ItemLoss::new(self.category(), 1)],
            None => Vec::new(),
        }
    }

    /// What is lost on the way happened all the same (spec SES-22).
    fn settle_session(&self, mut capture: Capture) {
        let effect = capture.effect();
        let session = capture.session.take();
        if let Some(update) = session.and_then(|session| session.settle(Some(effect), None, &self.pipeline)) {
            self.pipeline.send_session(update, clock::now());
        }
    }

    /// Finishes it and gives the envelope to a transport that does not account for what becomes of it.
    pub(crate) fn hand_over(self, send: impl FnOnce(Envelope)) {
        // On a panicking thread it is finished elsewhere.
        let Some(pending) = crash::hold_back(self) else { return };
        let recorder = pending.pipeline.recorder().clone();
        if let Some(envelope) = pending.finish() {
            let items: Vec<ItemLoss> = envelope.losses().collect();
            // A transport that captures, or whose client logs, must not feed itself.
            let _mark = suppress::enter();
            match caught(|| send(envelope)) {
                Some(()) => recorder.record_delivered(items),
                None => recorder.record_losses(items, Reason::InternalSdkError),
            }
        }
    }

    fn count_lost(&mut self, reason: Reason) {
        let Some(content) = self.content.take() else { return };
        let recorder = self.pipeline.recorder();
        match content {
            Content::Capture(capture) => {
                recorder.record_loss(capture.kind.category(), reason, 1);
                self.settle_session(*capture);
            }
            Content::Transaction(transaction) => {
                for (category, quantity) in transaction.0.quantities() {
                    recorder.record_loss(category, reason, quantity);
                }
            }
            Content::CheckIn(_) => recorder.record_loss(Category::Monitor, reason, 1),
            Content::Batch(batch) => batch.count_lost(&self.pipeline, reason),
            Content::Ready(envelope, _) => recorder.record_losses(envelope.losses(), reason),
        }
        self.outcome.set(Outcome::DROPPED);
    }
}

impl Drop for PendingEnvelope {
    fn drop(&mut self) {
        self.count_lost(Reason::InternalSdkError);
    }
}

impl fmt::Debug for PendingEnvelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingEnvelope")
            .field("event_id", &self.event_id())
            .field("class", &self.class())
            .finish_non_exhaustive()
    }
}

/// A pending envelope as it is kept on disk until it is finished.
#[derive(Debug)]
#[non_exhaustive]
pub struct Record {
    /// What is known so far.
    pub envelope: Envelope,
    /// Whether there is nothing left to do; else [`Recovery::finish`] is for it.
    pub is_finished: bool,
}

/// Finishes what an ended process left unfinished, for a transport that keeps [records](PendingEnvelope::record).
#[derive(Clone, Default)]
pub struct Recovery(Weak<Pipeline>);

impl Recovery {
    pub(crate) fn new(pipeline: Weak<Pipeline>) -> Self {
        Self(pipeline)
    }

    /// Runs the client's integrations and hooks on it. `None` when one of them dropped it,
    /// which is counted. From here on the caller accounts for what becomes of the envelope.
    #[must_use]
    pub fn finish(&self, record: Envelope) -> Option<Envelope> {
        self.0.upgrade()?.recover(record)
    }
}

impl fmt::Debug for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recovery").finish_non_exhaustive()
    }
}

/// What the capture call learns of its event: a cell it shares with the pending envelope.
///
/// Only a transport that finishes on the spot settles it before the call returns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome(Arc<AtomicU8>);

impl Outcome {
    const SENT: u8 = 1;
    const DROPPED: u8 = 2;
    const RECORDED: u8 = 3;

    pub(crate) fn is_dropped(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::DROPPED
    }

    pub(crate) fn is_recorded(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::RECORDED
    }

    fn set(&self, outcome: u8) {
        self.0.store(outcome, Ordering::Release);
    }
}
