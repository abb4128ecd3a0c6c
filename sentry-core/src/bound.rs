//! Closures that carry a hub to wherever they run: other threads and pools, which take nothing along by themselves.

use std::sync::Arc;

use crate::hub::Hub;

/// Takes a [fork](Hub::fork) of the current hub along: `f` runs inside it, wherever and whenever it is called.
///
/// It is for work that is handed to another thread or pool and goes on there by itself. What was set before (tags, user,
/// breadcrumbs, the current span) is on what `f` captures; what `f` sets stays with `f`. For futures there is
/// [`in_fork`](crate::SentryFutureExt::in_fork).
///
/// The fork is made here, on the calling thread: two small allocations, and a lock held for a few copies, with or
/// without a client. A client that is opened later is captured for as well.
///
/// ```
/// sentry_core::configure_scope(|scope| scope.set_tag("order", 7));
/// let work = sentry_core::forked(|| {
///     // This event has the tag `order`.
///     sentry_core::capture_message("shipped", sentry_core::Level::Info);
/// });
/// std::thread::spawn(work).join().expect("no panic");
/// ```
pub fn forked<F, R>(f: F) -> impl FnOnce() -> R
where
    F: FnOnce() -> R,
{
    let hub = Hub::current().fork();
    move || Hub::run(hub, f)
}

/// Takes the current hub itself along: `f` runs inside it each time it is called, on whatever thread.
///
/// It is for the parts of one piece of work that is waited for, such as `rayon`'s parallel iterators: all calls share the
/// hub, so what they set, and their breadcrumbs, are seen by each other and by the caller. Work that goes on by itself
/// takes a fork along, see [`forked`].
///
/// Costs two copies of a pointer for each call.
///
/// ```
/// let length = sentry_core::within_current(|text: &str| text.len());
/// let lengths: Vec<usize> = ["a", "bc"].into_iter().map(length).collect();
/// assert_eq!(lengths, [1, 2]);
/// ```
pub fn within_current<F, A, R>(f: F) -> impl Fn(A) -> R
where
    F: Fn(A) -> R,
{
    let hub = Hub::current();
    move |argument| Hub::run(Arc::clone(&hub), || f(argument))
}
