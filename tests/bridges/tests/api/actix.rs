//! `sentry::integrations::actix`.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{App, Error, HttpResponse, web};
use sentry::Hub;
use sentry::integrations::actix::{Sentry, SentryBuilder, SentryMiddleware};

fn middleware() -> Sentry {
    let builder: SentryBuilder = Sentry::builder();
    let middleware: Sentry = builder
        .start_transaction(true)
        .with_hub(Hub::current())
        .with_default_hub()
        .emit_header(true)
        .capture_server_errors(false)
        .finish();
    let _: [Sentry; 4] = [Sentry::new(), Sentry::with_transaction(), Sentry::default(), middleware.clone()];
    let main: Arc<Hub> = Hub::main();
    middleware.into_builder().with_hub(main).finish()
}

fn app() {
    let routes = || App::new().route("/", web::get().to(HttpResponse::Ok));
    drop(routes().wrap(middleware()));
    drop(routes().wrap(Sentry::new()).wrap(actix_web::middleware::from_fn(around)));
    drop(routes().service(web::scope("/inner").wrap(Sentry::with_transaction())));
}

async fn around(
    request: ServiceRequest,
    next: actix_web::middleware::Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    next.call(request).await
}

/// The bounds and associated types, as code that is generic over middleware meets them.
fn transformed<S>(service: S) -> Ready<Result<SentryMiddleware<S>, ()>>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
    S::Future: 'static,
{
    type Called = Pin<Box<dyn Future<Output = Result<ServiceResponse<BoxBody>, Error>>>>;
    fn called<S: Service<ServiceRequest, Future = Called>>(_: &S) {}
    let middleware = Transform::<S, ServiceRequest>::new_transform(&Sentry::new(), service);
    let Ok(middleware) = middleware.into_inner() else { return ready(Err(())) };
    called(&middleware);
    ready(Ok(middleware))
}
