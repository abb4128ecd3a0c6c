//! Cuts what says nothing about the program off both ends of a stack: the runtime's start, the SDK, the panic itself.
//!
//! All functions take frames in the order they are unwound: the newest first.

use sentry_core::protocol::Frame;

use super::function::crate_root;
use super::in_app::{is_rust, is_sdk};

/// What the newest end of a stack is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Taken in the panic hook: everything down to the line that panicked goes.
    Panic,
    /// Taken in a capture function: the SDK's frames go.
    Call,
    /// Taken by others: a panic when nobody but Rust and the SDK stands before the panic machinery.
    Unknown,
}

/// Cuts the newest end. One frame is always left.
pub(super) fn cut_newest(frames: &mut Vec<Frame>, origin: Origin) {
    let end = match origin {
        Origin::Panic => panic_end(frames).unwrap_or_else(|| sdk_end(frames)),
        Origin::Call => sdk_end(frames),
        Origin::Unknown => panic_end(frames)
            .filter(|_| frames.iter().take_while(|frame| !is_panic_marker(frame)).all(|f| is_rust(f) || is_sdk(f)))
            .unwrap_or_else(|| sdk_end(frames)),
    };
    frames.drain(..end.min(frames.len().saturating_sub(1)));
}

/// Cuts the oldest end, from the runtime's start marker on.
///
/// Without debug information the marker may stay: a thread's closure is often compiled into it, and then it is the
/// only frame that stands for the program's code.
pub(super) fn cut_oldest(frames: &mut Vec<Frame>) {
    let Some(start) = frames.iter().position(is_start) else { return };
    let caller = start.checked_sub(1).and_then(|caller| frames.get(caller));
    let of_program = caller.is_some_and(|caller| caller.function.is_some() && !is_rust(caller) && !is_sdk(caller));
    let known = frames.get(start).is_some_and(|marker| marker.lineno.is_some());
    frames.truncate(if known || of_program { start.max(1) } else { start + 1 });
    while frames.len() > 1 && frames.last().is_some_and(is_call_glue) {
        frames.pop();
    }
}

/// Whether the frame is one of the runtime's, below the program's `main` or a thread's closure.
pub(super) fn is_start(frame: &Frame) -> bool {
    let Some(name) = frame.function.as_deref() else { return false };
    let name = name.split("::<").next().unwrap_or(name);
    name.ends_with("__rust_begin_short_backtrace")
        || name.starts_with("std::rt::lang_start")
        || (name.ends_with("::thread_start") && crate_root(name) == Some("std"))
}

/// Where the panic's own frames end: the runtime's marker, and Rust's functions that the program called.
fn panic_end(frames: &[Frame]) -> Option<usize> {
    let after_marker = frames.iter().position(is_panic_marker)? + 1;
    let rest = frames.get(after_marker..)?;
    let program = rest.iter().position(|frame| !is_rust(frame));
    // With nobody but Rust left, the program's code was compiled into one of these: only the panic itself goes.
    let end = program.unwrap_or_else(|| rest.iter().take_while(|frame| is_panicking(frame)).count());
    Some(after_marker + end)
}

/// Where the SDK's own frames end, with what Rust has in between them (closures, thread-locals).
fn sdk_end(frames: &[Frame]) -> usize {
    let ours = frames.iter().take_while(|frame| is_sdk(frame) || is_rust(frame));
    ours.enumerate().filter(|(_, frame)| is_sdk(frame)).last().map_or(0, |(at, _)| at + 1)
}

fn is_panic_marker(frame: &Frame) -> bool {
    frame.function.as_deref().is_some_and(|name| name.split("::<").next().unwrap_or(name).ends_with(PANIC_MARKER))
}

/// Whether the function does nothing but panic.
fn is_panicking(frame: &Frame) -> bool {
    let Some(name) = frame.function.as_deref() else { return false };
    name.contains("::panicking::") || name.ends_with("rust_begin_unwind") || name.ends_with("_failed")
}

/// How the runtime calls `main`.
fn is_call_glue(frame: &Frame) -> bool {
    let call = |name: &str| name.contains("core::ops::function::Fn") || name == "call_once";
    frame.lineno.is_some() && frame.function.as_deref().is_some_and(call) && is_rust(frame)
}

