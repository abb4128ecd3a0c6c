//! A link from a span to another one that caused it without being its parent.

use serde::{Deserialize, Serialize};

use super::{Map, SpanId, TraceId, Value, lenient};

/// The span that is linked to (spec TXN-32).
///
/// The default has fresh random ids.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(default)]
#[non_exhaustive]
pub struct SpanLink {
    /// Its id.
    #[serde(deserialize_with = "lenient::or_default")]
    pub span_id: SpanId,
    /// The trace it belongs to.
    #[serde(deserialize_with = "lenient::or_default")]
    pub trace_id: TraceId,
    /// Whether it is sampled, if that is known.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::or_none")]
    pub sampled: Option<bool>,
    /// What is known about the link.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub attributes: Map<String, Value>,
}
