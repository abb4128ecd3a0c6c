//! Panics of every kind, each in a child process: what arrives, and that the process ends as it would without the SDK.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test without libtest: clippy.toml exempts test functions only"
)]

mod support;

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sentry::integrations::panic::{PanicIntegration, PanicWait};
use sentry::{ClientInitGuard, ClientOptions, Level};
use serde_json::{Value, json};
use support::{Receiver, ScriptedServer, child};

fn main() {
    let children: &[(&str, fn())] = &[
        ("in a thread", in_a_thread),
        ("caught", caught),
        ("any payload", any_payload),
        ("main with the guard in a static", main_with_the_guard_in_a_static),
        ("main with a guard", main_with_a_guard),
        ("in hooks", in_hooks),
        ("holding a lock that a hook wants", holding_a_lock_that_a_hook_wants),
        ("main holding a lock that a hook wants", main_holding_a_lock_that_a_hook_wants),
        ("at thread teardown", at_thread_teardown),
        ("capture at thread teardown", capture_at_thread_teardown),
        ("in extern C", in_extern_c),
        ("twice", twice),
        ("while a hook blocks", while_a_hook_blocks),
        ("previous hook exits", previous_hook_exits),
        ("previous hook last", previous_hook_last),
        ("custom transport", custom_transport),
        ("main with a log hook that panics", main_with_a_log_hook_that_panics),
    ];
    if child::main_dispatch(children) {
        return;
    }
    let tests: &[(&str, fn())] = &[
        ("a panic in a thread arrives with its place, thread and stack", test_thread),
        ("a caught panic does not hold its thread up", test_caught),
        ("payloads of other types", test_any_payload),
        ("main panics, the guard is in a static", test_main_static),
        ("main panics, the guard is on its stack", test_main_guard),
        ("panics in hooks, processors and Display are no events", test_in_hooks),
        ("a lock that a hook wants is held by the panicking thread", test_lock),
        ("a lock that a hook wants is held by the panicking main thread", test_main_lock),
        ("a panic at thread teardown aborts as it does without us", test_teardown),
        ("a capture at thread teardown arrives", test_capture_at_teardown),
        ("a panic in extern C is delivered before the abort", test_extern_c),
        ("a panic while another unwinds: both are delivered before the abort", test_twice),
        ("a panic is delivered while a hook blocks", test_while_a_hook_blocks),
        ("a previous hook that exits", test_previous_exits),
        ("a previous hook that exits, put last", test_previous_last),
        ("standard error is closed or full", test_stderr),
        ("a transport that finishes at once", test_custom_transport),
        ("hooks of what is flushed run outside of the panic hook", test_log_hook),
    ];
    for (name, test) in tests {
        println!("test {name} ...");
        test();
    }
    println!("\n{} passed, 0 failed", tests.len());
}

fn init_with(options: ClientOptions) -> ClientInitGuard {
    let dsn = std::env::var("TEST_DSN").expect("set by the parent");
    sentry::init(options.dsn(&dsn))
}

fn init() -> ClientInitGuard {
    // A busy machine is not what is tested.
    init_with(ClientOptions::new().shutdown_timeout(Duration::from_secs(20)))
}

fn spawn(name: &str, receiver: &Receiver) -> child::Spawn {
    child::main(name).env("TEST_DSN", receiver.dsn())
}

fn exception(event: &Value) -> &Value {
    &event["exception"]["values"][0]
}

// --- in a thread -------------------------------------------------------------------------------------------------

const THREAD_PANIC_LINE: u32 = line!() + 6;

fn in_a_thread() {
    let guard = init();
    let worker = thread::Builder::new().name("worker".into()).spawn(|| {
        sentry::configure_scope(|scope| scope.set_tag("in", "worker"));
        panic!("broken: {}", 7);
    });
    assert!(worker.expect("a thread").join().is_err());
    drop(guard);
}

