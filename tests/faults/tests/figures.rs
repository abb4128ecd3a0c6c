//! Figures of reliability, each by a child process that is measured: memory, ends, panics, start-up, disk, offline.
//!
//! A plain run is short. `SENTRY_TEST_LONG=1 cargo test --release -p sentry-faults-tests --test figures` is the long one, whose
//! values are in `FIGURES.md` beside the tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test without libtest: clippy.toml exempts test functions only"
)]

#[path = "../../support/mod.rs"]
mod support;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use sentry::protocol::client_report::Category;
use sentry::{ClientInitGuard, ClientOptions, Level, SpoolMode, SpoolOptions};
use support::{Folder, Receiver, ScriptedServer, Step, child, count_kept, wait_until};

fn main() {
    let children: &[(&str, fn())] = &[
        ("flood", flood),
        ("init and close", init_and_close),
        ("exit", exit),
        ("panics", panics),
        ("store many", store_many),
        ("start", start),
        ("fill", fill),
        ("share", share),
        ("drain", drain),
        ("offline", offline),
    ];
    if child::main_dispatch(children) {
        return;
    }
    let is_long = std::env::var_os("SENTRY_TEST_LONG").is_some();
    memory(is_long);
    ends(is_long);
    panic_hook(is_long);
    start_up();
    disk_bound(is_long);
    many_processes(is_long);
    cpu_offline(is_long);
}

fn count(short: usize, long: usize, is_long: bool) -> String {
    if is_long { long.to_string() } else { short.to_string() }
}

fn variable(name: &str) -> String {
    std::env::var(name).expect("set by the parent")
}

fn number(name: &str) -> usize {
    variable(name).parse().expect("a number")
}

fn options() -> ClientOptions {
    let options = ClientOptions::new().dsn(&variable("TEST_DSN"));
    match std::env::var_os("TEST_SPOOL") {
        Some(spool) => options.spool_dir(spool),
        None => options,
    }
}

fn init() -> ClientInitGuard {
    sentry::init(options())
}

/// A field of `/proc/self/status`, in KiB.
fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
    line.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse().expect("a number")
}

fn quantiles(mut times: Vec<u64>) -> (u64, u64, u64) {
    times.sort_unstable();
    let at = |part: usize| times.get((times.len() * part / 100).min(times.len() - 1)).copied().unwrap_or_default();
    (at(50), at(99), times.last().copied().unwrap_or_default())
}

// --- F5: memory --------------------------------------------------------------------------------------------------

fn flood() {
    let guard = init();
    let text = "x".repeat(10_000);
    sentry::capture_message(&text, Level::Error);
    let before = status("VmRSS");
    let start = Instant::now();
    let seconds = number("TEST_COUNT") as u64;
    let mut n = 0u32;
    while start.elapsed() < Duration::from_secs(seconds) {
        for _ in 0..100 {
            sentry::capture_message(&text, Level::Error);
        }
        n += 1;
        thread::sleep((Duration::from_millis(10) * n).saturating_sub(start.elapsed()));
    }
    child::report("grown", &status("VmRSS").saturating_sub(before).to_string());
    let row = guard.stats().of(Category::Error);
    assert_eq!(row.captured, row.queued() + row.lost_in_all());
    child::report("captured", &row.captured.to_string());
    std::mem::forget(guard);
}

fn init_and_close() {
    let cycle = || {
        let guard = init();
        sentry::capture_message("x", Level::Error);
        guard.close(Some(Duration::from_secs(20)));
    };
    (0..100).for_each(|_| cycle());
    // Senders look up a quarter of a second later.
    let quiet = || wait_until(|| fs::read_dir("/proc/self/task").unwrap().count() < 4, Duration::from_secs(20));
    quiet();
    let before = status("VmRSS");
    (0..number("TEST_COUNT")).for_each(|_| cycle());
    quiet();
    child::report("grown", &status("VmRSS").saturating_sub(before).to_string());
}

