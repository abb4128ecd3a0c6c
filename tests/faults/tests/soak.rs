//! F24: everything at once, for as long as one likes. The server comes and goes, the disk is full now and then, the program
//! is killed again and again; and nothing that was accepted while the disk had room is lost, memory and disk stay bounded,
//! and the books are right.
//!
//! `SENTRY_TEST_SECONDS=1800 cargo test --release -p sentry-faults-tests --test soak` is the long run. Where there are no mount
//! name spaces, the disk is never full, and it says so.

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
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use sentry::protocol::client_report::Category;
use sentry::{ClientOptions, Level, SpoolMode, SpoolOptions};
use support::{Folder, Receiver, Reply, child, count_kept, tools, wait_until};

fn main() {
    if child::main_dispatch(&[("soak", soak), ("victim", victim), ("recover", recover)]) {
        return;
    }
    let folder = Folder::new();
    fs::create_dir(folder.path()).unwrap();
    let mount = "mount -t tmpfs -o size=8m tmpfs \"$TEST_FOLDER\"";
    let mut command = tools::unshare("-Urm", "mount -t tmpfs tmpfs /mnt", mount).unwrap_or_else(|| {
        println!("without a full disk: unshare is not there, or may not mount");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env("TEST_NEVER_FULL", "1");
        command
    });
    let status = command.env("SENTRY_TEST_CHILD", "soak").env("TEST_FOLDER", folder.path()).status().unwrap();
    assert!(status.success());
}

/// Runs programs one after the other, kills each, and takes stock.
fn soak() {
    let seconds: u64 = std::env::var("SENTRY_TEST_SECONDS").map_or(10, |seconds| seconds.parse().expect("a number"));
    // A short run has it all, too.
    let (kill_each, full_each) = if seconds < 300 { (2, 5) } else { (20, 180) };
    let folder = PathBuf::from(std::env::var_os("TEST_FOLDER").unwrap());
    let (spool, filler) = (folder.join("spool"), folder.join("filler"));
    let start = Instant::now();
    let is_over = Arc::new(AtomicBool::new(false));
    let stays = Arc::clone(&is_over);
    let receiver = Receiver::with(move |_, _| match start.elapsed().as_secs() % 7 {
        0 | 1 => Reply::json(200, "{}"),
        _ if stays.load(Ordering::Acquire) => Reply::json(200, "{}"),
        _ => Reply::status(503),
    });
    let ready = Folder::new();
    let spawn = |name: &str| child::main(name).env("TEST_DSN", receiver.dsn()).env("TEST_SPOOL", &spool);
    // When, and by a program that began when.
    let mut accepted: HashMap<String, (u128, u128)> = HashMap::new();
    let mut full: Vec<(u128, u128)> = Vec::new();
    let (mut most_memory, mut most_disk, mut kills) = (0, 0, 0);
    while start.elapsed() < Duration::from_secs(seconds) {
        let mut running = spawn("victim").tells_ready(&ready).start();
        running.wait_ready(&ready);
        let (began, began_at) = (Instant::now(), micros());
        while began.elapsed() < Duration::from_secs(kill_each) {
            let fills = start.elapsed().as_secs() % full_each == full_each - 1;
            if fills && std::env::var_os("TEST_NEVER_FULL").is_none() && !filler.exists() {
                full.push((micros(), u128::MAX));
                // Until there is no more room.
                let _ = fs::write(&filler, vec![0; 16 << 20]);
            } else if !fills && filler.exists() {
                fs::remove_file(&filler).unwrap();
                full.last_mut().unwrap().1 = micros();
            }
            most_memory = most_memory.max(resident(running.id()));
            let files = support::folder::files_below(&spool);
            let bytes = files.iter().filter_map(|file| fs::metadata(file).ok()).map(|data| data.len()).sum();
            most_disk = most_disk.max(bytes);
            thread::sleep(Duration::from_millis(20));
        }
        running.kill();
        kills += 1;
        let out = running.wait();
        assert_eq!(out.signal(), Some(9), "{out:?}");
        for line in out.values("accepted") {
            // The last line may be cut off.
            let Some((id, at)) = line.split_once(' ') else { continue };
            let Ok(at) = at.parse() else { continue };
            accepted.insert(id.to_owned(), (at, began_at));
        }
    }
    if fs::remove_file(&filler).is_ok() {
        full.last_mut().unwrap().1 = micros();
    }
    is_over.store(true, Ordering::Release);
    let out = spawn("recover").timeout(Duration::from_secs(120)).run();
    assert!(out.success(), "{out:?}");
    let arrived: Vec<String> =
        receiver.events().iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect();
    let distinct: HashSet<&String> = arrived.iter().collect();
    let twice = arrived.len() - distinct.len();
    // A program that met a full disk leaves it alone for a minute.
    let was_full = |(at, began): (u128, u128)| {
        let met = |(from, to): &(u128, u128)| began < *to && from - SECOND < at && at < to.saturating_add(61 * SECOND);
        full.iter().any(met)
    };
    let lost = accepted.iter().filter(|(id, _)| !distinct.contains(id)).map(|(_, times)| *times);
    let (excused, lost): (Vec<_>, Vec<_>) = lost.partition(|times| was_full(*times));
    println!(
        "F24\t{seconds} s: {kills} kills, disk full {} times, {} accepted, {} lost of programs that met that, {} else, {twice} twice; \
         {most_memory} KiB, {most_disk} bytes on disk",
        full.len(),
        accepted.len(),
        excused.len(),
        lost.len()
    );
    assert_eq!(lost.len(), 0);
    assert!(twice <= kills * 2, "{twice}");
    assert!(most_memory < 64 << 10 && most_disk <= BOUND, "{most_memory}, {most_disk}");
}

/// Kibibytes.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0)
}

fn micros() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros()
}

fn options() -> ClientOptions {
    let variable = |name: &str| std::env::var(name).expect("set by the parent");
    let spool = SpoolOptions { mode: SpoolMode::Sync, max_bytes: BOUND, ..SpoolOptions::default() };
    let options = ClientOptions::new().dsn(&variable("TEST_DSN")).spool(spool).diagnostics(|_: &str| {});
    options.spool_dir(std::env::var_os("TEST_SPOOL").expect("set by the parent"))
}

fn victim() {
    let guard = sentry::init(options());
    child::ready();
    let start = Instant::now();
    let mut out = std::io::stdout();
    for n in 1.. {
        let id = sentry::capture_message("one of many", Level::Error);
        out.write_all(format!("@@accepted={} {}\n", id.as_simple(), micros()).as_bytes()).unwrap();
        out.flush().unwrap();
        let row = guard.stats().of(Category::Error);
        assert_eq!(row.lost_in_all(), 0, "{row:?}");
        assert!(row.captured + row.recovered >= row.stored + row.delivered, "{row:?}");
        // Less than ten a second would be sent after each outage.
        thread::sleep((Duration::from_millis(250) * n).saturating_sub(start.elapsed()));
    }
}

/// Sends what is left, and waits until there is nothing.
fn recover() {
    let guard = sentry::init(options());
    let spool = PathBuf::from(std::env::var_os("TEST_SPOOL").unwrap());
    let is_done = || guard.stats().of(Category::Error).queued() == 0 && count_kept(&spool) == 0;
    wait_until(is_done, Duration::from_secs(100));
}

const BOUND: u64 = 2 << 20;
const SECOND: u128 = 1_000_000;
