//! Tasks of `tokio` that take the current hub along: its functions with one difference.
//!
//! A task spawned with `tokio` alone captures in whatever hub the worker thread that polls it happens to have. Spawned
//! from here, it has a [fork](sentry_core::Hub::fork) of the current hub for as long as it lives, on every thread and
//! while it is dropped: with the tags, user and breadcrumbs of who spawned it, inside the same span. What it sets stays
//! with it.
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
//! # runtime.block_on(async {
//! sentry_core::configure_scope(|scope| scope.set_tag("order", 7));
//! // What is captured in there has the tag, after an `.await` as well.
//! let task = sentry_integrations::tokio::spawn(async { 1 + 1 });
//! assert_eq!(task.await.expect("no panic"), 2);
//! # });
//! ```
//!
//! Other ways to spawn, such as `Handle::spawn`, take `work().in_fork()`, see [`SentryFutureExt::in_fork`].

use std::future::Future;

use sentry_core::{SentryFutureExt, forked};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

/// [`tokio::spawn`] in a fork of the current hub.
///
/// # Panics
///
/// As that one does: outside of a runtime.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.in_fork())
}

/// [`tokio::task::spawn_local`] in a fork of the current hub.
///
/// # Panics
///
/// As that one does: outside of a `LocalSet`.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    tokio::task::spawn_local(future.in_fork())
}

/// [`tokio::task::spawn_blocking`] in a fork of the current hub.
///
/// # Panics
///
/// As that one does: outside of a runtime.
#[track_caller]
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    tokio::task::spawn_blocking(forked(f))
}

/// Spawns on a [`JoinSet`], each task in a fork of the current hub.
///
/// ```
/// use sentry_integrations::tokio::JoinSetExt;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
/// # runtime.block_on(async {
/// let mut tasks = tokio::task::JoinSet::new();
/// for number in 0..3 {
///     tasks.spawn_forked(async move { sentry_core::configure_scope(|scope| scope.set_tag("number", number)) });
/// }
/// tasks.join_all().await;
/// # });
/// ```
pub trait JoinSetExt<T> {
    /// [`JoinSet::spawn`] in a fork of the current hub.
    fn spawn_forked<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send;

    /// [`JoinSet::spawn_local`] in a fork of the current hub.
    fn spawn_local_forked<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static;

    /// [`JoinSet::spawn_blocking`] in a fork of the current hub.
    fn spawn_blocking_forked<F>(&mut self, f: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send;
}

impl<T: 'static> JoinSetExt<T> for JoinSet<T> {
    #[track_caller]
    fn spawn_forked<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.spawn(future.in_fork())
    }

    #[track_caller]
    fn spawn_local_forked<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.spawn_local(future.in_fork())
    }

    #[track_caller]
    fn spawn_blocking_forked<F>(&mut self, f: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.spawn_blocking(forked(f))
    }
}
