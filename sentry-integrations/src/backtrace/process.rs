//! What is done to every stack trace before it leaves: its ends cut, and its own frames marked.

use std::mem;

use sentry_core::ClientOptions;
use sentry_core::protocol::Stacktrace;

use super::in_app::is_in_app;
use super::trim::{self, Origin};

/// Cuts the SDK's frames, the panic machinery and the runtime's start off a stack trace and decides `in_app` for the
/// frames that leave it open.
///
/// A frame is in-app when its module or function begins with one of `in_app_include`; otherwise it is not when it
/// begins with one of `in_app_exclude`, has no name, belongs to this SDK, comes from C, from Rust's own sources, from
/// a registry or from a git dependency. Everything else in Rust is. A stack trace whose frames are all decided is
/// left alone, so doing it twice changes nothing.
pub fn process_event_stacktrace(stacktrace: &mut Stacktrace, options: &ClientOptions) {
    if stacktrace.frames.iter().all(|frame| frame.in_app.is_some()) {
        return;
    }
    let mut frames = mem::take(&mut stacktrace.frames);
    frames.reverse();
    trim::cut_oldest(&mut frames);
    trim::cut_newest(&mut frames, Origin::Unknown);
    frames.reverse();
    stacktrace.frames = frames;
    decide_in_app(stacktrace, options);
}

pub(super) fn decide_in_app(stacktrace: &mut Stacktrace, options: &ClientOptions) {
    for frame in &mut stacktrace.frames {
        if frame.in_app.is_none() {
            frame.in_app = Some(is_in_app(frame, options));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Frame;
    use super::*;

    fn trace(frames: &[(&str, Option<bool>)]) -> Stacktrace {
        let frame = |(name, in_app): &(&str, Option<bool>)| Frame {
            function: Some((*name).to_owned()),
            lineno: Some(1),
            in_app: *in_app,
            ..Frame::default()
        };
        Stacktrace { frames: frames.iter().map(frame).collect(), ..Stacktrace::default() }
    }

    fn outcome(trace: &Stacktrace) -> Vec<(&str, Option<bool>)> {
        trace.frames.iter().map(|frame| (frame.function.as_deref().unwrap(), frame.in_app)).collect()
    }

    #[test]
    fn open_traces_are_cut_and_decided_and_then_left_alone() {
        let mut options = ClientOptions::new();
        let mut processed = trace(&[
            ("std::rt::lang_start", None),
            ("std::sys::backtrace::__rust_begin_short_backtrace", None),
            ("app::main", None),
            ("app::pay", Some(false)),
            ("tokio::spawn", None),
            ("sentry_core::capture_message", None),
        ]);
        process_event_stacktrace(&mut processed, &options);
        let expected = [("app::main", Some(true)), ("app::pay", Some(false)), ("tokio::spawn", Some(false))];
        assert_eq!(outcome(&processed), expected);

        options.in_app_exclude = vec!["app"];
        process_event_stacktrace(&mut processed, &options);
        assert_eq!(outcome(&processed), expected);
    }

    #[test]
    fn decided_traces_keep_every_frame() {
        let decided = trace(&[("std::rt::lang_start", Some(false)), ("sentry_core::capture", Some(true))]);
        let mut processed = decided.clone();
        process_event_stacktrace(&mut processed, &ClientOptions::new());
        assert_eq!(processed, decided);
    }
}
