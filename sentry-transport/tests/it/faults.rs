//! Servers that refuse, limit, redirect, talk nonsense or are not there.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sentry_core::protocol::client_report::{Category, Reason};

use crate::program::{Program, timed};
use crate::server::{Act, Server, answer, ok};

/// A port on which nobody listens.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://publickey@{}/42", listener.local_addr().unwrap())
}

#[test]
fn a_closed_port_hangs_nothing_and_loses_events_at_the_end() {
    let program = Program::new(&closed_port());
    for _ in 0..10 {
        program.capture("lost");
    }
    program.give_up();
    program.expect_books(10, 0, 0, &[(Reason::NetworkError, 10)]);
    assert!(program.said().is_empty(), "an outage is nothing to print: {:?}", program.said());
}

#[test]
fn after_429_nothing_is_sent_and_the_server_counts() {
    let server = Server::start(|_| Act::Send(answer(429, "", "")));
    let program = Program::new(&server.dsn());
    program.capture("limited");
    program.flush();
    program.capture("not sent");
    program.flush();
    assert_eq!(server.rest().len(), 1, "not even a report: all categories are limited");
    program.expect_books(2, 0, 1, &[(Reason::RatelimitBackoff, 1)]);
    assert!(program.said().is_empty());
}

#[test]
fn what_is_limited_is_not_even_finished() {
    let server = Server::start(|_| Act::Send(answer(429, "", "")));
    let finished = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&finished);
    let program = Program::with(&server.dsn(), |options| {
        options.before_send(move |event| {
            counter.fetch_add(1, Ordering::AcqRel);
            Some(event)
        })
    });
    program.capture("brings the limit");
    program.flush();
    for _ in 0..200 {
        program.capture("not worth a hook");
    }
    program.flush();
    assert_eq!(finished.load(Ordering::Acquire), 1);
    program.expect_books(201, 0, 1, &[(Reason::RatelimitBackoff, 200)]);
}

#[test]
fn limits_hold_for_their_categories_and_losses_are_reported() {
    let server = Server::start(|_| Act::Send(answer(200, "X-Sentry-Rate-Limits: 60:error;nonsense:org\r\n", "{}")));
    let program = Program::new(&server.dsn());
    program.capture("delivered, and brings the limit");
    program.flush();
    let _ = server.next();
    program.capture("not sent");
    program.flush();
    let report = server.next();
    assert_eq!(report.reported(), [("error".to_owned(), "ratelimit_backoff".to_owned(), 1)]);
    assert_eq!(report.envelope().1.len(), 1, "only the report");
    assert!(server.rest().is_empty());
    program.expect_books(2, 1, 0, &[(Reason::RatelimitBackoff, 1)]);
}

#[test]
fn losses_travel_with_the_next_envelope() {
    let server = Server::start(|request| if request.number == 0 { Act::Send(answer(500, "", "")) } else { ok() });
    // Nobody flushes between the two, so no report leaves alone.
    let program = Program::new(&server.dsn());
    program.capture("refused");
    let _ = server.next();
    while program.client.stats().of(Category::Error).lost_for(Reason::SendError) == 0 {
        std::thread::yield_now();
    }
    program.capture("second");
    let second = server.next();
    assert_eq!(second.message(), "second");
    assert_eq!(second.reported(), [("error".to_owned(), "send_error".to_owned(), 1)]);
    program.flush();
    assert!(server.rest().is_empty());
    program.expect_books(2, 1, 0, &[(Reason::SendError, 1)]);
}

#[test]
fn a_lost_report_is_reported_again() {
    let server = Server::start(|request| match request.number {
        0 => Act::Send(answer(500, "", "")),
        1 => Act::Close,
        _ => ok(),
    });
    let program = Program::new(&server.dsn());
    program.capture("refused");
    program.flush();
    program.flush();
    let reported: Vec<_> = server.rest().iter().map(|request| request.reported()).collect();
    let row = ("error".to_owned(), "send_error".to_owned(), 1);
    // The second went over a connection that had worked, so it is tried on another one at once.
    assert_eq!(reported, [vec![], vec![row.clone()], vec![row]]);
    program.expect_books(1, 0, 0, &[(Reason::SendError, 1)]);
}

