//! Threads that take the current hub along: the functions of `std::thread` with one difference.
//!
//! A thread started with the standard library begins with a copy of the *main thread's* hub, outside any span. Started
//! from here, it goes on with the work of the thread that starts it: in a [fork](sentry_core::Hub::fork) of the current
//! hub, with its tags, user and breadcrumbs, inside its span. What the thread sets stays with it.
//!
//! ```
//! use sentry_integrations::thread;
//!
//! sentry_core::configure_scope(|scope| scope.set_tag("order", 7));
//! // An error that is captured in there has the tag, and so has a panic.
//! let sum = thread::spawn(|| 1 + 1).join().expect("no panic");
//! assert_eq!(sum, 2);
//! ```
//!
//! For pools and other ways to start threads there are [`sentry_core::forked`] and [`sentry_core::within_current`].

use std::io;
use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};

use sentry_core::forked;

/// [`std::thread::spawn`] in a fork of the current hub.
///
/// # Panics
///
/// As that one does: when the system cannot start a thread. [`spawn_with`] returns the error.
#[expect(clippy::disallowed_methods, reason = "the program's own thread, which fails as the program knows it")]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    std::thread::spawn(forked(f))
}

/// [`Builder::spawn`] in a fork of the current hub: for a name, or a size of the stack.
///
/// ```
/// let builder = std::thread::Builder::new().name("resize".to_owned());
/// let thread = sentry_integrations::thread::spawn_with(builder, || "done")?;
/// assert_eq!(thread.join().expect("no panic"), "done");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// When the system cannot start a thread.
pub fn spawn_with<F, T>(builder: Builder, f: F) -> io::Result<JoinHandle<T>>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    builder.spawn(forked(f))
}

/// [`Scope::spawn`] in a fork of the current hub.
///
/// ```
/// use sentry_integrations::thread::spawn_scoped;
///
/// let text = String::from("borrowed");
/// let length = std::thread::scope(|scope| spawn_scoped(scope, || text.len()).join().expect("no panic"));
/// assert_eq!(length, 8);
/// ```
///
/// # Panics
///
/// As that one does: when the system cannot start a thread. [`spawn_scoped_with`] returns the error.
pub fn spawn_scoped<'scope, F, T>(scope: &'scope Scope<'scope, '_>, f: F) -> ScopedJoinHandle<'scope, T>
where
    F: FnOnce() -> T + Send + 'scope,
    T: Send + 'scope,
{
    scope.spawn(forked(f))
}

/// [`Builder::spawn_scoped`] in a fork of the current hub.
///
/// # Errors
///
/// When the system cannot start a thread.
pub fn spawn_scoped_with<'scope, F, T>(
    builder: Builder,
    scope: &'scope Scope<'scope, '_>,
    f: F,
) -> io::Result<ScopedJoinHandle<'scope, T>>
where
    F: FnOnce() -> T + Send + 'scope,
    T: Send + 'scope,
{
    builder.spawn_scoped(scope, forked(f))
}
