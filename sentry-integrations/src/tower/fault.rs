//! Events for answers that say "server error", and for errors of services.

use std::any::{Any, type_name};
use std::error::Error;

use sentry_core::event_from_error;
use sentry_core::protocol::{Context, Event, Exception, Level, Mechanism, ResponseContext, Values};

/// Makes an event of a service's error, for [`capture_server_errors`](super::SentryRequestLayer::capture_server_errors).
///
/// Closures do; see [`describe_errors`](super::SentryRequestLayer::describe_errors).
pub trait DescribeError<E> {
    /// The event for `error`; it gets the layer's mechanism afterwards. Runs where the service was polled.
    fn describe(&self, error: &E) -> Event<'static>;
}

impl<E, F: Fn(&E) -> Event<'static>> DescribeError<E> for F {
    fn describe(&self, error: &E) -> Event<'static> {
        self(error)
    }
}

/// Describes the boxed errors of tower with all their sources, and others by the name of their type alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct ErrorsByType;

impl<E: 'static> DescribeError<E> for ErrorsByType {
    fn describe(&self, error: &E) -> Event<'static> {
        match (error as &dyn Any).downcast_ref::<Box<dyn Error + Send + Sync>>() {
            Some(boxed) => event_from_error(&**boxed),
            None => of_type::<E>(),
        }
    }
}

/// An event that tells the type of an error and nothing else.
pub(super) fn of_type<E>() -> Event<'static> {
    let path = type_name::<E>();
    let plain = path.split('<').next().unwrap_or(path);
    let name = plain.rsplit("::").next().unwrap_or(plain);
    of_exception(name, "the service failed".to_owned())
}

/// An event for an answer whose code is the server's fault.
pub(super) fn of_answer(what: &str, code: u16, name: &str) -> Event<'static> {
    let mut event = of_exception(what, format!("{name} was answered with {code}"));
    let response = ResponseContext { status_code: Some(code.into()), ..ResponseContext::default() };
    event.contexts.insert("response".to_owned(), Context::Response(Box::new(response)));
    for exception in event.exception.iter_mut() {
        // The name alone says little: the message groups.
        exception.mechanism = Some(Mechanism { synthetic: Some(true), ..Mechanism::default() });
    }
    event
}

/// Says of the outermost exception who captured it, and that nobody handled it.
pub(super) fn mark(event: &mut Event<'static>, origin: &str) {
    if let Some(outermost) = event.exception.last_mut() {
        let mechanism = outermost.mechanism.get_or_insert_default();
        origin.clone_into(&mut mechanism.ty);
        mechanism.handled = Some(false);
    }
}

fn of_exception(name: &str, value: String) -> Event<'static> {
    let exception = Exception { ty: name.to_owned(), value: Some(value), ..Exception::default() };
    Event { exception: Values { values: vec![exception] }, level: Level::Error, ..Event::default() }
}
