//! What is kept of a request, and what is made of it when something is sent.

use std::fmt;
use std::net::IpAddr;
use std::sync::OnceLock;

use http::header::{CONTENT_TYPE, HOST};
use http::{Extensions, HeaderMap, Method, Request, Uri};
use sentry_core::FILTERED;
use sentry_core::protocol::{self, Event, IpAddress, TransactionSource};

use crate::web::{self, Head, Name, Rules};

/// A request without its body, and what may leave of it.
pub(super) struct Parts {
    rules: Rules,
    pub(super) method: Method,
    uri: Uri,
    headers: HeaderMap,
    peer: Option<IpAddr>,
    pub(super) is_grpc: bool,
    /// The whole body, once it is there, if it may leave at all.
    body: OnceLock<Vec<u8>>,
}

impl Parts {
    pub(super) fn of<B>(request: &Request<B>, rules: Rules, peer: Option<IpAddr>) -> Self {
        Self {
            rules,
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            peer,
            is_grpc: is_grpc(request.headers()),
            body: OnceLock::new(),
        }
    }

    /// What the work is called if it is `route` that matched. A method of gRPC is its own route.
    pub(super) fn name(&self, route: Option<&str>) -> Name {
        if self.is_grpc {
            return Name { text: self.path().to_owned(), source: TransactionSource::Route };
        }
        web::name_of(self.method.as_str(), route, self.path())
    }

    /// Which integration this is (spec TXN-60).
    pub(super) fn origin(&self) -> &'static str {
        if self.is_grpc { "auto.grpc.tower" } else { "auto.http.tower" }
    }

    pub(super) fn path(&self) -> &str {
        self.uri.path()
    }

    /// The host, and the port if there is one.
    pub(super) fn server(&self) -> (&str, Option<u16>) {
        let authority = self.host().rsplit('@').next().unwrap_or_default();
        let colon = authority.rfind(':').filter(|colon| authority.rfind(']').is_none_or(|end| end < *colon));
        match colon.and_then(|at| authority.split_at_checked(at)) {
            Some((host, port)) => (host, port.get(1..).and_then(|port| port.parse().ok())),
            None => (authority, None),
        }
    }

    pub(super) fn takes_bodies(&self) -> bool {
        self.rules.takes_body_of(1)
    }

    pub(super) fn has_body(&self) -> bool {
        self.body.get().is_some()
    }

    /// Whether a body of `length` bytes is of use.
    pub(super) fn takes_body_of(&self, length: usize) -> bool {
        length <= MAX_BODY && (length == 0 || self.rules.takes_body_of(length))
    }

    pub(super) fn keep_body(&self, bytes: Vec<u8>) {
        let _ = self.body.set(bytes);
    }

    pub(super) fn trace_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }

    /// Adds to an event what its program did not say itself. Runs where events are finished.
    pub(super) fn add_to(&self, event: &mut Event<'static>) {
        if event.request.is_none() {
            event.request = Some(self.request());
        }
        if let (Some(peer), true) = (self.peer, self.rules.sends_pii()) {
            event.user.get_or_insert_default().ip_address.get_or_insert(IpAddress::Exact(peer));
        }
    }

    pub(super) fn request(&self) -> protocol::Request {
        let headers = self.headers.iter().map(|(name, value)| {
            let value = if value.is_sensitive() { FILTERED.as_bytes() } else { value.as_bytes() };
            (name.as_str(), value)
        });
        let head = Head {
            method: self.method.as_str(),
            scheme: self.uri.scheme_str().unwrap_or("http"),
            host: self.host(),
            path: self.uri.path(),
            query: self.uri.query(),
            headers,
            peer: self.peer,
        };
        let mut request = head.into_request(&self.rules);
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        request.data = self.body.get().and_then(|body| web::body_as_sent(&self.rules, kind, body));
        request
    }

    fn host(&self) -> &str {
        let of_headers = || self.headers.get(HOST).and_then(|host| host.to_str().ok());
        self.uri.authority().map(http::uri::Authority::as_str).or_else(of_headers).unwrap_or_default()
    }
}

/// What is kept is the request's: whoever prints an answer, with this in its body, is not to print that.
impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("method", &self.method).field("is_grpc", &self.is_grpc).finish_non_exhaustive()
    }
}

/// Whatever the options say: events are not for more, and the memory is the program's.
const MAX_BODY: usize = 1_000_000;

/// The route of axum's router, inside of which it is known.
#[cfg(feature = "tower-axum-matched-path")]
pub(super) fn route(extensions: &Extensions) -> Option<&str> {
    extensions.get::<axum::extract::MatchedPath>().map(axum::extract::MatchedPath::as_str)
}

#[cfg(not(feature = "tower-axum-matched-path"))]
pub(super) fn route(_extensions: &Extensions) -> Option<&str> {
    None
}

/// `application/grpc` in its forms, but not gRPC for browsers, whose status is in the body.
fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.as_bytes().strip_prefix(b"application/grpc"));
    kind.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}
