//! Beginning and ending the session of a hub.

use super::{Hub, activity};
use crate::protocol::SessionStatus;
use crate::session::Session;

impl Hub {
    /// Begins a session on this hub's scope, and ends the one that was begun there (spec SES-42). Does nothing without a
    /// release or when nothing can be sent.
    ///
    /// Forks of the hub and threads that begin later share the session: their errors count for it. One that is begun on
    /// a fork or a pushed scope takes its place there and does not end it.
    pub fn start_session(&self) {
        if !self.is_active() {
            return;
        }
        let (client, level, user) = {
            let mut levels = self.stack.lock();
            let client = levels.client().and_then(|known| known.client.upgrade());
            (client, levels.top.id, levels.top.scope.user().cloned())
        };
        let Some(client) = client else { return };
        let Some(session) = Session::begin(client.pipeline(), level, user.as_deref()) else { return };
        // Where it was begun, whatever was pushed meanwhile; that may be gone by now.
        let replaced = self.stack.lock().level_mut(level).map(|level| level.scope.replace_session(Some(session)));
        let Some(replaced) = replaced else { return };
        if let Some(previous) = replaced.session.as_ref().filter(|previous| previous.began_on(level)) {
            previous.end(SessionStatus::Exited, user.as_deref());
        }
    }

    /// Ends the session as one that ran to its end.
    pub fn end_session(&self) {
        self.end_session_with_status(SessionStatus::Exited);
    }

    /// Ends the session with `status`. Its last update leaves with the next batch (after a minute, at flush and at
    /// close), or with the last event that was captured in it and is not finished yet.
    pub fn end_session_with_status(&self, status: SessionStatus) {
        let (replaced, user) = {
            let mut levels = self.stack.lock();
            let scope = &mut levels.top.scope;
            // A scope without a session needs no change.
            if scope.session().is_none() {
                return;
            }
            (scope.replace_session(None), scope.user().cloned())
        };
        if let Some(session) = &replaced.session {
            session.end(status, user.as_deref());
        }
    }
}

/// Begins a session on the current hub, see [`Hub::start_session`].
pub fn start_session() {
    if activity::any_open() {
        Hub::current().start_session();
    }
}

/// Ends the current hub's session, see [`Hub::end_session`].
pub fn end_session() {
    end_session_with_status(SessionStatus::Exited);
}

/// Ends the current hub's session with `status`, see [`Hub::end_session_with_status`].
pub fn end_session_with_status(status: SessionStatus) {
    if activity::any_open() {
        Hub::current().end_session_with_status(status);
    }
}
