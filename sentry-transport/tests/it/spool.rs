//! The spool while the program runs on: an outage that ends, the pace after it, and what the books say meanwhile.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sentry_core::protocol::client_report::{Category, Reason};

use crate::program::Program;
use crate::server::{Act, Server, answer, ok};

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("sentry-transport-test-{}-{number}", std::process::id())))
    }

    fn files(&self) -> usize {
        let mut count = 0;
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(ty) if ty.is_dir() => folders.push(entry.path()),
                    _ => count += usize::from(entry.path().extension().is_some()),
                }
            }
        }
        count
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn wait_until(what: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !what() {
        assert!(Instant::now() < end);
        std::thread::yield_now();
    }
}

#[test]
fn an_outage_is_waited_for_on_disk_and_the_way_back_is_paced() {
    let is_there = Arc::new(AtomicBool::new(false));
    let there = Arc::clone(&is_there);
    let server = Server::start(move |_| if there.load(Ordering::Acquire) { ok() } else { Act::Close });
    let folder = Folder::new();
    let program = Program::with(&server.dsn(), |options| options.spool_dir(&folder.0));
    for n in 0..12 {
        program.capture(&n.to_string());
    }
    program.flush();
    let row = program.client.stats().of(Category::Error);
    assert_eq!((row.captured, row.stored, row.queued(), row.delivered), (12, 12, 0, 0));
    assert_eq!(folder.files(), 12);
    is_there.store(true, Ordering::Release);
    let delivered = || program.client.stats().of(Category::Error).delivered;
    wait_until(|| delivered() > 0);
    let start = Instant::now();
    wait_until(|| delivered() == 12);
    // Ten a second, and the first of them at once.
    assert!(start.elapsed() >= Duration::from_millis(950), "{:?}", start.elapsed());
    program.expect_books(12, 12, 0, &[]);
    assert_eq!((program.client.stats().of(Category::Error).stored, folder.files()), (0, 0));
    program.capture("new");
    program.flush();
    program.expect_books(13, 13, 0, &[]);
}

#[test]
fn a_verdict_of_the_server_ends_it_on_disk_too() {
    for (status, lost) in [(400, Some(Reason::SendError)), (500, Some(Reason::SendError)), (429, None)] {
        let server = Server::start(move |_| Act::Send(answer(status, "", "{\"detail\":\"no\"}")));
        let folder = Folder::new();
        let program = Program::with(&server.dsn(), |options| options.spool_dir(&folder.0));
        program.capture("refused");
        program.flush();
        let lost: Vec<_> = lost.into_iter().map(|reason| (reason, 1)).collect();
        program.expect_books(1, 0, u64::from(status == 429), &lost);
        assert_eq!(folder.files(), 0, "{status}");
    }
}

#[test]
fn what_fails_while_others_arrive_is_given_up_on_disk_too() {
    let server = Server::start(|request| {
        let is_poison = request.envelope().1.iter().any(|(_, payload)| payload.to_string().contains("poison"));
        if is_poison { Act::Close } else { ok() }
    });
    let folder = Folder::new();
    let program = Program::with(&server.dsn(), |options| options.spool_dir(&folder.0));
    program.capture("poison");
    wait_until(|| {
        program.capture("another");
        program.client.flush(Some(Duration::from_secs(20)));
        program.client.stats().of(Category::Error).lost_for(Reason::NetworkError) == 1
    });
    program.flush();
    wait_until(|| folder.files() == 0);
    assert_eq!(program.client.stats().of(Category::Error).stored, 0);
}

#[test]
fn what_comes_while_a_server_is_silent_is_on_disk_too() {
    let server = Server::start(|_| Act::Hold);
    let folder = Folder::new();
    let program = Program::with(&server.dsn(), |options| options.spool_dir(&folder.0).max_senders(1));
    // One with the server, one ahead of the wire: nobody has anything to do then.
    program.capture("1");
    program.capture("2");
    server.next();
    wait_until(|| folder.files() == 2);
    std::thread::sleep(Duration::from_millis(200));
    program.capture("3");
    let start = Instant::now();
    wait_until(|| folder.files() == 3);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn without_room_on_disk_memory_has_to_do() {
    let is_there = Arc::new(AtomicBool::new(false));
    let there = Arc::clone(&is_there);
    let server = Server::start(move |_| if there.load(Ordering::Acquire) { ok() } else { Act::Close });
    let folder = Folder::new();
    let spool = sentry_core::SpoolOptions { max_files: 4, ..sentry_core::SpoolOptions::default() };
    let program = Program::with(&server.dsn(), |options| options.spool_dir(&folder.0).spool(spool));
    for n in 0..20 {
        program.capture(&n.to_string());
    }
    wait_until(|| program.client.stats().of(Category::Error).stored == 4);
    let row = program.client.stats().of(Category::Error);
    assert!(folder.files() <= 4 && row.lost_for(Reason::CacheOverflow) == row.lost_in_all(), "{row:?}");
    is_there.store(true, Ordering::Release);
    wait_until(|| {
        let row = program.client.stats().of(Category::Error);
        row.delivered + row.lost_in_all() == 20 && row.queued() == 0
    });
    assert_eq!(folder.files(), 0);
}
