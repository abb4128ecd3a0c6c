//! What users wrote.

use std::time::SystemTime;

use serde_json::Value;

use crate::json;

/// One feedback.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Feedback {
    pub(crate) time: Option<SystemTime>,
    pub(crate) message: String,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    /// The event it is about.
    pub(crate) event: Option<u128>,
}

impl Feedback {
    /// `None` without a message.
    pub(crate) fn read(payload: &Value) -> Option<Feedback> {
        let context = payload.get("contexts")?.get("feedback")?;
        Some(Feedback {
            time: json::time(payload, "timestamp"),
            message: json::text(context, "message")?,
            name: json::text(context, "name"),
            email: json::text(context, "contact_email"),
            event: json::id(context, "associated_event_id"),
        })
    }
}
