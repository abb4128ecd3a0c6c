//! Closures that carry a hub to wherever they run: other threads and pools, which take nothing along by themselves.

use std::sync::Arc;

use crate::hub::Hub;

/// Takes a [fork](Hub::fork) of the current hub along: `f` runs inside it, wherever and whenever it is called.
///
/// It is for work that is handed to another thread or pool and goes on there by itself. What was set before (tags, user,
/// breadcrumbs, the current span) is on what `f` captures; what `f` sets stays with `f`. A closure that never runs is
/// dropped inside its hub. For futures there is [`in_fork`](crate::SentryFutureExt::in_fork).
///
/// The fork is made here, on the calling thread: two small allocations and a lock held for a few copies, with or
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
    let mut work = Carried { hub: Hub::current().fork(), work: Some(f) };
    move || work.run_once()
}

/// Takes the current hub itself along: `f` runs inside it each time it is called, on whatever thread.
///
/// It is for parts of one piece of work that is waited for, such as `rayon`'s parallel iterators: all calls share the
/// hub, so what they set and their breadcrumbs are seen by each other and by the caller. Work that goes on by itself
/// takes a fork along, see [`forked`].
///
/// ```
/// let lengths: Vec<usize> = ["a", "bc"].into_iter().map(sentry_core::within_current(|text: &str| text.len())).collect();
/// assert_eq!(lengths, [1, 2]);
/// ```
pub fn within_current<F, A, R>(f: F) -> impl Fn(A) -> R
where
    F: Fn(A) -> R,
{
    let work = Carried { hub: Hub::current(), work: Some(f) };
    move |argument| work.run(argument)
}

/// Work and the hub it belongs to: what is dropped with it may report, too.
struct Carried<F> {
    hub: Arc<Hub>,
    /// Taken when it runs for the only time, or is dropped.
    work: Option<F>,
}

impl<F> Carried<F> {
    fn run_once<R>(&mut self) -> R
    where
        F: FnOnce() -> R,
    {
        todo!()
    }
}

impl<F> Drop for Carried<F> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            Hub::run(Arc::clone(&self.hub), || drop(work));
        }
    }
}
