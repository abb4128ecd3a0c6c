//! What a program reports beside events: check-ins and feedback. No dice are thrown for either.

use std::sync::Arc;

use uuid::Uuid;

use super::Client;
use crate::capture::{Capture, Kind};
use crate::feedback::Feedback;
use crate::pending::{Outcome, PendingEnvelope};
use crate::protocol::MonitorCheckIn;
use crate::protocol::client_report::{Category, Reason};
use crate::scope::{Scope, ScopeSnapshot};

impl Client {
    /// Captures a check-in. See [`Hub::capture_check_in`](crate::Hub::capture_check_in).
    pub fn capture_check_in(&self, check_in: MonitorCheckIn) -> Uuid {
        if self.is_listening() { self.send_check_in(check_in, ScopeSnapshot::default()) } else { Uuid::nil() }
    }

    /// Captures feedback with the data of `scope`. See [`Hub::capture_feedback`](crate::Hub::capture_feedback).
    pub fn capture_feedback(&self, feedback: Feedback, scope: Option<&Scope>) -> Uuid {
        if !self.is_listening() {
            return Uuid::nil();
        }
        self.send_feedback(feedback, ScopeSnapshot::new(scope.map(Scope::settled).unwrap_or_default()))
    }

    pub(crate) fn send_feedback(&self, feedback: Feedback, snapshot: ScopeSnapshot) -> Uuid {
        self.inner.pipeline.recorder().record_captured(Category::Feedback, 1);
        let mut capture = Capture::from_event(feedback.into_event());
        capture.kind = Kind::Feedback;
        self.deliver(capture, snapshot)
    }

    pub(crate) fn send_check_in(&self, check_in: MonitorCheckIn, snapshot: ScopeSnapshot) -> Uuid {
        let pipeline = &self.inner.pipeline;
        pipeline.recorder().record_captured(Category::Monitor, 1);
        let check_in_id = check_in.check_in_id;
        let outcome = Outcome::default();
        let pending = PendingEnvelope::check_in(check_in, snapshot, Arc::clone(pipeline), outcome.clone());
        match self.transport() {
            Some(transport) => pipeline.hand_over_to(&*transport, pending),
            // Closed meanwhile.
            None => pending.discard(Reason::QueueOverflow),
        }
        if outcome.is_dropped() { Uuid::nil() } else { check_in_id }
    }
}
