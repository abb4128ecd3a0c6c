//! How sessions leave: single updates in batches, or with the event that changed them; sums of requests by the minute.

use std::sync::Arc;
use std::time::Instant;

use super::Pipeline;
use crate::batch::{Pushed, Take};
use crate::clock;
use crate::options::SessionMode;
use crate::pending::{Class, PendingEnvelope};
use crate::protocol::client_report::{Category, LossSource, Reason};
use crate::protocol::{Envelope, SessionAggregateItem, SessionAggregates, SessionUpdate};
use crate::session::{self, Added};

impl Pipeline {
    /// Sends an update that no event takes along.
    pub(crate) fn send_session(self: &Arc<Self>, update: SessionUpdate<'static>, now: Instant) {
        if self.options.session_mode == SessionMode::Request {
            return self.sum_session(&update);
        }
        let mut sessions = self.sessions.lock();
        let pushed = sessions.push(update, 0, || now);
        let _crossing = matches!(pushed, Pushed::Leaves(_)).then(|| self.transit.enter());
        drop(sessions);
        match pushed {
            Pushed::Waits => {}
            Pushed::First(due) => self.wake_at(due),
            Pushed::Leaves(updates) => self.session_updates(updates).into_iter().for_each(|all| self.hand_over(all)),
            Pushed::Refused(_) => self.count_refused_session(),
        }
    }

    /// Counts the session of a request.
    pub(crate) fn sum_session(self: &Arc<Self>, update: &SessionUpdate<'_>) {
        let mut aggregates = self.aggregates.lock();
        let added = aggregates.add(update, clock::now());
        let _crossing = matches!(added, Added::Leaves(_)).then(|| self.transit.enter());
        drop(aggregates);
        match added {
            Added::Waits => {}
            Added::First(due) => self.wake_at(due),
            Added::Leaves(sums) => self.session_aggregates(sums).into_iter().for_each(|all| self.hand_over(all)),
            Added::Refused => self.count_refused_session(),
        }
    }

    /// Takes out what is to be sent of sessions.
    pub(crate) fn take_sessions(self: &Arc<Self>, take: Take) -> Vec<PendingEnvelope> {
        let updates = self.sessions.lock().take(take);
        let sums = self.aggregates.lock().take(take);
        [self.session_updates(updates), self.session_aggregates(sums)].into_iter().flatten().collect()
    }

    fn count_refused_session(&self) {
        self.recorder.record_captured(Category::Session, 1);
        self.recorder.record_loss(Category::Session, Reason::QueueOverflow, 1);
    }

    fn session_updates(self: &Arc<Self>, updates: Vec<SessionUpdate<'static>>) -> Option<PendingEnvelope> {
        let mut envelope = Envelope::new();
        updates.into_iter().for_each(|update| envelope.add_item(update));
        self.counted(envelope)
    }

    fn session_aggregates(self: &Arc<Self>, aggregates: Vec<SessionAggregateItem>) -> Option<PendingEnvelope> {
        let attributes = session::attributes(self)?;
        if aggregates.is_empty() {
            return None;
        }
        self.counted(SessionAggregates { aggregates, attributes }.into())
    }

    /// `None` for an empty envelope.
    fn counted(self: &Arc<Self>, envelope: Envelope) -> Option<PendingEnvelope> {
        envelope.items().next()?;
        for item in envelope.losses() {
            self.recorder.record_captured(item.category, item.quantity);
        }
        Some(PendingEnvelope::ready(envelope, Class::Error, Arc::clone(self)))
    }

    /// Puts an update into the envelope of the event that changed it.
    pub(super) fn attach_session(&self, envelope: &mut Option<Envelope>, update: SessionUpdate<'static>) {
        self.recorder.record_captured(Category::Session, 1);
        envelope.get_or_insert_default().add_item(update);
    }
}
