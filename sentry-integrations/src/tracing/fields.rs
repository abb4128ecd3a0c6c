//! The fields of events and spans as values, without those that are secret.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write as _};

use sentry_core::protocol::{Exception, Value};
use sentry_core::{FILTERED, Hub, SpareBuffers, event_from_error};
use tracing_core::field::{Field, Visit};

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
        event.record(&mut fields);
        if fields.message.is_none() {
            fields.message = fields.error.take();
        } else if let Some(error) = fields.error.take() {
            fields.values.push((Cow::Borrowed("error"), error.into()));
        }
        fields
    }

    /// A text, unless it is the message; and made only if it may be seen.
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
}

impl Visit for EventFields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, || value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.value(field, || value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, || value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.value(field, || number(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, |into| into.push_str(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let exceptions = event_from_error(value).exception.values;
        match self.errors {
            Errors::Captured => self.exceptions.extend(exceptions),
            Errors::Listed => self.value(field, || {
                let described = |exception: &Exception| {
                    exception.value.as_ref().map(|value| Value::String(format!("{}: {value}", exception.ty)))
                };
                exceptions.iter().rev().filter_map(described).collect()
            }),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, |into| debug(value, into));
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
    fn text(&mut self, field: &Field, text: impl FnOnce() -> String) {
        match field.name() {
            NAME => self.name = Some(text()),
            OP => self.op = Some(text()),
            TRACE => self.sentry_trace = Some(text()),
            _ => self.value(field, || Value::String(text())),
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
}

impl Visit for SpanFields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, || value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.value(field, || value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, || value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.value(field, || number(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, || value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, || {
            let mut text = String::new();
            debug(value, &mut text);
            text
        });
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

/// Numbers that JSON has none for are told by their names.
fn number(value: f64) -> Value {
    if value.is_finite() { value.into() } else { value.to_string().into() }
}

fn debug(value: &dyn fmt::Debug, into: &mut String) {
    // What was written before an error of the program's `Debug` is better than nothing.
    let _ = write!(into, "{value:?}");
}

pub(super) const TAG: &str = "tags.";
pub(super) const NAME: &str = "sentry.name";
pub(super) const OP: &str = "sentry.op";
pub(super) const TRACE: &str = "sentry.trace";
