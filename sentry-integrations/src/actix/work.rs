//! The work of one request: what is begun with it, and ended with it, however it ends.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{Error, HttpMessage, HttpRequest};
use sentry_core::protocol::{SpanStatus, TransactionSource};
use sentry_core::types::Uuid;
use sentry_core::{Client, Hub, Transaction, TransactionContext};

use super::builder::Sentry;
use super::error;
use super::request::{Parts, name_of_request, text_headers};
#[cfg(feature = "release-health")]
use crate::web::RequestSession;
use crate::web::{name_of, status_of_http};

/// What is under way for a request. All of it happens inside the request's hub, which is `hub`.
///
/// Dropped before it has ended, the request was given up: its client went away, or its handler panicked.
pub(super) struct Work {
    hub: Arc<Hub>,
    config: Sentry,
    served: Rc<Served>,
    /// Until it is finished.
    transaction: Option<Transaction>,
    parts: Arc<Parts>,
    /// Whether the name is that of a route.
    is_routed: bool,
    #[cfg(feature = "release-health")]
    session: Option<RequestSession>,
}

/// What the same middleware further inside or outside is to know of a request, so that nothing is done twice: an extension
/// of the request.
#[derive(Default)]
struct Served {
    has_transaction: Cell<bool>,
    captured: Cell<Option<Uuid>>,
}

impl Work {
    pub(super) fn begin(hub: &Arc<Hub>, client: &Client, config: &Sentry, request: &mut ServiceRequest) -> Self {
        let options = client.options();
        let parts = Parts::of(request, options);
        let name = name_of_request(request);
        let outer = request.extensions().get::<Rc<Served>>().cloned();
        let is_outermost = outer.is_none();
        let served = outer.unwrap_or_default();
        request.extensions_mut().insert(Rc::clone(&served));
        let starts_transaction = config.starts_transaction && !served.has_transaction.get();
        let transaction = starts_transaction.then(|| {
            let headers = text_headers(request);
            let context = TransactionContext::continue_from_headers(&name.text, "http.server", headers);
            let transaction = hub.start_transaction(context);
            transaction.set_source(name.source);
            transaction.set_origin("auto.http.actix");
            transaction.set_data("http.request.method", request.method().as_str().into());
            transaction
        });
        let is_in_span = hub.configure_scope(|scope| scope.get_span().is_some());
        match &transaction {
            // It continues the trace by itself.
            Some(_) => served.has_transaction.set(true),
            None if is_outermost && !is_in_span => hub.continue_incoming(text_headers(request)),
            None => {}
        }
        hub.configure_scope(|scope| {
            if let Some(transaction) = &transaction {
                scope.set_span(Some(transaction.clone().into()));
            }
            scope.set_transaction(Some(&name.text));
            parts.describe_events_of(scope);
        });
        let is_routed = name.source == TransactionSource::Route;
        Self {
            hub: Arc::clone(hub),
            config: config.clone(),
            served,
            transaction,
            parts,
            is_routed,
            #[cfg(feature = "release-health")]
            session: is_outermost.then(|| RequestSession::begin(hub, options)),
        }
    }

    /// The service answered, or failed, and with that the work has ended.
    pub(super) fn end<B>(mut self, mut result: Result<ServiceResponse<B>, Error>) -> Result<ServiceResponse<B>, Error> {
        match &mut result {
            Ok(response) => {
                let status = response.status();
                self.rename(response.request());
                let error = response.response().error();
                let id = error.map_or(Uuid::nil(), |error| self.capture(error, status));
                if self.config.emits_header {
                    emit(response, id);
                }
                self.finish(status);
            }
            Err(error) => {
                // Not asked for the response itself: making it may use it up.
                let status = error.as_response_error().status_code();
                self.capture(error, status);
                self.finish(status);
            }
        }
        result
    }

    /// Other middleware, such as one that normalizes paths, may have led the request to a route that was not its own before.
    fn rename(&self, request: &HttpRequest) {
        let Some(route) = request.match_pattern().filter(|_| !self.is_routed) else { return };
        let name = name_of(request.method().as_str(), Some(&route), request.path());
        if let Some(transaction) = &self.transaction {
            transaction.set_source(name.source);
        }
        self.hub.configure_scope(|scope| scope.set_transaction(Some(&name.text)));
    }

    fn capture(&self, error: &Error, status: StatusCode) -> Uuid {
        if !self.config.captures_errors || !status.is_server_error() {
            return Uuid::nil();
        }
        let known = self.served.captured.get();
        let id = known.unwrap_or_else(|| self.hub.capture_event(error::event_of(error, &self.config.known_errors)));
        self.served.captured.set(Some(id));
        id
    }

    fn finish(&mut self, status: StatusCode) {
        if let Some(transaction) = &self.transaction {
            transaction.set_data("http.response.status_code", status.as_u16().into());
        }
        self.finish_transaction(status_of_http(status.as_u16()));
        self.end_session(status.is_server_error());
    }

    fn finish_transaction(&mut self, status: SpanStatus) {
        let Some(transaction) = self.transaction.take() else { return };
        // The handler may know better.
        if transaction.get_status().is_none() {
            transaction.set_status(status);
        }
        #[expect(deprecated, reason = "the request is built for those only that keep it")]
        if transaction.is_sampled() {
            transaction.set_request(self.parts.to_request());
        }
        transaction.finish();
    }

    #[cfg(feature = "release-health")]
    fn end_session(&mut self, is_unhandled: bool) {
        if let (Some(session), true) = (self.session.take(), is_unhandled) {
            session.end_unhandled();
        }
    }

    #[cfg(not(feature = "release-health"))]
    fn end_session(&mut self, _is_unhandled: bool) {}
}

impl Drop for Work {
    fn drop(&mut self) {
        let has_panicked = thread::panicking();
        self.finish_transaction(if has_panicked { SpanStatus::InternalError } else { SpanStatus::Cancelled });
        self.end_session(has_panicked);
    }
}

fn emit<B>(response: &mut ServiceResponse<B>, id: Uuid) {
    if id.is_nil() {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(&id.simple().to_string()) {
        response.headers_mut().insert(HeaderName::from_static("x-sentry-event"), value);
    }
}
