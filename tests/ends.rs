//! Ways a program begins, idles and ends, each in a child process: threads before `init`, what an idle SDK costs, exit
//! against a silent server, a DSN that is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test without libtest: clippy.toml exempts test functions only"
)]

mod support;

use std::thread;
use std::time::Duration;

use sentry::{ClientInitGuard, Level};
use support::{Gate, Receiver, ScriptedServer, child};

fn main() {
    let children: &[(&str, fn())] = &[
        ("threads before init", threads_before_init),
        ("init on a thread", init_on_a_thread),
        ("idle", idle),
        ("exit", exit),
        ("drop", drop_guard),
        ("bad dsn", bad_dsn),
        ("init twice", init_twice),
        ("session panics", session_panics),
        ("session is killed", session_is_killed),
        ("session cannot unwind", session_cannot_unwind),
        ("started in a trace", started_in_a_trace),
    ];
    if child::main_dispatch(children) {
        return;
    }
    let tests: &[(&str, fn())] = &[
        ("a thread that used the SDK before init reports after it", test_threads_before_init),
        ("init on another thread than main reaches all threads", test_init_on_a_thread),
        ("idle: one parked thread, no wake-ups", test_idle),
        ("exit adds nothing against a silent server", test_exit),
        ("dropping the guard holds its time against a silent server", test_drop),
        ("a refused DSN disables, and says which part without the key", test_bad_dsn),
        ("a second init takes over", test_init_twice),
        ("a session ends with the run, as crashed if the run panics", test_session_panics),
        ("a session that is killed has told of its errors", test_session_is_killed),
        ("a session that a panic aborts has crashed", test_session_cannot_unwind),
        ("a process that is started in a trace belongs to it, if it is its organization's", test_started_in_a_trace),
    ];
    for (name, test) in tests {
        println!("test {name} ...");
        test();
    }
    println!("\n{} passed, 0 failed", tests.len());
}

fn init() -> ClientInitGuard {
    sentry::init(std::env::var("TEST_DSN").expect("set by the parent"))
}

fn spawn(name: &str, dsn: String) -> child::Spawn {
    child::main(name).env("TEST_DSN", dsn)
}

fn texts(receiver: &Receiver, count: usize) -> Vec<String> {
    let mut texts: Vec<String> = (receiver.wait_events(count).iter())
        .map(|event| event["logentry"]["formatted"].as_str().unwrap_or_default().to_owned())
        .collect();
    texts.sort();
    texts
}

fn threads_before_init() {
    let gate = Gate::new();
    let inside = gate.clone();
    let early = thread::spawn(move || {
        sentry::configure_scope(|scope| scope.set_tag("lost", "nobody was there to configure for"));
        sentry::capture_message("before init", Level::Info);
        let hub = sentry::Hub::current();
        inside.pass();
        sentry::configure_scope(|scope| scope.set_tag("thread", "early"));
        hub.capture_message("after init", Level::Info);
    });
    gate.wait_started(1);
    let _guard = init();
    gate.release();
    early.join().expect("no panic");
}

fn test_threads_before_init() {
    let receiver = Receiver::start();
    let out = spawn("threads before init", receiver.dsn()).run();
    assert!(out.success(), "{out:?}");
    assert_eq!(texts(&receiver, 1), ["after init"]);
    assert_eq!(receiver.events()[0]["tags"]["thread"], "early");
}

fn init_on_a_thread() {
    sentry::capture_message("too early", Level::Info);
    let guard = thread::spawn(init).join().expect("a guard");
    sentry::capture_message("from main", Level::Info);
    thread::spawn(|| sentry::capture_message("from a thread", Level::Info)).join().expect("no panic");
    drop(guard);
}

fn test_init_on_a_thread() {
    let receiver = Receiver::start();
    let out = spawn("init on a thread", receiver.dsn()).run();
    assert!(out.success(), "{out:?}");
    assert_eq!(texts(&receiver, 2), ["from a thread", "from main"]);
}

fn idle() {
    let guard = init();
    // Busy once, then left alone until its senders have gone home.
    sentry::capture_message("busy", Level::Info);
    assert!(guard.flush(None));
    support::wait_until(|| threads().len() == 2, Duration::from_secs(25));
    let before = wake_ups();
    // Idleness can only be seen over time.
    thread::sleep(Duration::from_millis(1_500));
    child::report("threads", &threads().join(","));
    child::report("wake-ups", &(wake_ups() - before).to_string());
}

