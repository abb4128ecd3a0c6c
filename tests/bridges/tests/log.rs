//! The bridge to `log` at the socket.

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

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use counting::allocations;
use log::kv::Value as KeyValue;
use log::{Level, Log, Metadata, Record, debug, error, info, trace, warn};
use loggers::{Received, SECRET_NAMES, Sentry, crumb_messages, crumbs};
use sentry::ClientOptions;
use sentry::integrations::log::{
    LogFilter, NoopLogger, RecordMapping, SentryLogger, breadcrumb_from_record, event_from_record, log_from_record,
};
use serde_json::json;
use support::{Deadline, Gate, Receiver, Reply, child};

/// A destination that keeps the messages it gets.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

impl Kept {
    fn messages(&self) -> Vec<String> {
        self.0.lock().expect("no panic inside").clone()
    }
}

impl Log for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        // Formatted outside of the lock: a `Display` may log.
        let message = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| record.args().to_string()));
        self.0.lock().expect("no panic inside").push(message.unwrap_or_else(|_| "panicked".to_owned()));
    }

    fn flush(&self) {
        self.0.lock().expect("no panic inside").push("flushed".to_owned());
    }
}

fn run(options: ClientOptions, work: impl FnOnce()) -> Received {
    log::set_max_level(log::LevelFilter::Trace);
    Sentry::start(options).run(work)
}

#[test]
fn by_default_errors_are_events_and_infos_breadcrumbs_and_logs() {
    let logger = SentryLogger::new();
    let received = run(ClientOptions::new(), || {
        trace!(logger: logger, "a trace");
        debug!(logger: logger, "a debug");
        info!(logger: logger, "an info");
        warn!(logger: logger, target: "app::disk", "a {}", "warning");
        error!(logger: logger, "an error");
    });
    let event = received.event("an error");
    // Its level, error, is the one that goes without saying.
    assert_eq!((&event["level"], &event["logger"]), (&json!(null), &json!("log")));
    let metadata = &event["contexts"]["Rust Log Metadata"];
    assert_eq!((&metadata["logger.target"], &metadata["logger.module_path"]), (&json!("log"), &json!("log")));
    assert!(metadata["logger.file"].as_str().expect("a file").ends_with("log.rs") && metadata["logger.line"].is_u64());
    assert_eq!(event["contexts"]["Rust Log Attributes"], json!(null));
    assert_eq!(crumb_messages(&event), ["an info", "a warning"]);
    let warning = &crumbs(&event)[1];
    assert_eq!((&warning["category"], &warning["level"]), (&json!("app::disk"), &json!("warning")));
    assert_eq!(warning["type"], json!("log"));

    assert_eq!(received.bodies(), ["an info", "a warning", "an error"]);
    let logs = received.logs();
    assert_eq!((&logs[1]["level"], &logs[2]["level"]), (&json!("warn"), &json!("error")));
    let attributes = &logs[1]["attributes"];
    assert_eq!(attributes["sentry.origin"]["value"], json!("auto.log.log"));
    assert_eq!(attributes["logger.target"]["value"], json!("app::disk"));
    assert_eq!(attributes["logger.module_path"]["value"], json!("log"));
    assert_eq!(attributes["logger.line"]["type"], json!("integer"));
    assert_eq!(received.events().len(), 1);
}

