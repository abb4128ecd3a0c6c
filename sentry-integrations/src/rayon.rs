//! Jobs of `rayon` that take the current hub along: its functions with one difference.
//!
//! A job given to `rayon` alone captures in whatever hub the thread that runs it is in: that of the pool's thread, or,
//! when a thread takes up another job while it waits for its own, that of a stranger. Given from here, it runs in a
//! [fork](sentry_core::Hub::fork) of the current hub, with the tags, user and breadcrumbs of who gave it, inside the same
//! span. What it sets stays with it.
//!
//! Parallel iterators take [`within_current`](sentry_core::within_current) instead: their parts are one piece of work,
//! and share the hub.
//!
//! ```
//! use rayon::prelude::*;
//!
//! sentry_core::configure_scope(|scope| scope.set_tag("batch", 7));
//! let parsed = sentry_core::within_current(|text: &str| {
//!     // This has the tag, on whatever thread.
//!     text.parse::<u32>().inspect_err(|error| drop(sentry_core::capture_error(error))).ok()
//! });
//! let numbers: Vec<_> = ["1", "two"].into_par_iter().map(parsed).collect();
//! assert_eq!(numbers, [Some(1), None]);
//! ```

use rayon::Scope;
use sentry_core::{Hub, forked};

/// [`rayon::spawn`] in a fork of the current hub.
pub fn spawn<F>(f: F)
where
    F: FnOnce() + Send + 'static,
{
    rayon::spawn(forked(f));
}

/// [`rayon::join`], each of both in a fork of the current hub.
///
/// ```
/// assert_eq!(sentry_integrations::rayon::join(|| 1, || "two"), (1, "two"));
/// ```
pub fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    rayon::join(forked(a), forked(b))
}

/// [`rayon::scope`] with `op`, which runs on a thread of the pool, inside the current hub.
///
/// ```
/// use sentry_integrations::rayon::{scope, spawn_scoped};
///
/// let texts = [String::from("a"), String::from("bc")];
/// scope(|scope| {
///     for text in &texts {
///         spawn_scoped(scope, move |_| sentry_core::configure_scope(|scope| scope.set_tag("text", text)));
///     }
/// });
/// ```
pub fn scope<'scope, OP, R>(op: OP) -> R
where
    OP: FnOnce(&Scope<'scope>) -> R + Send,
    R: Send,
{
    let hub = Hub::current();
    rayon::scope(move |scope| Hub::run(hub, || op(scope)))
}

/// [`Scope::spawn`] in a fork of the hub that is current where this is called: within [`scope`], that of its caller.
pub fn spawn_scoped<'scope, F>(scope: &Scope<'scope>, f: F)
where
    F: FnOnce(&Scope<'scope>) + Send + 'scope,
{
    let hub = Hub::current().fork();
    scope.spawn(move |scope| Hub::run(hub, || f(scope)));
}
