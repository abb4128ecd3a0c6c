//! What bridges to web frameworks have in common: which parts of a request leave, and what work is called after one.
//!
//! A bridge takes [`Rules`] from the client's options when a request begins, keeps its parts, and lets [`Head`] make the
//! protocol's request of them where an event is finished. Nothing here knows a framework.

mod body;
mod cookies;
mod form;
mod head;
mod json;
mod link;
mod naming;
mod rules;
#[cfg(feature = "release-health")]
mod session;
#[cfg_attr(not(feature = "tower-http"), allow(dead_code, reason = "actix serves no gRPC"))]
mod status;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use self::body::body_as_sent;
pub(crate) use self::head::Head;
pub(crate) use self::naming::{Name, name_of};
pub(crate) use self::rules::Rules;
#[cfg(feature = "release-health")]
pub(crate) use self::session::RequestSession;
pub(crate) use self::status::status_of_http;
#[cfg(feature = "tower-http")]
pub(crate) use self::status::{is_grpc_fault, status_of_grpc};
