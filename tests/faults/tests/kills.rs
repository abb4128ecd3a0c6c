//! The kill harness (F10): a program that captures a thousand errors a second (a debug build: 250) is killed at random times and started again,
//! and all that it knew to be accepted has to reach the server.
//!
//! `SENTRY_TEST_KILLS=300 cargo test --release -p sentry-faults-tests --test kills` is the long run; it prints its figures.

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
use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use sentry::protocol::client_report::Category;
use sentry::{ClientOptions, Level, SpoolMode, SpoolOptions};
use support::{Folder, Receiver, Reply, child, count_kept, wait_until};

fn main() {
    if child::main_dispatch(&[("victim", victim), ("recover", recover)]) {
        return;
    }
    let kills = std::env::var("SENTRY_TEST_KILLS").map_or(12, |kills| kills.parse().expect("a number"));
    println!("mode\tanswers\tkills\taccepted\tarrived\tlost\tlost old\ttwice\tfailed starts\tset aside");
    for (mode, is_slow) in
        [(SpoolMode::Sync, false), (SpoolMode::Async, false), (SpoolMode::Sync, true), (SpoolMode::Async, true)]
    {
        let found = harness(mode, is_slow, kills);
        println!(
            "{mode:?}\t{}\t{kills}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            if is_slow { "2 ms" } else { "at once" },
            found.accepted,
            found.delivered,
            found.lost,
            found.lost_old,
            found.duplicates,
            found.failed_starts,
            found.set_aside
        );
        assert_eq!(found.lost_old, 0, "{found:?}");
        assert!(mode == SpoolMode::Async || found.lost == 0, "{found:?}");
        // Of each request whose answer was on its way, nobody knows what became: one, and of slow answers one of each sender.
        assert!(found.duplicates <= kills * if is_slow { 4 } else { 1 }, "{found:?}");
        assert_eq!((found.failed_starts, found.set_aside), (0, 0), "{found:?}");
    }
}

/// A thousand a second; of a server that is not optimised, less is asked.
const BETWEEN: Duration = Duration::from_millis(if cfg!(debug_assertions) { 4 } else { 1 });

#[derive(Debug, Default)]
struct Found {
    accepted: usize,
    delivered: usize,
    lost: usize,
    lost_old: usize,
    duplicates: usize,
    failed_starts: usize,
    set_aside: usize,
}

fn harness(mode: SpoolMode, is_slow: bool, kills: usize) -> Found {
    let mut seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    let mut random = move |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) % below
    };
    let receiver = Receiver::with(move |index, _| {
        if is_slow {
            thread::sleep(Duration::from_micros((index as u64 * 7919) % 4_000));
        }
        Reply::json(200, "{}")
    });
    let (spool, ready) = (Folder::new(), Folder::new());
    let spawn = |name: &str| {
        let mode = if mode == SpoolMode::Sync { "sync" } else { "async" };
        child::main(name).env("TEST_DSN", receiver.dsn()).env("TEST_SPOOL", spool.path()).env("TEST_MODE", mode)
    };
    let mut found = Found::default();
    // What the victims were told, and whether it is too young to be on disk for certain.
    let mut accepted: HashMap<String, bool> = HashMap::new();
    for _ in 0..kills {
        let mut running = spawn("victim").tells_ready(&ready).start();
        running.wait_ready(&ready);
        thread::sleep(Duration::from_millis(20 + u64::from(random(400))));
        let killed = micros();
        running.kill();
        let out = running.wait();
        let lines = out.values("accepted");
        found.failed_starts += usize::from(out.signal() != Some(9));
        for line in lines {
            let Some((id, at)) = line.split_once(' ') else { continue };
            // The last line may be cut off.
            let Ok(at) = at.parse::<u128>() else { continue };
            accepted.insert(id.to_owned(), at + 100_000 > killed);
        }
    }
    let out = spawn("recover").timeout(Duration::from_secs(120)).run();
    assert!(out.success(), "{out:?}");
    let arrived: Vec<String> =
        receiver.events().iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect();
    let distinct: HashSet<&String> = arrived.iter().collect();
    let lost: Vec<_> = accepted.iter().filter(|(id, _)| !distinct.contains(id)).collect();
    found.accepted = accepted.len();
    found.delivered = distinct.len();
    found.lost = lost.len();
    found.lost_old = lost.iter().filter(|(_, is_young)| !**is_young).count();
    found.duplicates = arrived.len() - distinct.len();
    found.set_aside = spool.files().len();
    found
}

fn micros() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros()
}

fn options() -> ClientOptions {
    let variable = |name: &str| std::env::var(name).expect("set by the parent");
    let mode = if variable("TEST_MODE") == "sync" { SpoolMode::Sync } else { SpoolMode::Async };
    let spool = SpoolOptions { mode, ..SpoolOptions::default() };
    ClientOptions::new().dsn(&variable("TEST_DSN")).spool_dir(spool_dir()).spool(spool)
}

fn victim() {
    let _guard = sentry::init(options());
    child::ready();
    let start = Instant::now();
    let mut out = std::io::stdout();
    for n in 1.. {
        let id = sentry::capture_message("one of many", Level::Error);
        let line = format!("@@accepted={} {}\n", id.as_simple(), micros());
        out.write_all(line.as_bytes()).unwrap();
        out.flush().unwrap();
        thread::sleep((BETWEEN * n).saturating_sub(start.elapsed()));
    }
}

/// Sends what is left, and waits until there is nothing.
fn recover() {
    let guard = sentry::init(options());
    wait_until(
        || guard.stats().of(Category::Error).recovered > 0 || count_kept(&spool_dir()) == 0,
        Duration::from_secs(60),
    );
    wait_until(
        || guard.stats().of(Category::Error).queued() == 0 && count_kept(&spool_dir()) == 0,
        Duration::from_secs(100),
    );
}

fn spool_dir() -> PathBuf {
    std::env::var_os("TEST_SPOOL").expect("set by the parent").into()
}
