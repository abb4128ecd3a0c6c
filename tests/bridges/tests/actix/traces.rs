//! The caller's trace goes on here, and requests without one have nothing in common.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use sentry::integrations::actix::Sentry;
use sentry::{ClientOptions, Level};

use crate::{Service, traced};

fn routes(config: &mut ServiceConfig) {
    let reports = || async {
        sentry::capture_message("here", Level::Error);
        HttpResponse::Ok().finish()
    };
    config.route("/", web::get().to(reports));
}

const TRACE: &str = "5e1f0c0c4d9a4b7c8d2e3f4051627384";
const CALLED: &str = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\
    sentry-trace: 5e1f0c0c4d9a4b7c8d2e3f4051627384-a1b2c3d4e5f60718-1\r\nbaggage: sentry-trace_id=5e1f0c0c4d9a4b7c8d2e3f4051627384,sentry-sample_rate=0.5,sentry-sampled=true\r\n\r\n";

#[test]
fn a_transaction_continues_the_callers_trace() {
    // Not one of a thousand would be sampled here; the caller decided.
    let service = Service::start(ClientOptions::new().traces_sample_rate(0.000_001), routes);
    service.send(CALLED);
    let received = service.end();
    let transaction = received.transaction();
    let trace = &transaction["contexts"]["trace"];
    assert_eq!((trace["trace_id"].as_str(), trace["parent_span_id"].as_str()), (Some(TRACE), Some("a1b2c3d4e5f60718")));
    let event = received.event();
    assert_eq!(event["contexts"]["trace"]["trace_id"], TRACE);
    assert_eq!(event["contexts"]["trace"]["span_id"], trace["span_id"]);
}

#[test]
fn without_a_transaction_the_events_continue_it() {
    let service = Service::with(traced(), Sentry::new(), routes);
    service.send(CALLED);
    let received = service.end();
    assert_eq!(received.event()["contexts"]["trace"]["trace_id"], TRACE);
    assert_eq!(received.transactions().len(), 0);
}

#[test]
fn requests_without_a_trace_begin_one_each() {
    for middleware in [Sentry::new(), Sentry::with_transaction()] {
        let service = Service::with(traced(), middleware, routes);
        service.get("/");
        service.get("/");
        let events = service.end().events();
        let [first, second] = events.as_slice() else { panic!("two events: {events:#?}") };
        assert_ne!(first["contexts"]["trace"]["trace_id"], second["contexts"]["trace"]["trace_id"]);
    }
}
