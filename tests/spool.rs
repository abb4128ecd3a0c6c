//! Ways a process ends while the server cannot be reached, each in a child process: what was captured is on disk, and
//! arrives when the program is started again.

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

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sentry::protocol::client_report::Category;
use sentry::{ClientInitGuard, ClientOptions, Level, SpoolMode, SpoolOptions};
use serde_json::Value;
use support::{Folder, Receiver, child, count_kept, wait_until};

fn main() {
    let children: &[(&str, fn())] = &[
        ("outage", outage),
        ("abort", abort),
        ("exit", exit),
        ("return without the guard", return_without_the_guard),
        ("wait for a signal", wait_for_a_signal),
        ("async", asynchronous),
        ("a hook hangs", a_hook_hangs),
        ("panic in extern C", panic_in_extern_c),
        ("panic with a busy worker", panic_with_a_busy_worker),
        ("caught panic", caught_panic),
        ("recover", recover),
        ("recovery aborts", recovery_aborts),
        ("purge", purge),
    ];
    if child::main_dispatch(children) {
        return;
    }
    let tests: &[(&str, fn())] = &[
        ("what an outage left is delivered at the next start", test_outage),
        ("what is delivered leaves nothing on disk", test_delivered),
        ("abort, exit and return without the guard: all is on disk", test_ends),
        ("SIGTERM and SIGKILL: all is on disk", test_signals),
        ("by default all is on disk within 100 ms, also while a hook hangs", test_async),
        ("a panic that aborts is on disk, with its session, and is finished by the next process", test_panic),
        ("a panic is on disk while the worker is busy, and the hook takes no longer", test_panic_busy),
        ("a caught panic waits for the disk alone", test_caught),
        ("what ends the process that recovers it is set aside", test_recovery_aborts),
        ("a directory that others can change is refused", test_refused),
        ("purged is purged", test_purge),
    ];
    for (name, test) in tests {
        println!("test {name} ...");
        test();
    }
    println!("\n{} passed, 0 failed", tests.len());
}

fn spool_dir() -> PathBuf {
    std::env::var_os("TEST_SPOOL").expect("set by the parent").into()
}

fn options() -> ClientOptions {
    let dsn = std::env::var("TEST_DSN").expect("set by the parent");
    let mode = if std::env::var_os("TEST_ASYNC").is_some() { SpoolMode::Async } else { SpoolMode::Sync };
    let spool = SpoolOptions { mode, ..SpoolOptions::default() };
    ClientOptions::new().dsn(&dsn).spool_dir(spool_dir()).spool(spool).release("app@1")
}

fn init() -> ClientInitGuard {
    sentry::init(options())
}

/// A server that is not there until it is told to be.
struct Server {
    receiver: Receiver,
    is_there: Arc<AtomicBool>,
    spool: Folder,
}

impl Server {
    fn new(is_there: bool) -> Self {
        let (receiver, there) = Receiver::absent();
        there.store(is_there, Ordering::Release);
        Self { receiver, is_there: there, spool: Folder::new() }
    }

    fn spawn(&self, name: &str) -> child::Spawn {
        child::main(name).env("TEST_DSN", self.receiver.dsn()).env("TEST_SPOOL", self.spool.path())
    }

    /// Starts the program again, with the server there, and returns what arrives by its end.
    #[track_caller]
    fn recovered(&self, count: usize) -> Vec<Value> {
        self.is_there.store(true, Ordering::Release);
        let out = self.spawn("recover").env("TEST_COUNT", count.to_string()).run();
        assert!(out.success(), "{out:?}");
        assert_eq!(self.spool.files(), [] as [PathBuf; 0], "nothing stays");
        self.receiver.events()
    }
}

fn texts(events: &[Value]) -> Vec<&str> {
    let mut texts: Vec<&str> = events.iter().filter_map(|event| event["logentry"]["formatted"].as_str()).collect();
    texts.sort_unstable();
    texts
}

