//! The middleware itself: puts each request into its hub.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use sentry_core::{Client, Hub, SentryFutureExt, suppress};

use super::builder::Sentry;
use super::work::Work;

impl<S, B> Transform<S, ServiceRequest> for Sentry
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = SentryMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let base = Base::here(self.hub.clone());
        ready(Ok(SentryMiddleware { inner: Rc::new(Inner { service, config: self.clone(), base }) }))
    }
}

/// [`Sentry`] around one worker's service.
pub struct SentryMiddleware<S> {
    inner: Rc<Inner<S>>,
}

struct Inner<S> {
    service: S,
    config: Sentry,
    base: Base,
}

impl<S, B> Service<ServiceRequest> for SentryMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.service.poll_ready(cx)
    }

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let inner = Rc::clone(&self.inner);
        // All of it when polled: layers outside put their hub or span around the future, not around this call.
        Box::pin(async move {
            let around = inner.base.hub();
            let Some(client) = listening_client(&around) else { return inner.service.call(request).await };
            let hub = around.fork();
            let work = Hub::run(Arc::clone(&hub), || Work::begin(&hub, &client, &inner.config, &mut request));
            let handled = async move {
                let result = inner.service.call(request).await;
                work.end(result)
            };
            // What is dropped with a request that is given up reports to its hub as well.
            handled.bind_hub(hub).await
        })
    }
}

fn listening_client(hub: &Hub) -> Option<Arc<Client>> {
    if suppress::is_active() {
        return None;
    }
    hub.client().filter(|client| client.is_enabled())
}

/// What the hubs of requests are forked from.
enum Base {
    /// The one that the program chose.
    Chosen(Arc<Hub>),
    /// The one around a request. Where that is just the thread's, its data as it was when the worker began: something
    /// that a task left there would else be on all requests that follow.
    Around { thread: Arc<Hub>, at_first: Arc<Hub> },
}

impl Base {
    fn here(chosen: Option<Arc<Hub>>) -> Self {
        chosen.map_or_else(
            || {
                let thread = Hub::current();
                Self::Around { at_first: thread.fork(), thread }
            },
            Self::Chosen,
        )
    }

    fn hub(&self) -> Arc<Hub> {
        match self {
            Self::Chosen(hub) => Arc::clone(hub),
            Self::Around { thread, at_first } => {
                let current = Hub::current();
                let is_bare = Arc::ptr_eq(&current, thread) && !Arc::ptr_eq(&current, &Hub::main());
                if is_bare { Arc::clone(at_first) } else { current }
            }
        }
    }
}