fn memory(is_long: bool) {
    let hole = ScriptedServer::start(vec![vec![Step::ReadRequest, Step::Hold]]);
    let seconds = count(2, 60, is_long);
    let spawn = child::main("flood").env("TEST_DSN", hole.dsn()).env("TEST_COUNT", &seconds);
    let out = spawn.timeout(Duration::from_secs(120)).run();
    assert!(out.success(), "{out:?}");
    let grown = out.value("grown").unwrap().parse::<f64>().unwrap() / 1024.0;
    let captured = out.value("captured").unwrap();
    println!(
        "F5\tmemory after {seconds} s of 10,000 events/s of 10 KB into a black hole: +{grown:.1} MiB ({captured} captured)"
    );
    assert!(grown <= 24.0);
    let receiver = Receiver::start();
    let cycles = count(300, 10_000, is_long);
    let spawn = child::main("init and close").env("TEST_DSN", receiver.dsn()).env("TEST_COUNT", &cycles);
    let out = spawn.timeout(Duration::from_secs(600)).run();
    assert!(out.success(), "{out:?}");
    let grown = out.value("grown").unwrap().parse::<f64>().unwrap() / 1024.0;
    println!("F5\tmemory after {cycles} times init, an event, close: +{grown:.2} MiB");
    assert!(grown <= 1.0);
}

// --- F8: ends ----------------------------------------------------------------------------------------------------

fn exit() {
    let guard = if variable("TEST_SDK") == "1" { Some(init()) } else { None };
    for _ in 0..10 {
        sentry::capture_message("x", Level::Error);
    }
    if guard.is_some() {
        // What is promised is promised of what was captured by then.
        thread::sleep(Duration::from_millis(100));
    }
    child::report("at", &micros().to_string());
    std::process::exit(0);
}

fn micros() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros()
}

fn ends(is_long: bool) {
    let hole = ScriptedServer::start(vec![vec![Step::ReadRequest, Step::Hold]]);
    let rounds = if is_long { 100 } else { 10 };
    let mut medians = Vec::new();
    let mut stored = 0;
    for sdk in ["0", "1"] {
        let times = (0..rounds).map(|_| {
            let spool = Folder::new();
            let spawn = child::main("exit").env("TEST_DSN", hole.dsn()).env("TEST_SPOOL", spool.path());
            let out = spawn.env("TEST_SDK", sdk).run();
            let ended = micros();
            assert!(out.success(), "{out:?}");
            stored += spool.files().len();
            u64::try_from(ended - out.value("at").unwrap().parse::<u128>().unwrap()).unwrap()
        });
        medians.push(quantiles(times.collect()).0 as f64 / 1000.0);
    }
    let (without, with) = (medians[0], medians[1]);
    println!(
        "F8\texit without close, server silent: {without:.2} ms without the SDK, {with:.2} ms with it; on disk {stored} of {}",
        10 * rounds
    );
    assert_eq!(stored, 10 * rounds);
}

// --- F9: panics --------------------------------------------------------------------------------------------------

fn panics() {
    let guard = init();
    std::panic::set_hook({
        let ours = std::panic::take_hook();
        Box::new(move |info| {
            let start = Instant::now();
            ours(info);
            child::report("took", &start.elapsed().as_micros().to_string());
        })
    });
    for _ in 0..number("TEST_COUNT") {
        assert!(std::panic::catch_unwind(|| panic!("x")).is_err());
    }
    wait_until(|| guard.stats().of(Category::Error).queued() == 0, Duration::from_secs(60));
    child::report("stored", &guard.stats().of(Category::Error).stored.to_string());
    std::process::abort();
}

fn panic_hook(is_long: bool) {
    let (receiver, _) = Receiver::absent();
    let spool = Folder::new();
    let panics = count(50, 1000, is_long);
    let spawn = child::main("panics").env("TEST_DSN", receiver.dsn()).env("TEST_SPOOL", spool.path());
    let out = spawn.env("TEST_COUNT", &panics).timeout(Duration::from_secs(300)).run();
    assert_eq!(out.signal(), Some(6), "{out:?}");
    let times = out.values("took").iter().map(|took| took.parse().unwrap()).collect();
    let (median, nearly, most) = quantiles(times);
    let stored = out.value("stored").unwrap();
    println!(
        "F9\tpanic hook: median {:.2} ms, 99 % {:.2} ms, most {:.2} ms; on disk {stored} of {panics}",
        median as f64 / 1e3,
        nearly as f64 / 1e3,
        most as f64 / 1e3
    );
    assert_eq!(stored, panics);
    assert!(most <= 1_000_000, "in a debug build, with the output of the hook before ours");
}

