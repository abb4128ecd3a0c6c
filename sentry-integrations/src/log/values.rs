//! The key-values of a record as fields.

use log::kv::{Error, Key, Source, Value as KeyValue, VisitSource, VisitValue};
use sentry_core::caught;
use sentry_core::protocol::Value;

use crate::fields::{Fields, number, text};

/// Adds the key-values of a record.
pub(super) fn read(source: &dyn Source, into: &mut Fields) {
    // A source of the program's own may fail or panic; what it told before counts.
    let _ = caught(|| source.visit(&mut Pairs(into)));
}

struct Pairs<'a>(&'a mut Fields);

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: KeyValue<'kvs>) -> Result<(), Error> {
        let name = key.as_str().to_owned().into();
        match value.to_borrowed_error() {
            Some(error) => self.0.add_error(name, error),
            None => self.0.add(name, || json(&value)),
        }
        Ok(())
    }
}

fn json(value: &KeyValue<'_>) -> Value {
    let mut found = Json(Value::Null);
    // Visits of ours do not fail.
    let _ = value.visit(&mut found);
    found.0
}

struct Json(Value);

impl<'v> VisitValue<'v> for Json {
    fn visit_any(&mut self, value: KeyValue<'_>) -> Result<(), Error> {
        self.found(text(format_args!("{value}")))
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        self.found(Value::Null)
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.found(value.into())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.found(value.into())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        self.found(number(value))
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.found(value.into())
    }

    fn visit_str(&mut self, value: &str) -> Result<(), Error> {
        self.found(text(format_args!("{value}")))
    }
}

impl Json {
    #[expect(clippy::unnecessary_wraps, reason = "what visits return")]
    fn found(&mut self, value: Value) -> Result<(), Error> {
        self.0 = value;
        Ok(())
    }
}
