//! The layer that does all of it.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Extensions, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use sentry_core::protocol::Event;
use tower_layer::Layer;
use tower_service::Service;

use super::body::SentryBody;
use super::fault::{DescribeError, ErrorsByType};
use super::work::{Wishes, Work, within};

/// All that a service needs: a hub for each request, request data on what is captured in it, the caller's trace, a
/// transaction, events for server errors, and sessions.
///
/// The transaction, op `http.server`, ends with the answer's body, in the request's hub: with its status if the body comes
/// to its end, and as cancelled if the client goes away before. Answers of gRPC, op `rpc.server`, end with the status in
/// their trailers.
///
/// Around an axum `Router` the layer does not know which route will match, and calls the transaction `METHOD /path`; add a
/// second one with `Router::route_layer`, or use `Router::layer` alone, for `METHOD /route/{id}`. One inside another does
/// nothing but tell it the route.
///
/// Sessions need `auto_session_tracking`, [`SessionMode::Request`](sentry_core::SessionMode::Request) and a release.
#[derive(Debug, Clone)]
#[must_use]
pub struct SentryRequestLayer<D = ErrorsByType> {
    wishes: Wishes,
    describe: D,
}

impl SentryRequestLayer {
    /// With transactions and events for server errors.
    pub fn new() -> Self {
        let wishes = Wishes { transaction: true, faults: true, session: true, ..Wishes::default() };
        Self { wishes, describe: ErrorsByType }
    }
}

impl Default for SentryRequestLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<D> SentryRequestLayer<D> {
    /// Whether each request is a transaction. Default: yes; it is sampled as the client's options say.
    pub fn enable_transaction(mut self, enabled: bool) -> Self {
        self.wishes.transaction = enabled;
        self
    }

    /// Whether answers of 5xx, those of gRPC that mean the same, and errors of the service become events. Default: yes.
    ///
    /// An answer does not if something was captured in the request before, which says more.
    pub fn capture_server_errors(mut self, captures: bool) -> Self {
        self.wishes.faults = captures;
        self
    }

    /// Sends cookies, queries and the like for this layer, whatever `send_default_pii` says. Values under names that the
    /// deny-list denies stay here all the same.
    pub fn enable_pii(mut self) -> Self {
        self.wishes.pii = Some(true);
        self
    }

    /// Sends none of those, whatever `send_default_pii` says.
    pub fn disable_pii(mut self) -> Self {
        self.wishes.pii = Some(false);
        self
    }

    /// How to find out who the client is, such as in axum's `ConnectInfo`; it leaves with PII only. Default: nobody.
    ///
    /// Called for each request, where the service is called.
    pub fn client_address(mut self, find: fn(&Extensions) -> Option<IpAddr>) -> Self {
        self.wishes.client_address = Some(find);
        self
    }

    /// How errors of the service become events. By default boxed errors do with their sources, and others tell the name of
    /// their type only.
    ///
    /// ```
    /// use sentry_core::event_from_error;
    /// use sentry_integrations::tower::SentryRequestLayer;
    ///
    /// let layer = SentryRequestLayer::new().describe_errors(|error: &std::io::Error| event_from_error(error));
    /// # drop(layer);
    /// ```
    pub fn describe_errors<E, F: Fn(&E) -> Event<'static>>(self, describe: F) -> SentryRequestLayer<F> {
        SentryRequestLayer { wishes: self.wishes, describe }
    }
}

impl<S, D: Clone> Layer<S> for SentryRequestLayer<D> {
    type Service = SentryRequestService<S, D>;

    fn layer(&self, service: S) -> Self::Service {
        SentryRequestService { service, wishes: self.wishes, describe: self.describe.clone() }
    }
}

/// The service of a [`SentryRequestLayer`].
#[derive(Debug, Clone)]
pub struct SentryRequestService<S, D = ErrorsByType> {
    service: S,
    wishes: Wishes,
    describe: D,
}

impl<S, D, ReqBody, ResBody> Service<Request<ReqBody>> for SentryRequestService<S, D>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
    D: DescribeError<S::Error> + Clone,
{
    type Response = Response<SentryBody<ResBody>>;
    type Error = S::Error;
    type Future = SentryRequestFuture<S::Future, D>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let mut work = Work::begin(&mut request, self.wishes);
        let future = within(&mut work, || self.service.call(request));
        SentryRequestFuture { work, describe: self.describe.clone(), future: Some(future) }
    }
}

pin_project! {
    /// The future of a [`SentryRequestService`]. It is polled and dropped inside the request's hub; dropped early, the
    /// transaction is finished as cancelled.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct SentryRequestFuture<F, D = ErrorsByType> {
        work: Option<Work>,
        describe: D,
        #[pin]
        future: Option<F>,
    }

    impl<F, D> PinnedDrop for SentryRequestFuture<F, D> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            within(this.work, || this.future.set(None));
        }
    }
}

impl<F, D, ResBody, Error> Future for SentryRequestFuture<F, D>
where
    F: Future<Output = Result<Response<ResBody>, Error>>,
    ResBody: Body,
    D: DescribeError<Error>,
{
    type Output = Result<Response<SentryBody<ResBody>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
        let Poll::Ready(result) = within(this.work, || future.poll(cx)) else { return Poll::Pending };
        // What it drops belongs to the request, too.
        within(this.work, || this.future.set(None));
        let mut work = this.work.take();
        Poll::Ready(match result {
            Ok(response) => {
                if let Some(work) = &mut work {
                    work.answered(response.status(), response.headers());
                }
                Ok(response.map(|body| SentryBody::new(work, body)))
            }
            Err(error) => {
                if let Some(work) = work {
                    work.failed::<Error>(|| this.describe.describe(&error));
                }
                Err(error)
            }
        })
    }
}
