//! An HTTP response.

use serde::{Deserialize, Serialize};

use super::super::{Map, Value, lenient};

/// The HTTP response the program gave or got.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(default)]
pub struct ResponseContext {
    /// The `Set-Cookie` headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookies: Option<String>,
    /// The other headers.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::text_map")]
    pub headers: Map<String, String>,
    /// The status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u64>,
    /// The size of the body, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_size: Option<u64>,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::assert_json;
    use super::*;

    #[test]
    fn a_full_context_is_written_in_wire_names() {
        let response = ResponseContext {
            cookies: Some("theme=dark".into()),
            headers: [("Content-Type".to_owned(), "text/plain".to_owned())].into(),
            status_code: Some(500),
            body_size: Some(4),
            data: Some("oops".into()),
        };
        assert_json(
            &response,
            r#"{"cookies":"theme=dark","headers":{"Content-Type":"text/plain"},"status_code":500,"body_size":4,
            "data":"oops"}"#,
        );
        assert_json(&ResponseContext::default(), "{}");
    }
}
