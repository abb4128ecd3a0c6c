//! How sessions leave: single updates in batches, or with the event that changed them; sums of requests by the minute.

use std::sync::Arc;
use std::time::Instant;

use super::{Batched, Pipeline, number};
use crate::batch::Take;
use crate::options::SessionMode;
use crate::pending::{Class, PendingEnvelope};
use crate::protocol::client_report::{Category, LossSource, Reason};
use crate::protocol::{Envelope, SessionAggregateItem, SessionAggregates};
use crate::session::{self, Added, SessionRecord};
use crate::transport::Transport;

impl Pipeline {
    /// Sends an update that no event takes along.
    pub(crate) fn send_session(self: &Arc<Self>, update: SessionRecord, now: Instant) {
        if self.options.session_mode == SessionMode::Request {
            return self.sum_session(&update, now);
        }
        self.recorder.record_captured(Category::Session, 1);
        self.push(&self.gathered().sessions, Some(update), || now);
    }

    /// Counts the session of a request.
    pub(crate) fn sum_session(self: &Arc<Self>, update: &SessionRecord, now: Instant) {
        let mut aggregates = self.gathered().aggregates.lock();
        let added = aggregates.add(update, now);
        let _crossing = matches!(added, Added::Leaves(_)).then(|| self.gathered().transit.enter());
        drop(aggregates);
        match added {
            Added::Waits => {}
            Added::First(due) => self.wake_at(due),
            Added::Leaves(sums) => self.session_aggregates(sums).into_iter().for_each(|all| self.hand_over(all)),
            Added::Refused => {
                self.recorder.record_captured(Category::Session, 1);
                self.recorder.record_loss(Category::Session, Reason::QueueOverflow, 1);
            }
        }
    }

    /// Sends what there is of sessions, and tells whether that was anything.
    pub(crate) fn send_sessions(self: &Arc<Self>, transport: &dyn Transport) -> bool {
        // Whoever flushes meanwhile finds them either in the batch or on their way.
        let _crossing = self.gathered().transit.enter();
        let sessions = self.take_sessions(Take::All);
        let is_any = !sessions.is_empty();
        sessions.into_iter().for_each(|pending| self.hand_over_to(transport, pending));
        is_any
    }

    /// Takes out what is to be sent of sessions.
    pub(super) fn take_sessions(self: &Arc<Self>, take: Take) -> Vec<PendingEnvelope> {
        let updates = self.gathered().sessions.lock().take(take);
        let sums = self.gathered().aggregates.lock().take(take);
        [self.pending(updates), self.session_aggregates(sums)].into_iter().flatten().collect()
    }

    fn session_aggregates(self: &Arc<Self>, aggregates: Vec<SessionAggregateItem>) -> Option<PendingEnvelope> {
        if aggregates.is_empty() {
            return None;
        }
        let envelope = Envelope::from(SessionAggregates { aggregates, attributes: session::attributes(self) });
        for item in envelope.losses() {
            self.recorder.record_captured(item.category, item.quantity);
        }
        Some(PendingEnvelope::ready(envelope, Class::Error, Arc::clone(self)))
    }

    /// Puts an update into the envelope of the event that changed it.
    pub(super) fn attach_session(&self, envelope: &mut Option<Envelope>, update: SessionRecord) {
        self.recorder.record_captured(Category::Session, 1);
        envelope.get_or_insert_default().add_item(update.into_update(session::attributes(self)));
    }
}

impl Batched for Vec<SessionRecord> {
    fn category(&self) -> Category {
        Category::Session
    }

    fn class(&self) -> Class {
        Class::Error
    }

    fn bytes(&self) -> usize {
        self.len() * size_of::<SessionRecord>()
    }

    fn finish(self: Box<Self>, pipeline: &Pipeline) -> Option<Envelope> {
        let attributes = session::attributes(pipeline);
        let mut envelope = Envelope::new();
        self.into_iter().for_each(|session| envelope.add_item(session.into_update(attributes.clone())));
        Some(envelope)
    }

    fn count_lost(&self, pipeline: &Pipeline, reason: Reason) {
        pipeline.recorder.record_loss(Category::Session, reason, number(self.len()));
    }
}