fn test_thread() {
    let receiver = Receiver::start();
    let out = spawn("in a thread", &receiver).run();
    assert!(out.success(), "{out:?}");
    assert!(out.stderr.contains("broken: 7"), "the previous hook runs: {}", out.stderr);
    let event = receiver.wait_events(1).remove(0);
    let exception = exception(&event);
    assert_eq!((&exception["type"], &exception["value"]), (&json!("panic"), &json!("broken: 7")));
    assert_eq!(exception["mechanism"]["type"], "panic");
    assert_eq!(exception["mechanism"]["handled"], false);
    assert_eq!(event["level"], "fatal");
    assert_eq!(event["tags"], json!({"in": "worker"}));
    let newest = exception["stacktrace"]["frames"].as_array().expect("frames").last().expect("one").clone();
    assert_eq!((&newest["lineno"], &newest["in_app"]), (&json!(THREAD_PANIC_LINE), &json!(true)), "{newest:#}");
    let thread = &event["threads"]["values"][0];
    assert_eq!((&thread["name"], &thread["id"]), (&json!("worker"), &exception["thread_id"]));
    assert_eq!((&thread["crashed"], &thread["current"]), (&json!(true), &json!(true)));
    assert!(exception["mechanism"]["data"].to_string().contains("panics.rs"), "{exception:#}");
}

// --- caught ------------------------------------------------------------------------------------------------------

fn caught() {
    let guard = init_with(ClientOptions::new().shutdown_timeout(Duration::from_millis(100)));
    let started = Instant::now();
    thread::spawn(|| {
        for n in 0..20 {
            let _ = catch_unwind(|| panic!("caught {n}"));
        }
    })
    .join()
    .expect("all caught");
    child::report("millis", &started.elapsed().as_millis().to_string());
    drop(guard);
}

fn test_caught() {
    // Nobody answers: waiting for delivery would show.
    let server = ScriptedServer::silent();
    let out = child::main("caught").env("TEST_DSN", server.dsn()).run();
    assert!(out.success(), "{out:?}");
    let millis: u64 = out.value("millis").expect("reported").parse().expect("a number");
    assert!(millis < 1_000, "20 caught panics took {millis} ms");
}

// --- payloads ----------------------------------------------------------------------------------------------------

fn any_payload() {
    let guard = init();
    thread::spawn(|| {
        let _ = catch_unwind(|| std::panic::panic_any(String::from("a string")));
        let _ = catch_unwind(|| std::panic::panic_any(42u64));
        let _ = catch_unwind(|| std::panic::panic_any(vec![1u8]));
        let _ = catch_unwind(|| panic!("{}", "long ".repeat(1 << 20)));
    })
    .join()
    .expect("all caught");
    drop(guard);
}

fn test_any_payload() {
    let receiver = Receiver::start();
    let out = spawn("any payload", &receiver).run();
    assert!(out.success(), "{out:?}");
    let events = receiver.wait_events(4);
    let mut texts: Vec<&str> = events.iter().filter_map(|event| exception(event)["value"].as_str()).collect();
    texts.sort();
    let [number, other, string, long] = texts[..] else { panic!("each has a text: {}", texts.len()) };
    assert_eq!((number, other, string), ("42", "Box<dyn Any>", "a string"));
    assert!(long.starts_with("long long") && long.len() <= 1 << 20);
}

// --- main --------------------------------------------------------------------------------------------------------

fn main_with_the_guard_in_a_static() {
    static GUARD: OnceLock<ClientInitGuard> = OnceLock::new();
    let _ = GUARD.set(init());
    panic!("main is done");
}

fn test_main_static() {
    let receiver = Receiver::start();
    let out = spawn("main with the guard in a static", &receiver).run();
    assert_eq!(out.status.code(), Some(101), "{out:?}");
    assert_eq!(exception(&receiver.wait_events(1)[0])["value"], "main is done");
}

fn main_with_a_guard() {
    let _guard = init();
    panic!("main is done");
}

