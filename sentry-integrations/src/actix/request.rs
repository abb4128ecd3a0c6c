//! What is kept of a request, to make the protocol's of it where an event is finished: `actix-web`'s own does not leave
//! its thread.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use sentry_core::protocol::{Event, Request};
use sentry_core::{ClientOptions, FILTERED, Scope};

use super::body::Body;
use crate::web::{Head, Name, Rules, name_of};

/// The head of a request, and what has been read of its body.
pub(super) struct Parts {
    rules: Rules,
    method: Method,
    uri: Uri,
    scheme: String,
    host: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    peer: Option<IpAddr>,
    body: Arc<Body>,
}

impl Parts {
    /// Copies the head, and sees to it that the body is copied while it is read.
    pub(super) fn of(request: &mut ServiceRequest, options: &ClientOptions) -> Arc<Self> {
        let rules = Rules::of(options);
        let body = Body::copied_from(request, &rules);
        let connection = request.connection_info();
        let headers = request.headers().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Arc::new(Self {
            scheme: connection.scheme().to_owned(),
            host: connection.host().to_owned(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            peer: request.peer_addr().map(|address| address.ip()),
            headers,
            rules,
            body,
        })
    }

    /// Adds it to the events of `scope`.
    pub(super) fn describe_events_of(self: &Arc<Self>, scope: &mut Scope) {
        let parts = Arc::clone(self);
        scope.add_event_processor(move |mut event: Event<'static>| {
            // What the program set itself stays.
            event.request.get_or_insert_with(|| parts.to_request());
            Some(event)
        });
    }

    /// What may leave of it.
    pub(super) fn to_request(&self) -> Request {
        let head = Head {
            method: self.method.as_str(),
            scheme: &self.scheme,
            host: &self.host,
            path: self.uri.path(),
            query: self.uri.query(),
            headers: self.headers.iter().map(|(name, value)| {
                (name.as_str(), if value.is_sensitive() { FILTERED.as_bytes() } else { value.as_bytes() })
            }),
            peer: self.peer,
        };
        let content_type = self.headers.iter().find(|(name, _)| name == CONTENT_TYPE);
        let content_type = content_type.and_then(|(_, value)| value.to_str().ok());
        Request { data: self.body.as_sent(&self.rules, content_type), ..head.into_request(&self.rules) }
    }
}

/// What the work of the request is called, as far as its route is known.
pub(super) fn name_of_request(request: &ServiceRequest) -> Name {
    name_of(request.method().as_str(), request.match_pattern().as_deref(), request.path())
}

/// The headers that are text.
pub(super) fn text_headers(request: &ServiceRequest) -> impl Iterator<Item = (&str, &str)> {
    request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
}
