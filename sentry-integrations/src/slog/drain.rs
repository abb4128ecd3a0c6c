//! The drain around the program's own.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use sentry_core::protocol::Event;
use sentry_core::{Breadcrumb, Hub, SpareBuffers};
use slog::{Drain, FlushError, Level, OwnedKVList, Record};

use super::convert::Note;
use crate::fields::Errors;
use crate::reentry;

/// What becomes of the records of a level.
#[derive(Debug)]
pub enum LevelFilter {
    /// Nothing.
    Ignore,
    /// A breadcrumb.
    Breadcrumb,
    /// An event, with the exceptions of the error among the key-values, if there is one.
    Event,
    /// The same.
    Exception,
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

/// `critical`, `error` and `warning` are events, all others breadcrumbs.
#[must_use]
pub fn default_filter(level: Level) -> LevelFilter {
    match level {
        Level::Critical => LevelFilter::Exception,
        Level::Error | Level::Warning => LevelFilter::Event,
        Level::Info | Level::Debug | Level::Trace => LevelFilter::Breadcrumb,
    }
}

/// A drain that tells Sentry about the records it gets, and hands all of them to another.
///
/// Which thread: the one that drains; see the [module](super) for what it costs there.
pub struct SentryDrain<D: Drain> {
    drain: D,
    filter: Box<dyn Fn(Level) -> LevelFilter + Send + Sync>,
    logs: Option<Box<dyn Fn(Level) -> bool + Send + Sync>>,
    mapper: Option<Mapper>,
}

type Mapper = Box<dyn Fn(&Record<'_>, &OwnedKVList) -> RecordMapping + Send + Sync>;

// Panics of the program's closures end in `reentry`, and nothing of ours is changed by then.
impl<D: slog::SendSyncRefUnwindSafeDrain> RefUnwindSafe for SentryDrain<D> {}
impl<D: slog::SendSyncUnwindSafeDrain> UnwindSafe for SentryDrain<D> {}

impl<D: Drain> SentryDrain<D> {
    /// A drain in front of another.
    #[must_use]
    pub fn new(drain: D) -> Self {
        Self { drain, filter: Box::new(default_filter), logs: None, mapper: None }
    }

    /// Decides what becomes of records, by their level. Default: [`default_filter`].
    ///
    /// It is asked about every record. What it logs itself goes to the drain only; if it panics, the record does.
    #[must_use]
    pub fn filter<F>(mut self, filter: F) -> Self
    where
        F: Fn(Level) -> LevelFilter + Send + Sync + 'static,
    {
        self.filter = Box::new(filter);
        self
    }

    /// Decides which records are structured logs too, by their level, whatever else becomes of them. Default: none are.
    #[cfg(feature = "logs")]
    #[must_use]
    pub fn logs<F>(mut self, wanted: F) -> Self
    where
        F: Fn(Level) -> bool + Send + Sync + 'static,
    {
        self.logs = Some(Box::new(wanted));
        self
    }

    /// Makes what becomes of records; the filter and the choice of logs are not asked then. Default: none.
    ///
    /// It is asked only while a client is listening. What it logs itself goes to the drain only; if it panics, the record
    /// does.
    ///
    /// ```
    /// use sentry_integrations::slog::{RecordMapping, SentryDrain, breadcrumb_from_record};
    ///
    /// let drain = SentryDrain::new(slog::Discard).mapper(|record, values| match record.level() {
    ///     slog::Level::Trace => RecordMapping::Ignore,
    ///     _ => RecordMapping::Breadcrumb(breadcrumb_from_record(record, values)),
    /// });
    /// # drop(drain);
    /// ```
    #[must_use]
    pub fn mapper<M>(mut self, mapper: M) -> Self
    where
        M: Fn(&Record<'_>, &OwnedKVList) -> RecordMapping + Send + Sync + 'static,
    {
        self.mapper = Some(Box::new(mapper));
        self
    }

    fn wanted(&self, level: Level) -> (LevelFilter, bool) {
        let wanted = || ((self.filter)(level), self.logs.as_ref().is_some_and(|logs| logs(level)));
        reentry::ask(wanted).unwrap_or((LevelFilter::Ignore, false))
    }
}

impl<D: Drain + fmt::Debug> fmt::Debug for SentryDrain<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryDrain")
            .field("drain", &self.drain)
            .field("has_logs", &self.logs.is_some())
            .field("has_mapper", &self.mapper.is_some())
            .finish_non_exhaustive()
    }
}

impl<D: Drain> Drain for SentryDrain<D> {
    type Ok = D::Ok;
    type Err = D::Err;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<Self::Ok, Self::Err> {
        match &self.mapper {
            Some(mapper) => map(mapper, record, values),
            None => match self.wanted(record.level()) {
                (LevelFilter::Ignore, false) => {}
                (filter, is_log) => reentry::note(|| note(record, values, &filter, is_log)),
            },
        }
        self.drain.log(record, values)
    }

    /// Whether the drain wants such records, or they are not ignored here; a mapper has no say.
    fn is_enabled(&self, level: Level) -> bool {
        self.drain.is_enabled(level) || !matches!(self.wanted(level), (LevelFilter::Ignore, false))
    }

    /// Flushes the drain, and then sends what the current hub's client has: waits for that at most its
    /// [`shutdown_timeout`](field@sentry_core::ClientOptions::shutdown_timeout).
    fn flush(&self) -> Result<(), FlushError> {
        let flushed = self.drain.flush();
        if let Some(client) = Hub::with_active(|hub| hub.client()) {
            client.flush(None);
        }
        flushed
    }
}

/// Asks the program's code once for all that becomes of the record, and only if something does.
fn note(record: &Record<'_>, values: &OwnedKVList, filter: &LevelFilter, is_log: bool) {
    let is_log = is_log && wants_logs();
    let mut kept = None;
    let mut keep = |note: Note| {
        kept = is_log.then(|| note.clone());
        note
    };
    match filter {
        LevelFilter::Ignore => {}
        LevelFilter::Breadcrumb => {
            Hub::add_lean_breadcrumb(|buffers| keep(Note::of(record, values, Errors::Told, buffers)).into_breadcrumb())
        }
        LevelFilter::Event | LevelFilter::Exception => Hub::with_active(|hub| {
            let note = keep(Note::of(record, values, Errors::Captured, SpareBuffers::default()));
            hub.capture_draft(note.level(), Box::new(note));
        }),
    }
    if is_log {
        capture_log(kept.unwrap_or_else(|| Note::of(record, values, Errors::Told, SpareBuffers::default())), record);
    }
}

fn map(mapper: &Mapper, record: &Record<'_>, values: &OwnedKVList) {
    if !Hub::with_active(|_| true) {
        return;
    }
    match reentry::ask(|| mapper(record, values)).unwrap_or(RecordMapping::Ignore) {
        RecordMapping::Ignore => {}
        RecordMapping::Breadcrumb(breadcrumb) => sentry_core::add_breadcrumb(breadcrumb),
        RecordMapping::Event(event) => _ = sentry_core::capture_event(*event),
        #[cfg(feature = "logs")]
        RecordMapping::Log(log) => Hub::capture_log_here(log),
    }
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
fn capture_log(note: Note, record: &Record<'_>) {
    Hub::capture_log_here(note.into_log(record));
}

#[cfg(not(feature = "logs"))]
fn capture_log(_: Note, _: &Record<'_>) {}