#[test]
fn key_values_keep_their_types() {
    #[derive(Debug)]
    struct Point {
        _x: u8,
    }
    let logger = SentryLogger::new();
    let received = run(ClientOptions::new(), || {
        let nothing: Option<u8> = None;
        let (point, huge) = (Point { _x: 1 }, u128::MAX);
        info!(logger: logger, n = 7, neg = -7, half = 0.5, yes = true, text = "t", c = 'c', nothing, huge, point:? = point,
            nan = f64::NAN; "typed");
        error!(logger: logger, n = u64::MAX, half = 0.5, yes = false; "typed too");
    });
    let event = received.event("typed too");
    let attributes = &event["contexts"]["Rust Log Attributes"];
    assert_eq!(
        (&attributes["n"], &attributes["half"], &attributes["yes"]),
        (&json!(u64::MAX), &json!(0.5), &json!(false))
    );
    let expected = json!({
        "n": 7, "neg": -7, "half": 0.5, "yes": true, "text": "t", "c": "c", "nothing": null,
        "huge": u128::MAX.to_string(), "point": "Point { _x: 1 }", "nan": "NaN",
    });
    assert_eq!(crumbs(&event)[0]["data"], expected);
    let attributes = &received.logs()[0]["attributes"];
    assert_eq!(attributes["n"], json!({"value": 7, "type": "integer"}));
    assert_eq!(attributes["half"], json!({"value": 0.5, "type": "double"}));
    assert_eq!(attributes["yes"], json!({"value": true, "type": "boolean"}));
    assert_eq!(attributes["text"], json!({"value": "t", "type": "string"}));
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
fn an_error_among_the_key_values_is_an_exception_with_its_chain() {
    let logger = SentryLogger::new();
    let received = run(ClientOptions::new(), || {
        let failure = Unreachable(fmt::Error);
        warn!(logger: logger, err:err = failure; "trying again");
        error!(logger: logger, err:err = failure, host = "db"; "giving up");
    });
    let event = received.event("giving up");
    let [root, outermost] = &event["exception"]["values"].as_array().expect("exceptions")[..] else {
        panic!("two exceptions in {event:#}")
    };
    assert_eq!((&root["type"], &outermost["type"]), (&json!("Error"), &json!("Unreachable")));
    assert_eq!(outermost["value"], json!("no way to the host"));
    assert_eq!((&outermost["mechanism"]["type"], &outermost["mechanism"]["handled"]), (&json!("log"), &json!(true)));
    let text = format!("no way to the host: {}", fmt::Error);
    assert_eq!(event["contexts"]["Rust Log Attributes"]["err"], json!(text));
    assert_eq!(crumbs(&event)[0]["data"]["err"], json!(text));
    assert_eq!(received.logs()[1]["attributes"]["err"]["value"], json!(text));
}

#[test]
fn filters_combine_and_a_message_event_has_no_exceptions() {
    let all = LogFilter::Breadcrumb | LogFilter::Event | LogFilter::Exception | LogFilter::Log;
    let logger = SentryLogger::new().filter(move |metadata| match metadata.target() {
        "all" => all,
        "event" => LogFilter::Event,
        _ => LogFilter::Ignore,
    });
    let received = run(ClientOptions::new(), || {
        let failure = Unreachable(fmt::Error);
        error!(logger: logger, target: "none", "nothing");
        info!(logger: logger, target: "all", err:err = failure; "all of it");
        info!(logger: logger, target: "event", err:err = failure; "a message");
    });
    let events = received.events();
    let exceptions = |event: &serde_json::Value| event["exception"]["values"].as_array().map_or(0, Vec::len);
    let mut counts: Vec<usize> = events.iter().map(exceptions).collect();
    counts.sort_unstable();
    assert_eq!(counts, [0, 0, 2]);
    let message = received.event("a message");
    assert_eq!((exceptions(&message), crumb_messages(&message)), (0, vec!["all of it"]));
    assert_eq!(received.bodies(), ["all of it"]);
}

#[test]
fn a_mapper_makes_one_thing_or_several() {
    let logger = SentryLogger::new().filter(|_| panic!("asked")).mapper(|record| match record.level() {
        Level::Error => vec![
            RecordMapping::Breadcrumb(breadcrumb_from_record(record)),
            RecordMapping::Event(event_from_record(record).into()),
            RecordMapping::Log(log_from_record(record)),
        ],
        Level::Info => RecordMapping::Breadcrumb(breadcrumb_from_record(record)).into(),
        _ => RecordMapping::Ignore.into(),
    });
    let received = run(ClientOptions::new(), || {
        warn!(logger: logger, "not this");
        info!(logger: logger, "first");
        error!(logger: logger, "second");
    });
    assert_eq!(crumb_messages(&received.event("second")), ["first", "second"]);
    assert_eq!(received.bodies(), ["second"]);
    // Without a client, it is not asked.
    error!(logger: SentryLogger::new().mapper(|_| -> RecordMapping { std::process::abort() }), "unheard");
}

#[test]
fn the_destination_gets_every_record_as_before() {
    let kept = Kept::default();
    let logger = SentryLogger::with_dest(kept.clone()).filter(|metadata| match metadata.level() {
        Level::Error => std::panic::resume_unwind(Box::new("a filter")),
        _ => LogFilter::Ignore,
    });
    let mapping = SentryLogger::with_dest(kept.clone())
        .mapper(|_| -> RecordMapping { std::panic::resume_unwind(Box::new("a mapper")) });
    let quiet = SentryLogger::with_dest(kept.clone()).filter(|_| LogFilter::Log);
    let _ = run(ClientOptions::new(), || {
        trace!(logger: logger, "ignored");
        error!(logger: logger, "filter panics");
        error!(logger: mapping, "mapper panics");
        error!(logger: quiet, target: "sentry_core::hub", "ours");
        error!(logger: quiet, "panics {}", Panics);
    });
    assert_eq!(kept.messages(), ["ignored", "filter panics", "mapper panics", "ours", "panicked"]);
}

struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half a")?;
        std::panic::resume_unwind(Box::new(()))
    }
}

