//! What becomes of a record: a breadcrumb, an error event, a structured log.

use sentry_core::protocol::{Event, Exception};
#[cfg(feature = "logs")]
use sentry_core::protocol::{Log, LogAttribute, LogLevel, Map};
use sentry_core::{Breadcrumb, EventDraft, LeanBreadcrumb, Level, SpareBuffers};
use slog::{OwnedKVList, Record};

use super::values;
use crate::fields::{Errors, Fields, map_of, write_text};

/// The level of events and breadcrumbs: `critical` is `error` there, and `trace` is `debug`.
#[must_use]
pub fn convert_log_level(level: slog::Level) -> Level {
    match level {
        slog::Level::Critical | slog::Level::Error => Level::Error,
        slog::Level::Warning => Level::Warning,
        slog::Level::Info => Level::Info,
        slog::Level::Debug | slog::Level::Trace => Level::Debug,
    }
}

/// The breadcrumb of a record: its message, its module as category, its key-values and those of its logger as data.
#[must_use]
pub fn breadcrumb_from_record(record: &Record<'_>, values: &OwnedKVList) -> Breadcrumb {
    Note::of(record, values, Errors::Told, SpareBuffers::default()).into_breadcrumb().into()
}

/// The event of a record: its message, its module as logger, its key-values and those of its logger as extra data, and the
/// exceptions of the first error among those.
#[must_use]
pub fn event_from_record(record: &Record<'_>, values: &OwnedKVList) -> Event<'static> {
    Note::of(record, values, Errors::Captured, SpareBuffers::default()).into_event()
}

/// As [`event_from_record`].
///
/// ```
/// use sentry_integrations::slog::exception_from_record;
///
/// let arguments = format_args!("out of paper");
/// let record = slog::record!(slog::Level::Error, "", &arguments, slog::b!());
/// let event = exception_from_record(&record, &slog::o!("printer" => 7).into());
/// assert_eq!(event.message.as_deref(), Some("out of paper"));
/// ```
#[must_use]
pub fn exception_from_record(record: &Record<'_>, values: &OwnedKVList) -> Event<'static> {
    event_from_record(record, values)
}

/// The structured log of a record: its message as body; its place in the program, its key-values and those of its logger as
/// attributes.
#[cfg(feature = "logs")]
#[must_use]
pub fn log_from_record(record: &Record<'_>, values: &OwnedKVList) -> Log {
    Note::of(record, values, Errors::Told, SpareBuffers::default()).into_log(record)
}

/// What the program's code tells about a record, which is asked once.
#[derive(Debug, Clone)]
pub(super) struct Note {
    level: Level,
    module: &'static str,
    message: String,
    fields: Fields,
}

impl Note {
    pub(super) fn of(record: &Record<'_>, values: &OwnedKVList, errors: Errors, buffers: SpareBuffers) -> Self {
        let SpareBuffers { text: mut message, data } = buffers;
        write_text(&mut message, *record.msg());
        let mut fields = Fields::new(errors, data);
        values::read(record, values, &mut fields);
        Self { level: convert_log_level(record.level()), module: record.module(), message, fields }
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    pub(super) fn into_breadcrumb(self) -> LeanBreadcrumb {
        let (data, _) = self.fields.into_parts(LOGGER);
        LeanBreadcrumb { message: Some(self.message), data, ..LeanBreadcrumb::new(self.level, self.module) }
    }

    fn into_event(self) -> Event<'static> {
        let (values, exceptions) = self.fields.into_parts(LOGGER);
        Event {
            logger: Some(self.module.to_owned()).filter(|module| !module.is_empty()),
            level: self.level,
            message: Some(self.message),
            exception: exceptions.into(),
            extra: map_of(values),
            ..Event::default()
        }
    }

    #[cfg(feature = "logs")]
    pub(super) fn into_log(self, record: &Record<'_>) -> Log {
        let (values, _) = self.fields.into_parts(LOGGER);
        let attributes = values.into_iter().map(|(name, value)| (name.into_owned(), LogAttribute(value)));
        let mut attributes: Map<String, LogAttribute> = attributes.collect();
        let place = [
            ("logger.target", record.tag().into()),
            ("logger.module_path", self.module.into()),
            ("logger.file", record.file().into()),
            ("logger.line", record.line().into()),
            ("sentry.origin", "auto.log.slog".into()),
        ];
        let known = place.into_iter().filter(|(_, value): &(_, LogAttribute)| value.0.as_str() != Some(""));
        attributes.extend(known.map(|(name, value)| (name.to_owned(), value)));
        Log {
            level: match record.level() {
                slog::Level::Critical => LogLevel::Fatal,
                slog::Level::Error => LogLevel::Error,
                slog::Level::Warning => LogLevel::Warn,
                slog::Level::Info => LogLevel::Info,
                slog::Level::Debug => LogLevel::Debug,
                slog::Level::Trace => LogLevel::Trace,
            },
            body: self.message,
            trace_id: None,
            timestamp: sentry_core::clock::wall(),
            severity_number: None,
            attributes,
        }
    }
}

/// The event is made of it where it is finished.
impl EventDraft for Note {
    fn exceptions(&self) -> &[Exception] {
        self.fields.exceptions()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.message.len() + self.fields.bytes()
    }

    fn finish(self: Box<Self>) -> Event<'static> {
        self.into_event()
    }

    fn to_event(&self) -> Event<'static> {
        self.clone().into_event()
    }
}

const LOGGER: &str = "slog";
