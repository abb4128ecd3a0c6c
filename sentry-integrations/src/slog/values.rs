//! The key-values of a record and of its logger as fields.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;

use sentry_core::protocol::Value;
use sentry_core::{FILTERED, Hub, caught};
use slog::{KV, Key, OwnedKVList, Record, SerdeValue, Serializer};

use crate::fields::{Fields, TEXT_LIMIT, number, text};

/// Adds the key-values of a record, and then those of its logger.
pub(super) fn read(record: &Record<'_>, values: &OwnedKVList, into: &mut Fields) {
    // Values of the program's own may fail or panic; what they told before counts.
    let _ = caught(|| record.kv().serialize(record, &mut Pairs(into)));
    let _ = caught(|| values.serialize(record, &mut Pairs(into)));
}

struct Pairs<'a>(&'a mut Fields);

macro_rules! emit {
    ($($emit:ident: $ty:ty => $value:expr,)*) => {$(
        fn $emit(&mut self, key: Key, value: $ty) -> slog::Result {
            let json: fn($ty) -> Value = $value;
            self.add(key, || json(value))
        }
    )*};
}

impl Serializer for Pairs<'_> {
    emit! {
        emit_bool: bool => Value::from,
        emit_usize: usize => Value::from,
        emit_isize: isize => Value::from,
        emit_u8: u8 => Value::from,
        emit_i8: i8 => Value::from,
        emit_u16: u16 => Value::from,
        emit_i16: i16 => Value::from,
        emit_u32: u32 => Value::from,
        emit_i32: i32 => Value::from,
        emit_u64: u64 => Value::from,
        emit_i64: i64 => Value::from,
        emit_f32: f32 => |value| number(value.into()),
        emit_f64: f64 => number,
        emit_str: &str => |value| text(format_args!("{value}")),
        emit_arguments: &fmt::Arguments<'_> => |value| text(*value),
    }

    fn emit_unit(&mut self, key: Key) -> slog::Result {
        self.add(key, || Value::Null)
    }

    fn emit_none(&mut self, key: Key) -> slog::Result {
        self.add(key, || Value::Null)
    }

    fn emit_serde(&mut self, key: Key, value: &dyn SerdeValue) -> slog::Result {
        self.add(key, || nested(value))
    }

    fn emit_error(&mut self, key: Key, error: &(dyn Error + 'static)) -> slog::Result {
        self.0.add_error(name(key), error);
        Ok(())
    }
}

impl Pairs<'_> {
    #[expect(clippy::unnecessary_wraps, reason = "what serializers return")]
    fn add(&mut self, key: Key, value: impl FnOnce() -> Value) -> slog::Result {
        self.0.add(name(key), value);
        Ok(())
    }
}

/// Keys are `&'static str`, which needs no memory, unless a package in the program turns on slog's feature `dynamic-keys`.
#[allow(clippy::useless_conversion, reason = "not with that feature")]
fn name(key: Key) -> Cow<'static, str> {
    match (&key as &dyn Any).downcast_ref::<&'static str>() {
        Some(fixed) => Cow::Borrowed(*fixed),
        None => Cow::Owned(String::from(key)),
    }
}

/// A value with values inside, of limited size, without those that are secret.
fn nested(value: &dyn SerdeValue) -> Value {
    let mut json = Limited(Vec::new());
    let written = caught(|| serde_json::to_writer(&mut json, value.as_serde()));
    // It is told whole or not at all: in a part of it, names and values cannot be told apart.
    let read = match written {
        Some(Ok(())) => serde_json::from_slice(&json.0).ok(),
        _ => None,
    };
    read.map_or_else(|| "[not readable, or too large]".into(), without_secrets)
}

/// JSON that was read is at most 128 levels deep.
fn without_secrets(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = |(name, value): (String, Value)| {
                let value = if Hub::denies_here(&name) { FILTERED.into() } else { without_secrets(value) };
                (name, value)
            };
            Value::Object(map.into_iter().map(kept).collect())
        }
        Value::Array(values) => values.into_iter().map(without_secrets).collect(),
        plain => plain,
    }
}

struct Limited(Vec<u8>);

impl io::Write for Limited {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.0.len() + part.len() > TEXT_LIMIT {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.0.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
