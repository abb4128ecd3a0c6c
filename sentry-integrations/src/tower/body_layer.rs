//! The layer that keeps bodies of requests, for services that want them on their events.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Buf;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::parts::Parts;
use super::work::parts_of;

/// Adds the bodies of requests, as far as the service has read them when something is sent: JSON and forms, without the
/// values under names that the deny-list denies, and `[Filtered]` for all others.
///
/// It goes inside of a [`SentryRequestLayer`](super::SentryRequestLayer) or
/// [`SentryHttpLayer`](super::SentryHttpLayer), and does nothing without PII or beyond
/// [`max_request_body_size`](field@sentry_core::ClientOptions::max_request_body_size) (at most 1 MB). Bodies are not held
/// up: a copy is made of what passes. The service gets requests with a [`SentryRequestBody`].
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct SentryBodyLayer {
    _private: (),
}

impl SentryBodyLayer {
    /// The layer.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for SentryBodyLayer {
    type Service = SentryBodyService<S>;

    fn layer(&self, service: S) -> Self::Service {
        SentryBodyService { service }
    }
}

/// The service of a [`SentryBodyLayer`].
#[derive(Debug, Clone)]
pub struct SentryBodyService<S> {
    service: S,
}

impl<S, B> Service<Request<B>> for SentryBodyService<S>
where
    S: Service<Request<SentryRequestBody<B>>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let parts = parts_of(request.extensions()).filter(|parts| parts.takes_bodies());
        let copy = parts.map(|parts| Copy { parts, bytes: Vec::new() });
        self.service.call(request.map(|body| SentryRequestBody { copy, body }))
    }
}

pin_project! {
    /// The body of a request that came through a [`SentryBodyLayer`]: passes on what the one inside gives.
    #[derive(Debug)]
    pub struct SentryRequestBody<B> {
        copy: Option<Copy>,
        #[pin]
        body: B,
    }
}

/// What has passed so far.
struct Copy {
    parts: Arc<Parts>,
    bytes: Vec<u8>,
}

/// The bytes are the request's, and not for whoever prints its body.
impl fmt::Debug for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Copy").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl<B: Body> Body for SentryRequestBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Poll::Ready(frame) = this.body.as_mut().poll_frame(cx) else { return Poll::Pending };
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(copy), Some(data)) = (this.copy.as_mut(), frame.data_ref()) {
                    if !copy.takes(data) {
                        *this.copy = None;
                    }
                }
            }
            // What is not whole is not read by key.
            Some(Err(_)) => *this.copy = None,
            None => {}
        }
        if frame.is_none() || this.body.is_end_stream() {
            if let Some(Copy { parts, bytes }) = this.copy.take() {
                parts.keep_body(bytes);
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Copy {
    /// Copies what passes; `false` if it is too long, or in pieces, which can be looked at but once.
    fn takes(&mut self, data: &impl Buf) -> bool {
        let length = self.bytes.len().saturating_add(data.remaining());
        let is_taken = data.chunk().len() == data.remaining() && self.parts.takes_body_of(length);
        if is_taken {
            self.bytes.extend_from_slice(data.chunk());
        }
        is_taken
    }
}
