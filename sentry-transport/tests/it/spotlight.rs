//! Copies for a Spotlight sidecar, which change nothing of what the server gets.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sentry_core::ClientOptions;

use crate::program::Program;
use crate::server::{Act, Server, answer, ok};

fn sidecar_url(sidecar: &Server) -> String {
    sidecar.dsn().replace("publickey@", "").replace("/42", "/stream")
}

fn ids(server: &Server) -> Vec<String> {
    server
        .rest()
        .iter()
        .map(|request| request.envelope().0["event_id"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_sidecar_gets_a_copy_of_every_envelope() {
    let (server, sidecar) = (Server::start(|_| ok()), Server::start(|_| ok()));
    let url = sidecar_url(&sidecar);
    let program = Program::with(&server.dsn(), |options| options.spotlight_url(url));
    for n in 0..5 {
        program.capture(&n.to_string());
    }
    program.flush();
    let sent = ids(&server);
    let shown: Vec<String> = (0..5)
        .map(|_| {
            let request = sidecar.next();
            assert!(request.line.starts_with("POST /stream ") && request.header("x-sentry-auth").is_none());
            request.envelope().0["event_id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!((sent.len(), sent), (5, shown));
}

#[test]
fn a_sidecar_that_is_not_there_changes_nothing_and_is_said_once() {
    for act in [|| Act::Close, || Act::Send(answer(500, "", "")), || Act::Hold] {
        let (server, sidecar) = (Server::start(|_| ok()), Server::start(move |_| act()));
        let url = sidecar_url(&sidecar);
        let program = Program::with(&server.dsn(), |options| options.spotlight_url(url));
        let start = Instant::now();
        for n in 0..100 {
            program.capture(&n.to_string());
        }
        program.flush();
        assert!(program.client.close(None) && start.elapsed() < Duration::from_secs(10));
        assert_eq!(server.rest().len(), 100);
        program.expect_books(100, 100, 0, &[]);
        assert!(program.said().len() <= 1, "{:?}", program.said());
    }
    let server = Server::start(|_| ok());
    let program = Program::with(&server.dsn(), |options| options.spotlight_url("not a url"));
    program.capture("x");
    program.flush();
    assert_eq!((server.rest().len(), program.said().len()), (1, 1));
}

#[test]
fn without_a_dsn_the_sidecar_gets_everything() {
    let sidecar = Server::start(|_| ok());
    let seen = Arc::new(Mutex::new(None));
    let sink = Arc::clone(&seen);
    let options = ClientOptions::new()
        .sample_rate(0.0)
        .spotlight_url(sidecar_url(&sidecar))
        .before_send(move |event| {
            *sink.lock().unwrap() = event.message.clone();
            Some(event)
        })
        .transport(sentry_transport::DefaultTransportFactory);
    let client = sentry_core::Client::with_options(options);
    assert!(client.is_enabled() && client.options().send_default_pii && client.dsn().is_none());
    client.capture_event(crate::program::message("for the developer"), None);
    assert!(client.flush(Some(Duration::from_secs(20))));
    let shown = sidecar.next();
    assert_eq!(shown.envelope().1[0].1["logentry"]["formatted"], "for the developer");
    assert_eq!(seen.lock().unwrap().as_deref(), Some("for the developer"));
}
