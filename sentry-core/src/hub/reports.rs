//! Capturing what is no event, or more than one: check-ins, feedback, and errors.

use std::error::Error;
use std::sync::Arc;

use uuid::Uuid;

use super::Hub;
use super::repeats::{self, Chain, Source};
use crate::caught::caught;
use crate::error_event::{KnownErrors, chain_of};
use crate::feedback::Feedback;
use crate::hint::SharedError;
use crate::protocol::{MonitorCheckIn, Stacktrace};
use crate::session::Effect;

impl Hub {
    /// Captures a check-in: a sign of life of a job that Sentry waits for. It is not sampled, and only
    /// [`before_send_check_in`](field@crate::ClientOptions::before_send_check_in) sees it. [`Monitor`](crate::Monitor)
    /// makes the check-ins of a whole run.
    ///
    /// Returns its id, by which later check-ins continue it; nil when it is not sent. Costs what a message costs.
    pub fn capture_check_in(&self, check_in: MonitorCheckIn) -> Uuid {
        match self.listening_client() {
            Some(client) => client.send_check_in(check_in, self.snapshot()),
            None => Uuid::nil(),
        }
    }

    /// Captures what a user says, with this hub's scope and its attachments. It is not sampled; event processors and
    /// [`before_send_feedback`](field@crate::ClientOptions::before_send_feedback) see it.
    ///
    /// Returns its own id, which does not become the [`last_event_id`](Self::last_event_id); nil when it is not sent.
    pub fn capture_feedback(&self, feedback: Feedback) -> Uuid {
        match self.listening_client() {
            Some(client) => client.send_feedback(feedback, self.snapshot()),
            None => Uuid::nil(),
        }
    }

    /// Captures an error as [`capture_error`](Self::capture_error) does, and keeps it for
    /// [`before_send_with_hint`](field@crate::ClientOptions::before_send_with_hint). It is let go of where the event is
    /// finished: its destructor may run on another thread.
    pub fn capture_error_owned(&self, error: Arc<dyn Error + Send + Sync>) -> Uuid {
        self.capture_error_as(&*error, SharedError::new(Arc::clone(&error)))
    }

    pub(super) fn capture_error_as<E: Error + ?Sized>(&self, error: &E, owned: SharedError) -> Uuid {
        let Some(client) = self.listening_client().filter(|client| !client.pipeline().ignores_error(error)) else {
            return Uuid::nil();
        };
        let of_panic = || repeats::panic_of_task(&caught(|| error.to_string())?);
        if let Some(id) = repeats::is_of_task(std::any::type_name::<E>()).then(of_panic).flatten() {
            return id;
        }
        let says = || Chain::of_links(&chain_of(error, &**client.pipeline()));
        if let Some(id) = self.repeated(Some(&Source::Error), says) {
            return id;
        }
        let effect = || Effect { is_error: true, ..Effect::default() };
        self.capture_for(&client, Some(Source::Error), effect, || client.pipeline().capture_of(error, owned))
    }
}

/// For bridges to error types: what the client's integrations know.
impl KnownErrors for Hub {
    fn error_type(&self, error: &(dyn Error + 'static)) -> Option<&'static str> {
        self.client()?.pipeline().error_type(error)
    }

    fn error_stacktrace(&self, error: &(dyn Error + 'static)) -> Option<Stacktrace> {
        self.client()?.pipeline().error_stacktrace(error)
    }
}
