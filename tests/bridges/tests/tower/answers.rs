//! Answers that say "server error", services that fail, and programs without a client.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::{Router, routing::get as route};
use http::{Request, Response};
use hyper_util::rt::TokioIo;
use sentry::integrations::tower::{SentryHttpLayer, SentryLayer, SentryRequestLayer};
use sentry::{ClientOptions, Hub};
use serde_json::json;
use tower::{Layer, Service, service_fn};

use crate::client::{ask, get};
use crate::site::{Received, Site, trace};

#[test]
fn answers_of_5xx_become_events() {
    let site = Site::traced();
    let app = Router::new().route("/fail/{n}", route(|| async { StatusCode::SERVICE_UNAVAILABLE }));
    let address = site.serve(app.layer(SentryRequestLayer::new()));
    site.run(get(address, "/fail/1"));
    let received = site.close(1, 1);
    let event = received.event("GET /fail/{n} was answered with 503");
    let exception = &event["exception"]["values"][0];
    assert_eq!(exception["type"], json!("HTTP server error"));
    assert_eq!(exception["mechanism"], json!({"type": "auto.http.tower", "handled": false, "synthetic": true}));
    assert_eq!(event["contexts"]["response"]["status_code"], json!(503));
    let transaction = received.transaction("GET /fail/{n}");
    assert_eq!(trace(&event)["span_id"], trace(&transaction)["span_id"]);
    assert_eq!(trace(&transaction)["status"], json!("unavailable"));
}

#[test]
fn an_answer_says_nothing_new_where_something_was_captured() {
    let site = Site::traced();
    let fail = || async {
        sentry::capture_error(&fmt::Error);
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let address = site.serve(Router::new().route("/", route(fail)).layer(SentryRequestLayer::new()));
    site.run(get(address, "/"));
    site.close(1, 1);
}

#[test]
fn they_may_be_left_alone() {
    let site = Site::traced();
    let app = || Router::new().route("/", route(|| async { StatusCode::INTERNAL_SERVER_ERROR }));
    let quiet = site.serve(app().layer(SentryRequestLayer::new().capture_server_errors(false)));
    let official = site.serve(app().layer(SentryHttpLayer::new().enable_transaction()));
    site.run(async {
        get(quiet, "/").await;
        get(official, "/").await;
    });
    site.close(2, 0);
}

#[derive(Debug)]
struct OutOfStock(fmt::Error);

impl fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of stock")
    }
}

impl Error for OutOfStock {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// Serves with hyper alone, whose services may fail.
fn serve<S, B>(site: &Site, service: S) -> SocketAddr
where
    S: Service<Request<hyper::body::Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let service = SentryLayer::<_, Arc<Hub>, _>::new(Arc::clone(&site.hub)).layer(service);
    site.run(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                let call = hyper::service::service_fn(move |request| service.clone().call(request));
                tokio::spawn(async move {
                    let connection = hyper::server::conn::http1::Builder::new();
                    connection.serve_connection(TokioIo::new(stream), call).await
                });
            }
        });
        address
    })
}

fn failing<E: Send + 'static>(
    error: fn() -> E,
) -> impl Service<Request<hyper::body::Incoming>, Response = Response<String>, Error = E, Future = impl Send>
+ Clone
+ Send
+ 'static {
    service_fn(move |_: Request<hyper::body::Incoming>| async move { Err::<Response<String>, E>(error()) })
}

fn failed(site: Site, address: SocketAddr, text: &str) -> (Received, serde_json::Value) {
    assert_eq!(site.run(async { crate::client::Connection::open(address).await.send_and_close().await }), "");
    let received = site.close(1, 1);
    let event = received.event(text);
    assert_eq!(trace(&received.transaction("GET /"))["status"], json!("internal_error"));
    (received, event)
}

#[test]
fn boxed_errors_of_services_have_their_sources() {
    let site = Site::traced();
    let error = || -> Box<dyn Error + Send + Sync> { OutOfStock(fmt::Error).into() };
    let address = serve(&site, SentryRequestLayer::new().layer(failing(error)));
    let (_, event) = failed(site, address, "out of stock");
    let values = event["exception"]["values"].as_array().expect("a chain");
    assert_eq!(values.len(), 2);
    assert_eq!((&values[1]["type"], &values[1]["mechanism"]["handled"]), (&json!("OutOfStock"), &json!(false)));
    assert_eq!(values[1]["mechanism"]["type"], json!("auto.http.tower"));
}

#[test]
fn other_errors_of_services_tell_their_type_or_what_a_program_says() {
    let site = Site::traced();
    let address = serve(&site, SentryRequestLayer::new().layer(failing(|| OutOfStock(fmt::Error))));
    let (_, event) = failed(site, address, "the service failed");
    assert_eq!(event["exception"]["values"][0]["type"], json!("OutOfStock"));

    let site = Site::traced();
    let layer = SentryRequestLayer::new().describe_errors(|error: &OutOfStock| sentry::event_from_error(error));
    let address = serve(&site, layer.layer(failing(|| OutOfStock(fmt::Error))));
    failed(site, address, "out of stock");

    let site = Site::traced();
    let layer = SentryRequestLayer::new().describe_errors(|_: &OutOfStock| panic!("in a callback"));
    let address = serve(&site, layer.layer(failing(|| OutOfStock(fmt::Error))));
    failed(site, address, "the service failed");
}

#[test]
fn a_service_that_panics_at_once() {
    let site = Site::traced();
    let service =
        service_fn(|_: Request<hyper::body::Incoming>| -> std::future::Ready<Result<Response<String>, Infallible>> {
            panic!("before any future")
        });
    let address = serve(&site, SentryRequestLayer::new().layer(service));
    failed(site, address, "before any future");
}

#[test]
fn without_a_client_requests_pass_through() {
    let site = Site::traced();
    site.hub.bind_client(None);
    let app = Router::new().route("/", route(|| async { "answer" })).layer(SentryRequestLayer::new());
    let app = app.layer(SentryHttpLayer::new().enable_transaction());
    let address = site.serve(app);
    assert_eq!(site.run(get(address, "/")), (200, "answer".to_owned()));
    site.hub.bind_client(Some(Arc::clone(&site.client)));
    site.close(0, 0);
}

#[test]
fn the_address_of_the_client_is_what_the_program_takes_for_it() {
    let site = Site::start(ClientOptions::new().send_default_pii(true).traces_sample_rate(1.0));
    let handler = || async {
        sentry::capture_error(&fmt::Error);
    };
    let app = || Router::new().route("/", route(handler));
    let known = SentryRequestLayer::new().client_address(|_| Some([192, 0, 2, 7].into()));
    let panicking = SentryRequestLayer::new().client_address(|_| panic!("in a callback"));
    let (known, hidden) = (site.serve(app().layer(known.clone())), site.serve(app().layer(known.disable_pii())));
    let panicking = site.serve(app().layer(panicking));
    site.run(async {
        for (address, name) in [(known, "known"), (hidden, "hidden"), (panicking, "panicking")] {
            assert_eq!(ask(address, "GET", "/", &[("x-name", name)], "").await.0, 200);
        }
    });
    let received = site.close(3, 3);
    for item in received.of("transaction").iter().chain(&received.of("event")) {
        let Some(name) = item["request"]["headers"]["x-name"].as_str() else { continue };
        let address = if name == "known" { json!("192.0.2.7") } else { json!(null) };
        assert_eq!(item["request"]["env"]["REMOTE_ADDR"], address, "{name}");
        if item["exception"].is_object() {
            assert_eq!(item["user"]["ip_address"], address, "{name}");
        }
    }
}
