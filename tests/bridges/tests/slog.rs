//! The bridge to `slog` at the socket.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml exempts test functions, not the helpers they call"
)]

#[path = "../../support/counting.rs"]
mod counting;
mod loggers;
#[path = "../../support/mod.rs"]
mod support;

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};

use counting::allocations;
use loggers::{Received, SECRET_NAMES, Sentry, crumb_messages, crumbs};
use sentry::ClientOptions;
use sentry::integrations::slog::{
    LevelFilter, RecordMapping, SentryDrain, breadcrumb_from_record, event_from_record, log_from_record,
};
use serde_json::json;
use slog::{
    Discard, Drain, ErrorValue, FnValue, Level, Logger, OwnedKVList, Record, Serde, crit, debug, error, info, o, warn,
};

fn run(options: ClientOptions, work: impl FnOnce()) -> Received {
    Sentry::start(options).run(work)
}

fn logger() -> Logger {
    Logger::root(SentryDrain::new(Discard).logs(|level| level.is_at_least(Level::Warning)).fuse(), o!())
}

#[test]
fn by_default_warnings_are_events_and_the_rest_breadcrumbs() {
    let logger = Logger::root(SentryDrain::new(Discard).fuse(), o!());
    let received = run(ClientOptions::new(), || {
        debug!(logger, "a debug");
        info!(logger, "an {}", "info"; "n" => 7);
        warn!(logger, "a warning"; "n" => 8);
        crit!(logger, "a crash");
    });
    assert_eq!(received.events().len(), 2);
    let warning = received.event("a warning");
    assert_eq!((&warning["level"], &warning["logger"]), (&json!("warning"), &json!("slog")));
    assert_eq!(warning["extra"]["n"], json!(8));
    assert_eq!(crumb_messages(&warning), ["a debug", "an info"]);
    let info = &crumbs(&warning)[1];
    assert_eq!((&info["category"], &info["type"], &info["data"]), (&json!("slog"), &json!("log"), &json!({"n": 7})));
    // As in the official crate: critical is the level error, which goes without saying.
    assert_eq!(received.event("a crash")["level"], json!(null));
    assert_eq!(received.logs().len(), 0);
}

