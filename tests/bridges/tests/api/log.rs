//! `sentry::integrations::log`.

use log::{Log, Metadata, Record};
use sentry::integrations::log::{
    LogFilter, NoopLogger, RecordMapping, SentryLogger, breadcrumb_from_record, convert_log_level,
    convert_log_level_to_sentry_log_level, default_filter, event_from_record, exception_from_record, log_from_record,
};
use sentry::protocol::{Breadcrumb, Event, Level, Log as SentryLog, LogLevel};

fn converters(record: &Record<'_>) {
    let _: Level = convert_log_level(record.level());
    let _: LogLevel = convert_log_level_to_sentry_log_level(record.level());
    let _: Breadcrumb = breadcrumb_from_record(record);
    let _: Event<'static> = event_from_record(record);
    let _: Event<'static> = exception_from_record(record);
    let _: SentryLog = log_from_record(record);
}

fn filter(metadata: &Metadata<'_>) -> LogFilter {
    let all = LogFilter::Ignore | LogFilter::Breadcrumb | LogFilter::Event | LogFilter::Exception | LogFilter::Log;
    assert_eq!(all.bits(), 0b1111u32);
    if default_filter(metadata) == LogFilter::empty() { LogFilter::all() } else { all }
}

fn mapping(record: &Record<'_>) -> Vec<RecordMapping> {
    let mappings = vec![
        RecordMapping::Ignore,
        RecordMapping::Breadcrumb(breadcrumb_from_record(record)),
        RecordMapping::Event(Box::new(event_from_record(record))),
        RecordMapping::Log(log_from_record(record)),
    ];
    let texts = mappings.iter().map(|mapping| match mapping {
        RecordMapping::Ignore | RecordMapping::Breadcrumb(_) | RecordMapping::Event(_) | RecordMapping::Log(_) => None,
        // It may get more.
        other => Some(format!("{other:?}")),
    });
    if texts.flatten().next().is_some() { mappings } else { RecordMapping::Ignore.into() }
}

fn loggers(dest: Box<dyn Log>) -> Box<dyn Log> {
    let plain: SentryLogger<NoopLogger> = SentryLogger::default();
    assert!(!format!("{:?}", <NoopLogger as Default>::default()).is_empty());
    let several = SentryLogger::new().filter(default_filter).filter(filter).mapper(mapping);
    let one = SentryLogger::with_dest(dest).mapper(|_: &Record<'_>| RecordMapping::Ignore);
    several.flush();
    assert!(!plain.enabled(&Metadata::builder().build()));
    Box::new(one)
}