#[test]
fn a_display_that_panics_costs_the_rest_of_its_text() {
    let logger = SentryLogger::new();
    let received = run(ClientOptions::new(), || {
        error!(logger: logger, value = KeyValue::from_display(&Panics), after = 1; "text {}", Panics);
    });
    let event = received.event("text half a [its Display panicked]");
    let attributes = &event["contexts"]["Rust Log Attributes"];
    assert_eq!(attributes["value"], json!("half a [its Display panicked]"));
    assert_eq!(attributes["after"], json!(1));
}

#[test]
fn a_display_that_logs_is_two_records() {
    struct Logs<'a>(&'a SentryLogger<NoopLogger>);
    impl fmt::Display for Logs<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            error!(logger: self.0, "inner");
            f.write_str("outer")
        }
    }
    let logger = SentryLogger::new();
    let received = run(ClientOptions::new(), || error!(logger: logger, "{}", Logs(&logger)));
    assert_eq!(received.events().len(), 2);
    assert_eq!(received.bodies(), ["inner", "outer"]);
    // Told once for the event and the log.
    let _ = (received.event("inner"), received.event("outer"));
}

#[test]
fn what_logs_itself_ends() {
    struct Itself<'a>(&'a SentryLogger<NoopLogger>, &'a Cell<u32>);
    impl fmt::Display for Itself<'_> {
        #[expect(clippy::recursive_format_impl, reason = "that it ends all the same is the test")]
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.1.set(self.1.get() + 1);
            warn!(logger: self.0, "{self}");
            f.write_str("itself")
        }
    }
    let logger = SentryLogger::new();
    let times = Cell::new(0);
    let received = run(ClientOptions::new(), || warn!(logger: logger, "{}", Itself(&logger, &times)));
    assert!((2..=8).contains(&times.get()), "{}", times.get());
    assert_eq!(received.logs().len(), usize::try_from(times.get()).expect("few"));
}

#[test]
fn filters_and_mappers_that_log_are_not_asked_again() {
    let kept = Kept::default();
    let inner = kept.clone();
    let logger = SentryLogger::with_dest(kept.clone()).filter(move |_| {
        error!(logger: SentryLogger::with_dest(inner.clone()), "from the filter");
        LogFilter::Event
    });
    let received = run(ClientOptions::new(), || info!(logger: logger, "asked about"));
    assert_eq!(received.events().len(), 1);
    let _ = received.event("asked about");
    assert_eq!(kept.messages(), ["from the filter", "asked about"]);
}

#[test]
fn values_under_secret_names_stay_here() {
    for with_pii in [false, true] {
        let logger = SentryLogger::new();
        let received = run(ClientOptions::new().send_default_pii(with_pii).debug(true), || {
            for level in [Level::Info, Level::Error] {
                let pairs: Vec<(&str, &str)> = SECRET_NAMES.iter().map(|name| (*name, "hunter2")).collect();
                let pairs: &[(&str, &str)] = &pairs;
                logger.log(&Record::builder().level(level).args(format_args!("secrets")).key_values(&pairs).build());
                let failure = Unreachable(fmt::Error);
                let (auth, panics) = (KeyValue::from_dyn_error(&failure), KeyValue::from_display(&Aborts));
                log::log!(logger: logger, level, auth_error = auth, token = panics, plain = "seen"; "more");
            }
        });
        received.assert_without("hunter2");
        received.assert_without("no way to the host");
        let event = received.event("secrets");
        for name in SECRET_NAMES {
            assert_eq!(event["contexts"]["Rust Log Attributes"][name], json!("[Filtered]"), "{name}");
            assert_eq!(crumbs(&event)[0]["data"][name], json!("[Filtered]"), "{name}");
            assert_eq!(received.logs()[0]["attributes"][name]["value"], json!("[Filtered]"), "{name}");
        }
        let more = received.event("more");
        assert_eq!(more["contexts"]["Rust Log Attributes"]["plain"], json!("seen"));
        assert_eq!(more["exception"]["values"].as_array().map_or(0, Vec::len), 0);
    }
}

/// Must not be formatted.
struct Aborts;

impl fmt::Display for Aborts {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::process::abort()
    }
}

#[test]
fn a_program_may_say_what_is_secret() {
    let logger = SentryLogger::new();
    let received = run(ClientOptions::new().deny_list(sentry::DenyList::of(["iban"])), || {
        error!(logger: logger, author = "me", customer_iban = "DE00"; "paid");
    });
    let attributes = &received.event("paid")["contexts"]["Rust Log Attributes"];
    assert_eq!((&attributes["author"], &attributes["customer_iban"]), (&json!("me"), &json!("[Filtered]")));
}

