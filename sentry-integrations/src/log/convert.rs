//! What becomes of a record: a breadcrumb, an error event, a structured log.

use std::borrow::Cow;

use log::Record;
use sentry_core::protocol::{Context, Event, Exception, Map, Value};
#[cfg(feature = "logs")]
use sentry_core::protocol::{Log, LogAttribute, LogLevel};
use sentry_core::{Breadcrumb, EventDraft, LeanBreadcrumb, Level, SpareBuffers};

use super::values;
use crate::fields::{Errors, Fields, map_of, write_text};

/// The level of events and breadcrumbs: `trace` is `debug` there.
#[must_use]
pub fn convert_log_level(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::Error,
        log::Level::Warn => Level::Warning,
        log::Level::Info => Level::Info,
        log::Level::Debug | log::Level::Trace => Level::Debug,
    }
}

/// The level of structured logs.
#[cfg(feature = "logs")]
#[must_use]
pub fn convert_log_level_to_sentry_log_level(level: log::Level) -> LogLevel {
    match level {
        log::Level::Error => LogLevel::Error,
        log::Level::Warn => LogLevel::Warn,
        log::Level::Info => LogLevel::Info,
        log::Level::Debug => LogLevel::Debug,
        log::Level::Trace => LogLevel::Trace,
    }
}

/// The breadcrumb of a record: its message, its target as category, its key-values as data.
#[must_use]
pub fn breadcrumb_from_record(record: &Record<'_>) -> Breadcrumb {
    Note::of(record, Errors::Told, SpareBuffers::default()).into_breadcrumb().into()
}

/// The message event of a record, with its place in the program and its key-values as contexts.
#[must_use]
pub fn event_from_record(record: &Record<'_>) -> Event<'static> {
    Draft::of(Note::of(record, Errors::Told, SpareBuffers::default()), record).into_event()
}

/// As [`event_from_record`], with the exceptions of the first error among the key-values: it and its sources.
#[must_use]
pub fn exception_from_record(record: &Record<'_>) -> Event<'static> {
    Draft::of(Note::of(record, Errors::Captured, SpareBuffers::default()), record).into_event()
}

/// The structured log of a record, with its place in the program and its key-values as attributes.
#[cfg(feature = "logs")]
#[must_use]
pub fn log_from_record(record: &Record<'_>) -> Log {
    Note::of(record, Errors::Told, SpareBuffers::default()).into_log(record)
}

/// What the program's code tells about a record, which is asked once.
#[derive(Debug, Clone)]
pub(super) struct Note {
    level: Level,
    target: Cow<'static, str>,
    message: String,
    fields: Fields,
}

impl Note {
    pub(super) fn of(record: &Record<'_>, errors: Errors, buffers: SpareBuffers) -> Self {
        let SpareBuffers { text: mut message, data } = buffers;
        write_text(&mut message, *record.args());
        let mut fields = Fields::new(errors, data);
        values::read(record.key_values(), &mut fields);
        // The target is mostly the module, which needs no memory.
        let target = match record.module_path_static() {
            Some(module) if module == record.target() => Cow::Borrowed(module),
            _ => Cow::Owned(record.target().to_owned()),
        };
        Self { level: convert_log_level(record.level()), target, message, fields }
    }

    pub(super) fn into_breadcrumb(self) -> LeanBreadcrumb {
        let (data, _) = self.fields.into_parts(LOGGER);
        LeanBreadcrumb { message: Some(self.message), data, ..LeanBreadcrumb::new(self.level, self.target) }
    }

    pub(super) fn without_exceptions(mut self) -> Self {
        self.fields.forget_exceptions();
        self
    }

    #[cfg(feature = "logs")]
    pub(super) fn into_log(self, record: &Record<'_>) -> Log {
        let (values, _) = self.fields.into_parts(LOGGER);
        let place = Place::of(record).named(self.target);
        let attributes = values.into_iter().map(|(name, value)| (name.into_owned(), LogAttribute(value)));
        let mut attributes: Map<String, LogAttribute> = attributes.collect();
        attributes.extend(place.map(|(name, value)| (name.to_owned(), LogAttribute(value))));
        attributes.insert("sentry.origin".to_owned(), "auto.log.log".into());
        Log {
            level: convert_log_level_to_sentry_log_level(record.level()),
            body: self.message,
            trace_id: None,
            timestamp: sentry_core::clock::wall(),
            severity_number: None,
            attributes,
        }
    }
}

/// What is needed to make the event of a record where it is finished.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    note: Note,
    place: Place,
}

impl Draft {
    pub(super) fn of(note: Note, record: &Record<'_>) -> Self {
        Self { note, place: Place::of(record) }
    }

    pub(super) fn level(&self) -> Level {
        self.note.level
    }

    fn into_event(self) -> Event<'static> {
        let Self { note: Note { level, target, message, fields }, place } = self;
        let (values, exceptions) = fields.into_parts(LOGGER);
        let logger = target.clone().into_owned();
        let place = place.named(target).map(|(name, value)| (name.to_owned(), value)).collect();
        let mut contexts = Map::from([("Rust Log Metadata".to_owned(), Context::Other(place))]);
        if !values.is_empty() {
            contexts.insert("Rust Log Attributes".to_owned(), Context::Other(map_of(values)));
        }
        Event {
            logger: Some(logger),
            level,
            message: Some(message),
            exception: exceptions.into(),
            contexts,
            ..Event::default()
        }
    }
}

impl EventDraft for Draft {
    fn exceptions(&self) -> &[Exception] {
        self.note.fields.exceptions()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.note.message.len() + self.note.fields.bytes()
    }

    fn finish(self: Box<Self>) -> Event<'static> {
        self.into_event()
    }

    fn to_event(&self) -> Event<'static> {
        self.clone().into_event()
    }
}

/// Where in the program a record is from.
#[derive(Debug, Clone)]
struct Place {
    module: Option<Cow<'static, str>>,
    file: Option<Cow<'static, str>>,
    line: Option<u32>,
}

impl Place {
    fn of(record: &Record<'_>) -> Self {
        let either = |fixed: Option<&'static str>, other: Option<&str>| {
            fixed.map(Cow::Borrowed).or_else(|| Some(Cow::Owned(other?.to_owned())))
        };
        Self {
            module: either(record.module_path_static(), record.module_path()),
            file: either(record.file_static(), record.file()),
            line: record.line(),
        }
    }

    fn named(self, target: Cow<'static, str>) -> impl Iterator<Item = (&'static str, Value)> {
        let known = [
            ("logger.target", Some(target.into())),
            ("logger.module_path", self.module.map(Value::from)),
            ("logger.file", self.file.map(Value::from)),
            ("logger.line", self.line.map(Value::from)),
        ];
        known.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

const LOGGER: &str = "log";
