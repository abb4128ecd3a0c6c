//! What a logger knows of a record beside its message: values by name, bounded, and those that are secret without their value.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write};
use std::iter::successors;

use sentry_core::protocol::{Exception, Map, Mechanism, Value};
use sentry_core::{FILTERED, Hub, caught, event_from_error, value_bytes};

/// What becomes of a value that is an error, beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errors {
    /// The exceptions of an event.
    Captured,
    /// Nothing.
    Told,
}

/// The values of a record, each name once: the first that is added counts.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    values: Vec<(Cow<'static, str>, Value)>,
    /// Of the first error, with its sources; the innermost first.
    exceptions: Vec<Exception>,
    errors: Errors,
}

impl Fields {
    /// Without values yet, in memory that is there for them.
    pub(crate) fn new(errors: Errors, values: Vec<(Cow<'static, str>, Value)>) -> Self {
        Self { values, exceptions: Vec::new(), errors }
    }

    /// The value is not asked for if it is secret or one too many.
    pub(crate) fn add(&mut self, name: Cow<'static, str>, value: impl FnOnce() -> Value) {
        if self.takes(&name) {
            let value = if Hub::denies_here(&name) { FILTERED.into() } else { value() };
            self.values.push((name, value));
        }
    }

    /// An error: its text and those of its sources.
    pub(crate) fn add_error(&mut self, name: Cow<'static, str>, error: &(dyn Error + 'static)) {
        if self.errors == Errors::Told || !self.exceptions.is_empty() {
            return self.add(name, || text(format_args!("{}", WithSources(error))));
        }
        if !self.takes(&name) {
            return;
        }
        let value = if Hub::denies_here(&name) {
            FILTERED.into()
        } else {
            self.exceptions = event_from_error(error).exception.values;
            let texts: Vec<&str> =
                self.exceptions.iter().rev().filter_map(|exception| exception.value.as_deref()).collect();
            text(format_args!("{}", texts.join(": ")))
        };
        self.values.push((name, value));
    }

    /// The values, and the exceptions of an error that logger `mechanism` was given.
    pub(crate) fn into_parts(mut self, mechanism: &str) -> (Vec<(Cow<'static, str>, Value)>, Vec<Exception>) {
        if let Some(outermost) = self.exceptions.last_mut() {
            let found = outermost.mechanism.get_or_insert_with(Mechanism::default);
            found.ty = mechanism.to_owned();
            found.handled.get_or_insert(true);
        }
        (self.values, self.exceptions)
    }

    /// The errors remain among the values.
    #[cfg(feature = "log")]
    pub(crate) fn forget_exceptions(&mut self) {
        self.exceptions.clear();
    }

    pub(crate) fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// What they weigh, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let values = self.values.iter().map(|(name, value)| size_of_val(name) + name.len() + value_bytes(value));
        let exceptions = self.exceptions.iter().map(|exception| {
            size_of_val(exception) + exception.ty.len() + exception.value.as_ref().map_or(0, String::len)
        });
        values.chain(exceptions).sum()
    }

    fn takes(&self, name: &str) -> bool {
        self.values.len() < MAX_FIELDS && !self.values.iter().any(|(known, _)| known == name)
    }
}

/// Values by name, as events and breadcrumbs of the protocol have them.
pub(crate) fn map_of(values: Vec<(Cow<'static, str>, Value)>) -> Map<String, Value> {
    values.into_iter().map(|(name, value)| (name.into_owned(), value)).collect()
}

/// What the program shows, as a value.
pub(crate) fn text(shown: fmt::Arguments<'_>) -> Value {
    let mut text = String::new();
    write_text(&mut text, shown);
    text.into()
}

/// Numbers that JSON has none for are told by their names.
pub(crate) fn number(value: f64) -> Value {
    if value.is_finite() { value.into() } else { value.to_string().into() }
}

/// Writes what the program shows, up to a limit. What was written before its code fails or panics is better than nothing.
pub(crate) fn write_text(into: &mut String, shown: fmt::Arguments<'_>) {
    let mut bounded = Bounded(into);
    let written = match shown.as_str() {
        Some(text) => Some(bounded.write_str(text)),
        None => caught(|| bounded.write_fmt(shown)),
    };
    if written.is_none() {
        into.push_str(" [its Display panicked]");
    }
}

struct Bounded<'a>(&'a mut String);

impl Write for Bounded<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = TEXT_LIMIT.saturating_sub(self.0.len());
        if part.len() <= room {
            self.0.push_str(part);
            return Ok(());
        }
        let end = (0..=room).rev().find(|at| part.is_char_boundary(*at)).unwrap_or(0);
        self.0.push_str(part.get(..end).unwrap_or_default());
        Err(fmt::Error)
    }
}

struct WithSources<'a>(&'a (dyn Error + 'static));

impl fmt::Display for WithSources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)?;
        // Errors that are their own source have no end.
        let mut sources = successors(self.0.source(), |&source| source.source()).take(MAX_SOURCES);
        sources.try_for_each(|source| write!(f, ": {source}"))
    }
}

/// More is no use to anyone.
const MAX_FIELDS: usize = 128;
/// Of one value or message, in bytes: an event is limited to 1 MiB in all (spec ITM-41).
pub(crate) const TEXT_LIMIT: usize = 64 * 1024;
const MAX_SOURCES: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        Fields::new(Errors::Captured, Vec::new())
    }

    #[test]
    fn the_first_of_a_name_counts_and_the_rest_is_not_asked_for() {
        let mut fields = fields();
        fields.add("a".into(), || 1.into());
        fields.add("a".into(), || panic!("asked for"));
        (0..2 * MAX_FIELDS).for_each(|n| fields.add(n.to_string().into(), || n.into()));
        let (values, _) = fields.into_parts("test");
        assert_eq!((values.len(), &values[0]), (MAX_FIELDS, &("a".into(), 1.into())));
    }

    #[test]
    fn texts_end_at_the_limit_between_characters() {
        let Value::String(long) = text(format_args!("{}{}", "x", "ä".repeat(TEXT_LIMIT))) else { panic!("a text") };
        assert_eq!(long.len(), TEXT_LIMIT - 1);
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("again ")?;
                }
            }
        }
        let Value::String(endless) = text(format_args!("{Endless}")) else { panic!("a text") };
        assert_eq!(endless.len(), TEXT_LIMIT);
    }

    #[test]
    fn of_several_errors_the_first_is_captured() {
        let parse = "x".parse::<u8>().expect_err("no number");
        let mut fields = fields();
        fields.add_error("first".into(), &parse);
        fields.add_error("second".into(), &fmt::Error);
        let (values, exceptions) = fields.into_parts("test");
        assert_eq!(values.len(), 2);
        let [exception] = &exceptions[..] else { panic!("one exception") };
        assert_eq!(exception.value.as_deref(), values[0].1.as_str());
        assert_eq!(exception.mechanism.as_ref().expect("set").ty, "test");
    }
}
