//! The bridge to `actix-web`: a middleware that gives each request a hub of its own, and captures what goes wrong.
//!
//! ```no_run
//! use actix_web::{App, HttpResponse, HttpServer, web};
//!
//! # fn main() -> std::io::Result<()> {
//! // The SDK first, the runtime second: `#[actix_web::main]` would start threads before.
//! // let _guard = sentry::init(..);
//! actix_web::rt::System::new().block_on(async {
//!     HttpServer::new(|| {
//!         App::new()
//!             // Added last, it is the first to see a request: all others run in its hub.
//!             .wrap(sentry_integrations::actix::Sentry::with_transaction())
//!             .route("/orders/{id}", web::get().to(async || HttpResponse::Ok().finish()))
//!     })
//!     .bind("127.0.0.1:8080")?
//!     .run()
//!     .await
//! })
//! # }
//! ```
//!
//! # What it does
//!
//! * **A hub for each request**, forked from the one around it. It is the current one while the request is handled, on
//!   this thread, after every `.await`, and while a request is dropped whose client has gone away. What a handler sets
//!   (user, tags, breadcrumbs) is on the events and the transaction of its request, and on no other.
//! * **Events for errors** that are answered with a status of 5xx: errors returned by handlers, extractors and other
//!   middleware, with their mechanism `actix`; of types that the SDK knows also with their sources, see
//!   [`SentryBuilder::with_error_type`]. Panics are captured by the panic integration, with the data of the request.
//! * **The request on every event**: method, URL without its query, headers. Built where the event is finished.
//! * **A transaction for each request**, if wanted ([`Sentry::with_transaction`]): it continues the caller's trace, is
//!   named by the route (`GET /orders/{id}`), and has the status of the answer; `cancelled` if the client went away first
//!   and the server gave the request up, which `HttpServer` does with `h1_allow_half_closed(false)`. Its name is on error
//!   events too. It ends when the head of the answer is ready: a body that streams is produced after that, outside of the
//!   request's hub.
//! * **A session for each request**, with
//!   [`auto_session_tracking`](field@sentry_core::ClientOptions::auto_session_tracking) and
//!   [`SessionMode::Request`](sentry_core::SessionMode::Request).
//!
//! # What leaves
//!
//! Cookies, queries, bodies and addresses leave only with
//! [`send_default_pii`](field@sentry_core::ClientOptions::send_default_pii). Headers that tell a secret or who the client
//! is leave as `[Filtered]`; with it too, values under the names of the
//! [deny-list](field@sentry_core::ClientOptions::deny_list) do. Bodies leave as far as the handler has read them whole,
//! and [`max_request_body_size`](field@sentry_core::ClientOptions::max_request_body_size) allows: they are copied while
//! they are read, nobody waits for one.
//!
//! # Costs
//!
//! Without a client that is open, a look. With one, a fork of the hub and a copy of the head of the request, on the worker
//! that handles it.

mod body;
mod builder;
mod error;
mod middleware;
mod request;
mod work;

pub use builder::{Sentry, SentryBuilder};
pub use middleware::SentryMiddleware;
