//! What a log says: its text and the values of its parameters, in one piece of memory for the texts of both.

use std::fmt::{self, Write};

use crate::packed::{PackedValue, Text, Texts};
use crate::protocol::Value;

/// Filled by the macros, argument by argument.
#[derive(Debug)]
pub struct Parameters {
    pub(super) texts: Texts,
    pub(super) body: Text,
    pub(super) values: Vec<PackedValue>,
}

impl Parameters {
    /// Those of a log without any.
    pub(super) fn none() -> Self {
        Self { texts: Texts::default(), body: Text::default(), values: Vec::new() }
    }

    /// With room for so many, and for texts of about so many bytes.
    pub(super) fn with_room(count: usize, bytes: usize) -> Self {
        let mut texts = Texts::default();
        texts.make_room(bytes);
        Self { texts, body: Text::default(), values: Vec::with_capacity(count) }
    }

    /// Writes the body. If that fails, or panics, some of it may be there, but does not count.
    pub(super) fn write_body(&mut self, body: fmt::Arguments<'_>) -> fmt::Result {
        self.body = self.write(body)?;
        Ok(())
    }

    /// In place of a body that could not be written.
    pub(super) fn set_body(&mut self, body: &str) {
        self.body = self.texts.put(body);
    }

    pub(super) fn add(&mut self, value: Value) {
        self.values.push(PackedValue::Other(value));
    }

    pub(super) fn add_str(&mut self, text: &str) {
        let text = self.texts.put(text);
        self.values.push(PackedValue::Text(text));
    }

    /// Adds what is written. If that fails, there is nothing to add.
    pub(super) fn add_text(&mut self, text: fmt::Arguments<'_>) {
        let value = self.write(text).map_or(PackedValue::Other(Value::Null), PackedValue::Text);
        self.values.push(value);
    }

    fn write(&mut self, text: fmt::Arguments<'_>) -> Result<Text, fmt::Error> {
        let start = self.texts.len();
        self.texts.write_fmt(text)?;
        Ok(self.texts.since(start))
    }
}
