//! User code that is slow, stuck or broken.

use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use sentry_core::protocol::client_report::{Category, Reason};

use crate::program::{Program, expect_in_time, timed};
use crate::server::{Server, ok};

const T: Duration = Duration::from_millis(100);

/// A program whose hook hangs on events called "stuck" until the returned sender is gone.
fn program_with_stuck_hook(
    server: &Server,
) -> (Program, crossbeam_channel::Sender<()>, crossbeam_channel::Receiver<()>) {
    let (release, gate) = bounded::<()>(0);
    let (entered, inside) = bounded(16);
    let program = Program::with(&server.dsn(), |options| {
        options.before_send(move |event| {
            if event.message.as_deref() == Some("stuck") {
                let _ = entered.send(());
                let _ = gate.recv();
            }
            Some(event)
        })
    });
    (program, release, inside)
}

#[track_caller]
fn wait_for_verdicts(program: &Program) {
    let start = Instant::now();
    while program.client.stats().of(Category::Error).queued() > 0 {
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", program.client.stats());
        std::thread::yield_now();
    }
}

#[test]
fn a_stuck_hook_does_not_stop_the_others() {
    let _alone = crate::alone();
    let server = Server::start(|_| ok());
    let (program, release, inside) = program_with_stuck_hook(&server);
    program.capture("stuck");
    inside.recv().unwrap();
    for _ in 0..10 {
        program.capture("other");
    }
    for _ in 0..10 {
        assert_eq!(server.next().message(), "other");
    }
    let said = program.said();
    assert!(said.len() == 1 && said[0].contains("has been running for 250 ms"), "{said:?}");
    drop(release);
    assert_eq!(server.next().message(), "stuck", "late, but it arrives");
    program.flush();
    program.expect_books(11, 11, 0, &[]);
}

#[test]
fn close_does_not_wait_for_a_stuck_hook() {
    let _alone = crate::alone();
    let server = Server::start(|_| ok());
    expect_in_time(|| {
        let (program, release, inside) = program_with_stuck_hook(&server);
        program.capture("stuck");
        inside.recv().unwrap();
        program.capture("other");
        let (closed, took) = timed(|| program.client.close(Some(T)));
        assert!(!closed);
        let row = program.client.stats().of(Category::Error);
        assert_eq!(row.queued(), 1, "what the hook holds has no verdict: {row:?}");
        drop(release);
        wait_for_verdicts(&program);
        let row = program.client.stats().of(Category::Error);
        assert_eq!(row.delivered + row.lost_for(Reason::NetworkError), 2, "{row:?}");
        took
    });
}

#[test]
fn close_with_time_delivers_what_waits_behind_a_stuck_hook() {
    let _alone = crate::alone();
    let server = Server::start(|_| ok());
    let (program, _release, inside) = program_with_stuck_hook(&server);
    program.capture("stuck");
    inside.recv().unwrap();
    program.capture("other");
    assert!(!program.client.close(Some(Duration::from_secs(2))));
    assert_eq!(program.client.stats().of(Category::Error).delivered, 1);
}

#[test]
fn many_stuck_hooks_end_in_the_queue_and_are_counted_at_the_end() {
    let _alone = crate::alone();
    let server = Server::start(|_| ok());
    expect_in_time(|| {
        let (program, release, inside) = program_with_stuck_hook(&server);
        for _ in 0..7 {
            program.capture("stuck");
        }
        for _ in 0..5 {
            inside.recv_timeout(Duration::from_secs(20)).expect("four are let be, the fifth is stuck too");
        }
        program.capture("never finished");
        let (closed, took) = timed(|| program.client.close(Some(T)));
        assert!(!closed);
        let row = program.client.stats().of(Category::Error);
        assert_eq!((row.lost_for(Reason::NetworkError), row.queued()), (3, 5), "{row:?}");
        drop(release);
        wait_for_verdicts(&program);
        program.expect_books(8, 0, 0, &[(Reason::NetworkError, 8)]);
        assert_eq!(program.said().len(), 1, "{:?}", program.said());
        took
    });
}

#[test]
fn a_panicking_hook_loses_its_event_and_no_other() {
    let _alone = crate::alone();
    let server = Server::start(|_| ok());
    let program = Program::with(&server.dsn(), |options| {
        options.before_send(|event| {
            if event.message.as_deref() == Some("broken") {
                std::panic::resume_unwind(Box::new("broken"));
            }
            Some(event)
        })
    });
    for text in ["broken", "whole", "broken", "whole"] {
        program.capture(text);
    }
    program.flush();
    let requests = server.rest();
    let delivered =
        requests.iter().filter(|request| request.envelope().1.iter().any(|(item, _)| item["type"] == "event"));
    assert_eq!(delivered.count(), 2);
    program.expect_books(4, 2, 0, &[(Reason::BeforeSend, 2)]);
}
