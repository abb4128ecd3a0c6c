//! How the work of a request ends: answered, given up, in a panic.

use std::io::Write;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, middleware::NormalizePath};
use sentry::protocol::SpanStatus;
use sentry::{ClientOptions, Level, User};
use serde_json::json;

use crate::{Service, traced};

struct Reports;

impl Drop for Reports {
    fn drop(&mut self) {
        sentry::capture_message("dropped", Level::Warning);
    }
}

fn routes(config: &mut ServiceConfig) {
    let waits = || async {
        let _reports = Reports;
        sentry::configure_scope(|scope| {
            scope.set_tag("handler", "waits");
            scope.set_user(Some(User { id: Some("7".into()), ..User::default() }));
        });
        sentry::capture_message("waiting", Level::Warning);
        std::future::pending::<()>().await;
        HttpResponse::Ok().finish()
    };
    let panics = || async {
        sentry::configure_scope(|scope| scope.set_tag("handler", "panics"));
        actix_web::rt::task::yield_now().await;
        if std::hint::black_box(true) {
            panic!("out of paper");
        }
        HttpResponse::Ok().finish()
    };
    let knows_better = || async {
        sentry::configure_scope(|scope| {
            if let Some(span) = scope.get_span() {
                span.set_status(SpanStatus::DataLoss);
            }
        });
        HttpResponse::Ok().finish()
    };
    config
        .route("/wait", web::get().to(waits))
        .route("/panic", web::get().to(panics))
        .route("/better", web::get().to(knows_better))
        .route("/code/{code}", web::get().to(code))
        .service(web::scope("/inner").wrap(NormalizePath::trim()).route("/deep/{id}", web::get().to(HttpResponse::Ok)));
}

async fn code(code: web::Path<u16>) -> HttpResponse {
    let code = actix_web::http::StatusCode::from_u16(code.into_inner()).expect("a code");
    HttpResponse::build(code).finish()
}

#[test]
fn a_client_that_goes_away_cancels_and_the_data_is_there() {
    let service = Service::start(traced(), routes);
    let mut stream = service.connect();
    stream.write_all(b"GET /wait HTTP/1.1\r\nHost: shop.example\r\n\r\n").expect("a request");
    service.receiver.wait_events(1);
    drop(stream);
    service.receiver.wait_events(2);
    let received = service.end();
    let transaction = received.transaction();
    assert_eq!(transaction["contexts"]["trace"]["status"], "cancelled");
    assert_eq!(transaction["tags"], json!({"handler": "waits"}));
    assert_eq!(transaction["user"]["id"], "7");
    for event in received.events() {
        assert_eq!(event["tags"], json!({"handler": "waits"}), "{event:#}");
        assert_eq!(event["contexts"]["trace"]["trace_id"], transaction["contexts"]["trace"]["trace_id"]);
    }
}

#[test]
fn a_panic_is_reported_with_its_request() {
    let service = Service::start(traced(), routes);
    assert_eq!(service.get("/panic"), "");
    // The worker goes on.
    assert!(service.get("/code/200").starts_with("HTTP/1.1 200"));
    let received = service.end();
    let event = received.event();
    assert_eq!(event["exception"]["values"][0]["value"], "out of paper");
    assert_eq!(event["exception"]["values"][0]["mechanism"]["handled"], false);
    assert_eq!(event["tags"], json!({"handler": "panics"}));
    assert_eq!(event["transaction"], "GET /panic");
    assert_eq!(event["request"]["url"], "http://shop.example/panic");
    let transactions = received.transactions();
    let transaction = transactions.iter().find(|transaction| transaction["transaction"] == "GET /panic").expect("it");
    assert_eq!(transaction["contexts"]["trace"]["status"], "internal_error");
    assert_eq!(transaction["tags"], json!({"handler": "panics"}));
}

#[test]
fn codes_are_statuses_and_routes_are_names() {
    let service = Service::start(traced(), routes);
    let cases = [
        ("/code/200", "GET /code/{code}", "route", "ok"),
        ("/code/302", "GET /code/{code}", "route", "ok"),
        ("/code/404", "GET /code/{code}", "route", "not_found"),
        ("/code/401", "GET /code/{code}", "route", "unauthenticated"),
        ("/code/503", "GET /code/{code}", "route", "unavailable"),
        ("/nowhere/7", "GET /nowhere/7", "url", "not_found"),
        ("/better", "GET /better", "route", "data_loss"),
        ("/inner/deep/7", "GET /inner/deep/{id}", "route", "ok"),
        // The route is its own only after another middleware has changed the path.
        ("/inner/deep/7/", "GET /inner/deep/{id}", "route", "ok"),
    ];
    for (path, ..) in cases {
        service.get(path);
    }
    let received = service.end();
    let transactions = received.transactions();
    assert_eq!(transactions.len(), cases.len());
    for (path, name, source, status) in cases {
        let url = format!("http://shop.example{path}");
        let found = transactions.iter().find(|transaction| transaction["request"]["url"] == *url);
        let transaction = found.unwrap_or_else(|| panic!("no {path} in {transactions:#?}"));
        assert_eq!(transaction["transaction"], name);
        assert_eq!(transaction["transaction_info"]["source"], source);
        let trace = &transaction["contexts"]["trace"];
        assert_eq!((&trace["status"], &trace["op"]), (&json!(status), &json!("http.server")));
        assert_eq!(trace["origin"], "auto.http.actix");
        assert_eq!(trace["data"]["http.request.method"], "GET");
        if let Some(code) = path.strip_prefix("/code/") {
            assert_eq!(trace["data"]["http.response.status_code"], json!(code.parse::<u16>().expect("a code")));
        }
    }
    // A code alone is no error to capture.
    assert_eq!(received.events().len(), 0);
}

#[test]
fn without_a_client_requests_pass() {
    let service = Service::start(ClientOptions::new(), routes);
    service.client.close(None);
    assert!(service.get("/code/201").starts_with("HTTP/1.1 201"));
    assert_eq!(service.end().0.len(), 0);
}
