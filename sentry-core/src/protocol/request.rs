//! The HTTP request a program was answering.

use serde::{Deserialize, Serialize};

use super::{Map, Url, lenient};

/// The HTTP request the program was answering.
#[derive(Serialize, Deserialize, Debug, Default, Clone, PartialEq)]
#[serde(default)]
pub struct Request {
    /// What was asked for, without query and fragment.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::or_none")]
    pub url: Option<Url>,
    /// The method, such as `GET`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The body. The server drops events that are too large: cut long ones.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub data: Option<String>,
    /// The query, without the question mark.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub query_string: Option<String>,
    /// The `Cookie` header.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub cookies: Option<String>,
    /// The headers.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::text_map")]
    pub headers: Map<String, String>,
    /// What the web server knows, such as `REMOTE_ADDR`, which the server takes for the user's address.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::text_map")]
    pub env: Map<String, String>,
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_json, read};
    use super::*;

    #[test]
    fn a_full_request_is_written_in_wire_names() {
        let request = Request {
            url: Some(read("\"https://example.com/pay\"")),
            method: Some("POST".into()),
            data: Some("{}".into()),
            query_string: Some("a=1&b=2".into()),
            cookies: Some("theme=dark".into()),
            headers: [("Accept".to_owned(), "*/*".to_owned())].into(),
            env: [("REMOTE_ADDR".to_owned(), "10.0.0.1".to_owned())].into(),
        };
        assert_json(
            &request,
            r#"{"url":"https://example.com/pay","method":"POST","data":"{}","query_string":"a=1&b=2",
            "cookies":"theme=dark","headers":{"Accept":"*/*"},"env":{"REMOTE_ADDR":"10.0.0.1"}}"#,
        );
        assert_json(&Request::default(), "{}");
    }

    #[test]
    fn what_other_sdks_write_is_read() {
        let request: Request = read(
            r#"{"url":7,"data":{"a":1},"query_string":null,"headers":[["Accept","*/*"]],"env":null,"fragment":"top"}"#,
        );
        let expected = Request {
            data: Some(r#"{"a":1}"#.into()),
            headers: [("Accept".to_owned(), "*/*".to_owned())].into(),
            ..Request::default()
        };
        assert_eq!(request, expected);
    }
}
