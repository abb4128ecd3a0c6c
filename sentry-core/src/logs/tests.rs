use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use serde_json::json;

use crate::protocol::{Envelope, EnvelopeItem, ItemContainer, Log, LogAttribute, LogLevel, TraceId, User, Value};
use crate::test::with_captured_envelopes_options;
use crate::{
    ClientOptions, configure_scope, logger_debug, logger_error, logger_fatal, logger_info, logger_trace, logger_warn,
};

/// The logs that `f` captures, as a client with `options` finishes them.
fn logs_with(options: ClientOptions, f: impl FnOnce()) -> Vec<Log> {
    let items = with_captured_envelopes_options(f, options).into_iter().flat_map(Envelope::into_items);
    let logs = items.filter_map(|item| match item {
        EnvelopeItem::ItemContainer(ItemContainer::Logs(logs)) => Some(logs),
        _ => None,
    });
    logs.flatten().collect()
}

fn logs(f: impl FnOnce()) -> Vec<Log> {
    logs_with(ClientOptions::new(), f)
}

/// The attributes without those that every log has.
fn own(log: &Log) -> Value {
    let defaults = ["sentry.sdk.name", "sentry.sdk.version"];
    let own = log.attributes.iter().filter(|(key, _)| !defaults.contains(&key.as_str()));
    own.map(|(key, value)| (key.clone(), value.0.clone())).collect()
}

#[test]
fn each_macro_has_its_level_and_severity() {
    let logs = logs(|| {
        logger_trace!("a");
        logger_debug!("b");
        logger_info!("c");
        logger_warn!("d");
        logger_error!("e");
        logger_fatal!("f");
    });
    let seen: Vec<_> = logs.iter().map(|log| (log.body.as_str(), log.level, json!(log.severity_number))).collect();
    let expected = [
        ("a", LogLevel::Trace, json!(1)),
        ("b", LogLevel::Debug, json!(5)),
        ("c", LogLevel::Info, json!(9)),
        ("d", LogLevel::Warn, json!(13)),
        ("e", LogLevel::Error, json!(17)),
        ("f", LogLevel::Fatal, json!(21)),
    ];
    assert_eq!(seen, expected);
    assert!(logs.iter().all(|log| own(log) == json!({})), "no template without parameters");
}

#[test]
fn parameters_keep_their_type_and_name() {
    struct Shown;
    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("shown")
        }
    }
    #[derive(Debug)]
    struct Programmers;
    struct Hex;
    impl fmt::LowerHex for Hex {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("0xff")
        }
    }
    let (number, text, width) = (7_u64, String::from("text"), 5);
    let logs = logs(|| {
        logger_info!(
            "{} {} {what:>width$} {:.1} {} {:?} {:x} {} {}",
            number,
            &text,
            2.25,
            Shown,
            Programmers,
            Hex,
            -1,
            f64::NAN,
            what = true,
            width = width,
        );
    });
    assert_eq!(logs[0].body, "7 text  true 2.2 shown Programmers 0xff -1 NaN");
    assert_eq!(
        own(&logs[0]),
        json!({
            "sentry.message.template": "{} {} {what:>width$} {:.1} {} {:?} {:x} {} {}",
            "sentry.message.parameter.0": 7,
            "sentry.message.parameter.1": "text",
            "sentry.message.parameter.2": 2.25,
            "sentry.message.parameter.3": "shown",
            "sentry.message.parameter.4": "Programmers",
            "sentry.message.parameter.6": -1,
            "sentry.message.parameter.7": "NaN",
            "sentry.message.parameter.what": true,
            "sentry.message.parameter.width": 5,
        }),
        "and none of what has no text of general use"
    );
    assert_eq!(text, "text", "still the caller's");
}

#[test]
fn names_written_into_the_text_are_only_formatted() {
    let user = "ada";
    let logs = logs(|| {
        logger_info!("{user} was here");
        logger_info!("{user} paid {}", 3);
    });
    assert_eq!((logs[0].body.as_str(), own(&logs[0])), ("ada was here", json!({})));
    assert_eq!(logs[1].body, "ada paid 3");
    assert_eq!(own(&logs[1]), json!({"sentry.message.template": "{user} paid {}", "sentry.message.parameter.0": 3}));
}

