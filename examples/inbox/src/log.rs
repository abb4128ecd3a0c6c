//! Structured log entries.

use std::time::SystemTime;

use serde_json::Value;

use crate::json;

/// One entry, as far as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Log {
    pub(crate) time: Option<SystemTime>,
    pub(crate) level: String,
    pub(crate) body: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) trace: Option<u128>,
    pub(crate) span: Option<u128>,
}

impl Log {
    /// `None` without a body.
    pub(crate) fn read(value: &Value) -> Option<Log> {
        Some(Log {
            time: json::time(value, "timestamp"),
            level: json::text(value, "level").unwrap_or_else(|| "info".to_owned()),
            body: json::text(value, "body")?,
            attributes: json::attributes(value),
            trace: json::id(value, "trace_id"),
            span: json::id(value, "span_id"),
        })
    }
}
