//! The program itself.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::super::{Map, Value, time};

/// The program itself.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(default)]
pub struct AppContext {
    /// When it was started. Written as RFC 3339 text.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::rfc3339_opt")]
    pub app_start_time: Option<SystemTime>,
    /// An id of this installation on this device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_app_hash: Option<String>,
    /// The kind of build, such as `testflight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_type: Option<String>,
    /// The unique name it is published under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_identifier: Option<String>,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// Its version for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// The build of that version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_build: Option<String>,
    /// The memory it uses, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_memory: Option<u64>,
    /// Any other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::super::testing::assert_json;
    use super::*;

    #[test]
    fn a_full_context_is_written_in_wire_names() {
        let app = AppContext {
            app_start_time: Some(UNIX_EPOCH + Duration::from_millis(1_518_094_332_250)),
            device_app_hash: Some("4c79".into()),
            build_type: Some("release".into()),
            app_identifier: Some("org.example.shop".into()),
            app_name: Some("Shop".into()),
            app_version: Some("3.1".into()),
            app_build: Some("3.1.0-7".into()),
            app_memory: Some(1024),
            other: [("in_foreground".to_owned(), true.into())].into(),
        };
        assert_json(
            &app,
            r#"{"app_start_time":"2018-02-08T12:52:12.25Z","device_app_hash":"4c79","build_type":"release",
            "app_identifier":"org.example.shop","app_name":"Shop","app_version":"3.1","app_build":"3.1.0-7",
            "app_memory":1024,"in_foreground":true}"#,
        );
        assert_json(&AppContext::default(), "{}");
    }
}
