//! tonic: the status of an answer is in its trailers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use sentry::integrations::tower::{SentryLayer, SentryRequestLayer};
use sentry::{Hub, Level, User};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::transport::{Channel, Endpoint, Server, server::TcpIncoming};
use tower::{Service, ServiceExt};

use crate::site::{Received, Site, trace};

/// A service without generated code: what it answers is up to the method's name.
#[derive(Clone)]
struct Shop {
    waiting: Arc<Semaphore>,
}

impl NamedService for Shop {
    const NAME: &'static str = "shop.Shop";
}

impl Service<Request<Body>> for Shop {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let waiting = Arc::clone(&self.waiting);
        Box::pin(async move {
            let method = request.uri().path().to_owned();
            sentry::configure_scope(|scope| scope.set_tag("method", &method));
            tokio::task::yield_now().await;
            if let Some(number) = request.headers().get("x-number").and_then(|number| number.to_str().ok()) {
                sentry::configure_scope(|scope| {
                    scope.set_tag("number", number);
                    scope.set_user(Some(User { id: Some(number.to_owned()), ..User::default() }));
                });
                tokio::task::yield_now().await;
                sentry::capture_message(&format!("call {number}"), Level::Warning);
            }
            Ok(match &*method {
                "/shop.Shop/Buy" => with_trailers("0"),
                "/shop.Shop/Lose" => with_trailers("15"),
                "/shop.Shop/Find" => tonic::Status::not_found("sold out").into_http(),
                "/shop.Shop/Break" => tonic::Status::internal("broken").into_http(),
                "/shop.Shop/Panic" => panic!("in the shop"),
                _ => {
                    waiting.add_permits(1);
                    std::future::pending().await
                }
            })
        })
    }
}

fn with_trailers(code: &'static str) -> Response<Body> {
    let trailers =
        HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static(code))]);
    let frames = VecDeque::from([Frame::data(Bytes::from_static(&[0; 5])), Frame::trailers(trailers)]);
    let answer = Response::builder().header("content-type", "application/grpc").body(Body::new(Frames(frames)));
    answer.expect("an answer")
}