/// The names of all threads of this process.
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let mut names: Vec<String> = tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect();
    names.sort();
    names
}

/// How often the SDK's threads were scheduled so far.
fn wake_ups() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let switches = tasks.filter_map(|task| {
        let path = task.ok()?.path();
        let ours = std::fs::read_to_string(path.join("comm")).ok()?.starts_with("sentry");
        let status = std::fs::read_to_string(path.join("status")).ok()?;
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        ours.then(|| count.trim().parse::<u64>().ok())?
    });
    switches.sum()
}

fn test_idle() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let receiver = Receiver::start();
    let out = spawn("idle", receiver.dsn()).timeout(Duration::from_secs(60)).run();
    assert!(out.success(), "{out:?}");
    let threads = out.value("threads").expect("reported");
    assert_eq!(threads.split(',').filter(|name| name.starts_with("sentry")).count(), 1, "{threads}");
    assert_eq!(out.value("wake-ups").as_deref(), Some("0"));
}

fn exit() {
    let guard = init();
    for _ in 0..10 {
        sentry::capture_message("never answered", Level::Error);
    }
    std::mem::forget(guard);
    std::process::exit(7);
}

fn test_exit() {
    let server = ScriptedServer::silent();
    let out = spawn("exit", server.dsn()).run();
    assert_eq!(out.status.code(), Some(7), "{out:?}");
    assert!(out.elapsed < Duration::from_secs(1), "{:?}", out.elapsed);
}

fn drop_guard() {
    let guard = sentry::init((
        std::env::var("TEST_DSN").expect("set by the parent"),
        sentry::ClientOptions::new().shutdown_timeout(Duration::from_millis(100)),
    ));
    sentry::capture_message("never answered", Level::Error);
    let started = std::time::Instant::now();
    drop(guard);
    child::report("millis", &started.elapsed().as_millis().to_string());
}

fn test_drop() {
    let server = ScriptedServer::silent();
    let out = spawn("drop", server.dsn()).run();
    assert!(out.success(), "{out:?}");
    let millis: u64 = out.value("millis").expect("reported").parse().expect("a number");
    assert!((90..=150).contains(&millis), "{millis} ms");
    assert!(out.elapsed < Duration::from_secs(1), "the threads hold nobody up: {:?}", out.elapsed);
}

fn bad_dsn() {
    let guard = init();
    assert!(!guard.is_enabled());
    assert!(sentry::capture_message("goes nowhere", Level::Error).is_nil());
}

fn test_bad_dsn() {
    for dsn in ["https://verysecretkey@/1", "ftp://verysecretkey@host/1", "https://verysecretkey@host", "verysecretkey"]
    {
        let out = spawn("bad dsn", dsn.to_owned()).run();
        assert!(out.success(), "{out:?}");
        let lines: Vec<&str> = out.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "{dsn}: {lines:?}");
        assert!(lines[0].starts_with("sentry: DSN: ") && !out.stderr.contains("verysecretkey"), "{dsn}: {lines:?}");
    }
    let out = spawn("bad dsn", String::new()).run();
    assert!(out.success() && out.stderr.is_empty(), "an empty DSN disables without a word: {out:?}");
}

fn init_twice() {
    let first = init();
    let early = Gate::new();
    let waiting = early.clone();
    let thread = thread::spawn(move || {
        sentry::capture_message("for the first", Level::Info);
        waiting.pass();
        sentry::capture_message("for the second", Level::Info);
    });
    early.wait_started(1);
    drop(first);
    sentry::capture_message("for nobody", Level::Info);
    let second = init();
    early.release();
    thread.join().expect("no panic");
    drop(second);
}

fn test_init_twice() {
    let receiver = Receiver::start();
    let out = spawn("init twice", receiver.dsn()).run();
    assert!(out.success(), "{out:?}");
    assert_eq!(texts(&receiver, 2), ["for the first", "for the second"]);
}

fn init_with_session() -> ClientInitGuard {
    let dsn = std::env::var("TEST_DSN").expect("set by the parent");
    let options = sentry::ClientOptions::new().release("ends@1.0.0").auto_session_tracking(true);
    sentry::init((dsn, options.shutdown_timeout(Duration::from_secs(20))))
}

