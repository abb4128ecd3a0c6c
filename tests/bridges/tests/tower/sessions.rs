//! A session for each request.

use std::convert::Infallible;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::{Router, routing::get as route};
use sentry::integrations::tower::SentryRequestLayer;
use sentry::{ClientOptions, Level, SessionMode};
use tokio::sync::Notify;

use crate::client::{Connection, get};
use crate::site::{Received, Site};

#[test]
fn each_request_is_a_session() {
    let options = ClientOptions::new().session_mode(SessionMode::Request).auto_session_tracking(true);
    let site = Site::start(options.traces_sample_rate(1.0));
    let waiting = Arc::new(Notify::new());
    let inside = Arc::clone(&waiting);
    let app = Router::new()
        .route("/ok", route(|| async { "ok" }))
        .route(
            "/message",
            route(|| async {
                sentry::capture_message("no error", Level::Fatal);
            }),
        )
        .route(
            "/error",
            route(|| async {
                sentry::capture_error(&std::fmt::Error);
            }),
        )
        .route("/500", route(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/panic", route(|| async { panic!("no answer") as Infallible }))
        .route(
            "/wait",
            route(|| async move {
                inside.notify_one();
                std::future::pending::<()>().await
            }),
        );
    let address = site.serve(app.layer(SentryRequestLayer::new()));
    site.run(async {
        for target in ["/ok", "/ok", "/message", "/error", "/500"] {
            get(address, target).await;
        }
        for target in ["/panic", "/wait"] {
            let mut connection = Connection::open(address).await;
            connection.send("GET", target, &[], "").await;
            if target == "/wait" {
                waiting.notified().await;
            } else {
                connection.read_until(|_| false).await;
            }
        }
    });
    let received = site.close(7, 4);
    // One is cancelled, which is no fault of the program's.
    assert_eq!(totals(&received), [4, 3, 0, 0], "{:#?}", received.of("sessions"));
    assert!(received.of("session").is_empty());
}

#[test]
fn a_server_error_is_no_good_end_though_nothing_is_captured() {
    let options = ClientOptions::new().session_mode(SessionMode::Request).auto_session_tracking(true);
    let site = Site::start(options);
    let app = Router::new().route("/500", route(|| async { StatusCode::INTERNAL_SERVER_ERROR }));
    let address = site.serve(app.layer(SentryRequestLayer::new().capture_server_errors(false)));
    site.run(get(address, "/500"));
    assert_eq!(totals(&site.close(0, 0)), [0, 1, 0, 0]);
}

#[test]
fn requests_are_counted_only_if_that_is_wanted() {
    for options in [
        ClientOptions::new().session_mode(SessionMode::Application).auto_session_tracking(true),
        ClientOptions::new().session_mode(SessionMode::Request).auto_session_tracking(false),
    ] {
        let site = Site::start(options);
        let app = Router::new().route("/", route(|| async { "ok" }));
        let address = site.serve(app.layer(SentryRequestLayer::new()));
        site.run(get(address, "/"));
        let received = site.close(0, 0);
        assert!(received.of("sessions").is_empty() && received.of("session").is_empty());
    }
}

/// How many exited, exited with errors, crashed, or ended nobody knows how. Unhandled ones have no sum but that of errors.
fn totals(received: &Received) -> [u64; 4] {
    let total = |status: &str| {
        let sums = received.of("sessions");
        let all = sums.iter().flat_map(|sum| sum["aggregates"].as_array().into_iter().flatten());
        all.filter_map(|one| one[status].as_u64()).sum()
    };
    ["exited", "errored", "crashed", "abnormal"].map(total)
}