// --- F13: start-up -----------------------------------------------------------------------------------------------

fn store_many() {
    let guard = init();
    for n in 0..number("TEST_COUNT") {
        sentry::capture_message(&format!("message {n}"), Level::Error);
    }
    wait_until(|| guard.stats().of(Category::Error).stored == number("TEST_COUNT") as u64, Duration::from_secs(60));
    std::process::abort();
}

fn start() {
    let begin = Instant::now();
    let guard = init();
    let took = begin.elapsed();
    child::report("init", &took.as_micros().to_string());
    let before = status("VmRSS");
    wait_until(|| guard.stats().of(Category::Error).delivered == 900, Duration::from_secs(60));
    child::report("grown", &status("VmHWM").saturating_sub(before).to_string());
}

fn start_up() {
    let (receiver, is_there) = Receiver::absent();
    let spool = Folder::new();
    let spawn = |name: &str| child::main(name).env("TEST_DSN", receiver.dsn()).env("TEST_SPOOL", spool.path());
    assert_eq!(spawn("store many").env("TEST_COUNT", "1000").run().signal(), Some(6));
    let files = spool.files();
    for (n, file) in files.iter().enumerate().filter(|(n, _)| n % 10 == 0) {
        let mut bytes = fs::read(file).unwrap();
        match n / 10 % 5 {
            0 => bytes.clear(),
            1 => bytes.fill(0),
            2 => bytes.truncate(bytes.len() / 2),
            3 => bytes[30] ^= 8,
            _ => bytes.resize(20 << 20, b'\n'),
        }
        fs::write(file, bytes).unwrap();
    }
    is_there.store(true, Ordering::Release);
    let out = spawn("start").run();
    assert!(out.success(), "{out:?}");
    let init = out.value("init").unwrap().parse::<f64>().unwrap() / 1e3;
    let grown = out.value("grown").unwrap().parse::<f64>().unwrap() / 1024.0;
    println!("F13\tstart with 1,000 files, 100 of them poison: init {init:.2} ms, 900 delivered, +{grown:.1} MiB");
    assert_eq!(receiver.events().len(), 900);
    assert!(grown <= 16.0);
}

// --- F14: disk ---------------------------------------------------------------------------------------------------

const BOUND: u64 = 1 << 20;

fn fill() {
    let spool = SpoolOptions { max_bytes: BOUND, ..SpoolOptions::default() };
    let guard = sentry::init(options().spool(spool));
    let end = Instant::now() + Duration::from_secs(number("TEST_COUNT") as u64);
    while Instant::now() < end {
        sentry::capture_message(&"x".repeat(5_000), Level::Error);
        thread::sleep(Duration::from_micros(500));
    }
    std::mem::forget(guard);
}

fn disk_bound(is_long: bool) {
    let (receiver, _) = Receiver::absent();
    let spool = Folder::new();
    let seconds = count(1, 20, is_long);
    let spawn = || {
        let spawn = child::main("fill").env("TEST_DSN", receiver.dsn()).env("TEST_SPOOL", spool.path());
        spawn.env("TEST_COUNT", &seconds).start()
    };
    let mut running: Vec<_> = (0..4).map(|_| spawn()).collect();
    let (mut most, mut samples) = (0, 0);
    let end = Instant::now() + Duration::from_secs(seconds.parse::<u64>().unwrap() + 1);
    while Instant::now() < end {
        let bytes = spool.files().iter().filter_map(|file| fs::metadata(file).ok()).map(|file| file.len()).sum::<u64>();
        most = most.max(bytes);
        samples += 1;
        thread::sleep(Duration::from_millis(10));
    }
    for running in running.drain(..) {
        assert!(running.wait().success());
    }
    println!("F14\t4 processes, bound 1 MiB, {seconds} s: at most {most} bytes in {samples} samples");
    assert!(most <= BOUND && most > BOUND / 2);
}

// --- F15: many processes ------------------------------------------------------------------------------------------

fn share() {
    let spool = SpoolOptions { mode: SpoolMode::Sync, ..SpoolOptions::default() };
    let _guard = sentry::init(options().spool(spool));
    child::ready();
    let mut out = std::io::stdout();
    loop {
        let id = sentry::capture_message("shared", Level::Error);
        out.write_all(format!("@@accepted={}\n", id.as_simple()).as_bytes()).unwrap();
        out.flush().unwrap();
        thread::sleep(Duration::from_millis(5));
    }
}

