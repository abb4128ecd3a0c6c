//! Futures that carry a hub: it is the current one whenever they are polled, and when they are dropped.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::hub::{Hub, SwitchGuard};

pin_project! {
    /// A future bound to a hub, see [`SentryFutureExt::bind_hub`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct SentryFuture<F> {
        hub: Arc<Hub>,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for SentryFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            // What a cancelled future drops (guards, destructors that log) belongs to its own hub as well.
            let mut this = this.project();
            let _guard = SwitchGuard::new(Arc::clone(this.hub));
            this.future.set(None);
        }
    }
}

impl<F> SentryFuture<F> {
    /// Binds `future` to `hub`.
    pub fn new(hub: Arc<Hub>, future: F) -> Self {
        Self { hub, future: Some(future) }
    }
}

impl<F: Future> Future for SentryFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _guard = SwitchGuard::new(Arc::clone(this.hub));
        match this.future.as_pin_mut() {
            Some(future) => future.poll(cx),
            // It is emptied by dropping only.
            None => Poll::Pending,
        }
    }
}

/// Binds futures to hubs.
pub trait SentryFutureExt: Sized {
    /// Makes `hub` the current one whenever this future is polled or dropped.
    ///
    /// A task that should not share its scope with others gets a hub of its own:
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sentry_core::{Hub, SentryFutureExt};
    ///
    /// let task = async { sentry_core::configure_scope(|scope| scope.set_tag("task", 1)) };
    /// let task = task.bind_hub(Hub::new_from_top(Hub::current()));
    /// # drop(task);
    /// ```
    fn bind_hub<H>(self, hub: H) -> SentryFuture<Self>
    where
        H: Into<Arc<Hub>>,
    {
        SentryFuture::new(hub.into(), self)
    }
}

impl<F: Future> SentryFutureExt for F {}
