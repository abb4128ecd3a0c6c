//! Errors that are answered with 5xx.

use std::fmt;

use actix_web::error::{ErrorInternalServerError, ErrorNotFound, InternalError};
use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{
    Error, HttpResponse, ResponseError,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
};
use sentry::integrations::actix::Sentry;
use sentry::{ClientOptions, SessionMode};
use serde_json::json;

use crate::{Service, traced};

#[derive(Debug)]
struct OrderError(std::num::ParseIntError);

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such order")
    }
}

impl std::error::Error for OrderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl ResponseError for OrderError {
    fn status_code(&self) -> StatusCode {
        StatusCode::BAD_GATEWAY
    }
}

fn order_error() -> OrderError {
    OrderError("x".parse::<u8>().expect_err("no number"))
}

fn routes(config: &mut ServiceConfig) {
    let own = || async { Err::<HttpResponse, Error>(order_error().into()) };
    let io = || async { Err::<HttpResponse, Error>(std::io::Error::other(order_error()).into()) };
    let boxed = || async { Err::<HttpResponse, Error>(Error::from(Box::<dyn std::error::Error>::from(order_error()))) };
    let text = || async { Err::<HttpResponse, Error>(ErrorInternalServerError("just text")) };
    let wrapped = || async { Err::<HttpResponse, Error>(ErrorInternalServerError(order_error())) };
    let missing = || async { Err::<HttpResponse, Error>(ErrorNotFound("not here")) };
    config
        .route("/own/{id}", web::get().to(own))
        .route("/io", web::get().to(io))
        .route("/boxed", web::get().to(boxed))
        .route("/text", web::get().to(text))
        .route("/wrapped", web::get().to(wrapped))
        .route("/missing", web::get().to(missing))
        .service(
            web::scope("/twice")
                .route("/io", web::get().to(io))
                .service(web::scope("/guarded").wrap(from_fn(refuse)).route("", web::get().to(HttpResponse::Ok)))
                .wrap(Sentry::with_transaction()),
        )
        .service(web::scope("/guarded").wrap(from_fn(refuse)).route("/{id}", web::get().to(HttpResponse::Ok)));
}

/// A middleware's error, with a response that can be made once.
async fn refuse(request: ServiceRequest, _next: Next<BoxBody>) -> Result<ServiceResponse, Error> {
    let response = HttpResponse::ServiceUnavailable().insert_header(("x-reason", "tired")).body("later");
    drop(request);
    Err(InternalError::from_response("too many", response).into())
}

/// Type, module and text of the exceptions, the outermost first.
fn exceptions(event: &serde_json::Value) -> Vec<(&str, Option<&str>, &str)> {
    let values = event["exception"]["values"].as_array().expect("exceptions");
    values
        .iter()
        .rev()
        .map(|exception| {
            let value = exception["value"].as_str().expect("a text");
            (exception["type"].as_str().expect("a type"), exception["module"].as_str(), value)
        })
        .collect()
}

#[test]
fn errors_come_with_their_sources_and_the_route() {
    let middleware = Sentry::builder().start_transaction(true).with_error_type::<OrderError>().finish();
    let service = Service::with(traced(), middleware, routes);
    assert!(service.get("/own/7").starts_with("HTTP/1.1 502"));
    let received = service.end();
    let event = received.event();
    let expected = [
        ("OrderError", Some("actix::errors"), "no such order"),
        ("ParseIntError", Some("core::num::error"), "invalid digit found in string"),
    ];
    assert_eq!(exceptions(&event), expected);
    let outermost = &event["exception"]["values"][1]["mechanism"];
    assert_eq!((&outermost["type"], &outermost["handled"]), (&json!("actix"), &json!(true)));
    assert_eq!(event["transaction"], "GET /own/{id}");
    assert_eq!(event["request"]["method"], "GET");
    let transaction = received.transaction();
    assert_eq!(transaction["contexts"]["trace"]["status"], "internal_error");
    assert_eq!(event["contexts"]["trace"]["span_id"], transaction["contexts"]["trace"]["span_id"]);
}

