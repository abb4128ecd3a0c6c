//! Bodies that take their time: the request is over when they are.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::{Router, routing::get as route};
use bytes::Bytes;
use http::header::ETAG;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use sentry::integrations::tower::{SentryBody, SentryRequestLayer};
use sentry::{Hub, Level};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::{Layer, ServiceExt};

use crate::client::Connection;
use crate::site::{Site, trace};

/// Gives what is sent to it, and says so from where it is polled and dropped.
struct Slow(UnboundedReceiver<Option<&'static str>>);

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|chunk| {
            let Some(chunk) = chunk? else { panic!("in the body") };
            sentry::configure_scope(|scope| scope.set_tag("chunk", chunk));
            Some(Ok(Frame::data(Bytes::from_static(chunk.as_bytes()))))
        })
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        sentry::capture_message("dropped", Level::Info);
    }
}

fn start() -> (Site, UnboundedSender<Option<&'static str>>, std::net::SocketAddr) {
    let site = Site::traced();
    let (chunks, receiver) = unbounded_channel();
    let body = Arc::new(Mutex::new(Some(Slow(receiver))));
    let handler = move || async move { Body::new(body.lock().expect("no panic").take().expect("one request")) };
    let address = site.serve(Router::new().route("/stream", route(handler)).layer(SentryRequestLayer::new()));
    (site, chunks, address)
}

/// The head and the first chunk are there, and nothing was sent.
async fn begin(
    site: &Site,
    address: std::net::SocketAddr,
    chunks: &UnboundedSender<Option<&'static str>>,
) -> Connection {
    let mut connection = Connection::open(address).await;
    connection.send("GET", "/stream", &[], "").await;
    connection.read_until(|text| text.contains("\r\n\r\n")).await;
    chunks.send(Some("first")).expect("a body");
    connection.read_until(|text| text.contains("first")).await;
    assert!(site.client.flush(None));
    assert!(site.receiver.envelopes().is_empty(), "the answer has not ended");
    connection
}

fn check(site: &Site, chunk: &str, status: &str, events: usize) {
    let received = site.close(1, events);
    let transaction = received.transaction("GET /stream");
    assert_eq!(trace(&transaction)["status"], json!(status));
    for item in [transaction, received.event("dropped")] {
        assert_eq!((&item["tags"], &item["request"]["method"]), (&json!({"chunk": chunk}), &json!("GET")));
    }
}

#[test]
fn the_transaction_ends_with_the_body() {
    let (site, chunks, address) = start();
    site.run(async {
        let mut connection = begin(&site, address, &chunks).await;
        chunks.send(Some("last")).expect("a body");
        connection.read_until(|text| text.contains("last")).await;
        drop(chunks);
        connection.read_until(|text| text.contains("0\r\n\r\n")).await;
    });
    check(&site, "last", "ok", 1);
}

#[test]
fn a_client_that_goes_away_cancels_it() {
    let (site, chunks, address) = start();
    site.run(async { drop(begin(&site, address, &chunks).await) });
    check(&site, "first", "cancelled", 1);
}

#[test]
fn a_body_that_panics_fails_it() {
    let (site, chunks, address) = start();
    site.run(async {
        let mut connection = begin(&site, address, &chunks).await;
        chunks.send(None).expect("a body");
        connection.read_until(|_| false).await;
    });
    check(&site, "first", "internal_error", 2);
}

#[test]
fn answers_that_servers_do_not_read_have_ended() {
    let site = Site::traced();
    let app = Router::new().route("/", route(|| async { "not read" })).layer(SentryRequestLayer::new());
    let address = site.serve(app);
    site.run(async {
        let mut connection = Connection::open(address).await;
        for method in ["HEAD", "GET", "DELETE"] {
            connection.send(method, "/", &[], "").await;
            connection.read_until(|text| text.contains("\r\n\r\n")).await;
        }
    });
    let received = site.close(3, 0);
    for (name, status) in [("HEAD /", "ok"), ("GET /", "ok"), ("DELETE /", "invalid_argument")] {
        assert_eq!(trace(&received.transaction(name))["status"], json!(status), "{name}");
    }
}

/// What the layer answers around a service that answers with `body`, without a server.
fn answer_directly<B>(site: &Site, request: Request<()>, body: B) -> Response<SentryBody<B>>
where
    B: http_body::Body,
{
    let body = Mutex::new(Some(body));
    let service = tower::service_fn(|_: Request<()>| {
        let body = body.lock().expect("whole").take().expect("one call");
        std::future::ready(Ok::<_, Infallible>(Response::new(body)))
    });
    let service = SentryRequestLayer::new().layer(service);
    let answer = Hub::run(Arc::clone(&site.hub), || site.run(service.oneshot(request)));
    answer.expect("an answer")
}

#[test]
fn trailers_after_a_body_of_known_length_are_passed_on() {
    let site = Site::traced();
    let trailers = async { Some(Ok::<_, Infallible>(HeaderMap::from_iter([(ETAG, HeaderValue::from_static("7"))]))) };
    let body = Full::new(Bytes::from_static(b"body")).with_trailers(Box::pin(trailers));
    assert_eq!(http_body::Body::size_hint(&body).exact(), Some(4));
    let answer = answer_directly(&site, Request::new(()), body);
    let whole = site.run(answer.into_body().collect()).expect("a body");
    assert_eq!(whole.trailers().and_then(|trailers| trailers.get(ETAG)), Some(&HeaderValue::from_static("7")));
    assert_eq!(whole.to_bytes(), "body");
    assert_eq!(trace(&site.close(1, 0).transaction("GET /"))["status"], json!("ok"));
}

#[test]
fn printing_an_answer_prints_nothing_of_the_request() {
    let site = Site::traced();
    let request = Request::get("/login?token=hunter2-query").header("authorization", "hunter2-header");
    let answer = answer_directly(&site, request.body(()).expect("a request"), String::from("body"));
    assert!(!format!("{answer:?}").contains("hunter2"), "{answer:?}");
}
