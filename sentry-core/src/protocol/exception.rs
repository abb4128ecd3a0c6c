//! An error or panic: the heart of most events.

use serde::{Deserialize, Serialize};

use super::{Mechanism, Stacktrace, ThreadId, lenient};

/// An error or panic. The server discards it unless `ty` or `value` is set.
///
/// An event lists a chain of them with the root cause first and the outermost error last.
#[derive(Serialize, Deserialize, Debug, Default, Clone, PartialEq)]
#[serde(default)]
pub struct Exception {
    /// The type of the error; with the stack trace it decides the grouping. `type` on the wire.
    #[serde(rename = "type", deserialize_with = "lenient::or_default")]
    pub ty: String,
    /// What the error says.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub value: Option<String>,
    /// The module path of the type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Where it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stacktrace: Option<Stacktrace>,
    /// The stack trace before it was processed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_stacktrace: Option<Stacktrace>,
    /// The thread it happened on, by the id of one in the event's `threads`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<ThreadId>,
    /// How it was captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<Mechanism>,
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_json, read};
    use super::*;

    #[test]
    fn a_full_exception_is_written_in_wire_names() {
        let exception = Exception {
            ty: "ParseIntError".into(),
            value: Some("invalid digit".into()),
            module: Some("core::num".into()),
            stacktrace: Some(Stacktrace::default()),
            raw_stacktrace: Some(Stacktrace::default()),
            thread_id: Some("main".into()),
            mechanism: Some(Mechanism { ty: "panic".into(), ..Mechanism::default() }),
        };
        assert_json(
            &exception,
            r#"{"type":"ParseIntError","value":"invalid digit","module":"core::num","stacktrace":{"frames":[]},
            "raw_stacktrace":{"frames":[]},"thread_id":"main","mechanism":{"type":"panic"}}"#,
        );
    }

    #[test]
    fn what_other_sdks_write_is_read() {
        assert_eq!(read::<Exception>(r#"{"type":null,"value":null,"mechanism":null,"x":1}"#), Exception::default());
        assert_eq!(read::<Exception>(r#"{"value":{"code":7}}"#).value.as_deref(), Some(r#"{"code":7}"#));
    }
}
