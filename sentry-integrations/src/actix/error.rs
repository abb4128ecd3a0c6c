//! Events for errors of handlers: `actix-web` hides the sources of an error, unless its type is known.

use std::error::Error as StdError;
use std::io;

use actix_web::error::{JsonPayloadError, PathError, PayloadError, QueryPayloadError, UrlencodedError};
use actix_web::{Error, ResponseError};
use sentry_core::event_from_error;
use sentry_core::protocol::Event;

/// Makes an event of errors of one type, and of no others.
pub(super) type Describe = fn(&Error) -> Option<Event<'static>>;

/// The types that programs need not tell.
pub(super) const KNOWN: &[Describe] = &[
    describe::<io::Error>,
    describe_boxed,
    describe::<serde_json::Error>,
    describe::<JsonPayloadError>,
    describe::<PathError>,
    describe::<PayloadError>,
    describe::<QueryPayloadError>,
    describe::<UrlencodedError>,
];

/// An event for `error`, by the first of `known` that knows its type. Runs the error's own `Display` and `source`.
pub(super) fn event_of(error: &Error, known: &[Describe]) -> Event<'static> {
    let mut event = known.iter().find_map(|describe| describe(error)).unwrap_or_else(|| {
        // Behind `dyn`, so that it is called what its `Debug` says, which is that of the error inside.
        let error: &dyn StdError = error;
        event_from_error(error)
    });
    if let Some(mechanism) = event.exception.last_mut().and_then(|outermost| outermost.mechanism.as_mut()) {
        "actix".clone_into(&mut mechanism.ty);
        // It was answered as the program said.
        mechanism.handled = Some(true);
    }
    event
}

pub(super) fn describe<E: ResponseError + StdError + 'static>(error: &Error) -> Option<Event<'static>> {
    error.as_error::<E>().map(event_from_error)
}

fn describe_boxed(error: &Error) -> Option<Event<'static>> {
    error.as_error::<Box<dyn StdError>>().map(|boxed| event_from_error(&**boxed))
}
