//! The place of an event in a trace.

use serde::{Deserialize, Serialize};

use super::super::{Map, SpanId, SpanLink, SpanStatus, TraceId, Value, lenient};

/// The trace and span an event belongs to.
///
/// The default has fresh random ids.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(default)]
pub struct TraceContext {
    /// The span.
    #[serde(deserialize_with = "lenient::or_default")]
    pub span_id: SpanId,
    /// The trace.
    #[serde(deserialize_with = "lenient::or_default")]
    pub trace_id: TraceId,
    /// The span's parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<SpanId>,
    /// What kind of work the span is, such as `http.server`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// What the span does in particular.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How the span ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<SpanStatus>,
    /// What created the span: `manual`, or `auto.` and an integration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Attributes of the span.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub data: Map<String, Value>,
    /// The spans that caused it without being its parent.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::or_default")]
    pub links: Vec<SpanLink>,
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::assert_json;
    use super::*;

    #[test]
    fn a_full_context_is_written_in_wire_names() {
        let trace = TraceContext {
            span_id: SpanId::from([0xa1; 8]),
            trace_id: TraceId::from([0xb2; 16]),
            parent_span_id: Some(SpanId::from([0xc3; 8])),
            op: Some("http.server".into()),
            description: Some("GET /".into()),
            status: Some(SpanStatus::NotFound),
            origin: Some("manual".into()),
            data: [("route".to_owned(), "/".into())].into(),
            links: vec![SpanLink {
                span_id: SpanId::from([0xd4; 8]),
                trace_id: TraceId::from([0xe5; 16]),
                sampled: Some(true),
                attributes: Map::new(),
            }],
        };
        assert_json(
            &trace,
            r#"{"span_id":"a1a1a1a1a1a1a1a1","trace_id":"b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2",
            "parent_span_id":"c3c3c3c3c3c3c3c3","op":"http.server","description":"GET /","status":"not_found",
            "origin":"manual","data":{"route":"/"},
            "links":[{"span_id":"d4d4d4d4d4d4d4d4","trace_id":"e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5","sampled":true}]}"#,
        );
        assert_ne!(TraceContext::default().trace_id, TraceContext::default().trace_id);
    }
}