#[test]
fn attributes_have_dotted_or_quoted_names_and_any_value() {
    let (owned, borrowed) = (String::from("owned"), "borrowed");
    let logs = logs(|| {
        logger_warn!(
            cart.id = 7,
            "quoted.key" = true,
            single = borrowed,
            a.b.c = owned,
            ratio = 0.5,
            type = LogAttribute::from("attribute"),
            list = vec!["a", "b"],
            "text {}",
            1,
        );
        logger_warn!("only.text" = 1, "text",);
    });
    assert_eq!(logs[0].body, "text 1");
    assert_eq!(
        own(&logs[0]),
        json!({
            "cart.id": 7, "quoted.key": true, "single": "borrowed", "a.b.c": "owned", "ratio": 0.5, "type": "attribute",
            "list": ["a", "b"], "sentry.message.template": "text {}", "sentry.message.parameter.0": 1,
        })
    );
    assert_eq!((logs[1].body.as_str(), own(&logs[1])), ("text", json!({"only.text": 1})));
}

#[test]
fn a_log_in_the_place_of_an_expression() {
    fn generic<T: fmt::Display>(value: T) {
        if true { logger_info!("{}", value) } else { logger_info!("other") }
    }
    let logs = logs(|| match 1 {
        1 => generic("x"),
        _ => logger_error!("not this"),
    });
    assert_eq!((logs.len(), logs[0].body.as_str()), (1, "x"));
    assert_eq!(own(&logs[0])["sentry.message.parameter.0"], "x");
}

struct Bomb;

impl fmt::Display for Bomb {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::panic::resume_unwind(Box::new("formatted"))
    }
}

#[test]
fn arguments_are_evaluated_once_and_only_for_somebody() {
    let count = Cell::new(0);
    let argument = || {
        count.set(count.get() + 1);
        count.get()
    };
    let hub = Arc::new(crate::Hub::new(None, Arc::default()));
    crate::Hub::run(hub, || {
        logger_info!("{} {}", argument(), Bomb);
        logger_info!(key = argument(), "{Bomb}");
    });
    assert_eq!(count.get(), 0, "no client");
    #[expect(deprecated, reason = "the kill switch")]
    let off = ClientOptions::new().enable_logs(false);
    assert!(logs_with(off, || logger_info!(key = argument(), "{} {}", argument(), Bomb)).is_empty());
    assert_eq!(count.get(), 0, "logs are off");
    let logs = logs(|| logger_info!(key = argument(), "{0} {0} {1}", argument(), argument()));
    assert_eq!((count.get(), logs[0].body.as_str()), (3, "2 2 3"));
}

#[test]
fn a_display_that_panics_costs_its_text_and_no_more() {
    let logs = logs(|| logger_error!(kept = 1, "{} {}", 7, Bomb));
    assert_eq!(logs[0].body, "{} {}");
    let own = own(&logs[0]);
    assert_eq!((&own["kept"], &own["sentry.message.parameter.0"]), (&json!(1), &json!(7)));
}

#[test]
fn a_display_that_logs_does_not_feed_itself() {
    struct Chatty;
    impl fmt::Display for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            logger_info!("again {}", Chatty);
            f.write_str("once")
        }
    }
    let logs = logs(|| logger_info!("{}", Chatty));
    assert_eq!(logs.iter().map(|log| log.body.as_str()).collect::<Vec<_>>(), ["once"]);
}

#[test]
fn defaults_fill_in_what_the_program_did_not_set() {
    let options = ClientOptions::new().environment("prod").release("shop@1").server_name("host-1");
    let logs = logs_with(options, || logger_info!("sentry.environment" = "mine", "text"));
    let attribute = |key: &str| logs[0].attributes.get(key).map(|value| value.0.clone());
    assert_eq!(attribute("sentry.environment"), Some(json!("mine")));
    assert_eq!(attribute("sentry.release"), Some(json!("shop@1")));
    assert_eq!(attribute("server.address"), Some(json!("host-1")));
    assert_eq!(attribute("sentry.sdk.name"), Some(json!("sentry.rust")));
    assert_eq!(attribute("sentry.sdk.version"), Some(json!(env!("CARGO_PKG_VERSION"))));
}

#[test]
fn the_user_is_told_only_if_that_was_asked_for() {
    let log = || {
        let user = User { id: Some("7".into()), username: Some("ada".into()), ..User::default() };
        configure_scope(|scope| scope.set_user(Some(user)));
        logger_info!("user.id" = "own", "text");
    };
    let quiet = logs(log);
    assert_eq!(own(&quiet[0]), json!({"user.id": "own"}));
    let told = logs_with(ClientOptions::new().send_default_pii(true), log);
    assert_eq!(own(&told[0]), json!({"user.id": "own", "user.name": "ada"}));
}

