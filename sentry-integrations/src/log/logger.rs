//! The logger around the program's own.

use std::fmt;

use log::{Log, Metadata, Record};
use sentry_core::protocol::Event;
use sentry_core::{Breadcrumb, Hub, SpareBuffers};

use super::convert::{Draft, Note};
use crate::fields::Errors;
use crate::reentry;

bitflags::bitflags! {
    /// What becomes of a record, in any combination.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct LogFilter: u32 {
        /// Nothing.
        const Ignore = 0b0000;
        /// A breadcrumb.
        const Breadcrumb = 0b0001;
        /// A message event.
        const Event = 0b0010;
        /// An event with the exceptions of the error among the key-values; without one, a message event.
        const Exception = 0b0100;
        /// A structured log. Needs feature `logs`.
        const Log = 0b1000;
    }
}

/// What a mapper made of a record.
#[derive(Debug)]
#[non_exhaustive]
pub enum RecordMapping {
    /// Nothing.
    Ignore,
    /// A breadcrumb.
    Breadcrumb(Breadcrumb),
    /// An error event.
    Event(Box<Event<'static>>),
    /// A structured log.
    #[cfg(feature = "logs")]
    Log(sentry_core::protocol::Log),
}

impl From<RecordMapping> for Vec<RecordMapping> {
    fn from(mapping: RecordMapping) -> Self {
        vec![mapping]
    }
}

/// Errors are events, with the exceptions of an error among their key-values; warnings and infos are breadcrumbs. With feature
/// `logs` all three are structured logs too. The rest is ignored.
#[must_use]
pub fn default_filter(metadata: &Metadata<'_>) -> LogFilter {
    let log = if cfg!(feature = "logs") { LogFilter::Log } else { LogFilter::Ignore };
    match metadata.level() {
        log::Level::Error => LogFilter::Exception | log,
        log::Level::Warn | log::Level::Info => LogFilter::Breadcrumb | log,
        log::Level::Debug | log::Level::Trace => LogFilter::Ignore,
    }
}

/// A destination that wants nothing.
#[derive(Debug, Default)]
pub struct NoopLogger;

impl Log for NoopLogger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _: &Record<'_>) {}

    fn flush(&self) {}
}

/// A logger that tells Sentry about the records it gets, and hands all of them to its destination.
///
/// Which thread: the one that logs; see the [module](super) for what it costs there.
pub struct SentryLogger<L: Log> {
    dest: L,
    filter: Filter,
    mapper: Option<Mapper>,
}

type Filter = Box<dyn Fn(&Metadata<'_>) -> LogFilter + Send + Sync>;
type Mapper = Box<dyn Fn(&Record<'_>) -> Vec<RecordMapping> + Send + Sync>;

impl SentryLogger<NoopLogger> {
    /// A logger without a destination.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<L: Log> SentryLogger<L> {
    /// A logger in front of another.
    #[must_use]
    pub fn with_dest(dest: L) -> Self {
        Self { dest, filter: Box::new(default_filter), mapper: None }
    }

    /// Decides what becomes of records, by their metadata. Default: [`default_filter`].
    ///
    /// It is asked about every record. What it logs itself goes to the destination only; if it panics, the record does.
    #[must_use]
    pub fn filter<F>(mut self, filter: F) -> Self
    where
        F: Fn(&Metadata<'_>) -> LogFilter + Send + Sync + 'static,
    {
        self.filter = Box::new(filter);
        self
    }

    /// Makes what becomes of records, one thing or several; the filter is not asked then. Default: none.
    ///
    /// It is asked only while a client is listening. What it logs itself goes to the destination only; if it panics, the
    /// record does.
    ///
    /// ```
    /// use sentry_integrations::log::{RecordMapping, SentryLogger, breadcrumb_from_record, event_from_record};
    ///
    /// let logger = SentryLogger::new().mapper(|record| match record.level() {
    ///     log::Level::Error => vec![
    ///         RecordMapping::Breadcrumb(breadcrumb_from_record(record)),
    ///         RecordMapping::Event(event_from_record(record).into()),
    ///     ],
    ///     _ => RecordMapping::Ignore.into(),
    /// });
    /// # drop(logger);
    /// ```
    #[must_use]
    pub fn mapper<M, T>(mut self, mapper: M) -> Self
    where
        M: Fn(&Record<'_>) -> T + Send + Sync + 'static,
        T: Into<Vec<RecordMapping>>,
    {
        self.mapper = Some(Box::new(move |record| mapper(record).into()));
        self
    }
}

impl Default for SentryLogger<NoopLogger> {
    fn default() -> Self {
        Self::with_dest(NoopLogger)
    }
}

impl<L: Log + fmt::Debug> fmt::Debug for SentryLogger<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryLogger")
            .field("dest", &self.dest)
            .field("has_mapper", &self.mapper.is_some())
            .finish_non_exhaustive()
    }
}

impl<L: Log> Log for SentryLogger<L> {
    /// Whether the destination wants such records, or the filter does not ignore them; a mapper has no say.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.dest.enabled(metadata) || !wanted(&self.filter, metadata).is_empty()
    }

    fn log(&self, record: &Record<'_>) {
        match &self.mapper {
            Some(mapper) => map(mapper, record),
            None => {
                let wanted = wanted(&self.filter, record.metadata());
                if !wanted.is_empty() {
                    note(record, wanted);
                }
            }
        }
        self.dest.log(record);
    }

    /// Flushes the destination, and then sends what the current hub's client has: waits for that at most its
    /// [`shutdown_timeout`](field@sentry_core::ClientOptions::shutdown_timeout).
    fn flush(&self) {
        self.dest.flush();
        if let Some(client) = Hub::with_active(|hub| hub.client()) {
            client.flush(None);
        }
    }
}

fn wanted(filter: &Filter, metadata: &Metadata<'_>) -> LogFilter {
    match reentry::ask(|| filter(metadata)) {
        Some(wanted) if !wanted.is_empty() && !is_own(metadata.target()) => wanted,
        _ => LogFilter::Ignore,
    }
}

fn note(record: &Record<'_>, wanted: LogFilter) {
    reentry::note(|| match wanted {
        // Nearly all are this.
        LogFilter::Breadcrumb => {
            Hub::add_lean_breadcrumb(|buffers| Note::of(record, Errors::Told, buffers).into_breadcrumb());
        }
        several => note_several(record, several),
    });
}

/// Asks the program's code once for all that becomes of the record, and only if something does.
fn note_several(record: &Record<'_>, wanted: LogFilter) {
    let captures = wanted.intersects(LogFilter::Event | LogFilter::Exception) && is_listening();
    let wanted = [
        (LogFilter::Breadcrumb, true),
        (LogFilter::Event, captures),
        (LogFilter::Exception, captures),
        (LogFilter::Log, wanted.contains(LogFilter::Log) && wants_logs()),
    ]
    .into_iter()
    .filter(|(of, possible)| *possible && wanted.contains(*of));
    let has_exceptions = wanted.clone().any(|(of, _)| of == LogFilter::Exception);
    let errors = if has_exceptions { Errors::Captured } else { Errors::Told };
    let mut notes = Notes { record, errors, left: wanted.clone().count(), last: None };
    for (of, _) in wanted {
        match of {
            LogFilter::Breadcrumb => Hub::add_lean_breadcrumb(|buffers| notes.next(buffers).into_breadcrumb()),
            LogFilter::Event => capture(|| notes.next(SpareBuffers::default()).without_exceptions(), record),
            LogFilter::Exception => capture(|| notes.next(SpareBuffers::default()), record),
            _ => capture_log(|| notes.next(SpareBuffers::default()), record),
        }
    }
}

/// The same note for each thing that becomes of a record: the program's code is asked once, and only if something does.
struct Notes<'a> {
    record: &'a Record<'a>,
    errors: Errors,
    left: usize,
    last: Option<Note>,
}

