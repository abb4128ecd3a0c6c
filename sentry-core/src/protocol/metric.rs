//! Metrics on the wire.

use std::borrow::Cow;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{LogAttribute, Map, SpanId, TraceId, Unit, lenient, time};
use crate::clock;

/// What a number says.
#[derive(Serialize, Deserialize, Copy, Clone, Debug, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum MetricType {
    /// How often something happened: numbers are added up.
    Counter,
    /// How much there is of something now.
    Gauge,
    /// One of many values, whose spread is of interest.
    Distribution,
}

/// One recorded number.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Metric {
    /// What the number says.
    pub r#type: MetricType,
    /// The name; dotted.
    pub name: Cow<'static, str>,
    /// The number.
    pub value: f64,
    /// When it was recorded.
    #[serde(default = "clock::wall", with = "time::seconds")]
    pub timestamp: SystemTime,
    /// The trace it belongs to.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub trace_id: TraceId,
    /// The span it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<SpanId>,
    /// What it counts in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// What is known about it.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub attributes: Map<Cow<'static, str>, LogAttribute>,
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_json;
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_metric_in_wire_names() {
        let metric = Metric {
            r#type: MetricType::Distribution,
            name: "cart.total".into(),
            value: 42.5,
            timestamp: UNIX_EPOCH + Duration::from_millis(1_500),
            trace_id: TraceId::from([0xab; 16]),
            span_id: Some(SpanId::from([1; 8])),
            unit: Some(Unit::Millisecond),
            attributes: Map::from([("region".into(), "eu".into())]),
        };
        // MET-07.
        assert_json(
            &metric,
            r#"{"type":"distribution","name":"cart.total","value":42.5,"timestamp":1.5,
            "trace_id":"abababababababababababababababab","span_id":"0101010101010101","unit":"millisecond",
            "attributes":{"region":{"value":"eu","type":"string"}}}"#,
        );
    }
}