fn test_main_guard() {
    let receiver = Receiver::start();
    let out = spawn("main with a guard", &receiver).run();
    assert_eq!(out.status.code(), Some(101), "{out:?}");
    let events = receiver.wait_events(1);
    assert_eq!((events.len(), &events[0]["threads"]["values"][0]["name"]), (1, &json!("main")));
}

// --- in user code that the SDK calls -----------------------------------------------------------------------------

fn in_hooks() {
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Panics")
        }
    }
    impl fmt::Display for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("in Display")
        }
    }
    impl std::error::Error for Panics {}

    let guard = init_with(ClientOptions::new().before_send(|event| {
        if event.message.as_deref() == Some("for before_send") {
            panic!("in before_send");
        }
        Some(event)
    }));
    sentry::capture_message("for before_send", Level::Error);
    sentry::with_scope(
        |scope| scope.add_event_processor(|_| panic!("in a processor")),
        || sentry::capture_message("for a processor", Level::Error),
    );
    sentry::capture_error(&Panics);
    sentry::capture_message("still alive", Level::Info);
    guard.close(None);
    child::report("stats", &format!("{:?}", guard.stats().categories()[0].lost));
}

fn test_in_hooks() {
    let receiver = Receiver::start();
    let out = spawn("in hooks", &receiver).run();
    assert!(out.success(), "{out:?}");
    assert_eq!(out.value("stats").as_deref(), Some("[(EventProcessor, 1), (BeforeSend, 1)]"));
    let events = receiver.events();
    assert_eq!(events.len(), 2, "no event about our own hooks: {events:#?}");
    assert_eq!(exception(&events[0])["value"], " [its Display panicked]");
    assert_eq!(events[1]["logentry"]["formatted"], "still alive");
}

// --- locks -------------------------------------------------------------------------------------------------------

static WANTED: Mutex<()> = Mutex::new(());

fn init_with_a_hook_that_locks() -> ClientInitGuard {
    init_with(ClientOptions::new().before_send(|event| {
        let _held = WANTED.lock().unwrap_or_else(PoisonError::into_inner);
        Some(event)
    }))
}

fn holding_a_lock_that_a_hook_wants() {
    let guard = init_with_a_hook_that_locks();
    let panicking = thread::spawn(|| {
        let _held = WANTED.lock();
        panic!("with the lock held");
    });
    assert!(panicking.join().is_err());
    drop(guard);
}

fn test_lock() {
    let receiver = Receiver::start();
    let out = spawn("holding a lock that a hook wants", &receiver).run();
    assert!(out.success() && out.elapsed < Duration::from_secs(5), "{out:?}");
    assert_eq!(receiver.wait_events(1).len(), 1);
}

fn main_holding_a_lock_that_a_hook_wants() {
    let _guard = init_with_a_hook_that_locks();
    let _held = WANTED.lock();
    panic!("with the lock held");
}

fn test_main_lock() {
    let receiver = Receiver::start();
    let out = spawn("main holding a lock that a hook wants", &receiver).run();
    assert_eq!(out.status.code(), Some(101), "{out:?}");
    // The panic hook waits its 2 s in vain; unwinding frees the lock, and the guard sends.
    assert!(out.elapsed < Duration::from_secs(6), "{out:?}");
    assert_eq!(receiver.wait_events(1).len(), 1);
}

// --- thread teardown ---------------------------------------------------------------------------------------------

struct AtTeardown(fn());

impl Drop for AtTeardown {
    fn drop(&mut self) {
        (self.0)();
    }
}

thread_local! {
    static LAST: RefCell<Option<AtTeardown>> = const { RefCell::new(None) };
}

fn run_at_teardown(run: fn()) {
    let _ = thread::spawn(move || {
        // Registered before the SDK's own thread-locals, so it is dropped after them.
        LAST.with(|last| *last.borrow_mut() = Some(AtTeardown(run)));
        sentry::capture_message("the thread uses the SDK", Level::Info);
    })
    .join();
}

