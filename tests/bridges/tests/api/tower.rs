//! Of tower.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::Full;
use sentry::Hub;
use sentry::integrations::tower::{
    DescribeError, ErrorsByType, HubProvider, NewFromTopProvider, NewSentryLayer, NewSentryService, SentryBody,
    SentryBodyLayer, SentryBodyService, SentryHttpFuture, SentryHttpLayer, SentryHttpService, SentryLayer,
    SentryRequestBody, SentryRequestFuture, SentryRequestLayer, SentryRequestService, SentryService,
};
use sentry::protocol::Event;
use tower::{Layer, Service};

type In = Request<String>;
type Answer = Response<Full<bytes::Bytes>>;

#[derive(Clone)]
struct App;

impl Service<In> for App {
    type Response = Answer;
    type Error = Infallible;
    type Future = Ready<Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: In) -> Self::Future {
        ready(Ok(Response::default()))
    }
}

fn is_service<S: Service<In, Response = Answer, Error = Infallible> + Clone>(_: S) {}

fn hubs() {
    let layer: NewSentryLayer<In> = NewSentryLayer::new_from_top();
    let service: NewSentryService<App, In> = layer.clone().layer(App);
    is_service(service);
    is_service(NewSentryService::<_, In>::new_from_top(App));
    let layer: SentryLayer<NewFromTopProvider, Arc<Hub>, In> = SentryLayer::new(NewFromTopProvider);
    is_service(layer.layer(App));
    let of_closure = |request: &In| {
        let hub = Hub::new_from_top(Hub::current());
        hub.configure_scope(|scope| scope.set_tag("length", request.body().len()));
        hub
    };
    let layer: SentryLayer<_, Hub, In> = SentryLayer::new(of_closure);
    is_service(layer.layer(App));
    let service: SentryService<App, Arc<Hub>, Arc<Hub>, In> = SentryService::new(Hub::current(), App);
    is_service(service);
    let _: Arc<Hub> = NewFromTopProvider.hub(&In::default());
    let provider: Arc<Hub> = HubProvider::<Arc<Hub>, In>::hub(&Hub::current(), &In::default());
    drop(provider);
    let future: sentry::SentryFuture<Ready<Result<Answer, Infallible>>> =
        NewSentryService::<_, In>::new_from_top(App).call(In::default());
    drop(future);
}

#[expect(deprecated, reason = "it is part of the API")]
fn http() {
    let layers: [SentryHttpLayer; 4] = [
        SentryHttpLayer::new(),
        SentryHttpLayer::default(),
        SentryHttpLayer::with_transaction(),
        SentryHttpLayer::new().enable_transaction().enable_pii().capture_server_errors(true),
    ];
    let mut service: SentryHttpService<App> = layers[0].clone().layer(App);
    is_service(service.clone());
    let future: SentryHttpFuture<Ready<Result<Answer, Infallible>>> = service.call(In::default());
    drop(future);
    // As programs add both.
    let both = tower::ServiceBuilder::new()
        .layer(NewSentryLayer::<In>::new_from_top())
        .layer(SentryHttpLayer::new().enable_transaction())
        .service(App);
    is_service(both);
}

fn bodies<S: Service<Request<SentryRequestBody<String>>>>(service: S) -> SentryBodyService<S> {
    SentryBodyLayer::new().layer(service)
}

fn all_in_one() {
    let layer: SentryRequestLayer = SentryRequestLayer::new()
        .enable_transaction(true)
        .capture_server_errors(true)
        .enable_pii()
        .disable_pii()
        .client_address(|extensions| extensions.get::<std::net::IpAddr>().copied());
    let mut service: SentryRequestService<App> = layer.clone().layer(App);
    let future: SentryRequestFuture<Ready<Result<Answer, Infallible>>> = service.call(In::default());
    drop(future);
    let _: Option<Response<SentryBody<Full<bytes::Bytes>>>> = None;
    let _ = SentryRequestLayer::default().describe_errors(|_: &Infallible| Event::new()).layer(App);
    let _: Event<'static> = ErrorsByType.describe(&std::fmt::Error);
}
