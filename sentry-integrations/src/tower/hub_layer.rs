//! A hub for each request of any kind, HTTP or not.

use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use sentry_core::{Hub, SentryFuture, SentryFutureExt};
use tower_layer::Layer;
use tower_service::Service;

/// Gives each request the hub it is served in.
///
/// Closures from a request to a hub are providers; so is a hub, which all requests then share.
pub trait HubProvider<H, Request>
where
    H: Into<Arc<Hub>>,
{
    /// The hub for `request`. Runs where the service is called.
    fn hub(&self, request: &Request) -> H;
}

impl<H, F, Request> HubProvider<H, Request> for F
where
    F: Fn(&Request) -> H,
    H: Into<Arc<Hub>>,
{
    fn hub(&self, request: &Request) -> H {
        self(request)
    }
}

impl<Request> HubProvider<Arc<Hub>, Request> for Arc<Hub> {
    fn hub(&self, _request: &Request) -> Arc<Hub> {
        Arc::clone(self)
    }
}

/// Gives each request a hub of its own, [forked](Hub::fork) from the current one; or that which a layer around it has made
/// for the request already. Where nothing can be sent, it is the current one.
#[derive(Debug, Clone, Copy)]
pub struct NewFromTopProvider;

impl<Request> HubProvider<Arc<Hub>, Request> for NewFromTopProvider {
    fn hub(&self, _request: &Request) -> Arc<Hub> {
        Hub::with_active(|current| Some(of_request(current))).unwrap_or_else(Hub::current)
    }
}

fn of_request(current: &Arc<Hub>) -> Arc<Hub> {
    #[cfg(feature = "tower-http")]
    if super::claim::take(current) {
        return Arc::clone(current);
    }
    current.fork()
}

/// Serves each request in the hub that a provider gives; see [`NewSentryLayer`] for the usual one.
#[derive(Debug)]
pub struct SentryLayer<P, H, Request>
where
    P: HubProvider<H, Request>,
    H: Into<Arc<Hub>>,
{
    provider: P,
    types: Types<H, Request>,
}

/// Neither is held.
type Types<H, Request> = PhantomData<(fn() -> H, fn() -> Request)>;

impl<P, H, Request> SentryLayer<P, H, Request>
where
    P: HubProvider<H, Request> + Clone,
    H: Into<Arc<Hub>>,
{
    /// A layer with that provider.
    pub fn new(provider: P) -> Self {
        Self { provider, types: PhantomData }
    }
}

impl<S, P, H, Request> Layer<S> for SentryLayer<P, H, Request>
where
    P: HubProvider<H, Request> + Clone,
    H: Into<Arc<Hub>>,
{
    type Service = SentryService<S, P, H, Request>;

    fn layer(&self, service: S) -> Self::Service {
        SentryService { service, provider: self.provider.clone(), types: PhantomData }
    }
}

impl<P, H, Request> Clone for SentryLayer<P, H, Request>
where
    P: HubProvider<H, Request> + Clone,
    H: Into<Arc<Hub>>,
{
    fn clone(&self) -> Self {
        Self { provider: self.provider.clone(), types: PhantomData }
    }
}

/// The service of a [`SentryLayer`]: the inner one is called, polled and dropped inside the request's hub.
#[derive(Debug)]
pub struct SentryService<S, P, H, Request>
where
    P: HubProvider<H, Request>,
    H: Into<Arc<Hub>>,
{
    service: S,
    provider: P,
    types: Types<H, Request>,
}

impl<S, P, H, Request> SentryService<S, P, H, Request>
where
    P: HubProvider<H, Request> + Clone,
    H: Into<Arc<Hub>>,
{
    /// Wraps `service`.
    pub fn new(provider: P, service: S) -> Self {
        Self { service, provider, types: PhantomData }
    }
}

impl<S, Request, P, H> Service<Request> for SentryService<S, P, H, Request>
where
    S: Service<Request>,
    P: HubProvider<H, Request>,
    H: Into<Arc<Hub>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = SentryFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let hub: Arc<Hub> = self.provider.hub(&request).into();
        // Nobody else has it: it was made for this request.
        #[cfg(feature = "tower-http")]
        if Arc::strong_count(&hub) == 1 {
            super::claim::made(&hub);
        }
        // What is set before the first poll belongs to the request as well.
        Hub::run(Arc::clone(&hub), || self.service.call(request)).bind_hub(hub)
    }
}

impl<S, P, H, Request> Clone for SentryService<S, P, H, Request>
where
    S: Clone,
    P: HubProvider<H, Request> + Clone,
    H: Into<Arc<Hub>>,
{
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), provider: self.provider.clone(), types: PhantomData }
    }
}

/// Serves each request in a hub of its own.
pub type NewSentryLayer<Request> = SentryLayer<NewFromTopProvider, Arc<Hub>, Request>;

impl<Request> NewSentryLayer<Request> {
    /// With a copy of the current hub's scope for each request.
    #[must_use]
    pub fn new_from_top() -> Self {
        Self { provider: NewFromTopProvider, types: PhantomData }
    }
}

/// The service of a [`NewSentryLayer`].
pub type NewSentryService<S, Request> = SentryService<S, NewFromTopProvider, Arc<Hub>, Request>;

impl<S, Request> NewSentryService<S, Request> {
    /// Wraps `service`.
    pub fn new_from_top(service: S) -> Self {
        Self { service, provider: NewFromTopProvider, types: PhantomData }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_shared_between_threads_whatever_they_serve() {
        fn assert_shared<T: Send + Sync + Clone>() {}
        assert_shared::<NewSentryLayer<std::rc::Rc<()>>>();
        assert_shared::<NewSentryService<(), std::cell::RefCell<()>>>();
    }
}