/// Waits until that much of the past is delivered.
fn recover() {
    let count: u64 = std::env::var("TEST_COUNT").unwrap().parse().unwrap();
    let guard = sentry::init(options().before_send(|mut event| {
        event.tags.insert("seen".to_owned(), "by before_send".to_owned());
        Some(event)
    }));
    wait_until(|| guard.stats().of(Category::Error).delivered >= count, Duration::from_secs(20));
    let row = guard.stats().of(Category::Error);
    assert_eq!((row.recovered, row.captured, row.queued(), row.lost_in_all()), (count, 0, 0, 0));
}

// --- outage ------------------------------------------------------------------------------------------------------

fn outage() {
    let guard = init();
    for n in 0..30 {
        sentry::capture_message(&format!("message {n:02}"), Level::Error);
        sentry::logger_info!("log {n}");
    }
    assert!(guard.flush(None), "stored is a verdict");
    let report = guard.close_report(Some(Duration::from_secs(2)));
    assert!(report.in_time);
    child::report("report", &format!("{} {} {}", report.delivered(), report.stored(), report.dropped()));
}

fn test_outage() {
    let server = Server::new(false);
    let out = server.spawn("outage").run();
    assert!(out.success() && out.elapsed < Duration::from_secs(5), "{out:?}");
    assert_eq!(out.value("report").as_deref(), Some("0 60 0"));
    let events = server.recovered(30);
    assert_eq!(texts(&events), Vec::from_iter((0..30).map(|n| format!("message {n:02}"))));
    let accepted = server.receiver.envelopes().into_iter().filter(|envelope| envelope.is_accepted());
    let logs: u64 = accepted
        .flat_map(|envelope| envelope.item("log").map(|item| item.header["item_count"].as_u64().unwrap()))
        .sum();
    assert_eq!(logs, 30);
    // Paced, so that a server that is back is not run over.
    assert!(server.receiver.envelopes().iter().all(|envelope| envelope.header["sent_at"].is_string()));
}

fn test_delivered() {
    let server = Server::new(true);
    let out = server.spawn("outage").run();
    assert!(out.success(), "{out:?}");
    assert_eq!(out.value("report").as_deref(), Some("60 0 0"));
    assert_eq!(server.spool.files(), [] as [PathBuf; 0]);
    assert_eq!(server.receiver.events().len(), 30);
}

// --- ends --------------------------------------------------------------------------------------------------------

fn capture_some() {
    for n in 0..5 {
        sentry::capture_message(&format!("message {n}"), Level::Error);
    }
}

fn abort() {
    let _guard = init();
    capture_some();
    std::process::abort();
}

fn exit() {
    let _guard = init();
    capture_some();
    std::process::exit(7);
}

fn return_without_the_guard() {
    std::mem::forget(init());
    capture_some();
}

fn test_ends() {
    for (name, code) in [("abort", None), ("exit", Some(7)), ("return without the guard", Some(0))] {
        let server = Server::new(false);
        let out = server.spawn(name).run();
        assert_eq!(out.status.code(), code, "{name}: {out:?}");
        let events = server.recovered(5);
        assert_eq!(texts(&events), Vec::from_iter((0..5).map(|n| format!("message {n}"))), "{name}");
    }
}

fn wait_for_a_signal() {
    let _guard = init();
    capture_some();
    std::fs::write(std::env::var_os("TEST_READY").unwrap(), "").unwrap();
    loop {
        thread::park();
    }
}

fn test_signals() {
    for (signal, number) in [("TERM", 15), ("KILL", 9)] {
        let server = Server::new(false);
        let ready = Folder::new();
        let running = server.spawn("wait for a signal").env("TEST_READY", ready.path()).start();
        wait_until(|| ready.path().exists(), Duration::from_secs(20));
        std::fs::remove_file(ready.path()).unwrap();
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{signal} {}", running.id())).status().unwrap();
        assert!(sent.success());
        let out = running.wait();
        assert_eq!(out.signal(), Some(number), "the default action: {out:?}");
        assert_eq!(server.recovered(5).len(), 5, "{signal}");
    }
}