#[test]
fn a_refused_key_is_said_once_without_the_key() {
    for status in [401, 403, 404] {
        let server = Server::start(move |_| {
            Act::Send(answer(status, "X-Sentry-Error: no such project for publickey\r\n", r#"{"detail":"hidden"}"#))
        });
        let program = Program::new(&server.dsn());
        for _ in 0..3 {
            program.capture("refused");
        }
        program.flush();
        let text = format!(
            "sentry: the server refused the DSN's key or project with {status} (no such project for ***): check SENTRY_DSN \
             against the project's settings"
        );
        assert_eq!(program.said(), [text]);
        program.expect_books(3, 0, 0, &[(Reason::SendError, 3)]);
    }
}

#[test]
fn refusals_are_counted_and_not_repeated() {
    for status in [400, 413, 500, 502, 503, 504, 600, 999] {
        let server = Server::start(move |_| Act::Send(answer(status, "", r#"{"detail":"no"}"#)));
        let program = Program::new(&server.dsn());
        program.capture("refused");
        program.flush();
        let events = server.rest().iter().filter(|request| request.reported().is_empty()).count();
        assert_eq!(events, 1, "{status}");
        program.expect_books(1, 0, 0, &[(Reason::SendError, 1)]);
        assert!(program.said().is_empty());
    }
}

#[test]
fn redirects_are_not_followed() {
    for status in [301, 302, 307, 308] {
        let elsewhere = Server::start(|_| ok());
        let target = format!("Location: http://{}/api/42/envelope/\r\n", elsewhere.address);
        let server = Server::start(move |_| Act::Send(answer(status, &target, "")));
        let program = Program::new(&server.dsn());
        program.capture("redirected");
        program.flush();
        assert_eq!(elsewhere.connections(), 0, "{status}");
        let said = program.said();
        assert!(
            said.len() == 1 && said[0].contains(&format!("the DSN redirects to {}", elsewhere.address)),
            "{said:?}"
        );
        program.expect_books(1, 0, 0, &[(Reason::SendError, 1)]);
    }
}

#[test]
fn an_endless_body_costs_its_connection_and_nothing_else() {
    let endless = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n".to_vec();
    let server = Server::start(move |_| Act::Endless(endless.clone()));
    let program = Program::new(&server.dsn());
    for _ in 0..2 {
        program.capture("delivered");
        let (flushed, took) = timed(|| program.client.flush(Some(Duration::from_secs(20))));
        assert!(flushed && took < Duration::from_secs(2), "{took:?}");
    }
    assert_eq!(server.connections(), 2);
    program.expect_books(2, 2, 0, &[]);
}

#[test]
fn odd_answers() {
    use Reason::NetworkError;
    let cases: [(&str, Answering, bool); 9] = [
        (
            "a body cut short",
            || Act::SendAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort".to_vec()),
            true,
        ),
        (
            "bad chunks",
            || Act::SendAndClose(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n".to_vec()),
            true,
        ),
        ("no body", || Act::SendAndClose(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()), true),
        (
            "hints first",
            || Act::Send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
            true,
        ),
        ("gzip that is none", || Act::Send(answer(200, "Content-Encoding: gzip\r\n", "nonsense")), true),
        ("a web page", || Act::Send(answer(200, "Content-Type: text/html\r\n", "<html>")), true),
        ("half a status line", || Act::SendAndClose(b"HTTP/1.1 20".to_vec()), false),
        ("no HTTP", || Act::SendAndClose(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()), false),
        (
            "a header without end",
            || Act::Endless([b"HTTP/1.1 200 OK\r\nX-Long: ".as_slice(), &[b'y'; 100_000]].concat()),
            false,
        ),
    ];
    for (what, act, is_delivered) in cases {
        let server = Server::start(move |_| act());
        let program = Program::new(&server.dsn());
        program.capture(what);
        match is_delivered {
            true => program.flush(),
            false => program.give_up(),
        }
        let row = program.client.stats().of(Category::Error);
        assert_eq!(
            (row.delivered == 1, row.lost_for(NetworkError) == 1),
            (is_delivered, !is_delivered),
            "{what}: {row:?}"
        );
    }
}

type Answering = fn() -> Act;

#[test]
fn a_proxy_is_asked_to_connect_and_its_refusal_is_no_answer_of_the_server() {
    let proxy = Server::start(|_| Act::SendAndClose(answer(403, "", "")));
    let server = Server::start(|_| ok());
    let program =
        Program::with(&server.dsn(), |options| options.http_proxy(format!("http://user:secret@{}", proxy.address)));
    program.capture("blocked");
    program.give_up();
    let request = proxy.next();
    assert_eq!(request.line, format!("CONNECT {} HTTP/1.1", server.address));
    assert_eq!(request.header("proxy-authorization"), Some("Basic dXNlcjpzZWNyZXQ="));
    assert_eq!(server.connections(), 0);
    program.expect_books(1, 0, 0, &[(Reason::NetworkError, 1)]);
}

#[test]
fn no_proxy_and_bad_proxies_lead_straight_to_the_server() {
    let proxy = Server::start(|_| Act::Close);
    let server = Server::start(|_| ok());
    let excluded = Program::with(&server.dsn(), |options| {
        options.http_proxy(format!("http://{}", proxy.address)).no_proxy("example.com, 127.0.0.0/8")
    });
    excluded.capture("straight");
    excluded.flush();
    excluded.expect_books(1, 1, 0, &[]);
    assert_eq!(proxy.connections(), 0);
    let bad = Program::with(&server.dsn(), |options| options.http_proxy("gopher://user:secret@proxy:70"));
    bad.capture("straight");
    bad.flush();
    bad.expect_books(1, 1, 0, &[]);
    let said = bad.said();
    assert!(said.len() == 1 && said[0].contains("http_proxy") && said[0].contains("gopher://***@proxy:70"), "{said:?}");
}
