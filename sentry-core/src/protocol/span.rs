//! A span on the wire: a piece of work within a transaction.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{Map, SpanId, SpanLink, SpanStatus, TraceId, Value, lenient, time};
use crate::clock;

/// A span that has ended, as part of a [`Transaction`](super::Transaction).
///
/// The default has fresh ids and begins now.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Span {
    /// The span's id.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub span_id: SpanId,
    /// The trace it belongs to.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub trace_id: TraceId,
    /// The span it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<SpanId>,
    /// Whether its parent is in the same process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_process_as_parent: Option<bool>,
    /// The kind of work, such as `db.query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// The work in particular, such as a query with placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::rfc3339_opt")]
    pub timestamp: Option<SystemTime>,
    /// When it began.
    #[serde(default = "clock::wall", with = "time::seconds")]
    pub start_timestamp: SystemTime,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::or_none")]
    pub status: Option<SpanStatus>,
    /// What to search spans by.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::text_map")]
    pub tags: Map<String, String>,
    /// Attributes.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub data: Map<String, Value>,
    /// The spans that caused it without being its parent.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::or_default")]
    pub links: Vec<SpanLink>,
}

impl Default for Span {
    fn default() -> Self {
        Self {
            span_id: SpanId::default(),
            trace_id: TraceId::default(),
            parent_span_id: None,
            same_process_as_parent: None,
            op: None,
            description: None,
            timestamp: None,
            start_timestamp: clock::wall(),
            status: None,
            tags: Map::new(),
            data: Map::new(),
            links: Vec::new(),
        }
    }
}

impl Span {
    /// A span with fresh ids that begins now.
    pub fn new() -> Span {
        Self::default()
    }

    /// Ends it at `timestamp`.
    pub fn finish_with_timestamp(&mut self, timestamp: SystemTime) {
        self.timestamp = Some(timestamp);
    }

    /// Ends it now.
    pub fn finish(&mut self) {
        self.finish_with_timestamp(clock::wall());
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Span(id: {}, ts: {})", self.span_id, time::format_rfc3339(self.start_timestamp))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_json;
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn the_end_is_text_and_the_beginning_a_number() {
        let span = Span {
            span_id: SpanId::from([1; 8]),
            trace_id: TraceId::from([2; 16]),
            parent_span_id: Some(SpanId::from([3; 8])),
            op: Some("db".into()),
            description: Some("SELECT 1".into()),
            timestamp: Some(UNIX_EPOCH + Duration::from_millis(1_500)),
            start_timestamp: UNIX_EPOCH + Duration::from_secs(1),
            status: Some(SpanStatus::Ok),
            tags: Map::from([("a".into(), "b".into())]),
            data: Map::from([("c".into(), 1.into())]),
            links: Vec::new(),
            same_process_as_parent: Some(true),
        };
        assert_json(
            &span,
            r#"{"span_id":"0101010101010101","trace_id":"02020202020202020202020202020202",
            "parent_span_id":"0303030303030303","same_process_as_parent":true,"op":"db","description":"SELECT 1",
            "timestamp":"1970-01-01T00:00:01.5Z","start_timestamp":1,"status":"ok","tags":{"a":"b"},"data":{"c":1}}"#,
        );
    }

    #[test]
    fn odd_spans_of_others_are_read() {
        let text = r#"{"span_id":"0101010101010101","timestamp":2.5,"start_timestamp":"1970-01-01T00:00:01Z","status":"?","tags":null,"new":1}"#;
        let span: Span = serde_json::from_str(text).unwrap();
        assert_eq!(span.timestamp, Some(UNIX_EPOCH + Duration::from_millis(2_500)));
        assert_eq!((span.start_timestamp, span.status), (UNIX_EPOCH + Duration::from_secs(1), None));
    }
}
