//! Structured logs on the wire.

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Map, SpanId, TraceId, Value, lenient, time};
use crate::clock;

/// A structured log.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(from = "WireLog")]
pub struct Log {
    /// How serious it is.
    pub level: LogLevel,
    /// The text.
    pub body: String,
    /// The trace it belongs to; filled in when it is captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// When it was.
    #[serde(serialize_with = "time::seconds::serialize")]
    pub timestamp: SystemTime,
    /// How serious it is, as a number; by default that of its level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity_number: Option<LogSeverityNumber>,
    /// What is known about it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, LogAttribute>,
}

/// A log as it is read: with its span, which the public type can only keep among the attributes.
#[derive(Deserialize)]
struct WireLog {
    #[serde(default)]
    level: LogLevel,
    #[serde(default)]
    body: String,
    #[serde(default, deserialize_with = "lenient::or_none")]
    trace_id: Option<TraceId>,
    #[serde(default, deserialize_with = "lenient::or_none")]
    span_id: Option<SpanId>,
    #[serde(default = "clock::wall", with = "time::seconds")]
    timestamp: SystemTime,
    #[serde(default, deserialize_with = "lenient::or_none")]
    severity_number: Option<LogSeverityNumber>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    attributes: Map<String, LogAttribute>,
}

impl From<WireLog> for Log {
    fn from(read: WireLog) -> Self {
        let WireLog { level, body, trace_id, span_id, timestamp, severity_number, mut attributes } = read;
        if let Some(span_id) = span_id {
            attributes.insert(PARENT_SPAN_ID.to_owned(), span_id.to_string().into());
        }
        Self { level, body, trace_id, timestamp, severity_number, attributes }
    }
}

/// The attribute in which the id of a log's span travels to the encoder: the frozen type has no field for it.
pub(crate) const PARENT_SPAN_ID: &str = "sentry.trace.parent_span_id";

/// How serious a log is.
#[derive(Serialize, Deserialize, Copy, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For whoever follows each step.
    Trace,
    /// For developers.
    Debug,
    /// Worth knowing.
    #[default]
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
    /// The program cannot go on.
    Fatal,
}

impl LogLevel {
    /// The lowest severity number of the level (spec LOG-07).
    pub(crate) fn severity_number(self) -> LogSeverityNumber {
        LogSeverityNumber(match self {
            Self::Trace => 1,
            Self::Debug => 5,
            Self::Info => 9,
            Self::Warn => 13,
            Self::Error => 17,
            Self::Fatal => 21,
        })
    }
}

/// How serious a log is, from 1 to 24; each level has four numbers.
#[derive(Serialize, Copy, Clone, Debug, PartialEq)]
pub struct LogSeverityNumber(u8);

impl LogSeverityNumber {
    /// The least serious.
    pub const MIN: u8 = 1;
    /// The most serious.
    pub const MAX: u8 = 24;
}

/// The number is no [`LogSeverityNumber`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeverityOutOfRange(u8);

impl fmt::Display for SeverityOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "severity number {} is out of range: it should be from 1 to 24", self.0)
    }
}

impl Error for SeverityOutOfRange {}

impl TryFrom<u8> for LogSeverityNumber {
    type Error = SeverityOutOfRange;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        if (Self::MIN..=Self::MAX).contains(&number) { Ok(Self(number)) } else { Err(SeverityOutOfRange(number)) }
    }
}

impl<'de> Deserialize<'de> for LogSeverityNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}

/// A value of a log or metric. Its type on the wire follows from it (spec SCP-35).
#[derive(Clone, Debug, PartialEq)]
pub struct LogAttribute(pub Value);

impl<T> From<T> for LogAttribute
where
    Value: From<T>,
{
    fn from(value: T) -> Self {
        Self(value.into())
    }
}

