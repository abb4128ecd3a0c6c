//! The operating system.

use serde::{Deserialize, Serialize};

use super::super::{Map, Value};

/// The operating system.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(default)]
pub struct OsContext {
    /// Its name, such as `Linux`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The build of that version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// The kernel's own version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel_version: Option<String>,
    /// Whether a phone's restrictions were lifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rooted: Option<bool>,
    /// The distribution of Linux: `ID` of `os-release`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution_name: Option<String>,
    /// Its version: `VERSION_ID` of `os-release`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution_version: Option<String>,
    /// Both for people: `PRETTY_NAME` of `os-release`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution_pretty_name: Option<String>,
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
        let os = OsContext {
            name: Some("Linux".into()),
            version: Some("6.8".into()),
            build: Some("#1".into()),
            kernel_version: Some("6.8.0-45".into()),
            rooted: Some(true),
            distribution_name: Some("ubuntu".into()),
            distribution_version: Some("24.04".into()),
            distribution_pretty_name: Some("Ubuntu 24.04".into()),
            other: [("theme".to_owned(), "dark".into())].into(),
        };
        assert_json(
            &os,
            r##"{"name":"Linux","version":"6.8","build":"#1","kernel_version":"6.8.0-45","rooted":true,
            "distribution_name":"ubuntu","distribution_version":"24.04","distribution_pretty_name":"Ubuntu 24.04",
            "theme":"dark"}"##,
        );
        assert_json(&OsContext::default(), "{}");
    }
}
