//! The state of one session as it waits to be sent: without what all sessions of a client have in common.

use std::time::SystemTime;

use uuid::Uuid;

use crate::protocol::{SessionAttributes, SessionStatus, SessionUpdate};

/// See [`SessionUpdate`] for the fields.
#[derive(Debug, Clone)]
pub(crate) struct SessionRecord {
    pub(crate) session_id: Uuid,
    pub(crate) distinct_id: Option<String>,
    pub(crate) sequence: Option<u64>,
    pub(crate) timestamp: Option<SystemTime>,
    pub(crate) started: SystemTime,
    pub(crate) init: bool,
    pub(crate) duration: Option<f64>,
    pub(crate) status: SessionStatus,
    pub(crate) errors: u64,
}

impl SessionRecord {
    pub(super) fn begin(session_id: Uuid, started: SystemTime) -> Self {
        Self {
            session_id,
            distinct_id: None,
            sequence: None,
            timestamp: None,
            started,
            init: true,
            duration: None,
            status: SessionStatus::Ok,
            errors: 0,
        }
    }

    /// As it is on the wire.
    pub(crate) fn into_update(self, attributes: SessionAttributes<'static>) -> SessionUpdate<'static> {
        let Self { session_id, distinct_id, sequence, timestamp, started, init, duration, status, errors } = self;
        SessionUpdate {
            session_id,
            distinct_id,
            sequence,
            timestamp,
            started,
            init,
            duration,
            status,
            errors,
            attributes,
        }
    }
}
