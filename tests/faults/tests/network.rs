//! Servers that misbehave (rows 1 to 22 of the catalogue): what becomes of events, that `close(t)` returns in time, and
//! that with a spool everything that was captured 100 ms earlier is on disk then (F6, F7).
//!
//! `SENTRY_TEST_ROW=9` looks at that row only, and
//! `SENTRY_TEST_ROUNDS=1000 cargo test --release -p sentry-faults-tests --test network` is the long run.

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

use std::collections::HashSet;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sentry::protocol::client_report::{Category, Reason};
use sentry::protocol::{Event, Level};
use sentry::transports::DefaultTransportFactory;
use sentry::{Client, ClientOptions};
use support::{Folder, Receiver, Reply, ScriptedServer, Step, child, tools};

fn main() {
    if child::main_dispatch(&[("no route", no_route), ("leave some", leave_some), ("start again", start_again)]) {
        return;
    }
    let rounds: usize = std::env::var("SENTRY_TEST_ROUNDS").map_or(3, |rounds| rounds.parse().expect("a number"));
    println!("row\tserver\t\trounds\tover t, ms: 99 %, most\twith a spool: 99 %, most\tstored or delivered");
    let only = std::env::var("SENTRY_TEST_ROW").ok();
    for fault in faults().into_iter().filter(|fault| only.as_ref().is_none_or(|row| row == fault.row)) {
        println!("{}", row(&fault, rounds));
    }
    a_name_with_two_addresses();
    a_server_that_comes_and_goes();
    test_no_route();
    a_herd(rounds >= 1000);
    println!("\nall passed");
}

/// What a server of that kind makes of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Becomes {
    Delivered,
    NotReached,
    Refused,
    /// Either, since the end may come first.
    Any,
}

struct Fault {
    row: &'static str,
    name: &'static str,
    becomes: Becomes,
    start: Box<dyn Fn() -> Running + Sync>,
}

/// A DSN, and what has to live for the server to be as it is.
type Running = (String, Vec<Box<dyn Send + Sync>>);

