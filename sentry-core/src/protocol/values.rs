//! Lists that travel as `{"values": [...]}`.

use std::ops::{Deref, DerefMut};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::Value;

/// A list that is written as `{"values": [...]}`, such as an event's exceptions. It derefs to the `Vec` within.
///
/// A bare list, a single item and `null` are read as well.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Values<T> {
    /// The items.
    pub values: Vec<T>,
}

impl<T> Values<T> {
    /// An empty list. Does not allocate.
    pub fn new() -> Values<T> {
        Values { values: Vec::new() }
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Values::new()
    }
}

impl<T> From<Vec<T>> for Values<T> {
    fn from(values: Vec<T>) -> Self {
        Values { values }
    }
}

impl<T> AsRef<[T]> for Values<T> {
    fn as_ref(&self) -> &[T] {
        &self.values
    }
}

impl<T> AsMut<Vec<T>> for Values<T> {
    fn as_mut(&mut self) -> &mut Vec<T> {
        &mut self.values
    }
}

impl<T> Deref for Values<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.values
    }
}

impl<T> DerefMut for Values<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.values
    }
}

impl<T> FromIterator<T> for Values<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<T> Extend<T> for Values<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.values.extend(items);
    }
}

impl<'a, T> IntoIterator for &'a mut Values<T> {
    type Item = &'a mut T;
    type IntoIter = std::slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.iter_mut()
    }
}

impl<'a, T> IntoIterator for &'a Values<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.iter()
    }
}

impl<T> IntoIterator for Values<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.into_iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Values<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = match Value::deserialize(deserializer)? {
            Value::Object(mut object) => match object.remove("values") {
                Some(values) => values,
                None if object.is_empty() => Value::Null,
                None => Value::Array(vec![Value::Object(object)]),
            },
            other => other,
        };
        let items: Option<Vec<Option<T>>> = Option::deserialize(items).map_err(D::Error::custom)?;
        Ok(items.unwrap_or_default().into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, PartialEq, Debug)]
    struct Item {
        id: u32,
    }

    #[test]
    fn every_shape_of_a_list_is_read() {
        let table: [(&str, &[u32]); 9] = [
            (r#"{"values":[{"id":1},{"id":2}]}"#, &[1, 2]),
            (r#"{"values":[null,{"id":1}],"more":true}"#, &[1]),
            (r#"{"values":null}"#, &[]),
            (r#"{"values":[]}"#, &[]),
            (r#"[{"id":3}]"#, &[3]),
            (r#"{"id":4}"#, &[4]),
            ("{}", &[]),
            ("[]", &[]),
            ("null", &[]),
        ];
        for (json, ids) in table {
            let read: Values<Item> = serde_json::from_str(json).unwrap();
            assert_eq!(read.iter().map(|item| item.id).collect::<Vec<_>>(), ids, "{json}");
        }
        for refused in ["7", "\"x\"", r#"{"values":{}}"#, r#"[{"id":"x"}]"#, r#"{"ids":4}"#] {
            assert!(serde_json::from_str::<Values<Item>>(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn it_behaves_as_the_list_within() {
        let mut list: Values<u8> = [1, 2].into_iter().collect();
        list.extend([3]);
        list.push(4);
        for item in &mut list {
            *item *= 2;
        }
        assert_eq!(serde_json::to_string(&list).unwrap(), r#"{"values":[2,4,6,8]}"#);
        assert_eq!((&list).into_iter().sum::<u8>(), 20);
        assert_eq!(list.as_ref(), [2, 4, 6, 8]);
        list.as_mut().clear();
        assert!(list.is_empty() && list == Values::new());
        assert_eq!(Values::from(vec![5]).into_iter().next(), Some(5));
    }
}
