//! What the program runs on.

use serde::{Deserialize, Serialize};

use super::super::{Map, Value};

/// What the program runs on or was compiled with.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(default)]
pub struct RuntimeContext {
    /// Its name, such as `rustc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
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
        let context = RuntimeContext {
            name: Some("rustc".into()),
            version: Some("1.85.0".into()),
            other: [("raw_description".to_owned(), "rustc 1.85.0".into())].into(),
        };
        assert_json(&context, r#"{"name":"rustc","version":"1.85.0","raw_description":"rustc 1.85.0"}"#);
        assert_json(&RuntimeContext::default(), "{}");
    }
}
