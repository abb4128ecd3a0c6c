//! Reads JSON of strangers: a field of the wrong type is a field that is not there, and no text is kept at any length.

use std::time::{Duration, SystemTime};

use sentry_core::protocol::Breadcrumb;
use serde_json::{Value, json};

/// Text that is not empty, its first [`MAX_TEXT`] characters.
pub(crate) fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().filter(|text| !text.is_empty()).map(cut)
}

/// A UUID, trace or span id, with or without dashes.
pub(crate) fn id(value: &Value, key: &str) -> Option<u128> {
    let text = value.get(key)?.as_str().filter(|text| text.len() <= MAX_ID)?.replace('-', "");
    // The parser would also take a sign.
    text.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u128::from_str_radix(&text, 16).ok()).flatten()
}

/// Seconds since 1970 or RFC 3339 text. Before 1970 is no time.
pub(crate) fn time(value: &Value, key: &str) -> Option<SystemTime> {
    match value.get(key)? {
        Value::Number(seconds) => SystemTime::UNIX_EPOCH.checked_add(seconds_of(seconds.as_f64()?)?),
        // The core's reader of dates, by way of the smallest thing that has one.
        Value::String(text) if text.len() <= MAX_DATE => {
            let dated: Breadcrumb = serde_json::from_value(json!({ "timestamp": text })).ok()?;
            Some(dated.timestamp).filter(|time| *time >= SystemTime::UNIX_EPOCH)
        }
        _ => None,
    }
}

/// A length of time, given in seconds.
pub(crate) fn duration(value: &Value, key: &str) -> Option<Duration> {
    seconds_of(number(value, key)?)
}

pub(crate) fn number(value: &Value, key: &str) -> Option<f64> {
    value.get(key)?.as_f64()
}

/// What counts something; all else counts nothing.
pub(crate) fn count(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or_default()
}

pub(crate) fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The entries of a container: under `items`, or the value itself.
pub(crate) fn items(value: &Value) -> Option<&[Value]> {
    value.get("items").unwrap_or(value).as_array().map(Vec::as_slice)
}

/// Names and values in the order of names, without those that SDKs add (`sentry.…`); at most [`MAX_ATTRIBUTES`]. A value
/// is taken as it is or from within its type.
pub(crate) fn attributes(value: &Value) -> Vec<(String, String)> {
    let all = value.get("attributes").and_then(Value::as_object);
    let own = all.into_iter().flatten().filter(|(name, _)| !name.starts_with("sentry."));
    let shown = |value: &Value| match value.get("value").unwrap_or(value) {
        Value::String(text) => cut(text),
        other => cut(&other.to_string()),
    };
    let mut own: Vec<_> = own.take(MAX_ATTRIBUTES).map(|(name, value)| (cut(name), shown(value))).collect();
    own.sort_unstable();
    own
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

fn seconds_of(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok()
}

/// More than any line shows.
const MAX_TEXT: usize = 400;
/// A UUID with its dashes.
const MAX_ID: usize = 36;
const MAX_DATE: usize = 64;
const MAX_ATTRIBUTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_or_text() {
        let at = |millis| Some(SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
        let table = [
            (json!(1.25), at(1250)),
            (json!(7), at(7000)),
            (json!("1970-01-01T00:00:01.250Z"), at(1250)),
            (json!("1970-01-01T01:00:00+01:00"), at(0)),
            (json!("1969-12-31T00:00:00Z"), None),
            (json!("yesterday"), None),
            (json!(-1), None),
            (json!(1e300), None),
            (json!(u64::MAX), None),
            (json!(null), None),
            (json!([1]), None),
        ];
        for (value, expected) in table {
            assert_eq!(time(&json!({ "t": value }), "t"), expected, "{value}");
        }
    }

    #[test]
    fn ids_are_hexadecimal_with_or_without_dashes() {
        let table = [
            (json!("00ff"), Some(255)),
            (json!("00000000-0000-0000-0000-0000000000FF"), Some(255)),
            (json!("+ff"), None),
            (json!("xyz"), None),
            (json!(""), None),
            (json!("0".repeat(37)), None),
            (json!(255), None),
        ];
        for (value, expected) in table {
            assert_eq!(id(&json!({ "id": value }), "id"), expected, "{value}");
        }
    }

    #[test]
    fn attributes_are_typed_or_plain() {
        let value = json!({"attributes": {
            "b": {"type": "integer", "value": 7}, "a": "x", "c": [1], "sentry.release": {"type": "string", "value": "r"}
        }});
        let expected = [("a", "x"), ("b", "7"), ("c", "[1]")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(attributes(&value), expected);
        assert!(attributes(&json!({"attributes": [1]})).is_empty());
    }

    #[test]
    fn nothing_is_kept_at_any_length() {
        let long = json!({"t": "ä".repeat(MAX_TEXT + 1)});
        assert_eq!(text(&long, "t").map(|text| text.chars().count()), Some(MAX_TEXT));
        assert_eq!(text(&json!({"t": ""}), "t"), None);
        assert_eq!(text(&json!([]), "t"), None);
    }
}
