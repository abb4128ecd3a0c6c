//! Where a panic happened, as the compiler wrote it into the program: known even without debug information.

use std::panic::Location;

use sentry_core::protocol::{Event, Frame, Map, Value};

use crate::backtrace::{filename, is_foreign};

/// The type of the mechanism of panics.
pub(super) const MECHANISM: &str = "panic";

/// The place, for [`Mechanism::data`](sentry_core::protocol::Mechanism::data).
pub(super) fn data(location: &Location<'_>) -> Map<String, Value> {
    let entries: [(&str, Value); 3] =
        [("file", location.file().into()), ("line", location.line().into()), ("column", location.column().into())];
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Adds the place to the stack trace of a panic whose newest frame has none, for programs without debug information.
///
/// It goes on the newest frame, when that can be the function with the place; otherwise (the function was compiled
/// into one of somebody else's, or the program is stripped) a frame for the place alone is added.
pub(super) fn complete(event: &mut Event<'_>) {
    for exception in &mut event.exception.values {
        let Some(mechanism) = exception.mechanism.as_ref().filter(|mechanism| mechanism.ty == MECHANISM) else {
            continue;
        };
        let Some(file) = mechanism.data.get("file").and_then(Value::as_str) else { continue };
        let Some(trace) = exception.stacktrace.as_mut() else { continue };
        let Some(newest) = trace.frames.last_mut().filter(|newest| newest.lineno.is_none()) else { continue };
        let number = |key: &str| mechanism.data.get(key).and_then(Value::as_u64);
        let place = Frame {
            filename: Some(filename(file)),
            lineno: number("line"),
            colno: number("column"),
            ..Frame::default()
        };
        let own = !is_foreign(file);
        let fits = newest.function.is_some() && newest.in_app.is_none_or(|in_app| in_app == own);
        if fits {
            (newest.filename, newest.lineno, newest.colno) = (place.filename, place.lineno, place.colno);
        } else if own {
            trace.frames.push(Frame { in_app: Some(true), ..place });
        }
    }
}

#[cfg(test)]
mod tests {
    use sentry_core::protocol::{Exception, Mechanism, Stacktrace};

    use super::*;

    fn completed(mechanism: &str, frames: Vec<Frame>) -> Vec<Frame> {
        let mut event = Event {
            exception: vec![Exception {
                mechanism: Some(Mechanism {
                    ty: mechanism.to_owned(),
                    data: data(Location::caller()),
                    ..Mechanism::default()
                }),
                stacktrace: Some(Stacktrace { frames, ..Stacktrace::default() }),
                ..Exception::default()
            }]
            .into(),
            ..Event::default()
        };
        complete(&mut event);
        event.exception.values.remove(0).stacktrace.unwrap().frames
    }

    fn named(function: &str) -> Frame {
        Frame { function: Some(function.to_owned()), ..Frame::default() }
    }

    fn in_app(function: &str, in_app: bool) -> Frame {
        Frame { in_app: Some(in_app), ..named(function) }
    }

    #[test]
    fn the_newest_frame_gets_the_place_it_lacks() {
        for newest in [named("app::pay"), in_app("app::pay", true)] {
            let frames = completed("panic", vec![named("app::main"), newest.clone()]);
            assert_eq!(frames[0], named("app::main"));
            assert_eq!((&frames[1].function, frames[1].in_app), (&newest.function, newest.in_app));
            assert_eq!(frames[1].filename.as_deref(), Some(file!()));
            assert!(frames[1].lineno.is_some() && frames[1].colno.is_some());
            assert_eq!(frames.len(), 2);
        }
    }

    #[test]
    fn a_frame_of_somebody_elses_is_followed_by_one_for_the_place() {
        for newest in [in_app("std::thread::start", false), Frame::default()] {
            let frames = completed("panic", vec![newest.clone()]);
            assert_eq!(frames[0], newest);
            assert_eq!((frames[1].filename.as_deref(), frames[1].in_app), (Some(file!()), Some(true)));
            assert_eq!((&frames[1].function, frames.len()), (&None, 2));
        }
    }

    #[test]
    fn places_from_debug_information_stay() {
        let known = Frame { filename: Some("src/pay.rs".into()), lineno: Some(1), ..named("app::pay") };
        for (mechanism, frames) in [("panic", vec![known]), ("panic", Vec::new()), ("generic", vec![named("app::pay")])]
        {
            assert_eq!(completed(mechanism, frames.clone()), frames);
        }
    }
}
