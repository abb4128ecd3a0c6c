//! JSON, written anew without what stands under denied keys.

use std::borrow::Cow;
use std::fmt;

use sentry_core::FILTERED;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Rules, value};

/// Whether `text` looks like an object or a list.
pub(super) fn may_be(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// `text` with all keys, in order, and the values under those that are no secrets, at any depth; `None` if it is not
/// JSON, or nests deeper than 128 levels.
pub(super) fn filter(rules: &Rules, text: &[u8], depth: usize) -> Option<String> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let mut filtered = String::with_capacity(text.len());
    Copy { rules, depth, target: &mut filtered }.deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(filtered)
}

/// Copies one value to the end of `target`.
struct Copy<'a> {
    rules: &'a Rules,
    depth: usize,
    target: &'a mut String,
}

impl Copy<'_> {
    fn inner(&mut self) -> Copy<'_> {
        Copy { rules: self.rules, depth: self.depth, target: self.target }
    }

    fn push<E: Error>(self, scalar: impl serde::Serialize) -> Result<(), E> {
        self.target.push_str(&serde_json::to_string(&scalar).map_err(E::custom)?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Copy<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Copy<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.push(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.push(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.push(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.push(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.push(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let text = value::filter(self.rules, text, self.depth + 1);
        self.push(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        self.target.push('[');
        let mut is_first = true;
        loop {
            let end = self.target.len();
            if !is_first {
                self.target.push(',');
            }
            is_first = false;
            if list.next_element_seed(self.inner())?.is_none() {
                self.target.truncate(end);
                break;
            }
        }
        self.target.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.target.push('{');
        let mut is_first = true;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            if !is_first {
                self.target.push(',');
            }
            is_first = false;
            self.inner().push::<A::Error>(&key)?;
            self.target.push(':');
            if self.rules.denies(&key) {
                map.next_value::<IgnoredAny>()?;
                self.inner().push::<A::Error>(FILTERED)?;
            } else {
                map.next_value_seed(self.inner())?;
            }
        }
        self.target.push('}');
        Ok(())
    }
}
