//! What happened before an event.

use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Level, Map, Value, lenient, time};

/// Something that happened before an event and may help to understand it.
///
/// The default is one of type `default` and level [`Level::Info`] that happens now.
///
/// ```
/// use sentry_core::protocol::{Breadcrumb, Level};
///
/// let breadcrumb = Breadcrumb {
///     category: Some("auth".into()),
///     message: Some("signed in".into()),
///     ..Breadcrumb::default()
/// };
/// assert_eq!(breadcrumb.level, Level::Info);
/// ```
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Breadcrumb {
    /// When it happened.
    #[serde(with = "time::seconds", default = "crate::clock::wall")]
    pub timestamp: SystemTime,
    /// The kind of breadcrumb, which decides how it is shown: `default`, `http`, `query`, `navigation`, ...
    /// `type` on the wire.
    #[serde(
        rename = "type",
        default = "default_type",
        skip_serializing_if = "is_default_type",
        deserialize_with = "type_or_default"
    )]
    pub ty: String,
    /// What part of the program it is from; dotted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// How serious it is.
    #[serde(default = "default_level", skip_serializing_if = "Level::is_info", deserialize_with = "level_or_info")]
    pub level: Level,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub message: Option<String>,
    /// What belongs to its kind, such as `url` and `status_code` for `http`.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub data: Map<String, Value>,
}

impl Default for Breadcrumb {
    #[inline]
    fn default() -> Self {
        Breadcrumb {
            timestamp: crate::clock::wall(),
            ty: default_type(),
            category: None,
            level: default_level(),
            message: None,
            data: Map::new(),
        }
    }
}

const DEFAULT_TYPE: &str = "default";

#[inline]
fn default_type() -> String {
    DEFAULT_TYPE.to_owned()
}

fn is_default_type(ty: &str) -> bool {
    ty == DEFAULT_TYPE
}

fn type_or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(default_type))
}

#[inline]
fn default_level() -> Level {
    Level::Info
}

fn level_or_info<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Level, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(default_level))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::testing::{assert_json, read};
    use super::*;

    #[test]
    fn a_full_breadcrumb_is_written_in_wire_names() {
        let breadcrumb = Breadcrumb {
            timestamp: UNIX_EPOCH + Duration::from_millis(1_777_630_272_125),
            ty: "http".into(),
            category: Some("xhr".into()),
            level: Level::Warning,
            message: Some("slow".into()),
            data: [("status_code".to_owned(), 200.into())].into(),
        };
        assert_json(
            &breadcrumb,
            r#"{"timestamp":1777630272.125,"type":"http","category":"xhr","level":"warning","message":"slow",
            "data":{"status_code":200}}"#,
        );
    }

    #[test]
    fn defaults_are_left_out() {
        let before = crate::clock::wall();
        let breadcrumb = Breadcrumb::default();
        assert!((before..=crate::clock::wall()).contains(&breadcrumb.timestamp));
        assert_json(
            &Breadcrumb { timestamp: UNIX_EPOCH - Duration::from_secs(1), ..breadcrumb },
            r#"{"timestamp":-1}"#,
        );
    }

    #[test]
    fn nulls_and_missing_fields_read_as_the_default() {
        let before = crate::clock::wall();
        for json in ["{}", r#"{"timestamp":null,"type":null,"level":null,"message":null,"data":null,"origin":"x"}"#] {
            let read: Breadcrumb = read(json);
            assert!(read.timestamp >= before);
            assert_eq!(read, Breadcrumb { timestamp: read.timestamp, ..Breadcrumb::default() });
        }
    }
}