fn asynchronous() {
    let _guard = init();
    capture_some();
    let start = Instant::now();
    wait_until(|| count_kept(&spool_dir()) >= 5, Duration::from_secs(20));
    child::report("took", &start.elapsed().as_millis().to_string());
    std::process::abort();
}

fn a_hook_hangs() {
    let options = options().before_send(|event| {
        loop {
            thread::park();
            std::hint::black_box(&event);
        }
    });
    let _guard = sentry::init(options);
    capture_some();
    let start = Instant::now();
    // The first is with the hook, and was not recorded if the hook had it at once.
    wait_until(|| count_kept(&spool_dir()) >= 4, Duration::from_secs(20));
    child::report("took", &start.elapsed().as_millis().to_string());
    std::process::abort();
}

fn test_async() {
    for (name, count) in [("async", 5), ("a hook hangs", 4)] {
        let mut took = Vec::new();
        // Other programs may keep the processor from an attempt or two.
        for _ in 0..5 {
            let server = Server::new(false);
            let out = server.spawn(name).env("TEST_ASYNC", "1").run();
            took.push(out.value("took").unwrap().parse::<u64>().unwrap());
            server.is_there.store(true, Ordering::Release);
            assert!(server.recovered(count).len() >= count);
            if took.last() <= Some(&100) {
                break;
            }
        }
        assert!(took.last() <= Some(&100), "{name}: {took:?} ms");
    }
}

// --- panics ------------------------------------------------------------------------------------------------------

const PANIC_LINE: u64 = line!() as u64 + 3;

extern "C" fn cannot_unwind() {
    panic!("it is over");
}

fn hangs(options: ClientOptions) -> ClientOptions {
    options.before_send(|_| {
        loop {
            thread::park();
        }
    })
}

fn panic_in_extern_c() {
    let options = options().auto_session_tracking(true);
    let _guard = sentry::init(if std::env::var_os("TEST_HANGS").is_some() { hangs(options) } else { options });
    sentry::configure_scope(|scope| scope.set_tag("in", "main"));
    cannot_unwind();
}

fn test_panic() {
    for (mode, hangs) in [("TEST_SYNC", true), ("TEST_ASYNC", true), ("TEST_SYNC", false), ("TEST_ASYNC", false)] {
        let server = Server::new(false);
        let spawn = server.spawn("panic in extern C").env(mode, "1");
        let out = if hangs { spawn.env("TEST_HANGS", "1") } else { spawn }.run();
        assert_eq!(out.signal(), Some(6), "aborts as it does without us: {out:?}");
        assert!(out.elapsed < Duration::from_secs(5));
        let files = server.spool.files();
        let is_raw = files.iter().any(|file| file.extension().is_some_and(|ty| ty == "raw"));
        assert_eq!(is_raw, hangs, "{files:?}");
        let events = server.recovered(1);
        let event = &events[0];
        assert_eq!((&event["level"], &event["tags"]["in"]), (&"fatal".into(), &"main".into()));
        // What was finished then has seen that program's hooks.
        assert_eq!(event["tags"]["seen"].as_str(), hangs.then_some("by before_send"));
        let exception = &event["exception"]["values"][0];
        assert_eq!(exception["value"], "it is over");
        let frames = exception["stacktrace"]["frames"].as_array().unwrap();
        let newest = frames.last().unwrap();
        assert!(newest["function"].as_str().unwrap().contains("cannot_unwind"), "{newest}");
        assert_eq!((newest["lineno"].as_u64(), &newest["in_app"]), (Some(PANIC_LINE), &true.into()));
        assert!(event["debug_meta"]["images"].as_array().is_some_and(|images| !images.is_empty()));
        if hangs {
            continue;
        }
        let envelopes = server.receiver.envelopes();
        let session = envelopes.iter().filter(|envelope| envelope.is_accepted()).find_map(|sent| sent.item("session"));
        let session = session.expect("a session").json();
        assert_eq!((&session["status"], &session["errors"]), (&"crashed".into(), &1.into()));
    }
}