#[test]
fn known_errors_have_sources_and_others_their_text() {
    let cases: [(&str, &[(&str, &str)]); 5] = [
        ("/own/7", &[("OrderError", "no such order")]),
        ("/io", &[("Error", "no such order"), ("ParseIntError", "invalid digit found in string")]),
        ("/boxed", &[("OrderError", "no such order"), ("ParseIntError", "invalid digit found in string")]),
        ("/text", &[("Error", "just text")]),
        ("/wrapped", &[("OrderError", "no such order")]),
    ];
    for (path, expected) in cases {
        // Without a transaction: the name is on the event all the same.
        let service = Service::with(ClientOptions::new(), Sentry::new(), routes);
        service.get(path);
        let event = service.end().event();
        let found: Vec<_> = exceptions(&event).into_iter().map(|(ty, _, text)| (ty, text)).collect();
        assert_eq!(found, expected, "{path}");
        let name = if path == "/own/7" { "GET /own/{id}".to_owned() } else { format!("GET {path}") };
        assert_eq!(event["transaction"], name);
    }
}

#[test]
fn what_is_not_the_servers_fault_is_not_captured() {
    let service = Service::start(traced(), routes);
    assert!(service.get("/missing").starts_with("HTTP/1.1 404"));
    let received = service.end();
    assert_eq!(received.events().len(), 0);
    assert_eq!(received.transaction()["contexts"]["trace"]["status"], "not_found");
}

#[test]
fn an_answer_tells_the_event_if_it_is_asked_to() {
    let service = Service::with(ClientOptions::new(), Sentry::builder().emit_header(true).finish(), routes);
    let answer = service.get("/text");
    assert!(!service.get("/missing").contains("x-sentry-event"));
    let id = service.end().event()["event_id"].as_str().expect("an id").to_owned();
    assert!(answer.contains(&format!("x-sentry-event: {id}\r\n")), "{answer}");

    let service = Service::with(ClientOptions::new(), Sentry::new(), routes);
    assert!(!service.get("/text").contains("x-sentry-event"));
}

#[test]
fn errors_of_middleware_are_captured_and_their_answer_is_not_used_up() {
    let service = Service::start(traced(), routes);
    let answer = service.get("/guarded/7");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("x-reason: tired") && answer.ends_with("later"), "{answer}");
    let received = service.end();
    assert_eq!(exceptions(&received.event())[0].2, "too many");
    assert_eq!(received.transaction()["contexts"]["trace"]["status"], "unavailable");
}

#[test]
fn middleware_within_middleware_does_nothing_twice() {
    let sessions = || traced().session_mode(SessionMode::Request).auto_session_tracking(true);
    for (path, outermost) in [
        ("/twice/io", Sentry::new()),
        ("/twice/io", Sentry::with_transaction()),
        ("/twice/guarded", Sentry::with_transaction()),
    ] {
        let service = Service::with(sessions(), outermost.into_builder().emit_header(true).finish(), routes);
        let answer = service.get(path);
        let received = service.end();
        let event = received.event();
        let id = event["event_id"].as_str().expect("an id");
        assert_eq!(answer.contains(&format!("x-sentry-event: {id}")), path == "/twice/io", "{answer}");
        assert_eq!(event["contexts"]["trace"]["span_id"], received.transaction()["contexts"]["trace"]["span_id"]);
        let sessions = received.of("sessions");
        assert_eq!(sessions.len(), 1);
        assert_eq!(
            (&sessions[0]["aggregates"][0]["errored"], &sessions[0]["aggregates"][0]["exited"]),
            (&json!(1), &json!(null))
        );
    }
}

#[test]
fn capturing_can_be_left_to_the_program() {
    let middleware = Sentry::builder().capture_server_errors(false).finish();
    let service = Service::with(ClientOptions::new(), middleware, routes);
    service.get("/text");
    service.get("/guarded/7");
    assert_eq!(service.end().events().len(), 0);
}
