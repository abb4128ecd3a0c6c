//! What OpenTelemetry adds to an event.

use serde::{Deserialize, Serialize};

use super::super::{Map, Value, lenient};

/// What OpenTelemetry knows about a span.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(default)]
pub struct OtelContext {
    /// The attributes of the span.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub attributes: Map<String, Value>,
    /// The attributes of the service it belongs to.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub resource: Map<String, Value>,
    /// Any other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::assert_json;
    use super::*;

    #[test]
    fn a_full_context_is_written_in_wire_names() {
        let otel = OtelContext {
            attributes: [("app.id".to_owned(), 7.into())].into(),
            resource: [("service.name".to_owned(), "shop".into())].into(),
            other: [("scope".to_owned(), "db".into())].into(),
        };
        assert_json(&otel, r#"{"attributes":{"app.id":7},"resource":{"service.name":"shop"},"scope":"db"}"#);
        assert_json(&OtelContext::default(), "{}");
    }
}
