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
    /// A task that should not share its scope with others is put [in a fork](Self::in_fork) instead.
    ///
    /// ```
    /// use sentry_core::{Hub, SentryFutureExt};
    ///
    /// // Goes on in the hub of whoever waits for it, on whatever thread it is polled.
    /// let part = async { sentry_core::capture_message("half way", sentry_core::Level::Info) };
    /// let part = part.bind_hub(Hub::current());
    /// # drop(part);
    /// ```
    fn bind_hub<H>(self, hub: H) -> SentryFuture<Self>
    where
        H: Into<Arc<Hub>>,
    {
        SentryFuture::new(hub.into(), self)
    }

    /// Binds this future to a [fork](Hub::fork) of the hub that is current now: one word for a task of its own, on every
    /// executor. What was set before (tags, user, breadcrumbs, the current span) is on what it captures; what it sets
    /// stays with it, before and after every `.await`, and nothing is left on the threads that poll it.
    ///
    /// Costs two small allocations, and a lock held for a few copies. A client that is opened later is captured for as
    /// well. For closures there is [`forked`](crate::forked).
    ///
    /// ```
    /// use sentry_core::SentryFutureExt;
    ///
    /// # fn spawn(_: impl Future<Output = ()> + Send + 'static) {}
    /// sentry_core::configure_scope(|scope| scope.set_tag("order", 7));
    /// spawn(
    ///     async {
    ///         // This event has both tags; the spawning thread keeps the one it has.
    ///         sentry_core::configure_scope(|scope| scope.set_tag("step", "shipping"));
    ///         sentry_core::capture_message("shipped", sentry_core::Level::Info);
    ///     }
    ///     .in_fork(),
    /// );
    /// ```
    fn in_fork(self) -> SentryFuture<Self> {
        SentryFuture::new(Hub::current().fork(), self)
    }
}

impl<F: Future> SentryFutureExt for F {}
