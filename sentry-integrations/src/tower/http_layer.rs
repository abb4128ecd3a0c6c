//! The layer for HTTP that the official crate has.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::fault;
use super::work::{Wishes, Work, within};

/// Adds request data to what is captured, continues the caller's trace and, if enabled, makes each request a transaction.
///
/// It uses the request's hub if a [`NewSentryLayer`](super::NewSentryLayer) is around it, and makes one where there is
/// none. The answer keeps its type, so that the transaction is over when the answer's head is there:
/// [`SentryRequestLayer`](super::SentryRequestLayer) follows bodies as well.
///
/// The transaction is called `METHOD /route/{id}` where axum has matched one, that is, in `Router::layer` and
/// `Router::route_layer` (feature `tower-axum-matched-path`), else `METHOD /path`.
#[derive(Debug, Clone, Default)]
pub struct SentryHttpLayer {
    wishes: Wishes,
}

impl SentryHttpLayer {
    /// Request data only. What may leave of it is up to the client's `send_default_pii` at the time of each request.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a transaction for each request.
    #[deprecated(note = "use `enable_transaction`")]
    #[must_use]
    pub fn with_transaction() -> Self {
        Self::new().enable_transaction()
    }

    /// Makes each request a transaction. Default: no.
    #[must_use]
    pub fn enable_transaction(mut self) -> Self {
        self.wishes.transaction = true;
        self
    }

    /// Sends cookies, queries and the like for this layer, whatever `send_default_pii` says. Values under names that the
    /// deny-list denies stay here all the same.
    #[must_use]
    pub fn enable_pii(mut self) -> Self {
        self.wishes.pii = Some(true);
        self
    }

    /// Captures answers of 5xx and errors of the service as events. Default: no.
    #[must_use]
    pub fn capture_server_errors(mut self, captures: bool) -> Self {
        self.wishes.faults = captures;
        self
    }
}

impl<S> Layer<S> for SentryHttpLayer {
    type Service = SentryHttpService<S>;

    fn layer(&self, service: S) -> Self::Service {
        SentryHttpService { service, wishes: self.wishes }
    }
}

/// The service of a [`SentryHttpLayer`].
#[derive(Debug, Clone)]
pub struct SentryHttpService<S> {
    service: S,
    wishes: Wishes,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for SentryHttpService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = SentryHttpFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let mut work = Work::begin(&mut request, self.wishes);
        let future = within(&mut work, || self.service.call(request));
        SentryHttpFuture { work, future: Some(future) }
    }
}

pin_project! {
    /// The future of a [`SentryHttpService`]. It is polled and dropped inside the request's hub; dropped early, the
    /// transaction is finished as cancelled.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct SentryHttpFuture<F> {
        work: Option<Work>,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for SentryHttpFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            within(this.work, || this.future.set(None));
        }
    }
}

impl<F, ResBody, Error> Future for SentryHttpFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
        let Poll::Ready(result) = within(this.work, || future.poll(cx)) else { return Poll::Pending };
        // What it drops belongs to the request, too.
        within(this.work, || this.future.set(None));
        if let Some(mut work) = this.work.take() {
            match &result {
                Ok(response) => {
                    work.answered(response.status(), response.headers());
                    work.done();
                }
                Err(_) => work.failed::<Error>(fault::of_type::<Error>),
            }
        }
        Poll::Ready(result)
    }
}