/// The runtime calls panic hooks through this function, so that printed backtraces can begin below it.
const PANIC_MARKER: &str = "__rust_end_short_backtrace";

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames as they are with debug information.
    fn frames(names: &[&str]) -> Vec<Frame> {
        let frame = |name: &&str| Frame { function: Some((*name).to_owned()), lineno: Some(1), ..Frame::default() };
        names.iter().map(frame).collect()
    }

    fn cut(origin: Origin, names: &[&str]) -> Vec<String> {
        cut_both(origin, frames(names))
    }

    fn cut_without_debug_info(origin: Origin, names: &[&str]) -> Vec<String> {
        let mut frames = frames(names);
        frames.iter_mut().for_each(|frame| frame.lineno = None);
        cut_both(origin, frames)
    }

    fn cut_both(origin: Origin, mut frames: Vec<Frame>) -> Vec<String> {
        cut_oldest(&mut frames);
        cut_newest(&mut frames, origin);
        frames.into_iter().filter_map(|frame| frame.function).collect()
    }

    const HOOK: &[&str] = &[
        "backtrace::backtrace::trace_unsynchronized",
        "sentry_integrations::backtrace::capture::addresses",
        "sentry_integrations::panic::hook",
        "<alloc::boxed::Box<F,A> as core::ops::function::Fn<Args>>::call",
        "std::panicking::rust_panic_with_hook",
        "std::panicking::begin_panic_handler::{{closure}}",
        "std::sys::backtrace::__rust_end_short_backtrace::<std::panicking::begin_panic_handler::{{closure}}, !>",
        "__rustc::rust_begin_unwind",
        "core::panicking::panic_fmt",
    ];

    #[test]
    fn a_panic_begins_with_the_line_that_panicked() {
        let stack =
            [HOOK, &["core::option::unwrap_failed", "core::option::Option<T>::unwrap", "app::pay", "app::main"]];
        assert_eq!(cut(Origin::Panic, &stack.concat()), ["app::pay", "app::main"]);
        assert_eq!(cut(Origin::Unknown, &stack.concat()), ["app::pay", "app::main"]);
    }

    #[test]
    fn a_hook_around_ours_goes_with_the_panic() {
        let stack = [&["sentry_integrations::panic::hook", "app::my_hook"], &HOOK[3..], &["app::pay"]];
        assert_eq!(cut(Origin::Panic, &stack.concat()), ["app::pay"]);
    }

    #[test]
    fn a_panic_while_unwinding_shows_the_newer_panic() {
        let stack = [HOOK, &["app::Drop::drop", "core::ptr::drop_in_place"], &HOOK[4..], &["app::pay"]].concat();
        let cut = cut(Origin::Panic, &stack);
        assert_eq!(cut.first().unwrap(), "app::Drop::drop");
        assert_eq!(cut.last().unwrap(), "app::pay");
    }

    #[test]
    fn a_capture_while_unwinding_is_not_taken_for_the_panic() {
        let stack = [&["sentry_core::capture_message", "app::Drop::drop"], &HOOK[4..], &["app::pay"]].concat();
        for origin in [Origin::Call, Origin::Unknown] {
            assert_eq!(cut(origin, &stack)[..2], ["app::Drop::drop", "std::panicking::rust_panic_with_hook"]);
        }
    }

    #[test]
    fn a_capture_begins_with_its_caller_even_inside_a_scope() {
        let stack = [
            "backtrace::backtrace::trace_unsynchronized",
            "sentry_core::hub::Hub::capture",
            "std::thread::local::LocalKey<T>::with",
            "sentry_core::capture_message",
            "app::pay::{{closure}}",
            "sentry_core::with_scope",
            "app::pay",
        ];
        assert_eq!(cut(Origin::Call, &stack), ["app::pay::{{closure}}", "sentry_core::with_scope", "app::pay"]);
    }

    #[test]
    fn rust_between_the_program_and_the_sdk_stays() {
        let stack = ["sentry_core::capture_message", "core::iter::Iterator::for_each", "app::pay"];
        assert_eq!(cut(Origin::Call, &stack), ["core::iter::Iterator::for_each", "app::pay"]);
        assert_eq!(cut(Origin::Call, &["core::iter::Iterator::for_each", "app::pay"]).len(), 2);
    }

    #[test]
    fn the_oldest_end_is_main_or_the_threads_closure() {
        for marker in [
            "std::sys::backtrace::__rust_begin_short_backtrace",
            "std::sys::backtrace::__rust_begin_short_backtrace::<fn(), ()>",
            "test::__rust_begin_short_backtrace",
            "std::rt::lang_start::{{closure}}",
            "std::sys::pal::unix::thread::Thread::new::thread_start",
            "<std::sys::thread::unix::Thread>::new::thread_start",
            "__rust_begin_short_backtrace",
        ] {
            let stack = ["app::pay", "app::main", "core::ops::function::FnOnce::call_once", marker, "main", "_start"];
            assert_eq!(cut(Origin::Unknown, &stack), ["app::pay", "app::main"], "{marker}");
        }
        assert_eq!(cut(Origin::Unknown, &["app::thread_start", "main"]), ["app::thread_start", "main"]);
    }

    #[test]
    fn without_debug_information_the_frame_that_may_hold_the_programs_code_stays() {
        let marker = "std::sys::backtrace::__rust_begin_short_backtrace";
        let glue = "core::ops::function::FnOnce::call_once";
        let stack = [HOOK, &["core::option::unwrap_failed", marker, "main"]].concat();
        assert_eq!(cut_without_debug_info(Origin::Panic, &stack), [marker]);
        let stack = [HOOK, &[glue, marker, "main"]].concat();
        assert_eq!(cut_without_debug_info(Origin::Panic, &stack), [glue, marker]);
        assert_eq!(
            cut_without_debug_info(Origin::Call, &["sentry_core::capture", glue, marker, "main"]),
            [glue, marker]
        );
    }

    #[test]
    fn something_is_always_left() {
        assert_eq!(cut(Origin::Panic, HOOK), [HOOK[8]]);
        assert_eq!(cut(Origin::Call, &["sentry_core::capture_message"]).len(), 1);
        assert_eq!(cut(Origin::Call, &["std::rt::lang_start", "main"]), ["std::rt::lang_start"]);
        assert!(cut(Origin::Panic, &[]).is_empty());
    }
}
