//! What arrives, in which form and in which order.

use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::Reason;
use sentry_core::{Client, ClientOptions, Hub, TransactionContext, Transport, TransportOptions};
use sentry_transport::{Agent, UreqHttpTransportOptions};
use std::sync::{Arc, Barrier};

use crate::program::{Program, message};
use crate::server::{Act, Server, answer, ok};

#[test]
fn an_event_arrives_as_the_protocol_wants_it() {
    let server = Server::start(|_| ok());
    let program = Program::new(&server.dsn());
    let id = program.client.capture_event(message("hello"), None);
    program.flush();
    let request = server.next();
    assert_eq!(request.line, "POST /api/42/envelope/ HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/x-sentry-envelope"));
    assert_eq!(request.header("user-agent"), Some("sentry.rust/0.49.5"));
    assert_eq!(
        request.header("x-sentry-auth"),
        Some("Sentry sentry_version=7, sentry_client=sentry.rust/0.49.5, sentry_key=publickey")
    );
    assert_eq!(request.header("host"), Some(server.address.to_string().as_str()));
    assert_eq!(request.header("content-length"), Some(request.body_len().to_string().as_str()));
    for absent in ["accept-encoding", "accept", "transfer-encoding", "expect"] {
        assert_eq!(request.header(absent), None, "{absent}");
    }
    let (header, items) = request.envelope();
    assert_eq!(header["event_id"], id.simple().to_string());
    assert!(header["sent_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{header}");
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].1["event_id"], id.simple().to_string());
    assert_eq!(request.message(), "hello");
    program.expect_books(1, 1, 0, &[]);
    assert!(program.said().is_empty(), "{:?}", program.said());
}

#[test]
fn large_bodies_are_compressed_and_small_ones_are_not() {
    let server = Server::start(|_| ok());
    let program = Program::new(&server.dsn());
    let long = "long ".repeat(1_000);
    program.capture(&long);
    program.flush();
    let request = server.next();
    assert_eq!(request.header("content-encoding"), Some("gzip"));
    assert_eq!(request.message(), long);
    assert!(request.body_len() < 1_500, "{}", request.body_len());
    program.capture("short");
    program.flush();
    assert_eq!(server.next().header("content-encoding"), None);
}

#[test]
fn connections_are_kept_alive() {
    let server = Server::start(|_| ok());
    let program = Program::new(&server.dsn());
    for _ in 0..5 {
        program.capture("again");
        program.flush();
    }
    assert_eq!((server.connections(), server.rest().len()), (1, 5));
    program.expect_books(5, 5, 0, &[]);
}

#[test]
fn a_connection_closed_after_an_answer_is_replaced() {
    let server = Server::start(|_| Act::SendAndClose(answer(200, "", "{}")));
    let program = Program::new(&server.dsn());
    for _ in 0..5 {
        program.capture("again");
        program.flush();
    }
    assert_eq!(server.connections(), 5);
    program.expect_books(5, 5, 0, &[]);
}

/// Row 15: the server closes an idle connection at the very moment we use it.
#[test]
fn a_connection_closed_under_a_request_is_replaced_once() {
    let server = Server::start(|request| if request.number == 1 { Act::Close } else { ok() });
    let program = Program::new(&server.dsn());
    program.capture("first");
    program.flush();
    program.capture("second");
    program.flush();
    let seen: Vec<_> = server.rest().iter().map(|request| (request.connection, request.message())).collect();
    assert_eq!(seen, [(0, "first".to_owned()), (0, "second".to_owned()), (1, "second".to_owned())]);
    program.expect_books(2, 2, 0, &[]);
}

#[test]
fn a_server_that_closes_every_connection_is_not_asked_for_ever() {
    let server = Server::start(|request| if request.number == 0 { ok() } else { Act::Close });
    let program = Program::new(&server.dsn());
    program.capture("first");
    program.flush();
    program.capture("second");
    program.give_up();
    let events = server.rest().iter().filter(|request| request.reported().is_empty()).count();
    // The first; the second on its connection and on another one; and again for the flush and the end.
    assert!((4..=10).contains(&events), "{events}");
    program.expect_books(2, 1, 0, &[(Reason::NetworkError, 1)]);
}

#[test]
fn crashes_overtake_what_is_not_yet_ahead_of_the_wire() {
    let (open, gate) = bounded::<()>(0);
    let server = Server::start(move |_| {
        // Every request waits for the gate; once it is gone, none does.
        let _ = gate.recv();
        ok()
    });
    let program = Program::new(&server.dsn());
    program.capture("blocks the sender");
    let mut order = vec![server.next().message()];
    for n in 0..20 {
        program.capture(&format!("error {n}"));
    }
    program.capture_fatal("crash");
    drop(open);
    program.flush();
    order.extend(server.rest().iter().map(|request| request.message()));
    let place = order.iter().position(|text| text == "crash").unwrap();
    // Up to four senders, two envelopes each.
    assert!(place <= 8, "{order:?}");
    assert_eq!(order.len(), 22);
    program.expect_books(22, 22, 0, &[]);
}