impl Notes<'_> {
    fn next(&mut self, buffers: SpareBuffers) -> Note {
        let note = self.last.take().unwrap_or_else(|| Note::of(self.record, self.errors, buffers));
        self.left = self.left.saturating_sub(1);
        self.last = (self.left > 0).then(|| note.clone());
        note
    }
}

fn capture(note: impl FnOnce() -> Note, record: &Record<'_>) {
    Hub::with_active(|hub| {
        let draft = Draft::of(note(), record);
        hub.capture_draft(draft.level(), Box::new(draft));
    });
}

fn map(mapper: &Mapper, record: &Record<'_>) {
    if is_own(record.target()) || !is_listening() {
        return;
    }
    for mapping in reentry::ask(|| mapper(record)).into_iter().flatten() {
        match mapping {
            RecordMapping::Ignore => {}
            RecordMapping::Breadcrumb(breadcrumb) => sentry_core::add_breadcrumb(breadcrumb),
            RecordMapping::Event(event) => _ = sentry_core::capture_event(*event),
            #[cfg(feature = "logs")]
            RecordMapping::Log(log) => Hub::capture_log_here(log),
        }
    }
}

fn is_listening() -> bool {
    Hub::with_active(|_| true)
}

#[cfg(feature = "logs")]
fn wants_logs() -> bool {
    Hub::wants_logs_here()
}

#[cfg(not(feature = "logs"))]
fn wants_logs() -> bool {
    false
}

#[cfg(feature = "logs")]
fn capture_log(note: impl FnOnce() -> Note, record: &Record<'_>) {
    Hub::capture_log_here(note().into_log(record));
}

#[cfg(not(feature = "logs"))]
fn capture_log(_: impl FnOnce() -> Note, _: &Record<'_>) {}

/// Whether a record is from a package of the SDK, which is never told to itself.
fn is_own(target: &str) -> bool {
    // Nearly all are done with here.
    target.starts_with("sentry") && target.split("::").next().is_some_and(|package| OWN.contains(&package))
}

/// Other packages may have `sentry` in their names: those are programs.
const OWN: &[&str] = &[
    "sentry",
    "sentry_actix",
    "sentry_anyhow",
    "sentry_backtrace",
    "sentry_contexts",
    "sentry_core",
    "sentry_debug_images",
    "sentry_integrations",
    "sentry_log",
    "sentry_opentelemetry",
    "sentry_panic",
    "sentry_slog",
    "sentry_tower",
    "sentry_tracing",
    "sentry_transport",
    "sentry_types",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_records_are_told_by_their_package() {
        for own in ["sentry", "sentry::init", "sentry_core::hub", "sentry_transport"] {
            assert!(is_own(own), "{own}");
        }
        for other in ["", "app", "sentry_proxy", "sentryless::sentry", "::sentry", "ureq::pool"] {
            assert!(!is_own(other), "{other}");
        }
    }
}