fn faults() -> Vec<Fault> {
    let scripted = |row, name, becomes, script: Vec<Step>| {
        let start = move || -> Running {
            let server = ScriptedServer::start(vec![script.clone()]);
            (server.dsn(), vec![Box::new(server)])
        };
        Fault { row, name, becomes, start: Box::new(start) }
    };
    let write = |text: &str| Step::Write(text.as_bytes().to_vec());
    let slow = || Step::Loop(vec![Step::Write(b"H".to_vec()), Step::Sleep(Duration::from_millis(200))]);
    let each = |steps: Vec<Step>| vec![Step::Loop(steps)];
    let ok = || Step::respond(200, "{}");
    let nowhere = |row, name, dsn: String| {
        let start = move || -> Running { (dsn.clone(), Vec::new()) };
        Fault { row, name, becomes: Becomes::NotReached, start: Box::new(start) }
    };
    use Becomes::{Any, Delivered, NotReached, Refused};
    vec![
        nowhere("1", "refuses connections", closed_port()),
        Fault { row: "2", name: "never accepts", becomes: NotReached, start: Box::new(full_backlog) },
        nowhere("4", "has a name that is none", "http://public@nobody.invalid:9/42".to_owned()),
        scripted("8", "never reads", NotReached, vec![Step::Hold]),
        scripted("9", "reads, never answers", NotReached, vec![Step::ReadRequest, Step::Hold]),
        scripted("10", "answers a byte at a time", NotReached, vec![Step::ReadRequest, slow()]),
        scripted("11", "resets in the middle", NotReached, vec![Step::ReadBytes(20), Step::Reset]),
        scripted(
            "12",
            "refuses early and closes",
            Refused,
            vec![Step::ReadBytes(20), Step::respond(413, ""), Step::Close],
        ),
        scripted(
            "13",
            "half an answer",
            NotReached,
            vec![Step::ReadRequest, write("HTTP/1.1 200 OK\r\n"), Step::Close],
        ),
        scripted(
            "14",
            "a body that is cut short",
            Delivered,
            vec![Step::ReadRequest, write("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), Step::Close],
        ),
        scripted("15", "closes after each answer", Delivered, vec![Step::ReadRequest, ok(), Step::Close]),
        scripted("16", "is no HTTP server", NotReached, vec![Step::ReadRequest, write("SSH-2.0-x\r\n"), Step::Close]),
        scripted("16", "speaks TLS", NotReached, vec![Step::Write(vec![0x15, 3, 1, 0, 2, 2, 40]), Step::Hold]),
        scripted(
            "17",
            "a header without end",
            NotReached,
            vec![Step::ReadRequest, write("HTTP/1.1 200 OK\r\nX: "), Step::Loop(vec![Step::Write(vec![b'x'; 4096])])],
        ),
        scripted(
            "18",
            "a body without end",
            Any,
            vec![Step::ReadRequest, write("HTTP/1.1 200 OK\r\n\r\n"), Step::Loop(vec![Step::Write(vec![b'x'; 4096])])],
        ),
        scripted(
            "19",
            "a body that says it is gzip",
            Delivered,
            vec![
                Step::ReadRequest,
                write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
                Step::Close,
            ],
        ),
        scripted(
            "20",
            "says more than asked for",
            Delivered,
            each(vec![Step::ReadRequest, write("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), ok()]),
        ),
        scripted("29", "a proxy without a server", NotReached, Step::answer_all(503, "")),
        scripted("30", "does not know the key", Refused, Step::answer_all(401, "{\"detail\":\"key\"}")),
    ]
}

fn closed_port() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://public@127.0.0.1:{port}/42")
}

/// A listener that accepts nothing, with as many connections waiting as fit: it answers no further one.
fn full_backlog() -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut kept: Vec<Box<dyn Send + Sync>> = vec![Box::new(listener)];
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        kept.push(Box::new(stream));
    }
    (format!("http://public@{address}/42"), kept)
}

fn options(dsn: &str) -> ClientOptions {
    ClientOptions::new().dsn(dsn).transport(DefaultTransportFactory).diagnostics(|_: &str| {})
}

fn capture(client: &Client, count: usize) {
    for _ in 0..count {
        client.capture_event(
            Event { message: Some(format!("of {}", std::process::id())), level: Level::Error, ..Event::default() },
            None,
        );
    }
}

const T: Duration = Duration::from_millis(50);
const EVENTS: usize = 3;

/// Many programs against one server, some at a time; and a line about them.
fn row(fault: &Fault, rounds: usize) -> String {
    let mut over = [Vec::new(), Vec::new()];
    let (mut kept, mut captured) = (0, 0);
    for (has_spool, over) in [false, true].into_iter().zip(&mut over) {
        let mut found = Vec::new();
        while found.len() < rounds {
            // Connections stay with a silent server: another one for some of the programs.
            let (dsn, _server) = (fault.start)();
            let left = AtomicUsize::new((rounds - found.len()).min(OF_EACH_SERVER));
            thread::scope(|scope| {
                let round = || {
                    let mut found = Vec::new();
                    while left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok() {
                        found.push(one(fault, &dsn, has_spool));
                    }
                    found
                };
                let threads: Vec<_> = (0..AT_ONCE.min(rounds)).map(|_| scope.spawn(round)).collect();
                found.extend(threads.into_iter().flat_map(|thread| thread.join().unwrap()));
            });
        }
        for (took, stored_or_delivered) in found {
            over.push(took.saturating_sub(T));
            if has_spool {
                captured += EVENTS;
                kept += stored_or_delivered;
            }
        }
    }
    let share = |over: &mut Vec<Duration>| {
        over.sort();
        let most = over.last().copied().unwrap_or_default();
        let nearly = over[(over.len() * 99 / 100).min(over.len() - 1)];
        assert!(most <= if rounds >= 100 { SLACK } else { 10 * SLACK }, "{}: {most:?}", fault.name);
        format!("{:.1}, {:.1}", nearly.as_secs_f64() * 1e3, most.as_secs_f64() * 1e3)
    };
    let [plain, spooled] = &mut over;
    let (plain, spooled) = (share(plain), share(spooled));
    if fault.becomes != Becomes::Refused {
        assert_eq!(kept, captured, "{}", fault.name);
    }
    format!("{}\t{}\t{rounds}\t{plain}\t\t{spooled}\t\t{kept} of {captured}", fault.row, fault.name)
}

/// One program: how long its `close` took, and how much is delivered or stored.
fn one(fault: &Fault, dsn: &str, has_spool: bool) -> (Duration, usize) {
    let spool = Folder::new();
    let mut options = options(dsn);
    if has_spool {
        options = options.spool_dir(spool.path());
    }
    let client = Client::with_options(options);
    capture(&client, EVENTS);
    if has_spool {
        // What is promised is promised of what was captured by then.
        thread::sleep(Duration::from_millis(100));
    } else if matches!(fault.becomes, Becomes::Delivered | Becomes::Refused) {
        assert!(client.flush(Some(Duration::from_secs(20))), "{}: {:?}", fault.name, client.stats());
    }
    let start = Instant::now();
    client.close(Some(T));
    let took = start.elapsed();
    if has_spool && fault.becomes == Becomes::NotReached {
        assert!(spool.files().len() >= EVENTS, "{}: on disk when close returns", fault.name);
    }
    // What the worker has in its hands just then is counted when it puts it down.
    support::wait_until(|| client.stats().of(Category::Error).queued() == 0, Duration::from_secs(20));
    let stats = client.stats().of(Category::Error);
    assert_eq!((stats.captured, stats.queued()), (EVENTS as u64, 0), "{}: {stats:?}", fault.name);
    match fault.becomes {
        Becomes::Delivered if !has_spool => assert_eq!(stats.delivered, EVENTS as u64, "{}: {stats:?}", fault.name),
        Becomes::Refused if !has_spool => {
            assert_eq!(stats.lost_for(Reason::SendError), EVENTS as u64, "{}: {stats:?}", fault.name);
        }
        Becomes::NotReached => assert_eq!(stats.delivered, 0, "{}: {stats:?}", fault.name),
        _ => {}
    }
    if has_spool && fault.becomes == Becomes::NotReached {
        assert_eq!((stats.stored, spool.files().len()), (EVENTS as u64, EVENTS), "{}: {stats:?}", fault.name);
    }
    (took, usize::try_from(stats.stored + stats.delivered).unwrap())
}

/// Row 7: the first address of the name is dead.
fn a_name_with_two_addresses() {
    let receiver = Receiver::start();
    let client = Client::with_options(options(&receiver.dsn().replace("127.0.0.1", "localhost")));
    capture(&client, EVENTS);
    assert!(client.flush(Some(Duration::from_secs(20))));
    assert_eq!(receiver.events().len(), EVENTS);
    println!("7\ta name with two addresses: {EVENTS} of {EVENTS} delivered");
}

/// Row 22: up and down and up again.
fn a_server_that_comes_and_goes() {
    let start = Instant::now();
    let receiver = Receiver::with(move |_, _| match start.elapsed().as_millis() / 500 % 3 {
        0 | 1 => Reply::json(200, "{}"),
        _ => Reply::status(503),
    });
    for has_spool in [false, true] {
        let (spool, before) = (Folder::new(), receiver.events().len());
        let mut options = options(&receiver.dsn());
        if has_spool {
            options = options.spool_dir(spool.path());
        }
        let client = Arc::new(Client::with_options(options));
        for _ in 0..20 {
            capture(&client, 1);
            thread::sleep(Duration::from_millis(100));
        }
        let delivered = || client.stats().of(Category::Error).delivered;
        support::wait_until(|| delivered() == 20, Duration::from_secs(60));
        let row = client.stats().of(Category::Error);
        assert_eq!((row.lost_in_all(), row.stored, receiver.events().len() - before), (0, 0, 20));
        println!("22\tcomes and goes, spool {has_spool}: 20 of 20 delivered, none twice");
    }
}

/// Row 3: no network at all, where this machine lets a test be without one.
fn test_no_route() {
    let Some(mut command) = tools::unshare("-Urn", "true", "true") else {
        return println!("3\tskipped: unshare is not there, or not allowed");
    };
    assert!(command.env("SENTRY_TEST_CHILD", "no route").status().unwrap().success());
    println!("3\tno route: {EVENTS} of {EVENTS} stored");
}

fn no_route() {
    let dsn = "http://public@192.0.2.1/42";
    let start = move || -> Running { (dsn.to_owned(), Vec::new()) };
    let fault = Fault { row: "3", name: "no route", becomes: Becomes::NotReached, start: Box::new(start) };
    let (took, kept) = one(&fault, dsn, true);
    assert!(kept == EVENTS && took < Duration::from_secs(2));
}

/// Row 23: many programs start again in an outage, each with something left from before, and then it is over.
fn a_herd(is_long: bool) {
    let programs = if is_long { 50 } else { 10 };
    let (receiver, is_there) = Receiver::absent();
    let spools: Vec<Folder> = (0..programs).map(|_| Folder::new()).collect();
    let program = |name: &str, spool: &Folder| {
        child::main(name).env("TEST_DSN", receiver.dsn()).env("TEST_SPOOL", spool.path()).start()
    };
    let dead: Vec<_> = spools.iter().map(|spool| program("leave some", spool)).collect();
    assert!(dead.into_iter().all(|dead| dead.wait().signal() == Some(6)));
    let (asked, before) = (receiver.envelopes().len(), receiver.connections());
    let running: Vec<_> = spools.iter().map(|spool| program("start again", spool)).collect();
    let texts = |envelopes: &[support::receiver::ReceivedEnvelope]| -> HashSet<String> {
        let events = envelopes.iter().skip(asked).filter_map(|envelope| envelope.event());
        events.map(|event| event["logentry"].to_string()).collect()
    };
    receiver.wait("all to have asked", |envelopes| texts(envelopes).len() >= programs);
    is_there.store(true, Ordering::Release);
    let mut shortest = Duration::MAX;
    for running in running {
        let out = running.wait();
        assert!(out.success(), "{out:?}");
        shortest = shortest.min(Duration::from_millis(out.value("took").unwrap().parse().unwrap()));
    }
    let connections = receiver.connections() - before;
    println!(
        "23\t{programs} programs with {LEFT} events each: {connections} connections, it took {shortest:?} at least"
    );
    assert_eq!(receiver.events().len(), programs * LEFT);
    // One to see, one when it is over, and then ten a second; and one connection is enough for that.
    assert!(shortest >= Duration::from_millis(100) * (LEFT as u32 - 2), "{shortest:?}");
    assert!(connections <= programs * 2, "{connections}");
}

fn with_spool() -> Client {
    let spool = std::env::var_os("TEST_SPOOL").unwrap();
    Client::with_options(options(&std::env::var("TEST_DSN").unwrap()).spool_dir(spool))
}

fn leave_some() {
    let client = with_spool();
    capture(&client, LEFT);
    support::wait_until(|| client.stats().of(Category::Error).stored == LEFT as u64, Duration::from_secs(20));
    std::process::abort();
}

fn start_again() {
    let start = Instant::now();
    let client = with_spool();
    support::wait_until(|| client.stats().of(Category::Error).delivered == LEFT as u64, Duration::from_secs(60));
    child::report("took", &start.elapsed().as_millis().to_string());
}

const LEFT: usize = 15;

/// Programs that meet the same server.
const OF_EACH_SERVER: usize = 40;
/// Programs at a time: they mostly wait.
const AT_ONCE: usize = 8;
/// What `close` may take beyond its time.
const SLACK: Duration = Duration::from_millis(50);
