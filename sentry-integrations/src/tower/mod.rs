//! The bridge to `tower`, and so to axum, hyper and tonic: each request has a hub of its own, its data is on what is
//! captured in it, and it is a transaction.
//!
//! | layer | a hub of its own | request data, transaction | the transaction ends |
//! |---|---|---|---|
//! | `SentryRequestLayer` | yes | yes | with the answer's body |
//! | [`NewSentryLayer`] | yes | no | |
//! | `SentryHttpLayer` | where there is none | yes, the transaction if enabled | with the answer's head |
//!
//! `SentryBodyLayer`, inside of the first or the last, adds the bodies of requests, with PII only.
//!
//! One `SentryRequestLayer` (feature `tower-http`) is all that a service needs:
//!
#![cfg_attr(feature = "tower-http", doc = "```")]
#![cfg_attr(not(feature = "tower-http"), doc = "```ignore")]
//! use sentry_integrations::tower::SentryRequestLayer;
//! # use std::convert::Infallible;
//! # use std::task::{Context, Poll};
//! # struct App;
//! # impl tower_service::Service<http::Request<String>> for App {
//! #     type Response = http::Response<String>;
//! #     type Error = Infallible;
//! #     type Future = std::future::Ready<Result<http::Response<String>, Infallible>>;
//! #     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> { Poll::Ready(Ok(())) }
//! #     fn call(&mut self, _: http::Request<String>) -> Self::Future { std::future::ready(Ok(Default::default())) }
//! # }
//! use tower_layer::Layer;
//!
//! // Or `Router::new().route(..).layer(SentryRequestLayer::new())`, or `Server::builder().layer(..)` of tonic.
//! let service = SentryRequestLayer::new().layer(App);
//! # drop(service);
//! ```
//!
//! The other two have the names and types of the official crate. They are right in either order, and beside a
//! `SentryRequestLayer`: whichever is met first does the work, and those inside of it add what they know, such as the route.
//!
//! # What leaves
//!
//! Method, URL without its query, and headers, with `[Filtered]` for the values of those that name secrets or the client.
//! With `send_default_pii`, or `enable_pii` on the layer: also cookies, the query and the client's address, those without
//! the values under names that the deny-list denies; and bodies, if a `SentryBodyLayer` copies them. It is decided when a request begins, and put
//! together where an event is finished: on the SDK's worker with the built-in transport.
//!
//! # What it costs
//!
//! Where nothing can be sent, a request costs a load or two and no allocation. Else: the hub, a copy of the headers (the
//! values are shared), and the transaction.

#[cfg(feature = "tower-http")]
mod body;
#[cfg(feature = "tower-http")]
mod body_layer;
#[cfg(feature = "tower-http")]
mod claim;
#[cfg(feature = "tower-http")]
mod fault;
#[cfg(feature = "tower-http")]
mod grpc;
#[cfg(feature = "tower-http")]
mod http_layer;
mod hub_layer;
#[cfg(feature = "tower-http")]
mod parts;
#[cfg(feature = "tower-http")]
mod request_layer;
#[cfg(feature = "tower-http")]
mod transaction;
#[cfg(feature = "tower-http")]
mod work;

pub use self::hub_layer::{
    HubProvider, NewFromTopProvider, NewSentryLayer, NewSentryService, SentryLayer, SentryService,
};
#[cfg(feature = "tower-http")]
pub use self::{
    body::SentryBody,
    body_layer::{SentryBodyLayer, SentryBodyService, SentryRequestBody},
    fault::{DescribeError, ErrorsByType},
    http_layer::{SentryHttpFuture, SentryHttpLayer, SentryHttpService},
    request_layer::{SentryRequestFuture, SentryRequestLayer, SentryRequestService},
};