impl Serialize for LogAttribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut attribute = serializer.serialize_struct("LogAttribute", 2)?;
        match &self.0 {
            Value::String(text) => {
                attribute.serialize_field("value", text)?;
                attribute.serialize_field("type", "string")?;
            }
            Value::Bool(value) => {
                attribute.serialize_field("value", value)?;
                attribute.serialize_field("type", "boolean")?;
            }
            Value::Number(number) if number.is_i64() => {
                attribute.serialize_field("value", number)?;
                attribute.serialize_field("type", "integer")?;
            }
            // Servers have no integers beyond i64 (spec SCP-32).
            Value::Number(number) if number.is_u64() => {
                attribute.serialize_field("value", &number.to_string())?;
                attribute.serialize_field("type", "string")?;
            }
            Value::Number(number) => {
                attribute.serialize_field("value", number)?;
                attribute.serialize_field("type", "double")?;
            }
            Value::Array(values) if is_homogeneous(values) => {
                attribute.serialize_field("value", values)?;
                attribute.serialize_field("type", "array")?;
            }
            // What has no type of its own travels as its JSON (spec SCP-31).
            other => {
                attribute.serialize_field("value", &other.to_string())?;
                attribute.serialize_field("type", "string")?;
            }
        }
        attribute.end()
    }
}

impl<'de> Deserialize<'de> for LogAttribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Typed {
            value: Value,
        }
        Ok(Self(Typed::deserialize(deserializer)?.value))
    }
}

/// Whether all elements are plain values of one type.
fn is_homogeneous(values: &[Value]) -> bool {
    let kind = |value: &Value| match value {
        Value::String(_) => Some(0),
        Value::Bool(_) => Some(1),
        Value::Number(number) if number.is_i64() => Some(2),
        Value::Number(number) if number.is_f64() => Some(3),
        _ => None,
    };
    match values {
        [] => true,
        [first, rest @ ..] => kind(first).is_some() && rest.iter().all(|value| kind(value) == kind(first)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_json;
    use super::*;
    use serde_json::json;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_log_in_wire_names() {
        let log = Log {
            level: LogLevel::Warn,
            body: "slow".into(),
            trace_id: Some(TraceId::from([0xab; 16])),
            timestamp: UNIX_EPOCH + Duration::from_millis(1_500),
            severity_number: Some(LogLevel::Warn.severity_number()),
            attributes: Map::from([("key".to_owned(), "value".into())]),
        };
        // LOG-06, LOG-07.
        assert_json(
            &log,
            r#"{"level":"warn","body":"slow","trace_id":"abababababababababababababababab","timestamp":1.5,
            "severity_number":13,"attributes":{"key":{"value":"value","type":"string"}}}"#,
        );
    }

    #[test]
    fn attributes_tell_their_type() {
        // SCP-30 to SCP-32.
        for (value, expected) in [
            (json!("text"), json!({"value": "text", "type": "string"})),
            (json!(true), json!({"value": true, "type": "boolean"})),
            (json!(-7), json!({"value": -7, "type": "integer"})),
            (json!(u64::MAX), json!({"value": "18446744073709551615", "type": "string"})),
            (json!(0.5), json!({"value": 0.5, "type": "double"})),
            (json!(["a", "b"]), json!({"value": ["a", "b"], "type": "array"})),
            (json!([]), json!({"value": [], "type": "array"})),
            (json!(["a", 1]), json!({"value": "[\"a\",1]", "type": "string"})),
            (json!([["a"]]), json!({"value": "[[\"a\"]]", "type": "string"})),
            (json!({"a": 1}), json!({"value": "{\"a\":1}", "type": "string"})),
            (json!(null), json!({"value": "null", "type": "string"})),
        ] {
            assert_eq!(serde_json::to_value(LogAttribute(value)).unwrap(), expected);
        }
        let read: LogAttribute = serde_json::from_str(r#"{"value":7,"type":"brand_new","unit":"second"}"#).unwrap();
        assert_eq!(read, LogAttribute(json!(7)));
    }

    #[test]
    fn severity_has_bounds() {
        for number in [1, 24] {
            assert!(LogSeverityNumber::try_from(number).is_ok());
        }
        for number in [0, 25] {
            assert!(LogSeverityNumber::try_from(number).unwrap_err().to_string().contains("1 to 24"));
        }
        let odd: Log = serde_json::from_str(r#"{"severity_number":99}"#).unwrap();
        assert_eq!(odd.severity_number, None);
        let linked: Log = serde_json::from_str(r#"{"span_id":"0101010101010101"}"#).unwrap();
        assert_eq!(linked.attributes[PARENT_SPAN_ID], "0101010101010101".into());
    }
}
