//! The fields of events and spans as values, without those that are secret.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use sentry_core::protocol::{Exception, Value};
use sentry_core::{FILTERED, Hub, SpareBuffers, event_from_error};
use tracing_core::field::{Field, Visit};

use crate::fields::{number, write_text};

/// What becomes of a field that is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errors {
    /// Exceptions.
    Captured,
    /// A list of texts, the error first.
    Listed,
}

/// The fields of an event.
pub(super) struct EventFields {
    pub(super) message: Option<String>,
    /// The text of the field `error`, which is the message of an event without one: that is what `#[instrument(err)]` makes.
    pub(super) error: Option<String>,
    /// The target of a record that crate `tracing-log` took over from `log`: the event's own is then `log`.
    pub(super) log_target: Option<String>,
    pub(super) values: Vec<(Cow<'static, str>, Value)>,
    /// Those of the errors, the innermost first.
    pub(super) exceptions: Vec<Exception>,
    errors: Errors,
    /// For the message.
    text: String,
}

impl EventFields {
    pub(super) fn of(event: &tracing_core::Event<'_>, errors: Errors, buffers: SpareBuffers) -> Self {
        let SpareBuffers { text, mut data } = buffers;
        // Nearly all have a message among their fields.
        data.reserve_exact(event.metadata().fields().len().saturating_sub(1));
        let (message, error, log_target) = (None, None, None);
        let mut fields = Self { message, error, log_target, values: data, exceptions: Vec::new(), errors, text };
        event.record(&mut Visitor(&mut fields));
        if fields.message.is_none() {
            fields.message = fields.error.take();
        } else if let Some(error) = fields.error.take() {
            fields.values.push((Cow::Borrowed("error"), error.into()));
        }
        fields
    }
}

impl Sink for EventFields {
    fn text(&mut self, field: &Field, write: impl FnOnce(&mut String)) {
        let written = |mut into: String| {
            write(&mut into);
            into
        };
        match field.name() {
            "message" => self.message = Some(written(std::mem::take(&mut self.text))),
            "error" => self.error = Some(written(String::new())),
            "log.target" => self.log_target = Some(written(String::new())),
            _ => self.value(field, || written(String::new()).into()),
        }
    }

    fn value(&mut self, field: &Field, value: impl FnOnce() -> Value) {
        let name = field.name();
        let value = if Hub::denies_here(name) { FILTERED.into() } else { value() };
        self.values.push((Cow::Borrowed(name), value));
    }

    fn error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let exceptions = || event_from_error(error).exception.values;
        match self.errors {
            Errors::Captured if Hub::denies_here(field.name()) => self.value(field, || Value::Null),
            Errors::Captured => self.exceptions.extend(exceptions()),
            Errors::Listed => self.value(field, || {
                let described =
                    |Exception { ty, value, .. }: Exception| Some(Value::String(format!("{ty}: {}", value?)));
                exceptions().into_iter().rev().filter_map(described).collect()
            }),
        }
    }
}

/// The fields of a span: attributes and tags, and what the SDK itself is told by them.
#[derive(Default)]
pub(super) struct SpanFields {
    pub(super) name: Option<String>,
    pub(super) op: Option<String>,
    pub(super) sentry_trace: Option<String>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) values: Vec<(Cow<'static, str>, Value)>,
}

impl SpanFields {
    /// Has `record` show the fields.
    pub(super) fn of(record: impl FnOnce(&mut dyn Visit)) -> Self {
        let mut fields = Self::default();
        record(&mut Visitor(&mut fields));
        fields
    }
}

impl Sink for SpanFields {
    fn text(&mut self, field: &Field, write: impl FnOnce(&mut String)) {
        let written = || {
            let mut text = String::new();
            write(&mut text);
            text
        };
        match field.name() {
            NAME => self.name = Some(written()),
            OP => self.op = Some(written()),
            TRACE => self.sentry_trace = Some(written()),
            _ => self.value(field, || Value::String(written())),
        }
    }

    fn value(&mut self, field: &Field, value: impl FnOnce() -> Value) {
        let name = field.name();
        let value = if Hub::denies_here(name) { FILTERED.into() } else { value() };
        match name.strip_prefix(TAG).map(|tag| (tag, tag_text(&value))) {
            Some((tag, Some(text))) => self.tags.push((tag.to_owned(), text)),
            _ => self.values.push((Cow::Borrowed(name), value)),
        }
    }

    fn error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.text(field, |into| write_text(into, format_args!("{error}")));
    }
}

/// What takes fields.
trait Sink {
    /// A text, which is written only if it may be seen.
    fn text(&mut self, field: &Field, write: impl FnOnce(&mut String));

    /// A value, which is made only if it may be seen.
    fn value(&mut self, field: &Field, value: impl FnOnce() -> Value);

    fn error(&mut self, field: &Field, error: &(dyn Error + 'static));
}

/// Turns what `tracing` shows into texts, values and errors.
struct Visitor<'a, S>(&'a mut S);

impl<S: Sink> Visit for Visitor<'_, S> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.value(field, || value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.value(field, || value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.value(field, || value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.value(field, || number(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.text(field, |into| write_text(into, format_args!("{value}")));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0.error(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.text(field, |into| write_text(into, format_args!("{value:?}")));
    }
}

/// What a field of this value is as a tag; `None` if it can be none.
pub(super) fn tag_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

pub(super) const TAG: &str = "tags.";
pub(super) const NAME: &str = "sentry.name";
pub(super) const OP: &str = "sentry.op";
pub(super) const TRACE: &str = "sentry.trace";
