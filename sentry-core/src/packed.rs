//! Texts and values of many things in a few pieces of memory: the program pays for each piece, and a piece that one thread
//! takes and another gives back costs both of them.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::protocol::Value;
use crate::weight::value_bytes;

/// Texts, one after the other. None is changed, or removed before all are.
#[derive(Debug, Default)]
pub(crate) struct Texts(String);

/// One of the [`Texts`] it was made by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Text {
    start: usize,
    end: usize,
}

impl Texts {
    /// Makes room for so many bytes, if there is none at all.
    pub(crate) fn make_room(&mut self, bytes: usize) {
        if self.0.capacity() == 0 {
            self.0.reserve_exact(bytes);
        }
    }

    pub(crate) fn put(&mut self, text: &str) -> Text {
        let start = self.0.len();
        self.0.push_str(text);
        Text { start, end: self.0.len() }
    }

    pub(crate) fn get(&self, text: Text) -> &str {
        self.0.get(text.start..text.end).unwrap_or_default()
    }

    /// Forgets them, but keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// How many bytes there is room for.
    pub(crate) fn room(&self) -> usize {
        self.0.capacity()
    }

    /// How many bytes they have in all.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What was written since there were `start` bytes.
    pub(crate) fn since(&self, start: usize) -> Text {
        Text { start, end: self.0.len() }
    }

    /// Puts all of `others` there. Each of them is [`moved`](Text::moved) by as much as is returned.
    pub(crate) fn append(&mut self, others: &Self) -> usize {
        self.put(&others.0).start
    }
}

impl fmt::Write for Texts {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        Ok(())
    }
}

impl Text {
    pub(crate) fn moved(self, by: usize) -> Self {
        Self { start: self.start + by, end: self.end + by }
    }
}

/// A value whose text, if it is one, is among [`Texts`].
#[derive(Debug)]
pub(crate) enum PackedValue {
    Text(Text),
    Other(Value),
}

impl PackedValue {
    /// Takes `value` unless it is a text, which is copied: it is given back where it was taken.
    pub(crate) fn new(value: &mut Value, texts: &mut Texts) -> Self {
        match value {
            Value::String(text) => Self::Text(texts.put(text)),
            other => Self::Other(other.take()),
        }
    }

    /// Where its text is after it was moved.
    pub(crate) fn moved(self, by: usize) -> Self {
        match self {
            Self::Text(text) => Self::Text(text.moved(by)),
            other => other,
        }
    }

    /// What it weighs beside the texts.
    pub(crate) fn own_bytes(&self) -> usize {
        match self {
            Self::Text(_) => 0,
            Self::Other(value) => value_bytes(value),
        }
    }

    /// Leaves nothing in its place.
    pub(crate) fn taken(&mut self) -> Self {
        std::mem::replace(self, Self::Other(Value::Null))
    }

    pub(crate) fn unpacked(self, texts: &Texts) -> Value {
        match self {
            Self::Text(text) => Value::String(texts.get(text).to_owned()),
            Self::Other(value) => value,
        }
    }

    pub(crate) fn to_value(&self, texts: &Texts) -> Value {
        match self {
            Self::Text(text) => Value::String(texts.get(*text).to_owned()),
            Self::Other(value) => value.clone(),
        }
    }
}

/// Texts, and lists of values, with and without keys.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    pub(crate) texts: Texts,
    values: Vec<PackedValue>,
    entries: Vec<(PackedKey, PackedValue)>,
}

#[derive(Debug)]
enum PackedKey {
    Static(&'static str),
    Text(Text),
}

impl Packed {
    /// Takes values out of `values`, whose texts are moved by so much.
    pub(crate) fn move_values(&mut self, values: &mut [PackedValue], by: usize) -> Range<usize> {
        if self.values.capacity() == 0 && !values.is_empty() {
            self.values.reserve_exact(ROOM_AT_ONCE);
        }
        let start = self.values.len();
        self.values.extend(values.iter_mut().map(|value| value.taken().moved(by)));
        start..self.values.len()
    }

    /// Takes values out.
    pub(crate) fn take_values(&mut self, list: Range<usize>) -> Vec<Value> {
        let Self { texts, values, .. } = self;
        values.get_mut(list).into_iter().flatten().map(|value| value.taken().unpacked(texts)).collect()
    }

    /// Puts values with keys there. Texts are copied, other values taken.
    pub(crate) fn put_entries<'a>(
        &mut self,
        list: impl Iterator<Item = (&'a Cow<'static, str>, &'a mut Value)>,
    ) -> Range<usize> {
        let start = self.entries.len();
        for (key, value) in list {
            if self.entries.capacity() == 0 {
                self.entries.reserve_exact(ROOM_AT_ONCE);
            }
            let key = match key {
                Cow::Borrowed(key) => PackedKey::Static(key),
                Cow::Owned(key) => PackedKey::Text(self.texts.put(key)),
            };
            self.entries.push((key, PackedValue::new(value, &mut self.texts)));
        }
        start..self.entries.len()
    }

    /// Gives back the room that was made for more.
    pub(crate) fn shrink(&mut self) {
        self.texts.0.shrink_to_fit();
        self.values.shrink_to_fit();
        self.entries.shrink_to_fit();
    }

    /// Takes values with keys out.
    pub(crate) fn take_entries(&mut self, list: Range<usize>) -> impl Iterator<Item = (Cow<'static, str>, Value)> {
        let Self { texts, entries, .. } = self;
        entries.get_mut(list).into_iter().flatten().map(|(key, value)| {
            let key = match *key {
                PackedKey::Static(key) => Cow::Borrowed(key),
                PackedKey::Text(key) => Cow::Owned(texts.get(key).to_owned()),
            };
            (key, value.taken().unpacked(texts))
        })
    }
}

/// Moving values while there come more of them costs more than room that is not used.
const ROOM_AT_ONCE: usize = 128;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_come_out_as_they_went_in() {
        let mut packed = Packed::default();
        let mut lists: Vec<Vec<(Cow<'static, str>, Value)>> = vec![
            vec![],
            vec![("static".into(), json!("text")), ("owned".to_owned().into(), json!({"deep": ["x"]}))],
            vec![("".into(), json!(null)), ("".into(), json!(-7)), ("".into(), json!(""))],
        ];
        let before = lists.clone();
        let text = packed.texts.put("a text between");
        let places: Vec<_> = lists
            .iter_mut()
            .map(|list| packed.put_entries(list.iter_mut().map(|(key, value)| (&*key, value))))
            .collect();
        assert_eq!(lists[1][0].1, json!("text"), "texts stay where they were");
        let after: Vec<Vec<_>> = places.into_iter().map(|place| packed.take_entries(place).collect()).collect();
        assert_eq!(after, before);
        assert_eq!(packed.texts.get(text), "a text between");
        assert!(packed.take_entries(7..9).next().is_none());
        let mut texts = Texts::default();
        texts.put("before");
        let given = [json!("text"), json!([1]), json!(2.5)];
        let mut values = given.clone().map(|mut value| PackedValue::new(&mut value, &mut texts));
        let by = packed.texts.append(&texts);
        let place = packed.move_values(&mut values, by);
        assert_eq!((packed.move_values(&mut [], by), packed.take_values(place)), (3..3, given.to_vec()));
    }
}
