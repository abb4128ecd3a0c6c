//! Servers that cannot be reached for a while: what was captured meanwhile arrives afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sentry_core::protocol::client_report::{Category, Reason};

use crate::program::Program;
use crate::server::{Act, Request, Server, answer, ok};

/// A server behind something that is broken until it is mended.
fn broken(act: impl Fn() -> Act + Send + Sync + 'static) -> (Server, Arc<AtomicBool>) {
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = Arc::clone(&is_mended);
    let server = Server::start(move |_| if mended.load(Ordering::Acquire) { ok() } else { act() });
    (server, is_mended)
}

/// Flushes until that succeeds: each attempt begins at once.
fn flush_until_reached(program: &Program) {
    let end = Instant::now() + Duration::from_secs(30);
    while !program.client.flush(Some(Duration::from_secs(20))) {
        assert!(Instant::now() < end, "{:?}", program.client.stats());
    }
}

fn messages(server: &Server) -> Vec<String> {
    server.rest().iter().filter(|request| request.reported().is_empty()).map(Request::message).collect()
}

#[test]
fn an_outage_loses_nothing() {
    let ways: [fn() -> Act; 4] = [
        || Act::Close,
        || Act::Send(answer(503, "", "")),
        || Act::Send(answer(502, "Content-Type: text/html\r\n", "<html>bad gateway</html>")),
        || Act::SendAndClose(b"HTTP/1.1 50".to_vec()),
    ];
    for way in ways {
        let (server, mended) = broken(way);
        let program = Program::new(&server.dsn());
        for n in 0..50 {
            program.capture(&n.to_string());
        }
        assert!(!program.client.flush(Some(Duration::from_secs(20))));
        let asked = server.rest().len();
        assert!((2..=16).contains(&asked), "one attempt at a time, not one for each event: {asked}");
        mended.store(true, Ordering::Release);
        flush_until_reached(&program);
        program.expect_books(50, 50, 0, &[]);
        let mut arrived: Vec<usize> = messages(&server).iter().map(|text| text.parse().unwrap()).collect();
        arrived.sort_unstable();
        arrived.dedup();
        assert_eq!(arrived, Vec::from_iter(0..50));
        assert!(program.said().is_empty(), "an outage is nothing to print: {:?}", program.said());
    }
}

#[test]
fn it_is_tried_again_by_itself() {
    let server = Server::start(|request| if request.number == 0 { Act::Close } else { ok() });
    let program = Program::new(&server.dsn());
    program.capture("first");
    // The first attempt is made within a second.
    assert_eq!([server.next().message(), server.next().message()], ["first", "first"]);
    while program.client.stats().of(Category::Error).delivered == 0 {
        std::thread::yield_now();
    }
    program.expect_books(1, 1, 0, &[]);
}

#[test]
fn an_envelope_that_never_arrives_holds_up_no_other() {
    let server = Server::start(|request| {
        // Of a report alone nothing is asked.
        let is_poison = request.reported().is_empty() && request.message() == "poison";
        if is_poison { Act::Close } else { ok() }
    });
    let program = Program::new(&server.dsn());
    program.capture("poison");
    for n in 0..20 {
        program.capture(&n.to_string());
    }
    // While nothing else is sent it looks like an outage; others show that it is the envelope's own fault.
    let mut sent = 20;
    let end = Instant::now() + Duration::from_secs(30);
    while program.client.stats().of(Category::Error).lost_for(Reason::NetworkError) == 0 {
        assert!(Instant::now() < end, "{:?}", program.client.stats());
        program.capture("another");
        sent += 1;
        program.client.flush(Some(Duration::from_secs(20)));
    }
    flush_until_reached(&program);
    program.expect_books(sent + 1, sent, 0, &[(Reason::NetworkError, 1)]);
}

#[test]
fn at_the_end_there_is_one_more_attempt() {
    for comes_back in [true, false] {
        let (server, mended) = broken(|| Act::Close);
        let program = Program::new(&server.dsn());
        for n in 0..10 {
            program.capture(&n.to_string());
        }
        assert!(!program.client.flush(Some(Duration::from_secs(20))));
        mended.store(comes_back, Ordering::Release);
        let start = Instant::now();
        assert_eq!(program.client.close(Some(Duration::from_secs(20))), comes_back);
        assert!(start.elapsed() < Duration::from_secs(5));
        let lost = [(Reason::NetworkError, 10)];
        match comes_back {
            true => program.expect_books(10, 10, 0, &[]),
            false => program.expect_books(10, 0, 0, &lost),
        }
    }
}
