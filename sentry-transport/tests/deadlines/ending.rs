//! Deadlines: flush, shutdown and drop, against servers that do not answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::bounded;
use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::{Category, Reason};
use sentry_core::{Client, ClientOptions, Transport, TransportOptions};
use sentry_transport::UreqHttpTransportOptions;

use crate::program::{Program, expect_in_time, message, timed};
use crate::server::{Act, Server, ok};

const T: Duration = Duration::from_millis(100);

fn transport(dsn: &str) -> impl Transport {
    let options = ClientOptions::new().dsn(dsn);
    UreqHttpTransportOptions::from(TransportOptions::try_from_client_options(&options).unwrap()).build()
}

#[test]
fn a_silent_server_costs_nobody_more_than_asked_for() {
    let _alone = crate::alone();
    let server = Server::start(|_| Act::Hold);
    expect_in_time(|| {
        let program = Program::new(&server.dsn());
        for _ in 0..100 {
            program.capture("held");
        }
        let _ = server.next();
        expect_in_time(|| {
            let (flushed, took) = timed(|| program.client.flush(Some(T)));
            assert!(!flushed && took >= T, "{took:?}");
            took
        });
        let (closed, took) = timed(|| program.client.close(Some(T)));
        assert!(!closed && took >= T, "{took:?}");
        program.expect_books(100, 0, 0, &[(Reason::NetworkError, 100)]);
        assert!(program.said().is_empty());
        took
    });
}

#[test]
fn a_long_queue_does_not_make_the_end_longer() {
    let _alone = crate::alone();
    let server = Server::start(|_| Act::Hold);
    expect_in_time(|| {
        let program = Program::new(&server.dsn());
        for _ in 0..2_000 {
            program.capture("held");
        }
        let (closed, took) = timed(|| program.client.close(Some(T)));
        assert!(!closed);
        program.expect_books(2_000, 0, 0, &[(Reason::NetworkError, 2_000)]);
        took
    });
}

#[test]
fn zero_is_a_deadline_too() {
    let _alone = crate::alone();
    let server = Server::start(|_| Act::Hold);
    expect_in_time(|| {
        let program = Program::new(&server.dsn());
        assert!(program.client.flush(Some(Duration::ZERO)), "there was nothing to wait for");
        program.capture("held");
        let ((flushed, closed), took) =
            timed(|| (program.client.flush(Some(Duration::ZERO)), program.client.close(Some(Duration::ZERO))));
        assert!(!flushed && !closed);
        took
    });
}

#[test]
fn flush_does_not_wait_for_what_comes_after_it() {
    let _alone = crate::alone();
    let server = Server::start(|_| ok());
    let program = Program::new(&server.dsn());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Acquire) {
                program.capture("an endless stream");
            }
        });
        let _ = server.next();
        // Not before there is an end to it would a flush of everything return.
        program.flush();
        is_over.store(true, Ordering::Release);
    });
    program.flush();
}

#[test]
fn shutdown_reports_what_was_lost_and_then_refuses() {
    let _alone = crate::alone();
    let server = Server::start(|_| ok());
    let program = Program::with(&server.dsn(), |options| options.before_send(|_| None));
    program.capture("dropped");
    let (closed, took) = timed(|| program.client.close(Some(Duration::from_secs(20))));
    assert!(closed && took < Duration::from_secs(5), "{took:?}");
    let requests = server.rest();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].reported(), [("error".to_owned(), "before_send".to_owned(), 1)]);

    let options = ClientOptions::new().dsn(server.dsn().as_str());
    let options = TransportOptions::try_from_client_options(&options).unwrap();
    let recorder = options.client_report_recorder.clone();
    let transport = UreqHttpTransportOptions::from(options).build();
    assert!(transport.shutdown(Duration::from_secs(20)));
    transport.send_envelope(Envelope::from(message("too late")));
    assert_eq!(recorder.stats().of(Category::Error).lost_for(Reason::QueueOverflow), 1);
    assert!(transport.flush(Duration::from_secs(20)) && transport.shutdown(Duration::from_secs(20)));
    assert!(server.rest().is_empty());
}

#[test]
fn a_transport_that_is_dropped_waits_for_nothing_and_still_delivers() {
    let _alone = crate::alone();
    let server = Server::start(|_| ok());
    let transport = transport(&server.dsn());
    for _ in 0..10 {
        transport.send_envelope(Envelope::from(message("dropped")));
    }
    let ((), took) = timed(|| drop(transport));
    assert!(took < Duration::from_millis(50), "{took:?}");
    for _ in 0..10 {
        assert_eq!(server.next().message(), "dropped");
    }
}

#[test]
fn many_flushes_at_once_all_return() {
    let _alone = crate::alone();
    let server = Server::start(|_| ok());
    let program = Program::new(&server.dsn());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    program.capture("flushed");
                    program.flush();
                }
            });
        }
    });
    program.expect_books(160, 160, 0, &[]);
}

#[test]
#[cfg(target_os = "linux")]
fn no_thread_outlives_its_transport_for_long() {
    let _alone = crate::alone();
    let threads = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.starts_with("sentry-")).count()
    };
    let server = Server::start(|_| ok());
    for is_closed in [true, false] {
        let program = Program::new(&server.dsn());
        program.capture("brings a sender");
        program.flush();
        assert!(threads() >= 2);
        if is_closed {
            assert!(program.client.close(Some(T)));
        }
        let transport = transport(&server.dsn());
        drop((program, transport));
        let start = std::time::Instant::now();
        while threads() > 0 {
            assert!(start.elapsed() < Duration::from_secs(2), "{} threads", threads());
            std::thread::yield_now();
        }
    }
}

/// Inside a hook, the thread that would have to do the work is the one that asks.
#[test]
fn flush_and_shutdown_inside_a_hook_return_at_once() {
    let _alone = crate::alone();
    let server = Server::start(|_| ok());
    let shared: Arc<std::sync::OnceLock<Arc<dyn Transport>>> = Arc::default();
    let (report, reported) = bounded(4);
    let (for_factory, for_hook) = (Arc::clone(&shared), Arc::clone(&shared));
    let factory = move |options: &ClientOptions| -> Arc<dyn Transport> {
        let transport: Arc<dyn Transport> = Arc::new(transport(options.dsn.as_ref().unwrap().to_string().as_str()));
        for_factory.get_or_init(|| Arc::clone(&transport));
        transport
    };
    let options = ClientOptions::new().dsn(server.dsn().as_str()).transport(factory).before_send(move |event| {
        let transport = for_hook.get().unwrap();
        let flushed = timed(|| transport.flush(Duration::from_secs(20)));
        let closed = timed(|| transport.shutdown(Duration::from_secs(20)));
        report.send((flushed, closed)).unwrap();
        Some(event)
    });
    let client = Client::with_options(options);
    client.capture_event(message("waits for itself"), None);
    let ((flushed, flush_took), (closed, close_took)) = reported.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(!flushed && !closed);
    assert!(flush_took < T && close_took < T, "{flush_took:?} {close_took:?}");
    assert_eq!(server.next().message(), "waits for itself", "what there was is delivered all the same");
}
