//! SIGKILL at every system call of capture, spool, send, delete and recovery (F11): nothing that was accepted is lost, and
//! nothing is stuck. Runs where `strace` is, and says so where it is not.

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

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use sentry::protocol::client_report::Category;
use sentry::{ClientOptions, Level, SpoolMode, SpoolOptions};
use support::{Folder, Receiver, child, count_kept, tools, wait_until};

/// What a process does to files and sockets.
const CALLS: &str = "openat,write,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,fsync,fdatasync,flock,connect,\
                     sendto,recvfrom,getdents64,socket,close,futex";

fn main() {
    if child::main_dispatch(&[("victim", victim), ("recover", recover)]) {
        return;
    }
    if tools::strace("write:delay_enter=1").is_none() {
        return println!("skipped: strace is not there, or may not trace");
    }
    for name in ["victim", "recover"] {
        let (mut points, mut accepted, mut lost, mut twice, mut stuck) = (0, 0, 0, 0, 0);
        for call in 1.. {
            let (receiver, spool) = (Receiver::start(), Folder::new());
            let mut told = BTreeSet::new();
            if name == "recover" {
                // There is something to recover, and it is tried under the knife.
                told.extend(run("victim", &receiver, &spool, Some(0)).1);
            }
            let (was_killed, more) = run(name, &receiver, &spool, Some(call));
            told.extend(more);
            // Killed again while it recovers, somewhere else.
            let _ = run("recover", &receiver, &spool, Some(call / 2 + 1));
            let (failed, _) = run("recover", &receiver, &spool, None);
            points += 1;
            let ids: Vec<String> =
                receiver.events().iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect();
            let arrived: BTreeSet<String> = ids.iter().cloned().collect();
            accepted += told.len();
            lost += told.difference(&arrived).count();
            twice += ids.len() - arrived.len();
            stuck += usize::from(failed) + spool.files().len();
            if !was_killed {
                break;
            }
        }
        println!("{name}: killed at {points} calls, {accepted} accepted, {lost} lost, {twice} twice, {stuck} stuck");
        assert_eq!((lost, stuck), (0, 0));
        assert!(twice <= 3 * points);
    }
}

/// Runs a child, killed at its `call`-th call by any of its threads; 0 is a child that ends without sending. Tells whether it
/// did not end well, and what it knew to be accepted.
fn run(name: &str, receiver: &Receiver, spool: &Folder, call: Option<usize>) -> (bool, Vec<String>) {
    let mut command = match call {
        Some(call) if call > 0 => tools::strace(&format!("{CALLS}:signal=KILL:when={call}")).unwrap(),
        _ => Command::new(std::env::current_exe().unwrap()),
    };
    command.env("SENTRY_TEST_CHILD", name).env("TEST_DSN", receiver.dsn()).env("TEST_SPOOL", spool.path());
    command.env_remove("SENTRY_DSN").env("TEST_ABORTS", if call == Some(0) { "1" } else { "" });
    let out = command.stdin(Stdio::null()).stderr(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    // The last line may be cut off.
    let ids = text.lines().filter_map(|line| line.strip_prefix("@@accepted=")).filter(|id| id.len() == 32);
    (!out.status.success(), ids.map(str::to_owned).collect())
}

fn options() -> ClientOptions {
    let variable = |name: &str| std::env::var(name).expect("set by the parent");
    let spool = SpoolOptions { mode: SpoolMode::Sync, ..SpoolOptions::default() };
    ClientOptions::new().dsn(&variable("TEST_DSN")).spool_dir(spool_dir()).spool(spool)
}

fn victim() {
    let guard = sentry::init(options());
    let mut out = std::io::stdout();
    // The calls of a start are about as many as those of ten captures.
    for n in 0..24 {
        let level = if n % 5 == 1 { Level::Fatal } else { Level::Error };
        let id = sentry::capture_message(&format!("message {n}"), level);
        // One call, so that it is told or not.
        let _ = out.write_all(format!("@@accepted={}\n", id.as_simple()).as_bytes());
        let _ = out.flush();
    }
    if std::env::var("TEST_ABORTS").is_ok_and(|aborts| !aborts.is_empty()) {
        std::process::abort();
    }
    drop(guard);
}

/// Sends what is left, until there is nothing.
fn recover() {
    let guard = sentry::init(options());
    let none_left = || {
        let row = guard.stats().of(Category::Error);
        row.queued() == 0 && row.stored == 0 && count_kept(&spool_dir()) == 0
    };
    wait_until(none_left, Duration::from_secs(20));
}

fn spool_dir() -> PathBuf {
    std::env::var_os("TEST_SPOOL").expect("set by the parent").into()
}