#[test]
fn few_envelopes_have_more_than_one_sender_while_answers_are_slow() {
    // Nobody is answered before somebody else asks.
    let two = Arc::new(Barrier::new(2));
    let server = Server::start(move |_| {
        two.wait();
        ok()
    });
    let program = Program::new(&server.dsn());
    for n in 0..4 {
        program.capture(&n.to_string());
    }
    let start = Instant::now();
    program.flush();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    program.expect_books(4, 4, 0, &[]);
}

#[test]
fn a_burst_from_many_threads_arrives_whole() {
    let server = Server::start(|_| ok());
    let program = Program::new(&server.dsn());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1_000).for_each(|_| program.capture("burst")));
        }
    });
    program.flush();
    assert_eq!(server.rest().len(), 4_000);
    assert!(server.connections() <= 4, "{}", server.connections());
    program.expect_books(4_000, 4_000, 0, &[]);
}

#[test]
fn the_queue_is_bounded_in_number_if_asked_for() {
    let (open, gate) = bounded::<()>(0);
    let server = Server::start(move |_| {
        let _ = gate.recv();
        ok()
    });
    let program = Program::with(&server.dsn(), |options| options.transport_channel_capacity(3));
    program.capture("blocks the sender");
    let _ = server.next();
    for _ in 0..100 {
        program.capture("more");
    }
    drop(open);
    program.flush();
    let row = program.client.stats().of(sentry_core::protocol::client_report::Category::Error);
    // 3 in the queue and up to 8 ahead of the wire.
    assert!((4..=11).contains(&row.delivered), "{row:?}");
    program.expect_books(101, row.delivered, 0, &[(Reason::QueueOverflow, 101 - row.delivered)]);
}

#[test]
fn an_agent_of_the_users_sends_within_our_bounds() {
    let server =
        Server::start(|request| Act::Send(answer([200, 500, 302][request.number % 3], "Location: /x\r\n", "{}")));
    // Its defaults: errors for statuses, redirects followed, a proxy from the environment.
    let factory = |options: &ClientOptions| -> Arc<dyn Transport> {
        let options = TransportOptions::try_from_client_options(options).unwrap();
        Arc::new(UreqHttpTransportOptions::from(options).with_agent(Agent::new_with_defaults()).build())
    };
    let client = Client::with_options(ClientOptions::new().dsn(server.dsn().as_str()).transport(factory));
    for _ in 0..3 {
        client.capture_event(message("by agent"), None);
        assert!(client.flush(Some(Duration::from_secs(20))));
    }
    let lines: Vec<_> = server
        .rest()
        .iter()
        .map(|request| (request.line.clone(), request.header("accept-encoding").is_some()))
        .collect();
    assert!(lines.iter().all(|line| *line == ("POST /api/42/envelope/ HTTP/1.1".to_owned(), false)), "{lines:?}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn finished_envelopes_are_taken_without_a_client() {
    let server = Server::start(|_| ok());
    let options = ClientOptions::new().dsn(server.dsn().as_str());
    let options = TransportOptions::try_from_client_options(&options).unwrap();
    let transport = UreqHttpTransportOptions::from(options).build();
    transport.send_envelope(Envelope::from(message("direct")));
    transport.send_envelope(Envelope::new());
    assert!(transport.flush(Duration::from_secs(20)));
    assert_eq!(server.next().message(), "direct");
    assert!(server.rest().is_empty(), "an empty envelope is not sent");
}

/// A destructor of a thread-local is the last code a thread runs; our wake-up must work there.
#[test]
fn captures_while_a_thread_dies_are_delivered() {
    struct Late(Option<Client>);
    impl Drop for Late {
        fn drop(&mut self) {
            if let Some(client) = self.0.take() {
                client.capture_event(message("late"), None);
            }
        }
    }
    thread_local! { static LATE: std::cell::RefCell<Late> = const { std::cell::RefCell::new(Late(None)) } }
    let server = Server::start(|_| ok());
    let program = Program::new(&server.dsn());
    let client = program.client.clone();
    thread::spawn(move || LATE.with(|late| late.borrow_mut().0 = Some(client))).join().unwrap();
    assert_eq!(server.next().message(), "late");
}

/// However much the scope of a transaction holds, an error does not pay for it.
#[test]
fn a_transaction_that_waits_takes_no_room_from_errors() {
    let (open, gate) = bounded::<()>(0);
    let server = Server::start(move |_| {
        let _ = gate.recv();
        ok()
    });
    let program = Program::with(&server.dsn(), |options| options.traces_sample_rate(1.0));
    program.capture("blocks the sender");
    let _ = server.next();
    for n in 0..20 {
        program.capture(&format!("error {n}"));
    }
    let hub = Arc::new(Hub::new(Some(Arc::new(program.client.clone())), Arc::default()));
    hub.configure_scope(|scope| scope.set_extra("large", "x".repeat(17 << 20).into()));
    hub.start_transaction(TransactionContext::new("large", "task")).finish();
    drop(hub);
    program.capture("one more error");
    drop(open);
    program.flush();
    program.expect_books(22, 22, 0, &[]);
}
