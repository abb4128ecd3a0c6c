//! The free functions: each is the method of the same name on the current hub.
//!
//! While no client is open, each costs a load and a branch, and calls nothing it is given.

use std::error::Error;
use std::sync::Arc;

use uuid::Uuid;

use crate::breadcrumbs::IntoBreadcrumbs;
use crate::feedback::Feedback;
use crate::hub::{Hub, activity};
use crate::integration::Integration;
use crate::protocol::{Event, Level, MonitorCheckIn};
use crate::scope::Scope;
use crate::suppress;

/// Captures an event on the current hub, see [`Hub::capture_event`].
///
/// ```
/// use sentry_core::protocol::{Event, Level};
///
/// sentry_core::capture_event(Event { message: Some("disk nearly full".into()), level: Level::Warning, ..Event::new() });
/// ```
#[inline]
pub fn capture_event(event: Event<'static>) -> Uuid {
    if !activity::any_open() {
        return Uuid::nil();
    }
    Hub::current().capture_event(event)
}

/// Captures a message on the current hub, see [`Hub::capture_message`].
///
/// ```
/// sentry_core::capture_message("cache rebuilt", sentry_core::Level::Info);
/// ```
#[inline]
pub fn capture_message(msg: &str, level: Level) -> Uuid {
    if !activity::any_open() {
        return Uuid::nil();
    }
    Hub::current().capture_message(msg, level)
}

/// Captures an error with its sources on the current hub, see [`Hub::capture_error`].
///
/// ```
/// if let Err(error) = "forty-two".parse::<u8>() {
///     sentry_core::capture_error(&error);
/// }
/// ```
#[inline]
pub fn capture_error<E: Error + ?Sized>(error: &E) -> Uuid {
    if !activity::any_open() {
        return Uuid::nil();
    }
    Hub::current().capture_error(error)
}

/// Captures an error on the current hub and keeps it for the hint, see [`Hub::capture_error_owned`].
///
/// ```
/// use std::sync::Arc;
///
/// if let Err(error) = std::fs::read("settings.toml") {
///     sentry_core::capture_error_owned(Arc::new(error));
/// }
/// ```
#[inline]
pub fn capture_error_owned(error: Arc<dyn Error + Send + Sync>) -> Uuid {
    if !activity::any_open() {
        return Uuid::nil();
    }
    Hub::current().capture_error_owned(error)
}

/// Captures a check-in on the current hub, see [`Hub::capture_check_in`].
#[inline]
pub fn capture_check_in(check_in: MonitorCheckIn) -> Uuid {
    if !activity::any_open() {
        return Uuid::nil();
    }
    Hub::current().capture_check_in(check_in)
}

/// Captures what a user says on the current hub, see [`Hub::capture_feedback`].
///
/// ```
/// sentry_core::capture_feedback(sentry_core::Feedback::new("The search finds nothing."));
/// ```
#[inline]
pub fn capture_feedback(feedback: Feedback) -> Uuid {
    if !activity::any_open() {
        return Uuid::nil();
    }
    Hub::current().capture_feedback(feedback)
}

/// Remembers on the current scope that a feature flag was evaluated, see [`Scope::add_feature_flag`].
///
/// ```
/// sentry_core::add_feature_flag("new-checkout", true);
/// ```
#[inline]
pub fn add_feature_flag(flag: &str, result: bool) {
    configure_scope(|scope| scope.add_feature_flag(flag, result));
}

/// Adds breadcrumbs to the current scope, see [`Hub::add_breadcrumb`].
///
/// ```
/// use sentry_core::Breadcrumb;
///
/// // The closure is called only if someone is listening.
/// sentry_core::add_breadcrumb(|| Breadcrumb { message: Some("connected".into()), ..Default::default() });
/// ```
#[inline]
pub fn add_breadcrumb<B: IntoBreadcrumbs>(breadcrumb: B) {
    if activity::any_open() {
        Hub::add_breadcrumb_to_current(breadcrumb);
    }
}

/// Changes the current scope, see [`Hub::configure_scope`].
///
/// ```
/// sentry_core::configure_scope(|scope| scope.set_tag("shard", 7));
/// ```
#[inline]
pub fn configure_scope<F, R>(f: F) -> R
where
    R: Default,
    F: FnOnce(&mut Scope) -> R,
{
    if !activity::any_open() {
        return R::default();
    }
    Hub::current().configure_scope(f)
}

/// Calls `callback` with a scope of its own, see [`Hub::with_scope`].
///
/// ```
/// sentry_core::with_scope(
///     |scope| scope.set_tag("step", "import"),
///     || sentry_core::capture_message("row skipped", sentry_core::Level::Warning),
/// );
/// ```
#[inline]
pub fn with_scope<C, F, R>(scope_config: C, callback: F) -> R
where
    C: FnOnce(&mut Scope),
    F: FnOnce() -> R,
{
    if !activity::any_open() {
        return callback();
    }
    Hub::current().with_scope(scope_config, callback)
}

/// Calls `f` with the current client's integration of type `I` and the current hub. Returns the default without one,
/// when nothing can be sent, and inside hooks.
pub fn with_integration<I, F, R>(f: F) -> R
where
    I: Integration,
    F: FnOnce(&I, &Hub) -> R,
    R: Default,
{
    if suppress::is_active() {
        return R::default();
    }
    Hub::with_active(|hub| hub.with_integration(|integration| f(integration, hub)))
}

/// The id of the last event captured on the current hub, see [`Hub::last_event_id`].
#[must_use]
pub fn last_event_id() -> Option<Uuid> {
    Hub::current().last_event_id()
}