#[test]
fn logs_belong_to_the_active_span_or_else_to_the_trace_at_hand() {
    let options = ClientOptions::new().traces_sample_rate(1.0);
    let foreign = TraceId::default();
    let ids = Cell::new(None);
    let logs = logs_with(options, || {
        logger_info!("outside");
        let transaction = crate::start_transaction(crate::TransactionContext::new("work", "task"));
        let span = transaction.start_child("db", "query");
        configure_scope(|scope| scope.set_span(Some(span.clone().into())));
        logger_info!("inside");
        let elsewhere = Log { trace_id: Some(foreign), ..log_of("elsewhere") };
        crate::Hub::current().capture_log(elsewhere);
        let context = span.get_trace_context();
        ids.set(Some((context.trace_id, context.span_id)));
        configure_scope(|scope| {
            let mut log = log_of("applied");
            scope.apply_to_log(&mut log);
            assert_eq!(log.trace_id, Some(context.trace_id));
            assert_eq!(own(&log), json!({"sentry.trace.parent_span_id": context.span_id.to_string()}));
        });
    });
    let (trace_id, span_id) = ids.take().expect("set above");
    assert!(logs[0].trace_id.is_some_and(|outside| outside != trace_id));
    assert_eq!(own(&logs[0]), json!({}));
    assert_eq!(logs[1].trace_id, Some(trace_id));
    assert_eq!(own(&logs[1]), json!({"sentry.trace.parent_span_id": span_id.to_string()}));
    assert_eq!((logs[2].trace_id, own(&logs[2])), (Some(foreign), json!({})), "not of this span's trace");
}

#[test]
fn a_log_captured_for_a_client_belongs_to_the_scope_it_comes_with() {
    let options = ClientOptions::new().send_default_pii(true);
    let expected = Cell::new(None);
    let logs = logs_with(options, || {
        let transaction = crate::start_transaction(crate::TransactionContext::new("work", "task"));
        let mut scope = crate::Scope::default();
        scope.set_span(Some(transaction.clone().into()));
        scope.set_user(Some(User { id: Some("7".into()), ..User::default() }));
        crate::Hub::current().client().expect("bound").capture_log(log_of("by hand"), &scope);
        let context = transaction.get_trace_context();
        expected.set(Some((context.trace_id, context.span_id)));
    });
    let (trace_id, span_id) = expected.take().expect("set above");
    assert_eq!((logs.len(), logs[0].trace_id), (1, Some(trace_id)));
    assert_eq!(own(&logs[0]), json!({"sentry.trace.parent_span_id": span_id.to_string(), "user.id": "7"}));
}

#[test]
fn with_hooks_on_the_caller_they_run_on_the_thread_that_flushes() {
    let here = std::thread::current().id();
    let ran = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let transport = crate::test::TestTransport::deferred();
    let options = ClientOptions::new()
        .dsn("https://public@sentry.invalid/1")
        .hooks_on_caller(true)
        .transport(Arc::clone(&transport))
        .before_send_log(move |log| {
            assert_eq!(std::thread::current().id(), here);
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Some(log)
        });
    let client = Arc::new(crate::Client::with_options(options));
    let hub = Arc::new(crate::Hub::new(Some(Arc::clone(&client)), Arc::default()));
    crate::Hub::run(hub, || (0..150).for_each(|n| logger_info!("{n}")));
    assert_eq!(ran.load(std::sync::atomic::Ordering::SeqCst), 100, "those of the full batch");
    client.flush(None);
    assert_eq!(ran.load(std::sync::atomic::Ordering::SeqCst), 150);
    assert_eq!(transport.fetch_and_clear_envelopes().len(), 2);
}

fn log_of(body: &str) -> Log {
    Log {
        level: LogLevel::Info,
        body: body.to_owned(),
        trace_id: None,
        timestamp: std::time::UNIX_EPOCH,
        severity_number: None,
        attributes: Default::default(),
    }
}

#[test]
fn nothing_of_an_argument_is_held_while_the_log_is_captured() {
    static LOCKED: std::sync::Mutex<&str> = std::sync::Mutex::new("free");
    let options = ClientOptions::new().before_send_log(|mut log| {
        let is_free = LOCKED.try_lock().is_ok();
        log.attributes.insert("is_free".to_owned(), is_free.into());
        Some(log)
    });
    let lock = || LOCKED.lock().expect("never poisoned");
    // The last one makes the batch leave.
    let logs =
        logs_with(options, || (0..100).for_each(|_| logger_info!(shown = *lock(), "{} {last}", *lock(), last = 7)));
    assert_eq!(logs.len(), 100);
    assert!(logs.iter().all(|log| log.attributes["is_free"] == true.into()));
}

#[test]
fn names_of_the_program_are_its_own() {
    const SITE: u8 = 7;
    let (record, attributes, argument) = (1, 2, 3);
    let logs = logs(|| logger_info!(a = attributes, "{SITE} {record} {} {argument}", argument));
    assert_eq!(logs[0].body, "7 1 3 3");
}