#[test]
fn logs_are_asked_for_by_level() {
    let logger = logger();
    let received = run(ClientOptions::new(), || {
        info!(logger, "no log");
        warn!(logger, # "disk", "a log"; "n" => 7, "half" => 0.5, "yes" => true);
        crit!(logger, "another");
    });
    assert_eq!(received.bodies(), ["a log", "another"]);
    let logs = received.logs();
    assert_eq!((&logs[0]["level"], &logs[1]["level"]), (&json!("warn"), &json!("fatal")));
    let attributes = &logs[0]["attributes"];
    assert_eq!(attributes["n"], json!({"value": 7, "type": "integer"}));
    assert_eq!(attributes["half"], json!({"value": 0.5, "type": "double"}));
    assert_eq!(attributes["yes"], json!({"value": true, "type": "boolean"}));
    assert_eq!(attributes["sentry.origin"]["value"], json!("auto.log.slog"));
    assert_eq!(attributes["logger.target"]["value"], json!("disk"));
    assert_eq!(attributes["logger.module_path"]["value"], json!("slog"));
    assert!(attributes["logger.line"]["value"].is_u64());
    assert_eq!(logs[1]["attributes"]["logger.target"], json!(null));
}

#[test]
fn values_keep_their_types_and_the_nearest_counts() {
    let root = logger().new(o!("service" => "shop", "n" => 1, "who" => "root"));
    let child = root.new(o!("n" => 2, "who" => "child"));
    let received = run(ClientOptions::new(), || {
        let nested = Serde(json!({"list": [1, "two", null], "inner": {"deep": 0.5, "password": "hunter2"}}));
        let (none, lazy) = (None::<u8>, FnValue(|record: &Record<'_>| record.line() > 0));
        info!(child, "typed"; "nested" => nested, "who" => "record", "big" => u64::MAX, "small" => -7i8, "nan" => f64::NAN,
            "none" => none, "unit" => (), "lazy" => lazy, "c" => 'c', "debug" => ?Some(1), "display" => %1.5);
        error!(child, "end"; "huge" => Serde(json!("hunter2".repeat(20_000))));
    });
    let event = received.event("end");
    let expected = json!({
        "nested": {"list": [1, "two", null], "inner": {"deep": 0.5, "password": "[Filtered]"}},
        "service": "shop", "n": 2, "who": "record", "big": u64::MAX, "small": -7, "nan": "NaN", "none": null, "unit": null,
        "lazy": true, "c": "c", "debug": "Some(1)", "display": "1.5",
    });
    assert_eq!(crumbs(&event)[0]["data"], expected);
    assert_eq!(event["extra"]["huge"], json!("[not readable, or too large]"));
    received.assert_without("hunter2");
}

#[derive(Debug)]
struct Unreachable(fmt::Error);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no way to the host")
    }
}

impl Error for Unreachable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn an_error_among_the_values_is_an_exception_with_its_chain() {
    let logger = logger();
    let received = run(ClientOptions::new(), || {
        info!(logger, "trying"; "reason" => ErrorValue(Unreachable(fmt::Error)));
        let failure = Unreachable(fmt::Error);
        error!(logger, "giving up"; "error" => #failure);
    });
    let event = received.event("giving up");
    let [root, outermost] = &event["exception"]["values"].as_array().expect("exceptions")[..] else {
        panic!("two exceptions in {event:#}")
    };
    assert_eq!((&root["type"], &outermost["type"]), (&json!("Error"), &json!("Unreachable")));
    assert_eq!((&outermost["mechanism"]["type"], &outermost["mechanism"]["handled"]), (&json!("slog"), &json!(true)));
    let text = json!(format!("no way to the host: {}", fmt::Error));
    assert_eq!((&crumbs(&event)[0]["data"]["reason"], &event["extra"]["error"]), (&text, &text));
    assert_eq!(received.logs()[0]["attributes"]["error"]["value"], text);
}

/// A drain that keeps the messages it gets, and refuses some.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

impl Drain for Kept {
    type Ok = usize;
    type Err = String;

    fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> Result<usize, String> {
        let message = record.msg().to_string();
        let mut kept = self.0.lock().expect("no panic inside");
        kept.push(message.clone());
        if message == "refused" { Err(message) } else { Ok(kept.len()) }
    }

    fn is_enabled(&self, level: Level) -> bool {
        level.is_at_least(Level::Error)
    }

    fn flush(&self) -> Result<(), slog::FlushError> {
        self.0.lock().expect("no panic inside").push("flushed".to_owned());
        Ok(())
    }
}

#[test]
fn the_drain_gets_every_record_and_its_answer_is_returned() {
    let kept = Kept::default();
    let list = OwnedKVList::from(o!());
    let log = |drain: &SentryDrain<Kept>, level, message: &str| {
        let location = slog::RecordLocation { file: "", line: 1, column: 1, function: "", module: "" };
        let fixed = slog::RecordStatic { location: &location, tag: "", level };
        drain.log(&Record::new(&fixed, &format_args!("{message}"), slog::b!()), &list)
    };
    let _ = run(ClientOptions::new(), || {
        let drain = SentryDrain::new(kept.clone()).filter(|level| match level {
            Level::Error => std::panic::resume_unwind(Box::new("a filter")),
            _ => LevelFilter::Ignore,
        });
        assert_eq!(log(&drain, Level::Info, "ignored"), Ok(1));
        assert_eq!(log(&drain, Level::Error, "filter panics"), Ok(2));
        assert_eq!(log(&drain, Level::Critical, "refused"), Err("refused".to_owned()));
        let drain = SentryDrain::new(kept.clone())
            .mapper(|_, _| -> RecordMapping { std::panic::resume_unwind(Box::new("a mapper")) });
        assert_eq!(log(&drain, Level::Info, "mapper panics"), Ok(4));
    });
    assert_eq!(*kept.0.lock().expect("no panic inside"), ["ignored", "filter panics", "refused", "mapper panics"]);
}

#[test]
fn a_mapper_makes_any_of_them() {
    let drain = SentryDrain::new(Discard).filter(|_| panic!("asked")).mapper(|record, values| match record.level() {
        Level::Error => RecordMapping::Event(event_from_record(record, values).into()),
        Level::Warning => RecordMapping::Log(log_from_record(record, values)),
        Level::Info => RecordMapping::Breadcrumb(breadcrumb_from_record(record, values)),
        _ => RecordMapping::Ignore,
    });
    let logger = Logger::root(drain.fuse(), o!());
    let received = run(ClientOptions::new(), || {
        debug!(logger, "nothing");
        info!(logger, "a breadcrumb");
        warn!(logger, "a log");
        error!(logger, "an event");
    });
    assert_eq!(crumb_messages(&received.event("an event")), ["a breadcrumb"]);
    assert_eq!(received.bodies(), ["a log"]);
}

#[test]
fn a_value_that_panics_or_logs_costs_itself_only() {
    struct Panics;
    impl fmt::Display for Panics {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half a text")?;
            std::panic::resume_unwind(Box::new(()))
        }
    }
    struct Logs(Logger);
    impl fmt::Display for Logs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            warn!(self.0, "inner");
            f.write_str("outer")
        }
    }
    let logger = logger();
    let received = run(ClientOptions::new(), || {
        error!(logger.new(o!("service" => "shop")), "text {}", Panics; "value" => %Panics);
        error!(logger, "{}", Logs(logger.clone()));
    });
    let event = received.event("text half a text [its Display panicked]");
    assert_eq!(event["extra"]["value"], json!("half a text [its Display panicked]"));
    assert_eq!(event["extra"]["service"], json!("shop"));
    let _ = (received.event("inner"), received.event("outer"));
    assert_eq!(received.events().len(), 3);
}