fn at_thread_teardown() {
    let _guard = init();
    run_at_teardown(|| panic!("in a destructor"));
}

fn test_teardown() {
    let receiver = Receiver::start();
    let out = spawn("at thread teardown", &receiver).run();
    assert_eq!(out.signal(), Some(6), "std aborts here, with or without us: {out:?}");
    assert_eq!(out.stderr.matches("panicked at").count(), 1, "one panic and no second one of ours: {}", out.stderr);
    let events = receiver.wait_events(2);
    assert!(events.iter().any(|event| exception(event)["value"] == "in a destructor"), "waited for: {events:#?}");
}

fn capture_at_thread_teardown() {
    let _guard = init();
    run_at_teardown(|| {
        sentry::configure_scope(|scope| scope.set_tag("late", "yes"));
        sentry::capture_message("in a destructor", Level::Info);
    });
}

fn test_capture_at_teardown() {
    let receiver = Receiver::start();
    let out = spawn("capture at thread teardown", &receiver).run();
    assert!(out.success(), "{out:?}");
    let events = receiver.wait_events(2);
    let mut texts: Vec<_> = events.iter().map(|event| event["logentry"]["formatted"].as_str().unwrap()).collect();
    // Two senders may be at work: in any order.
    texts.sort_unstable();
    assert_eq!(texts, ["in a destructor", "the thread uses the SDK"]);
}

// --- panics that cannot unwind -----------------------------------------------------------------------------------

extern "C" fn called_from_c() {
    panic!("across a border");
}

fn in_extern_c() {
    let _guard = init();
    let _ = thread::spawn(|| called_from_c()).join();
}

fn test_extern_c() {
    let receiver = Receiver::start();
    let out = spawn("in extern C", &receiver).run();
    assert_eq!(out.signal(), Some(6), "{out:?}");
    let events = receiver.wait_events(1);
    assert_eq!((events.len(), &exception(&events[0])["value"]), (1, &json!("across a border")), "{events:#?}");
}

// --- a panic while another unwinds -------------------------------------------------------------------------------

fn twice() {
    struct PanicsToo;
    impl Drop for PanicsToo {
        fn drop(&mut self) {
            panic!("the second");
        }
    }
    let _guard = init();
    let _ = thread::spawn(|| {
        let _second = PanicsToo;
        panic!("the first");
    })
    .join();
}

fn test_twice() {
    let receiver = Receiver::start();
    let out = spawn("twice", &receiver).run();
    assert_eq!(out.signal(), Some(6), "{out:?}");
    let mut values: Vec<Value> =
        receiver.wait_events(2).iter().map(|event| exception(event)["value"].clone()).collect();
    values.sort_by_key(Value::to_string);
    assert_eq!(values, [json!("the first"), json!("the second")]);
}

// --- a hook that blocks ------------------------------------------------------------------------------------------

fn while_a_hook_blocks() {
    let held = WANTED.lock().unwrap_or_else(PoisonError::into_inner);
    let guard = init_with(ClientOptions::new().before_send(|event| {
        if event.message.is_some() {
            let _held = WANTED.lock().unwrap_or_else(PoisonError::into_inner);
        }
        Some(event)
    }));
    sentry::capture_message("blocks", Level::Info);
    let _ = thread::spawn(|| panic!("meanwhile")).join();
    sentry::Hub::current().client().map(|client| client.flush(Some(Duration::from_secs(1))));
    let started = Instant::now();
    guard.close(Some(Duration::from_millis(100)));
    child::report("millis", &started.elapsed().as_millis().to_string());
    drop(held);
}

fn test_while_a_hook_blocks() {
    let receiver = Receiver::start();
    let out = spawn("while a hook blocks", &receiver).run();
    assert!(out.success(), "{out:?}");
    assert_eq!(exception(&receiver.wait_events(1)[0])["value"], "meanwhile");
    let millis: u64 = out.value("millis").expect("reported").parse().expect("a number");
    assert!(millis <= 200, "close took {millis} ms");
}

