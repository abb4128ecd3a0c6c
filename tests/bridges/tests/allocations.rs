//! What costs no memory in bridges: spans, events and requests that come to nothing. A binary of its own, for its allocator.

#![allow(clippy::expect_used, clippy::panic, reason = "clippy.toml exempts test functions, not the helpers they call")]

#[path = "../../support/counting.rs"]
mod counting;

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use counting::allocations;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use sentry::integrations::tower::{NewSentryLayer, SentryHttpLayer, SentryRequestLayer};
use sentry::integrations::tracing::{BreadcrumbLayer, ErrorLayer, SpanLayer};
use sentry::{Client, ClientOptions, Hub};
use tower::{Layer, Service};
use tracing::{debug, error_span, info_span};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

/// A hub whose client throws everything away.
fn hub(options: ClientOptions) -> Arc<Hub> {
    struct Nowhere;
    impl sentry::Transport for Nowhere {
        fn send_envelope(&self, _: sentry::protocol::Envelope) {}
    }
    let options = options.dsn("https://public@sentry.invalid/1").transport(Arc::new(Nowhere));
    Arc::new(Hub::new(Some(Arc::new(Client::with_options(options))), Arc::default()))
}

fn spans(depth: usize) {
    let _root = info_span!("request", size = 7, path = "/cart").entered();
    for _ in 0..depth {
        let child = error_span!("query", table = "users", sentry.op = "db");
        child.in_scope(|| debug!("ignored"));
        let _again = child.enter();
        let _grandchild = info_span!(parent: &child, "fetch").entered();
    }
}

#[test]
fn spans_that_are_not_sampled_and_events_that_are_ignored_allocate_nothing() {
    let subscriber = tracing_subscriber::registry()
        .with(SpanLayer::new())
        .with(BreadcrumbLayer::new().with_filter(LevelFilter::INFO))
        .with(ErrorLayer::new().with_filter(LevelFilter::ERROR));
    let _default = subscriber.set_default();
    for options in [ClientOptions::new().traces_sample_rate(0.0), ClientOptions::new()] {
        Hub::run(hub(options), || {
            // The subscriber's table and each part of ours grow once.
            (0..100).for_each(|_| spans(5));
            assert_eq!(allocations(|| spans(5)), 0);
        });
    }
    // The same spans, recorded, do allocate: the test can fail. So does what is set inside of one that is not.
    Hub::run(hub(ClientOptions::new().traces_sample_rate(1.0)), || assert_ne!(allocations(|| spans(5)), 0));
    Hub::run(hub(ClientOptions::new().traces_sample_rate(0.0)), || {
        let set = || info_span!("request").in_scope(|| sentry::configure_scope(|scope| scope.set_tag("a", 1)));
        assert_ne!(allocations(set), 0);
    });
    // Nobody listens.
    Hub::run(Arc::new(Hub::new(None, Arc::default())), || {
        spans(1);
        assert_eq!(allocations(|| spans(5)), 0);
    });
}

type Answer = Response<Full<bytes::Bytes>>;

#[derive(Clone)]
struct App;

impl Service<Request<()>> for App {
    type Response = Answer;
    type Error = Infallible;
    type Future = Ready<Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(Full::new(bytes::Bytes::from_static(b"answer")))))
    }
}

/// Serves one request to its end.
fn serve<S, B>(service: &mut S)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
    B: Body,
{
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(answer) = pin!(service.call(Request::new(()))).poll(&mut cx) else { panic!("at once") };
    let mut body = pin!(answer.expect("an answer").into_body());
    while let Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut cx) {}
}

#[test]
fn without_a_client_a_request_allocates_nothing() {
    let mut all_in_one = SentryRequestLayer::new().layer(App);
    let http = SentryHttpLayer::new().enable_transaction();
    let mut two = NewSentryLayer::<Request<()>>::new_from_top().layer(http.layer(App));
    let hub = Arc::new(Hub::new(None, Arc::default()));
    Hub::run(hub, || {
        serve(&mut all_in_one);
        assert_eq!(allocations(|| serve(&mut all_in_one)), 0);
        assert_eq!(allocations(|| serve(&mut two)), 0);
    });
}
