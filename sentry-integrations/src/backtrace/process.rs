//! What is done to every stack trace before it leaves: its ends cut, and its own frames marked.

use std::mem;

use sentry_core::ClientOptions;
use sentry_core::protocol::Stacktrace;

use super::in_app::is_in_app;
use super::trim::{self, Origin};
use super::{source, tidy};

/// Cuts the SDK's frames, the panic machinery and the runtime's start off a stack trace and decides `in_app` for the
/// frames that leave it open.
///
/// A frame is in-app when its module or function begins with one of `in_app_include`; otherwise it is not when it
/// begins with one of `in_app_exclude`, has no name, belongs to this SDK, comes from C, from Rust's own sources, from
/// a registry or from a git dependency. Everything else in Rust is. A stack trace whose frames are all decided is
/// left alone, so doing it twice changes nothing.
pub fn process_event_stacktrace(stacktrace: &mut Stacktrace, options: &ClientOptions) {
    let is_decided = stacktrace.frames.iter().all(|frame| frame.in_app.is_some());
    if is_decided || !options.symbolize_stacktraces && is_bare(stacktrace) {
        return;
    }
    let mut frames = mem::take(&mut stacktrace.frames);
    frames.reverse();
    trim::cut_oldest(&mut frames);
    trim::cut_newest(&mut frames, Origin::Unknown);
    frames.reverse();
    stacktrace.frames = frames;
    finish(stacktrace, options);
}

/// Whether the server is to find out what it means.
fn is_bare(stacktrace: &Stacktrace) -> bool {
    stacktrace.frames.iter().all(|frame| frame.function.is_none() && frame.instruction_addr.is_some())
}

/// What is done to a stack trace whose ends are cut.
pub(super) fn finish(stacktrace: &mut Stacktrace, options: &ClientOptions) {
    tidy::name_async_functions(stacktrace);
    tidy::collapse_recursion(stacktrace);
    for frame in &mut stacktrace.frames {
        if frame.in_app.is_none() {
            frame.in_app = Some(is_in_app(frame, options));
        }
    }
    source::add_context(stacktrace, options.frame_context_lines);
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