struct Frames(VecDeque<Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

async fn call(channel: Channel, method: &str) -> Option<HeaderMap> {
    call_with(channel, method, None).await
}

async fn call_with(mut channel: Channel, method: &str, number: Option<usize>) -> Option<HeaderMap> {
    let mut request = Request::post(format!("http://shop.example/shop.Shop/{method}"));
    if let Some(number) = number {
        request = request.header("x-number", number);
    }
    let request =
        request.header("content-type", "application/grpc").body(Body::new(http_body_util::Full::<Bytes>::default()));
    let channel = channel.ready().await.ok()?;
    let response = channel.call(request.expect("a request")).await.ok()?;
    let headers = response.headers().clone();
    Some(response.into_body().collect().await.ok()?.trailers().cloned().unwrap_or(headers))
}

async fn connect(site: &Site, waiting: &Arc<Semaphore>) -> Channel {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = Server::builder()
        .layer(SentryLayer::<_, Arc<Hub>, Request<Body>>::new(Arc::clone(&site.hub)))
        .layer(SentryRequestLayer::new())
        .add_service(Shop { waiting: Arc::clone(waiting) });
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    Endpoint::from_shared(format!("http://{address}")).expect("an address").connect().await.expect("a server")
}

fn answer(method: &'static str, events: usize) -> (Received, Option<HeaderMap>) {
    let site = Site::traced();
    let headers = site.run(async {
        let waiting = Arc::new(Semaphore::new(0));
        let channel = connect(&site, &waiting).await;
        if method == "Wait" {
            let call = tokio::spawn(call(channel, method));
            waiting.acquire().await.expect("open").forget();
            call.abort();
            return None;
        }
        call(channel, method).await
    });
    (site.close(1, events), headers)
}

fn check(method: &'static str, code: Option<u16>, status: &str, events: usize) -> Received {
    let (received, headers) = answer(method, events);
    let sent = headers.as_ref().and_then(|headers| headers.get("grpc-status")?.to_str().ok());
    assert_eq!(sent, code.map(|code| code.to_string()).as_deref(), "{method}");
    let transaction = received.transaction(&format!("/shop.Shop/{method}"));
    assert_eq!(transaction["transaction_info"], json!({"source": "route"}));
    assert_eq!(transaction["tags"]["method"], json!(format!("/shop.Shop/{method}")));
    let trace = trace(&transaction);
    assert_eq!([&trace["op"], &trace["origin"], &trace["status"]], ["rpc.server", "auto.grpc.tower", status]);
    assert_eq!(trace["data"]["rpc.grpc.status_code"], code.map_or(Value::Null, Into::into));
    assert_eq!((&trace["data"]["rpc.service"], &trace["data"]["rpc.method"]), (&json!("shop.Shop"), &json!(method)));
    received
}

#[test]
fn an_answer_in_trailers() {
    check("Buy", Some(0), "ok", 0);
}

#[test]
fn an_error_in_headers() {
    check("Find", Some(5), "not_found", 0);
}

#[test]
fn errors_of_the_server_become_events() {
    let received = check("Break", Some(13), "internal_error", 1);
    let event = received.event("/shop.Shop/Break was answered with 13");
    assert_eq!(event["exception"]["values"][0]["mechanism"]["type"], json!("auto.grpc.tower"));
    check("Lose", Some(15), "data_loss", 1).event("/shop.Shop/Lose was answered with 15");
}

#[test]
fn a_panic() {
    let received = check("Panic", None, "internal_error", 1);
    assert_eq!(received.event("in the shop")["tags"]["method"], json!("/shop.Shop/Panic"));
}

#[test]
fn a_client_that_goes_away() {
    check("Wait", None, "cancelled", 0);
}

#[test]
fn two_hundred_calls_at_once_each_have_their_own_data() {
    const CALLS: usize = 200;
    let site = Site::traced();
    site.run(async {
        let waiting = Arc::new(Semaphore::new(0));
        let channel = connect(&site, &waiting).await;
        let methods = ["Buy", "Wait", "Panic"];
        // Two kinds on one connection, which a panic ends: those that panic come last, each on one of their own.
        let kinds: Vec<_> = (0..CALLS).map(|number| (number, methods[number % 3])).collect();
        let (calm, panicking): (Vec<_>, Vec<_>) = kinds.into_iter().partition(|(_, method)| *method != "Panic");
        let calls: Vec<_> = calm
            .iter()
            .map(|(number, method)| (*method, tokio::spawn(call_with(channel.clone(), method, Some(*number)))))
            .collect();
        for _ in calls.iter().filter(|(method, _)| *method == "Wait") {
            waiting.acquire().await.expect("open").forget();
        }
        for (method, call) in calls {
            if method == "Wait" {
                call.abort();
            }
            let _ = call.await;
        }
        for (number, method) in panicking {
            call_with(connect(&site, &waiting).await, method, Some(number)).await;
        }
    });
    let panics = (0..CALLS).filter(|number| number % 3 == 2).count();
    let received = site.close(CALLS, CALLS + panics);
    for number in 0..CALLS {
        let own = |item: &Value| {
            let number = json!(number.to_string());
            assert_eq!((&item["tags"]["number"], &item["user"]["id"]), (&number, &number), "{item:#}");
        };
        let event = received.event(&format!("call {number}"));
        own(&event);
        let transactions = received.of("transaction");
        let same = |one: &&&Value| trace(one)["trace_id"] == trace(&event)["trace_id"];
        let transaction = transactions.iter().find(same).expect("the call's transaction");
        own(transaction);
        assert_eq!(trace(transaction)["status"], json!(["ok", "cancelled", "internal_error"][number % 3]));
    }
}