/// Status, errors and whether it is the first, of each session update that came.
fn sessions(receiver: &Receiver) -> Vec<(String, u64, bool)> {
    let envelopes = receiver.envelopes();
    let updates = envelopes.iter().flat_map(|envelope| &envelope.items).filter(|item| item.kind() == "session");
    updates
        .map(|item| {
            let update = item.json();
            let status = update["status"].as_str().unwrap_or_default().to_owned();
            (status, update["errors"].as_u64().unwrap_or_default(), update["init"].as_bool().unwrap_or_default())
        })
        .collect()
}

fn session_panics() {
    let _guard = init_with_session();
    // Survived.
    assert!(thread::spawn(|| panic!("on a thread")).join().is_err());
    if std::env::var_os("TEST_CALM").is_none() {
        panic!("on main");
    }
}

fn test_session_panics() {
    let state = |status: &str, errors, init| (status.to_owned(), errors, init);
    let receiver = Receiver::start();
    let out = spawn("session panics", receiver.dsn()).run();
    assert_eq!(out.status.code(), Some(101), "{out:?}");
    assert_eq!(sessions(&receiver), [state("ok", 1, true), state("ok", 2, false), state("crashed", 2, false)]);
    let receiver = Receiver::start();
    let out = spawn("session panics", receiver.dsn()).env("TEST_CALM", "1").run();
    assert!(out.success(), "{out:?}");
    // The end may come before the event was finished; then one update says all.
    let last = sessions(&receiver).pop().map(|(status, errors, _)| (status, errors));
    assert_eq!(last, Some(("unhandled".to_owned(), 1)));
}

fn session_is_killed() {
    let guard = init_with_session();
    sentry::capture_error(&"x".parse::<u8>().expect_err("no number"));
    assert!(guard.flush(None));
    child::report("flushed", "yes");
    loop {
        thread::park();
    }
}

fn test_session_is_killed() {
    let receiver = Receiver::start();
    let mut running = spawn("session is killed", receiver.dsn()).start();
    receiver.wait_events(1);
    running.kill();
    assert!(!running.wait().success());
    // How it ended nobody knows: the server will call it abnormal.
    assert_eq!(sessions(&receiver), [("ok".to_owned(), 1, true)]);
}

fn session_cannot_unwind() {
    extern "C" fn callback() {
        panic!("over the border");
    }
    let _guard = init_with_session();
    callback();
}

fn test_session_cannot_unwind() {
    let receiver = Receiver::start();
    let out = spawn("session cannot unwind", receiver.dsn()).run();
    assert!(!out.success(), "{out:?}");
    let sessions = sessions(&receiver);
    assert_eq!(
        sessions.last().map(|(status, errors, _)| (status.as_str(), *errors)),
        Some(("crashed", 1)),
        "{sessions:?}"
    );
}

fn started_in_a_trace() {
    let dsn = std::env::var("TEST_DSN").expect("set by the parent");
    let options = || sentry::ClientOptions::new().dsn(&dsn).org_id(7.into()).traces_sample_rate(0.0);
    // What is not started continues nothing.
    assert!(sentry::try_init(sentry::ClientOptions::new().dsn("no DSN")).is_err());
    let _guard = sentry::init(options());
    sentry::capture_message("in it", Level::Info);
    // Sampled as the head of the trace was, whatever the rate.
    sentry::start_transaction(sentry::TransactionContext::new("in it", "task")).finish();
}

fn test_started_in_a_trace() {
    let trace = "5e1f0c0c4d9a4b7c8d2e3f4051627384";
    for (organization, is_ours) in [("7", true), ("8", false)] {
        let receiver = Receiver::start();
        let out = spawn("started in a trace", receiver.dsn())
            .env("SENTRY_TRACE", format!("{trace}-a1b2c3d4e5f60718-1"))
            .env(
                "SENTRY_BAGGAGE",
                format!("sentry-trace_id={trace},sentry-org_id={organization},sentry-sample_rand=0.5"),
            )
            .run();
        assert!(out.success(), "{out:?}");
        let envelopes = receiver.wait_envelopes(if is_ours { 2 } else { 1 });
        let payloads: Vec<serde_json::Value> = (envelopes.iter())
            .filter_map(|envelope| envelope.item("event").or_else(|| envelope.item("transaction")))
            .map(|item| item.json())
            .collect();
        assert_eq!(payloads.len(), if is_ours { 2 } else { 1 }, "{payloads:?}");
        for payload in payloads {
            let context = &payload["contexts"]["trace"];
            assert_eq!(context["trace_id"] == trace, is_ours, "{context}");
            assert_eq!(context["parent_span_id"] == "a1b2c3d4e5f60718", is_ours, "{context}");
        }
    }
}