fn drain() {
    let guard = init();
    let none_left =
        || guard.stats().of(Category::Error).queued() == 0 && count_kept(variable("TEST_SPOOL").as_ref()) == 0;
    wait_until(none_left, Duration::from_secs(100));
}

fn many_processes(is_long: bool) {
    let receiver = Receiver::start();
    let spool = Folder::new();
    let kills = if is_long { 100 } else { 10 };
    let spawn = |name: &str| child::main(name).env("TEST_DSN", receiver.dsn()).env("TEST_SPOOL", spool.path());
    let ready = Folder::new();
    let another = || spawn("share").tells_ready(&ready).start();
    let mut running: Vec<_> = (0..8).map(|_| another()).collect();
    let mut accepted = HashSet::new();
    let mut end = |mut running: child::Running| {
        running.wait_ready(&ready);
        running.kill();
        let out = running.wait();
        accepted.extend(out.values("accepted").into_iter().filter(|id| id.len() == 32));
    };
    for kill in 0..kills {
        thread::sleep(Duration::from_millis(100));
        let victim = std::mem::replace(&mut running[kill % 8], another());
        end(victim);
    }
    running.into_iter().for_each(&mut end);
    let out = spawn("drain").timeout(Duration::from_secs(120)).run();
    assert!(out.success(), "{out:?}");
    let mut times: HashMap<String, usize> = HashMap::new();
    for event in receiver.events() {
        *times.entry(event["event_id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let lost = accepted.iter().filter(|id| !times.contains_key(*id)).count();
    let twice: usize = times.values().map(|times| times - 1).sum();
    let kills = kills + 8;
    println!("F15\t8 processes, one spool, {kills} kills: {} accepted, {lost} lost, {twice} twice", accepted.len());
    assert_eq!(lost, 0);
    assert!(twice <= kills);
}

// --- F18: offline ------------------------------------------------------------------------------------------------

fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/schedstat").expect("Linux");
    // Of the main thread; the others are beside it.
    let own: u64 = stat.split(' ').next().unwrap().parse().unwrap();
    let others = fs::read_dir("/proc/self/task").unwrap().flatten().filter_map(|task| {
        let stat = fs::read_to_string(task.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(others.sum::<u64>().max(own))
}

fn offline() {
    let guard = init();
    for n in 0..20 {
        sentry::capture_message(&format!("message {n}"), Level::Error);
    }
    guard.flush(Some(Duration::from_secs(5)));
    let before = cpu();
    let seconds = number("TEST_COUNT");
    thread::sleep(Duration::from_secs(seconds as u64));
    let used = cpu().saturating_sub(before);
    child::report("cpu", &format!("{:.4}", 100.0 * used.as_secs_f64() / seconds as f64));
    fs::write(variable("TEST_READY"), "").unwrap();
    wait_until(
        || {
            guard.flush(Some(Duration::from_millis(500)));
            guard.stats().of(Category::Error).delivered == 20
        },
        Duration::from_secs(60),
    );
}

fn cpu_offline(is_long: bool) {
    for has_spool in [false, true] {
        let (receiver, is_there) = Receiver::absent();
        let (spool, ready) = (Folder::new(), Folder::new());
        let seconds = count(2, 60, is_long);
        let mut spawn = child::main("offline").env("TEST_DSN", receiver.dsn()).env("TEST_COUNT", &seconds);
        if has_spool {
            spawn = spawn.env("TEST_SPOOL", spool.path());
        }
        let running = spawn.env("TEST_READY", ready.path()).timeout(Duration::from_secs(180)).start();
        wait_until(|| ready.path().exists(), Duration::from_secs(90));
        fs::remove_file(ready.path()).unwrap();
        is_there.store(true, Ordering::Release);
        let out = running.wait();
        assert!(out.success(), "{out:?}");
        assert_eq!(receiver.events().len(), 20);
        let cpu = out.value("cpu").unwrap();
        println!(
            "F18\toffline for {seconds} s with 20 events waiting, spool {has_spool}: {cpu} % CPU, then 20 of 20 delivered"
        );
        assert!(cpu.parse::<f64>().unwrap() < if is_long { 0.5 } else { 5.0 });
    }
}
