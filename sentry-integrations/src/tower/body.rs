//! The body of an answer, with whose end the request has been served.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use sentry_core::Hub;

use super::fault;
use super::work::{Work, within};

pin_project! {
    /// The body of an answer that came through a [`SentryRequestLayer`](super::SentryRequestLayer): passes on what the inner
    /// one gives. That is polled and dropped inside the request's hub.
    #[derive(Debug)]
    pub struct SentryBody<B> {
        work: Option<Work>,
        // The request's, which outlives its work.
        hub: Option<Arc<Hub>>,
        // How many bytes are still to come, if that is known.
        left: Option<u64>,
        #[pin]
        body: Option<B>,
    }

    impl<B> PinnedDrop for SentryBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            inside(this.work, this.hub, || this.body.set(None));
        }
    }
}

impl<B: Body> SentryBody<B> {
    pub(super) fn new(mut work: Option<Work>, body: B) -> Self {
        let hub = work.as_ref().map(|work| Arc::clone(work.hub()));
        let left = body.size_hint().exact();
        let is_over = body.is_end_stream();
        let mut body = Some(body);
        // Servers do not ask such a body for its end.
        if is_over {
            within(&mut work, || body = None);
        }
        if let Some(done) = work.take_if(|work| is_over || work.is_head()) {
            done.done();
        }
        Self { work, hub, left, body }
    }
}

impl<B: Body> Body for SentryBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let Poll::Ready(frame) = inside(this.work, this.hub, || body.poll_frame(cx)) else { return Poll::Pending };
        let mut is_whole = false;
        let is_over = match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    let length = data.remaining().try_into().unwrap_or(u64::MAX);
                    *this.left = this.left.map(|left| left.saturating_sub(length));
                }
                if let (Some(trailers), Some(work)) = (frame.trailers_ref(), this.work.as_mut()) {
                    work.trailed(trailers);
                }
                // Servers need not ask again after that; trailers may come all the same.
                is_whole = *this.left == Some(0) && this.work.as_ref().is_some_and(|work| !work.is_grpc());
                frame.is_trailers() || this.body.as_ref().as_pin_ref().is_some_and(|body| body.is_end_stream())
            }
            _ => true,
        };
        if is_over {
            // What it drops belongs to the request, too.
            inside(this.work, this.hub, || this.body.set(None));
        }
        if is_over || is_whole {
            match (this.work.take(), &frame) {
                (Some(work), Some(Err(_))) => work.failed::<B::Error>(fault::of_type::<B::Error>),
                (Some(work), _) => work.done(),
                (None, _) => {}
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// As bodies that say they are empty are made of.
impl<B: Body + Default> Default for SentryBody<B> {
    fn default() -> Self {
        Self::new(None, B::default())
    }
}

/// Runs `run` inside of the request's hub: as part of its work, if that goes on.
fn inside<R>(work: &mut Option<Work>, hub: &Option<Arc<Hub>>, run: impl FnOnce() -> R) -> R {
    match hub {
        Some(hub) if work.is_none() => Hub::run(Arc::clone(hub), run),
        _ => within(work, run),
    }
}