#[test]
fn values_under_secret_names_stay_here() {
    struct Secrets;
    impl slog::KV for Secrets {
        fn serialize(&self, _: &Record<'_>, serializer: &mut dyn slog::Serializer) -> slog::Result {
            SECRET_NAMES.iter().try_for_each(|name| serializer.emit_str(name, "hunter2"))
        }
    }
    struct Aborts;
    impl fmt::Display for Aborts {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            std::process::abort()
        }
    }
    for with_pii in [false, true] {
        let logger = logger().new(o!("db_password" => "hunter2"));
        let received = run(ClientOptions::new().send_default_pii(with_pii).debug(true), || {
            info!(logger, "crumb"; Secrets);
            error!(logger, "secrets"; Secrets);
            let nested = Serde(json!([{"list": [{"api_key": {"inner": "hunter2"}}]}]));
            let error = ErrorValue(Unreachable(fmt::Error));
            error!(logger, "more"; "user_token" => %Aborts, "nested" => nested, "auth_error" => error);
        });
        received.assert_without("hunter2");
        received.assert_without("no way to the host");
        let event = received.event("secrets");
        for name in SECRET_NAMES.iter().chain([&"db_password"]) {
            assert_eq!(event["extra"][name], json!("[Filtered]"), "{name}");
            assert_eq!(crumbs(&event)[0]["data"][name], json!("[Filtered]"), "{name}");
            assert_eq!(received.logs()[0]["attributes"][name]["value"], json!("[Filtered]"), "{name}");
        }
        let more = received.event("more");
        assert_eq!(more["extra"]["nested"], json!([{"list": [{"api_key": "[Filtered]"}]}]));
        assert_eq!(more["exception"]["values"].as_array().map_or(0, Vec::len), 0);
    }
}

#[test]
fn what_is_ignored_or_unheard_allocates_nothing() {
    let drain = SentryDrain::new(Discard).logs(|_| true).filter(|level| match level {
        Level::Debug => LevelFilter::Ignore,
        _ => LevelFilter::Breadcrumb,
    });
    let heard = Logger::root(drain.fuse(), o!("service" => "shop"));
    let ignoring = Logger::root(SentryDrain::new(Discard).filter(|_| LevelFilter::Ignore).fuse(), o!());
    let _ = run(ClientOptions::new(), || {
        info!(heard, "warms up");
        assert_eq!(allocations(|| error!(ignoring, "ignored {}", 1; "n" => 7)), 0);
        assert_ne!(allocations(|| error!(heard, "heard {}", 1; "n" => 7)), 0);
    });
    let nobody = Arc::new(sentry::Hub::new(None, Arc::default()));
    sentry::Hub::run(nobody, || {
        assert_eq!(allocations(|| error!(heard, "unheard {}", 1; "n" => 7)), 0);
    });
}

#[test]
fn enabled_is_what_either_side_wants_and_flushing_is_for_both() {
    let kept = Kept::default();
    let drain = SentryDrain::new(kept.clone()).logs(|level| level == Level::Debug).filter(|level| match level {
        Level::Info => LevelFilter::Breadcrumb,
        _ => LevelFilter::Ignore,
    });
    let enabled = [Level::Error, Level::Warning, Level::Info, Level::Debug, Level::Trace].map(|l| drain.is_enabled(l));
    assert_eq!(enabled, [true, false, true, true, false]);

    let sentry = Sentry::start(ClientOptions::new());
    sentry::Hub::run(Arc::clone(&sentry.hub), || {
        let logger = Logger::root(drain.ignore_res(), o!());
        debug!(logger, "sent");
        logger.flush().expect("the drain can");
    });
    assert_eq!(Received(sentry.receiver.envelopes()).bodies(), ["sent"]);
    assert_eq!(kept.0.lock().expect("no panic inside").last().map(String::as_str), Some("flushed"));
}