#[test]
fn what_is_ignored_or_unheard_allocates_nothing() {
    log::set_max_level(log::LevelFilter::Trace);
    let logger = SentryLogger::new();
    let sentry = Sentry::start(ClientOptions::new());
    let listening = sentry.run(|| {
        info!(logger: logger, "warms up");
        assert_eq!(allocations(|| trace!(logger: logger, n = 7, text = "t"; "ignored {}", 1)), 0);
        assert_ne!(allocations(|| info!(logger: logger, n = 7; "heard {}", 1)), 0);
    });
    assert_eq!(listening.bodies(), ["warms up", "heard 1"]);
    let nobody = Arc::new(sentry::Hub::new(None, Arc::default()));
    sentry::Hub::run(nobody, || {
        assert_eq!(allocations(|| error!(logger: logger, n = 7, text = "t"; "unheard {}", 1)), 0);
    });
}

#[test]
fn records_of_the_sdk_are_ignored_and_those_of_programs_are_not() {
    let logger = SentryLogger::new();
    let received = run(ClientOptions::new(), || {
        for target in ["sentry", "sentry::init", "sentry_core::hub", "ureq::pool", "sentry_proxy::app"] {
            info!(logger: logger, target: target, "{target}");
        }
    });
    assert_eq!(received.bodies(), ["ureq::pool", "sentry_proxy::app"]);
}

#[test]
fn what_the_transport_logs_does_not_come_back() {
    if !child::is("transport") {
        let outcome = child::spawn("what_the_transport_logs_does_not_come_back", "transport").run();
        assert!(outcome.success(), "{outcome:?}");
        assert_eq!(outcome.values("body"), ["mine"]);
        // The destination did get them: the loop was there to be closed.
        assert_eq!(outcome.value("transport logs").as_deref(), Some("true"));
        return;
    }
    let receiver = Receiver::start();
    let kept = Kept::default();
    let logger = SentryLogger::with_dest(kept.clone()).filter(|_| LogFilter::Log | LogFilter::Breadcrumb);
    log::set_boxed_logger(Box::new(logger)).expect("none yet");
    log::set_max_level(log::LevelFilter::Trace);
    let guard = sentry::init(ClientOptions::new().dsn(&receiver.dsn()));
    info!(target: "ureq::pool", "mine");
    log::logger().flush();
    sentry::capture_message("once more", sentry::Level::Info);
    drop(guard);
    for body in Received(receiver.envelopes()).bodies() {
        child::report("body", &body);
    }
    child::report("transport logs", &(kept.messages().len() > 2).to_string());
}

#[test]
fn flushing_sends_what_was_logged_and_waits_no_longer_than_allowed() {
    log::set_max_level(log::LevelFilter::Trace);
    log::Log::flush(&NoopLogger);
    let kept = Kept::default();
    let logger = SentryLogger::with_dest(kept.clone());
    // Without a client, it flushes the destination.
    logger.flush();
    let sentry = Sentry::start(ClientOptions::new());
    sentry::Hub::run(Arc::clone(&sentry.hub), || {
        info!(logger: logger, "sent");
        logger.flush();
    });
    assert_eq!(Received(sentry.receiver.envelopes()).bodies(), ["sent"]);
    assert_eq!(kept.messages(), ["flushed", "sent", "flushed"]);

    let gate = Arc::new(Gate::new());
    let at_server = Arc::clone(&gate);
    let silent = Receiver::with(move |_, _| {
        at_server.pass();
        Reply::status(200)
    });
    let sentry = Sentry::at(silent, ClientOptions::new().shutdown_timeout(Duration::from_millis(100)));
    sentry::Hub::run(Arc::clone(&sentry.hub), || {
        error!(logger: logger, "kept waiting");
        let deadline = Deadline::after(Duration::from_secs(5));
        logger.flush();
        assert!(!deadline.has_passed());
    });
    gate.release();
}

#[test]
fn enabled_is_what_either_side_wants() {
    let of = |level| Metadata::builder().level(level).target("app").build();
    let logger = SentryLogger::with_dest(Kept::default()).filter(|metadata| match metadata.level() {
        Level::Debug => LogFilter::Log,
        Level::Trace => std::panic::resume_unwind(Box::new(())),
        _ => LogFilter::Ignore,
    });
    let enabled = [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace].map(|l| logger.enabled(&of(l)));
    assert_eq!(enabled, [true, true, false, true, false]);
    let ours = Metadata::builder().level(Level::Debug).target("sentry_core").build();
    assert!(!logger.enabled(&ours));
}
