//! What the service does: handlers as any program has them. Nothing in here knows about requests' hubs.

use actix_web::web::{self, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use sentry::{Breadcrumb, Level, User};

use crate::errors::OrderError;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.route("/orders/{id}", web::get().to(order)).route("/orders/{id}/receipt", web::get().to(receipt));
}

async fn order(request: HttpRequest, id: Path<u32>) -> Result<HttpResponse, OrderError> {
    sign_in(&request);
    note("looked up the order");
    let stock = stock_of(*id).await?;
    // Goes on after the answer, in the trace and with the user of this request.
    sentry::integrations::tokio::spawn_local(async move {
        if stock < 5 {
            sentry::capture_message("stock is low", Level::Warning);
        }
    });
    Ok(HttpResponse::Ok().json(serde_json::json!({ "order": *id, "stock": stock })))
}

#[expect(clippy::panic, reason = "the panic is what is shown")]
async fn receipt(request: HttpRequest, id: Path<u32>) -> HttpResponse {
    sign_in(&request);
    note("began to print");
    if *id == 3 {
        panic!("out of paper at order {id}");
    }
    HttpResponse::Ok().body("printed")
}

async fn stock_of(id: u32) -> Result<u32, OrderError> {
    // Another request may be handled on this thread meanwhile.
    actix_web::rt::task::yield_now().await;
    let known = match id {
        1 => "3",
        2 => "three",
        _ => return Err(OrderError::Unknown(id)),
    };
    known.parse().map_err(|source| OrderError::Stock { id, source })
}

fn sign_in(request: &HttpRequest) {
    let user = request.headers().get("x-user").and_then(|user| user.to_str().ok()).map(str::to_owned);
    sentry::configure_scope(|scope| scope.set_user(Some(User { id: user, ..User::default() })));
}

fn note(message: &str) {
    sentry::add_breadcrumb(Breadcrumb { message: Some(message.to_owned()), ..Breadcrumb::default() });
}
