//! An event's message, with or without its parameters apart.

use serde::{Deserialize, Serialize};

use super::{Value, lenient};

/// A message: as text, or as a template and what goes into it, which lets the server group by the template.
#[derive(Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
#[serde(default)]
pub struct LogEntry {
    /// The message, or its template with `%s` or `{}` where the parameters go.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "lenient::or_default")]
    pub message: String,
    /// What goes into the template, in order.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::or_default")]
    pub params: Vec<Value>,
    /// The finished text, which is what people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_json, read};
    use super::*;

    #[test]
    fn a_full_entry_is_written_in_wire_names() {
        let entry = LogEntry {
            message: "{} of {}".into(),
            params: vec![1.into(), Value::Null],
            formatted: Some("1 of null".into()),
        };
        assert_json(&entry, r#"{"message":"{} of {}","params":[1,null],"formatted":"1 of null"}"#);
        assert_json(&LogEntry::default(), "{}");
        assert_eq!(read::<LogEntry>(r#"{"message":null,"params":null,"x":1}"#), LogEntry::default());
    }
}
