//! The session of one request, for release health by requests.

use std::sync::Arc;

use sentry_core::protocol::SessionStatus;
use sentry_core::{ClientOptions, Hub, SessionMode};

/// Runs from the beginning of a request to its end, on its hub. Errors captured in between make it an errored one by
/// themselves.
#[derive(Debug)]
#[must_use = "a session that is dropped has ended well"]
pub(crate) struct RequestSession(Option<Arc<Hub>>);

impl RequestSession {
    /// Begins one on `hub`, which is the request's own, if the client counts requests; else does nothing.
    pub(crate) fn begin(hub: &Arc<Hub>, options: &ClientOptions) -> Self {
        let counts = options.auto_session_tracking && options.session_mode == SessionMode::Request;
        Self(counts.then(|| {
            hub.start_session();
            Arc::clone(hub)
        }))
    }

    /// Nobody handled what went wrong: a panic, an error of the service, an answer of 5xx (spec SES-12).
    pub(crate) fn end_unhandled(mut self) {
        if let Some(hub) = self.0.take() {
            hub.end_session_with_status(SessionStatus::Unhandled);
        }
    }
}

/// The request was answered, or its client went away: for the program, both are a good end (spec SES-11). `Abnormal` would
/// mean that nobody knows.
impl Drop for RequestSession {
    fn drop(&mut self) {
        if let Some(hub) = self.0.take() {
            hub.end_session();
        }
    }
}
