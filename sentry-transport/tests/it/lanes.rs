//! What has to arrive in its order is sent one by one, while everything else is sent beside it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sentry_core::protocol::{
    Envelope, EnvelopeItem, Log, LogLevel, Map, MonitorCheckIn, SessionAttributes, SessionStatus, SessionUpdate, Uuid,
};
use sentry_core::{ClientOptions, Scope, Transport, TransportOptions};
use sentry_transport::{UreqHttpTransport, UreqHttpTransportOptions};

use crate::program::{Program, message};
use crate::server::{Act, Request, Server, answer, ok};

/// What a slow server has seen: how many requests of a lane at most at once, and what they said, in their order.
#[derive(Default)]
struct Seen {
    now: HashMap<String, usize>,
    most: HashMap<String, usize>,
    said: HashMap<String, Vec<u64>>,
}

/// A server that takes its time, so that there are several senders, and fails as `fails` says.
fn slow(fails: impl Fn(&Request) -> bool + Send + Sync + 'static) -> (Server, Arc<Mutex<Seen>>) {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let recorder = Arc::clone(&seen);
    let server = Server::start(move |request| {
        let (_, items) = request.envelope();
        let (lane, said) = match items.first().map(|(header, payload)| (header["type"].as_str().unwrap(), payload)) {
            Some(("session", session)) => (session["sid"].to_string(), session["seq"].as_u64()),
            Some(("check_in", check_in)) => (check_in["check_in_id"].to_string(), Some(0)),
            Some((ty, _)) => (ty.to_owned(), Some(0)),
            None => panic!("an empty envelope"),
        };
        let fails = fails(request);
        {
            let mut seen = recorder.lock().unwrap();
            let now = seen.now.entry(lane.clone()).or_default();
            *now += 1;
            let now = *now;
            let most = seen.most.entry(lane.clone()).or_default();
            *most = now.max(*most);
            if !fails {
                seen.said.entry(lane.clone()).or_default().extend(said);
            }
        }
        thread::sleep(Duration::from_millis(4));
        *recorder.lock().unwrap().now.get_mut(&lane).unwrap() -= 1;
        if fails { Act::Send(answer(503, "", "")) } else { ok() }
    });
    (server, seen)
}

fn transport(server: &Server) -> UreqHttpTransport {
    let options = ClientOptions::new().dsn(server.dsn().as_str());
    UreqHttpTransportOptions::from(TransportOptions::try_from_client_options(&options).unwrap()).build()
}

fn session(session_id: Uuid, sequence: u64) -> Envelope {
    let attributes =
        SessionAttributes { release: "shop@1".into(), environment: None, ip_address: None, user_agent: None };
    let update = SessionUpdate {
        session_id,
        distinct_id: None,
        sequence: Some(sequence),
        timestamp: None,
        started: std::time::SystemTime::now(),
        init: sequence == 0,
        duration: None,
        status: SessionStatus::Ok,
        errors: 0,
        attributes,
    };
    EnvelopeItem::from(update).into()
}

#[test]
fn updates_of_a_session_arrive_one_by_one() {
    let is_broken = Arc::new(AtomicBool::new(false));
    let broken = Arc::clone(&is_broken);
    let (server, seen) = slow(move |_| broken.load(Ordering::Acquire));
    let transport = transport(&server);
    let ids = [1, 2, 3].map(Uuid::from_u128);
    let check_in: MonitorCheckIn = serde_json::from_value(serde_json::json!({
        "check_in_id": Uuid::from_u128(4), "monitor_slug": "nightly", "status": "in_progress"
    }))
    .unwrap();
    for sequence in 0..40 {
        if sequence == 20 {
            assert!(transport.flush(Duration::from_secs(20)));
            is_broken.store(true, Ordering::Release);
        }
        ids.iter().for_each(|id| transport.send_envelope(session(*id, sequence)));
        transport.send_envelope(EnvelopeItem::from(check_in.clone()).into());
        (0..4).for_each(|_| transport.send_envelope(message("beside").into()));
    }
    assert!(!transport.flush(Duration::from_secs(20)), "in the middle of it, the server is not there");
    is_broken.store(false, Ordering::Release);
    while !transport.flush(Duration::from_secs(20)) {}
    let seen = seen.lock().unwrap();
    for id in ids {
        assert_eq!(seen.said[&format!("\"{id}\"")], Vec::from_iter(0..40), "session {id}");
    }
    let beside = seen.most["event"];
    assert!(beside > 1, "events have no lane");
    assert!(seen.most.iter().all(|(lane, most)| lane == "event" || *most == 1), "{:?}", seen.most);
    assert_eq!((seen.said["event"].len(), seen.most.len()), (160, 5));
}

#[test]
fn batches_of_a_kind_are_sent_one_by_one() {
    let (server, seen) = slow(|_| false);
    let program = Program::new(&server.dsn());
    let scope = Scope::default();
    for n in 0..40 {
        for _ in 0..100 {
            let log = Log {
                level: LogLevel::Info,
                body: n.to_string(),
                trace_id: None,
                timestamp: std::time::SystemTime::now(),
                severity_number: None,
                attributes: Map::new(),
            };
            program.client.capture_log(log, &scope);
        }
        program.capture("beside");
        program.capture("beside");
    }
    program.flush();
    let seen = seen.lock().unwrap();
    assert!(seen.said["log"].len() >= 40 && seen.said["event"].len() == 80, "{:?}", seen.said);
    assert_eq!(seen.most["log"], 1);
    assert!(seen.most["event"] > 1);
    let logs = server
        .rest()
        .into_iter()
        .flat_map(|request| request.envelope().1)
        .filter(|(header, _)| header["type"] == "log");
    let sent: u64 = logs.map(|(header, _)| header["item_count"].as_u64().unwrap()).sum();
    assert_eq!(sent, 4000);
}

#[test]
fn a_batch_that_never_arrives_holds_up_no_other() {
    let server = Server::start(|request| {
        let is_poison = request.envelope().1.iter().any(|(_, payload)| payload.to_string().contains("poison"));
        if is_poison { Act::Close } else { ok() }
    });
    let program = Program::new(&server.dsn());
    let scope = Scope::default();
    let capture = |body: &str| {
        let log =
            serde_json::from_value(serde_json::json!({ "level": "info", "body": body, "timestamp": 1.0 })).unwrap();
        program.client.capture_log(log, &scope);
        program.client.flush(Some(Duration::from_secs(20)))
    };
    assert!(!capture("poison"));
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while program.client.stats().of(sentry_core::protocol::client_report::Category::LogItem).lost.is_empty() {
        assert!(std::time::Instant::now() < end, "{:?}", program.client.stats());
        capture("another");
    }
    assert!(capture("the last"));
    let last = server.rest().iter().filter(|r| format!("{:?}", r.envelope().1).contains("the last")).count();
    assert_eq!(last, 1);
}
