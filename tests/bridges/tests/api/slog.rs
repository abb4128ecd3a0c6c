//! `sentry::integrations::slog`.

use sentry::integrations::slog::{
    LevelFilter, RecordMapping, SentryDrain, breadcrumb_from_record, convert_log_level, default_filter,
    event_from_record, exception_from_record,
};
use sentry::protocol::{Breadcrumb, Event, Level};
use slog::{Drain, Logger, OwnedKVList, Record, o};

fn converters(record: &Record<'_>, values: &OwnedKVList) {
    let _: Level = convert_log_level(record.level());
    let _: Breadcrumb = breadcrumb_from_record(record, values);
    let _: Event<'static> = event_from_record(record, values);
    let _: Event<'static> = exception_from_record(record, values);
}

fn filter(level: slog::Level) -> LevelFilter {
    match default_filter(level) {
        LevelFilter::Ignore => LevelFilter::Breadcrumb,
        LevelFilter::Breadcrumb => LevelFilter::Event,
        LevelFilter::Event => LevelFilter::Exception,
        other @ LevelFilter::Exception => {
            assert!(!format!("{other:?}").is_empty());
            LevelFilter::Ignore
        }
    }
}

fn mapping(record: &Record<'_>, values: &OwnedKVList) -> RecordMapping {
    match record.level() {
        slog::Level::Trace => RecordMapping::Ignore,
        slog::Level::Info => RecordMapping::Breadcrumb(breadcrumb_from_record(record, values)),
        _ => RecordMapping::Event(Box::new(event_from_record(record, values))),
    }
}

fn drains() -> Logger {
    fn unwind_safe<T: std::panic::UnwindSafe + std::panic::RefUnwindSafe>(_: &T) {}
    let drain = SentryDrain::new(slog::Discard);
    unwind_safe(&drain);
    let drain = SentryDrain::new(drain).filter(default_filter).filter(filter).mapper(mapping);
    assert!(drain.is_enabled(slog::Level::Info));
    Logger::root(drain.fuse(), o!("key" => "value"))
}