// --- the previous hook -------------------------------------------------------------------------------------------

fn previous_hook_exits() {
    std::panic::set_hook(Box::new(|_| std::process::exit(3)));
    let _guard = init();
    let _ = thread::spawn(|| panic!("and exit")).join();
}

fn test_previous_exits() {
    let receiver = Receiver::start();
    let out = spawn("previous hook exits", &receiver).run();
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    assert!(out.elapsed < Duration::from_secs(5), "{out:?}");
}

fn previous_hook_last() {
    std::panic::set_hook(Box::new(|_| std::process::exit(3)));
    let panics = PanicIntegration::new().wait(PanicWait::Always).previous_hook_last(true);
    let _guard = init_with(ClientOptions::new().add_integration(panics));
    let _ = thread::spawn(|| panic!("and exit")).join();
}

fn test_previous_last() {
    let receiver = Receiver::start();
    let out = spawn("previous hook last", &receiver).run();
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    assert_eq!(exception(&receiver.wait_events(1)[0])["value"], "and exit");
}

fn test_stderr() {
    let receiver = Receiver::start();
    let out = spawn("main with a guard", &receiver).close_stderr().run();
    assert_eq!(out.status.code(), Some(101), "{out:?}");
    let out = spawn("main with a guard", &receiver).full_stderr().run();
    assert_eq!(out.status.code(), Some(101), "{out:?}");
    assert_eq!(receiver.wait_events(2).len(), 2);
}

// --- a transport that does not defer -----------------------------------------------------------------------------

fn custom_transport() {
    struct Report;
    impl sentry::Transport for Report {
        fn send_envelope(&self, envelope: sentry::Envelope) {
            let value = envelope.event().and_then(|event| event.exception.values[0].value.clone());
            child::report("value", &value.unwrap_or_default());
            child::report("thread", thread::current().name().unwrap_or_default());
        }
    }
    let hook = |event| {
        let _held = WANTED.lock().unwrap_or_else(PoisonError::into_inner);
        Some(event)
    };
    let options = ClientOptions::new().transport(std::sync::Arc::new(Report)).before_send(hook);
    let _guard = init_with(options.shutdown_timeout(Duration::from_millis(300)));
    let _ = catch_unwind(AssertUnwindSafe(|| panic!("simple")));
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let _held = WANTED.lock();
        panic!("with the lock held");
    }));
    // The second one is finished once the lock is free: wait for its turn.
    drop(WANTED.lock().unwrap_or_else(PoisonError::into_inner));
    support::wait_until(
        || sentry::Hub::current().client().is_some_and(|client| client.stats().categories()[0].queued() == 0),
        Duration::from_secs(10),
    );
}

fn test_custom_transport() {
    let receiver = Receiver::start();
    let out = spawn("custom transport", &receiver).run();
    assert!(out.success(), "{out:?}");
    let mut values = out.values("value");
    values.sort();
    assert_eq!(values, ["simple", "with the lock held"]);
    assert_eq!(out.values("thread"), ["sentry-crash", "sentry-crash"], "no hook runs on the panicking thread");
}

// --- what the panic hook flushes ---------------------------------------------------------------------------------

fn main_with_a_log_hook_that_panics() {
    let options = ClientOptions::new().hooks_on_caller(true).before_send_log(|_| panic!("in before_send_log"));
    let _guard = init_with(options.shutdown_timeout(Duration::from_secs(20)));
    sentry::logger_info!("waits for others");
    panic!("main");
}

fn test_log_hook() {
    let receiver = Receiver::start();
    let out = spawn("main with a log hook that panics", &receiver).run();
    assert_eq!(out.status.code(), Some(101), "no abort: {out:?}");
    let events = receiver.events();
    assert_eq!((events.len(), &exception(&events[0])["value"]), (1, &json!("main")));
}
