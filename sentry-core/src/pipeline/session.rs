//! How sessions leave: single updates in batches, or with the event that changed them; sums of requests by the minute.

use std::sync::Arc;
use std::time::Instant;

use super::Pipeline;
use crate::batch::Pushed;
use crate::clock;
use crate::options::SessionMode;
use crate::pending::{Class, PendingEnvelope};
use crate::protocol::client_report::{Category, LossSource};
use crate::protocol::{Envelope, SessionAggregateItem, SessionAggregates, SessionUpdate};
use crate::session::{self, Added};

impl Pipeline {
    /// Sends an update that no event takes along.
    pub(crate) fn send_session(self: &Arc<Self>, update: SessionUpdate<'static>, now: Instant) {
        if self.options.session_mode == SessionMode::Request {
            return self.sum_session(&update);
        }
        let pushed = self.sessions.lock().push(update, 0, || now);
        match pushed {
            Pushed::Waits => {}
            Pushed::First(due) => self.wake_at(due),
            Pushed::Leaves(updates) => self.hand_over(self.session_updates(updates)),
        }
    }

    /// Counts the session of a request.
    pub(crate) fn sum_session(self: &Arc<Self>, update: &SessionUpdate<'_>) {
        let added = self.aggregates.lock().add(update, clock::now());
        match added {
            Added::Waits => {}
            Added::First(due) => self.wake_at(due),
            Added::Leaves(sums) => self.hand_over(self.session_aggregates(sums)),
        }
    }

    pub(super) fn take_session_batches(self: &Arc<Self>, due: Option<Instant>) -> Vec<PendingEnvelope> {
        let updates = self.sessions.lock().take_due(due);
        let sums = self.aggregates.lock().take_due(due);
        [self.session_updates(updates), self.session_aggregates(sums)].into_iter().flatten().collect()
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

    fn hand_over(&self, pending: Option<PendingEnvelope>) {
        match (pending, self.transport()) {
            (Some(pending), Some(transport)) => transport.send_deferred(pending),
            // Dropped, it counts itself.
            (pending, _) => drop(pending),
        }
    }

    fn wake_at(&self, due: Instant) {
        if let Some(transport) = self.transport() {
            transport.wake_at(due);
        }
    }
}
