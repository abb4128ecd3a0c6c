//! One session for each request.

use std::io::Write;

use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpResponse};
use sentry::{ClientOptions, Level, SessionMode};
use serde_json::Value;

use crate::Service;

fn routes(config: &mut ServiceConfig) {
    let fails = || async { Err::<HttpResponse, Error>(std::io::Error::other("away").into()) };
    let panics = || async {
        if std::hint::black_box(true) {
            panic!("in a session");
        }
        HttpResponse::Ok().finish()
    };
    let errs = || async {
        sentry::capture_error(&std::fmt::Error);
        HttpResponse::Ok().finish()
    };
    let waits = || async {
        sentry::capture_message("waiting", Level::Info);
        std::future::pending::<()>().await;
        HttpResponse::Ok().finish()
    };
    config
        .route("/ok", web::get().to(HttpResponse::Ok))
        .route("/fail", web::get().to(fails))
        .route("/panic", web::get().to(panics))
        .route("/error", web::get().to(errs))
        .route("/tired", web::get().to(HttpResponse::ServiceUnavailable))
        .route("/wait", web::get().to(waits));
}

/// How many sessions ended well, and how many with errors.
fn count(received: &crate::Received) -> [u64; 2] {
    let buckets: Vec<Value> = received
        .of("sessions")
        .iter()
        .flat_map(|sessions| sessions["aggregates"].as_array().cloned().expect("buckets"))
        .collect();
    ["exited", "errored"].map(|kind| buckets.iter().filter_map(|bucket| bucket[kind].as_u64()).sum())
}

#[test]
fn each_request_is_a_session() {
    let options = ClientOptions::new().session_mode(SessionMode::Request).auto_session_tracking(true);
    let service = Service::start(options, routes);
    for path in ["/ok", "/ok", "/nowhere", "/error", "/fail", "/panic", "/tired"] {
        service.get(path);
    }
    let mut stream = service.connect();
    stream.write_all(b"GET /wait HTTP/1.1\r\nHost: shop.example\r\n\r\n").expect("a request");
    service.receiver.wait("it to wait", |envelopes| {
        envelopes
            .iter()
            .filter_map(|envelope| envelope.event())
            .any(|event| event["logentry"]["formatted"] == "waiting")
    });
    drop(stream);
    let received = service.end();
    // Two, the unknown path, and the one that was given up; an error that was dealt with, a failure, a panic, and an
    // answer that says so without an error.
    assert_eq!(count(&received), [4, 4]);
}

#[test]
fn no_sessions_unless_they_are_asked_for() {
    for options in [
        ClientOptions::new().session_mode(SessionMode::Request).auto_session_tracking(false),
        ClientOptions::new().session_mode(SessionMode::Application).auto_session_tracking(true),
    ] {
        let service = Service::start(options, routes);
        service.get("/ok");
        service.get("/fail");
        let received = service.end();
        assert_eq!(received.of("sessions").len() + received.of("session").len(), 0);
    }
}
