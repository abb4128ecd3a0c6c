//! Reading rules the payload types share: one odd field of another SDK's event must not cost the whole event.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Map, Value};

/// `null` reads as the type's default.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// What cannot be read as `T` reads as absent.
pub(super) fn or_none<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(T::deserialize(Value::deserialize(deserializer)?).ok())
}

/// A list without its `null`s; `null` reads as an empty one.
pub(super) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let items: Option<Vec<Option<T>>> = Option::deserialize(deserializer)?;
    Ok(items.unwrap_or_default().into_iter().flatten().collect())
}

/// Text; other JSON reads as its source.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(as_text(Value::deserialize(deserializer)?))
}

/// A map of text, written as an object or as a list of pairs. Entries that are `null` are left out.
pub(super) fn text_map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Map::new()),
        Value::Object(entries) => {
            Ok(entries.into_iter().filter_map(|(key, value)| Some((key, as_text(value)?))).collect())
        }
        Value::Array(pairs) => Ok(pairs.into_iter().filter_map(as_pair).collect()),
        _ => Err(de::Error::custom("expected an object or a list of pairs")),
    }
}

/// A value that is written as text, such as an id.
pub(super) fn from_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: fmt::Display,
{
    struct TextVisitor<T>(PhantomData<T>);

    impl<T> Visitor<'_> for TextVisitor<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(TextVisitor(PhantomData))
}

/// Text as it is, other JSON as its source, nothing for `null`.
pub(super) fn as_text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn as_pair(value: Value) -> Option<(String, String)> {
    let Value::Array(pair) = value else {
        return None;
    };
    let mut pair = pair.into_iter();
    match (pair.next(), pair.next(), pair.next()) {
        (Some(key), Some(value), None) => Some((as_text(key)?, as_text(value)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Texts(#[serde(deserialize_with = "text_map")] Map<String, String>);

    #[test]
    fn text_maps_come_in_several_shapes() {
        let table: [(&str, &[(&str, &str)]); 5] = [
            ("null", &[]),
            (r#"{"a":"1","b":null,"c":3,"d":true}"#, &[("a", "1"), ("c", "3"), ("d", "true")]),
            (r#"{"a":["x"]}"#, &[("a", r#"["x"]"#)]),
            (r#"[["a","1"],["b",2],["c",null],null,["d"],["e","f","g"]]"#, &[("a", "1"), ("b", "2")]),
            ("[]", &[]),
        ];
        for (json, expected) in table {
            let read: Texts = serde_json::from_str(json).unwrap();
            let read: Vec<_> = read.0.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            assert_eq!(read, expected, "{json}");
        }
        assert!(serde_json::from_str::<Texts>("7").is_err());
    }
}