fn panic_with_a_busy_worker() {
    let _guard = sentry::init(hangs(options()));
    sentry::capture_message("keeps the worker", Level::Error);
    let start = Instant::now();
    let panicked = thread::spawn(|| panic!("in between")).join();
    assert!(panicked.is_err());
    child::report("took", &start.elapsed().as_millis().to_string());
    std::process::abort();
}

fn test_panic_busy() {
    let server = Server::new(false);
    let out = server.spawn("panic with a busy worker").env("TEST_ASYNC", "1").run();
    assert!(out.value("took").unwrap().parse::<u64>().unwrap() < 5_000, "{out:?}");
    let raw = server.spool.files().into_iter().filter(|file| file.extension().is_some_and(|ty| ty == "raw"));
    let crashes = raw.filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with('a')).count();
    assert_eq!(crashes, 1);
}

fn caught_panic() {
    let guard = init();
    let mut worst = Duration::ZERO;
    for _ in 0..20 {
        let start = Instant::now();
        assert!(std::panic::catch_unwind(|| panic!("caught")).is_err());
        worst = worst.max(start.elapsed());
    }
    child::report("worst", &worst.as_millis().to_string());
    drop(guard);
}

fn test_caught() {
    let server = Server::new(false);
    let out = server.spawn("caught panic").run();
    assert!(out.success(), "{out:?}");
    assert!(out.value("worst").unwrap().parse::<u64>().unwrap() < 2_000, "the server is not waited for");
    assert_eq!(server.recovered(20).len(), 20);
}

// --- recovery ----------------------------------------------------------------------------------------------------

fn recovery_aborts() {
    let guard = sentry::init(options().before_send(|event| match event.message.as_deref() {
        Some("keeps the worker") => std::process::abort(),
        _ => Some(event),
    }));
    wait_until(|| guard.stats().of(Category::Error).delivered >= 4, Duration::from_secs(20));
}

fn test_recovery_aborts() {
    let server = Server::new(false);
    let out = server.spawn("panic with a busy worker").run();
    assert_eq!(out.signal(), Some(6), "{out:?}");
    server.is_there.store(true, Ordering::Release);
    let mut aborted = 0;
    while server.spawn("recovery aborts").timeout(Duration::from_secs(3)).run().signal() == Some(6) {
        aborted += 1;
    }
    assert_eq!(aborted, 2);
    let events = server.receiver.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["exception"]["values"][0]["value"], "in between");
    let [file] = &server.spool.files()[..] else { panic!("{:?}", server.spool.files()) };
    assert!(file.parent().unwrap().ends_with("bad"));
}

fn test_refused() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::new(true);
    std::fs::create_dir(server.spool.path()).unwrap();
    std::fs::set_permissions(server.spool.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let out = server.spawn("outage").run();
    assert!(out.success(), "{out:?}");
    assert_eq!(out.value("report").as_deref(), Some("60 0 0"), "from memory");
    assert_eq!(out.stderr.matches("sentry: the spool in").count(), 1, "{}", out.stderr);
    std::fs::set_permissions(server.spool.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let out = server.spawn("outage").run();
    assert!(out.success() && out.stderr.is_empty(), "{out:?}");
    let private = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777 == 0o700;
    assert!(private(server.spool.path().join("v1")));
}

fn purge() {
    sentry::transports::purge_spool(&spool_dir()).unwrap();
    sentry::transports::purge_spool(&spool_dir()).unwrap();
}

fn test_purge() {
    let server = Server::new(false);
    assert!(server.spawn("outage").run().success());
    assert!(!server.spool.files().is_empty());
    assert!(server.spawn("purge").run().success());
    assert_eq!(server.recovered(0), [] as [Value; 0]);
}
