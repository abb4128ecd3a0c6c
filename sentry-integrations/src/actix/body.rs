//! The body of a request, copied while the handler reads it.
//!
//! Reading it first and handing on a copy would make every request wait for its body, and turn an error in the middle
//! into an end. So the payload is wrapped: what passes is passed on as it is, and copied as long as it may leave.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use futures_core::Stream;

use crate::web::{Rules, body_as_sent};

/// No event may be larger (spec ITM-41), so no body in one is.
const MOST: usize = 1024 * 1024;

/// What has been read of a body.
pub(super) struct Body {
    state: Mutex<State>,
}

enum State {
    /// There is none, or it does not leave.
    Absent,
    Reading(Vec<u8>),
    Whole(Vec<u8>),
}

impl Body {
    /// Puts a copier around the payload of `request`, if a body like its may leave.
    pub(super) fn copied_from(request: &mut ServiceRequest, rules: &Rules) -> Arc<Self> {
        let is_wanted = may_be_taken(request, rules);
        let (_, payload) = request.parts_mut();
        if !is_wanted || matches!(payload, Payload::None) {
            return Arc::new(Self { state: Mutex::new(State::Absent) });
        }
        let body = Arc::new(Self { state: Mutex::new(State::Reading(Vec::new())) });
        let copier = Copier { payload: payload.take(), rules: rules.clone(), body: Arc::clone(&body) };
        *payload = Payload::Stream { payload: Box::pin(copier) };
        body
    }

    /// What may leave of it, once it was read to its end.
    pub(super) fn as_sent(&self, rules: &Rules, content_type: Option<&str>) -> Option<String> {
        let whole = match &*self.lock() {
            State::Whole(bytes) => bytes.clone(),
            State::Absent | State::Reading(_) => return None,
        };
        body_as_sent(rules, content_type, &whole)
    }

    fn take_note(&self, rules: &Rules, read: Option<&Result<Bytes, PayloadError>>) {
        let mut state = self.lock();
        let State::Reading(bytes) = &mut *state else { return };
        match read {
            Some(Ok(chunk)) if takes(rules, bytes.len().saturating_add(chunk.len())) => bytes.extend_from_slice(chunk),
            // Too long, or broken in the middle.
            Some(_) => *state = State::Absent,
            None => *state = State::Whole(std::mem::take(bytes)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the head promises a body that may leave.
fn may_be_taken(request: &ServiceRequest, rules: &Rules) -> bool {
    if !takes(rules, 1) || request.head().upgrade() {
        return false;
    }
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    // A body in chunks does not tell its length.
    length.is_none_or(|length| takes(rules, length))
}

fn takes(rules: &Rules, length: usize) -> bool {
    length <= MOST && (length == 0 || rules.takes_body_of(length))
}

/// Passes a payload on as it is.
struct Copier {
    payload: Payload,
    rules: Rules,
    body: Arc<Body>,
}

impl Stream for Copier {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let read = Pin::new(&mut self.payload).poll_next(cx);
        if let Poll::Ready(read) = &read {
            self.body.take_note(&self.rules, read.as_ref());
        }
        read
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.payload.size_hint()
    }
}
