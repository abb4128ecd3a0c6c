//! A process that is forked without `exec`, under load (F17): the child captures and sends what is its own, under ids of
//! its own, and ends; the parent's queue is the parent's.
//!
//! `SENTRY_TEST_FORKS=10000 cargo test --release -p sentry-faults-tests --test forks` is the long run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test without libtest: clippy.toml exempts test functions only"
)]
#![expect(unsafe_code, reason = "std cannot fork")]

#[path = "../../support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sentry::protocol::client_report::Category;
use sentry::{ClientOptions, Level};
use support::{Folder, Receiver, child};

fn main() {
    if child::main_dispatch(&[("parent", parent)]) {
        return;
    }
    let forks: usize = std::env::var("SENTRY_TEST_FORKS").map_or(100, |forks| forks.parse().expect("a number"));
    for has_spool in [false, true] {
        let (receiver, spool) = (Receiver::start(), Folder::new());
        let mut spawn = child::main("parent").env("TEST_DSN", receiver.dsn()).env("TEST_FORKS", forks.to_string());
        if has_spool {
            spawn = spawn.env("TEST_SPOOL", spool.path());
        }
        let out = spawn.timeout(Duration::from_secs(60 + forks as u64 / 10)).run();
        assert!(out.success(), "{out:?}");
        let mut times: HashMap<String, usize> = HashMap::new();
        let mut of_children = 0;
        for event in receiver.events() {
            of_children += usize::from(event["logentry"]["formatted"] == "child");
            *times.entry(event["event_id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        let twice = times.values().filter(|times| **times > 1).count();
        let captured: usize = out.value("captured").unwrap().parse().unwrap();
        let stuck: usize = out.value("stuck").unwrap().parse().unwrap();
        println!(
            "spool {has_spool}: {forks} forks, {stuck} stuck, {of_children} of {} events of children arrived, {} of {captured} \
             of the parent, {twice} twice",
            2 * forks,
            times.len() - of_children
        );
        assert_eq!((stuck, of_children, times.len() - of_children, twice), (0, 2 * forks, captured, 0));
        if has_spool {
            assert_eq!(spool.files(), [] as [std::path::PathBuf; 0]);
        }
    }
}

fn parent() {
    let dsn = std::env::var("TEST_DSN").unwrap();
    let mut options =
        ClientOptions::new().dsn(&dsn).attach_stacktrace(true).release("app@1").auto_session_tracking(true);
    options.spool_dir = std::env::var_os("TEST_SPOOL").map(Into::into);
    let guard = sentry::init(options.shutdown_timeout(Duration::from_secs(20)));
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    // Locks are taken all the time, of the queue, of batches and of the symbols.
    let load = thread::spawn(move || {
        while !over.load(Ordering::Acquire) {
            sentry::add_breadcrumb(sentry::Breadcrumb { message: Some("load".into()), ..Default::default() });
            sentry::capture_message("parent", Level::Error);
            sentry::logger_info!("parent");
            thread::sleep(Duration::from_micros(500));
        }
    });
    let forks: usize = std::env::var("TEST_FORKS").unwrap().parse().unwrap();
    let mut stuck = 0;
    for _ in 0..forks {
        // SAFETY: that the child of a program with threads does more than the system promises it can is what is tested.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0);
        if pid == 0 {
            let sent = sentry::Hub::with_active(|hub| {
                hub.capture_message("child", Level::Error);
                sentry::logger_info!("child");
                hub.capture_message("child", Level::Error);
                hub.client().is_some_and(|client| {
                    let flushed = client.flush(Some(Duration::from_secs(20)));
                    let row = client.stats().of(Category::Error);
                    flushed && (row.captured, row.delivered) == (2, 2) && client.close(Some(Duration::from_secs(20)))
                })
            });
            // SAFETY: it ends this process, without what is the parent's to do at its end.
            unsafe { libc::_exit(if sent { 0 } else { 1 }) };
        }
        stuck += usize::from(!ends_well(pid));
    }
    is_over.store(true, Ordering::Release);
    load.join().unwrap();
    let report = guard.close_report(Some(Duration::from_secs(20)));
    assert!(report.in_time);
    let row = report.stats.of(Category::Error);
    assert_eq!(row.delivered, row.captured);
    child::report("captured", &row.captured.to_string());
    child::report("stuck", &stuck.to_string());
}

fn ends_well(pid: i32) -> bool {
    let deadline = Instant::now() + Duration::from_secs(45);
    loop {
        let mut status = 0;
        // SAFETY: it writes to `status`, which outlives the call.
        let ended = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
        if ended == pid {
            return libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
        }
        if Instant::now() > deadline {
            // SAFETY: the child is not waited for yet, so the number is still its own.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
}
