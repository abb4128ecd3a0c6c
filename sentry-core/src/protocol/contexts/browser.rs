//! The user's browser.

use serde::{Deserialize, Serialize};

use super::super::{Map, Value};

/// The browser of the user.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(default)]
pub struct BrowserContext {
    /// Its name.
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
        let context = BrowserContext {
            name: Some("Firefox".into()),
            version: Some("140".into()),
            other: [("raw_description".to_owned(), "Firefox 140".into())].into(),
        };
        assert_json(&context, r#"{"name":"Firefox","version":"140","raw_description":"Firefox 140"}"#);
        assert_json(&BrowserContext::default(), "{}");
    }
}
