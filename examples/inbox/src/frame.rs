//! How a stack frame is named, and which stack of an event counts.

use std::borrow::Cow;

use sentry_core::protocol::{Event, Frame, Stacktrace};

/// The function with its module path and without the compiler's hash; empty when neither is known.
pub(crate) fn function(frame: &Frame) -> Cow<'_, str> {
    let name = without_hash(frame.function.as_deref().unwrap_or_default());
    match frame.module.as_deref() {
        Some(module) if name.is_empty() => Cow::Borrowed(module),
        Some(module) if !module.is_empty() && !name.contains(module) => Cow::Owned(format!("{module}::{name}")),
        _ => Cow::Borrowed(name),
    }
}

/// The file as the sender shortened it, else its whole path.
pub(crate) fn file(frame: &Frame) -> Option<&str> {
    frame.filename.as_deref().or(frame.abs_path.as_deref()).filter(|file| !file.is_empty())
}

/// `function in file`, or as much of it as is known.
pub(crate) fn described(frame: &Frame) -> Option<String> {
    let function = function(frame);
    match (function.is_empty(), file(frame)) {
        (false, Some(file)) => Some(format!("{function} in {file}")),
        (false, None) => Some(function.into_owned()),
        (true, file) => file.map(str::to_owned),
    }
}

/// The crate (or, failing that, the binary) a frame belongs to; the parts of the standard library are all `std`.
pub(crate) fn crate_name(frame: &Frame) -> &str {
    let path = frame.function.as_deref().filter(|function| function.contains("::")).or(frame.module.as_deref());
    if let Some(name) = path.map(first_segment).filter(|name| !name.is_empty()) {
        return if STANDARD.contains(&name) { "std" } else { name };
    }
    let function = frame.function.as_deref().unwrap_or_default();
    if RUNTIME_SYMBOLS.iter().any(|prefix| function.starts_with(prefix)) {
        return "std";
    }
    if C_START.contains(&function) {
        return "libc";
    }
    let binary = frame.package.as_deref().or(frame.filename.as_deref()).unwrap_or_default();
    let base = binary.rsplit(['/', '\\']).next().unwrap_or_default();
    if base.is_empty() { "unknown" } else { base }
}

/// The stack of an event outside its exceptions: its own, else the crashed thread's, the current one's, the only one's.
pub(crate) fn standing_stack<'e>(event: &'e Event<'_>) -> Option<&'e Stacktrace> {
    let threads = &event.threads.values;
    let chosen = threads
        .iter()
        .find(|thread| thread.crashed)
        .or_else(|| threads.iter().find(|thread| thread.current))
        .or_else(|| threads.first().filter(|_| threads.len() == 1));
    event.stacktrace.as_ref().or_else(|| chosen?.stacktrace.as_ref()).filter(|stack| !stack.frames.is_empty())
}

/// Legacy mangling ends in `::h` and 16 hexadecimal digits, which change with each build.
fn without_hash(function: &str) -> &str {
    match function.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => path,
        _ => function,
    }
}

/// `tokio` of `tokio::task::poll`, `alloc` of `<alloc::boxed::Box<F> as core::ops::FnOnce>::call_once`.
fn first_segment(path: &str) -> &str {
    let mut rest = path;
    while let Some(shorter) = PATH_PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = shorter;
    }
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

const PATH_PREFIXES: [&str; 9] = ["_<", "<", "&", "*", "mut ", "const ", "dyn ", "(", "["];
const STANDARD: [&str; 5] = ["std", "core", "alloc", "test", "proc_macro"];
const RUNTIME_SYMBOLS: [&str; 3] = ["__rust", "rust_", "___rust"];
const C_START: [&str; 7] =
    ["main", "_start", "__libc_start_main", "__libc_start_call_main", "start_thread", "clone", "clone3"];

#[cfg(test)]
mod tests {
    use sentry_core::protocol::Thread;

    use super::*;

    fn frame(function: &str, module: Option<&str>) -> Frame {
        Frame { function: Some(function.into()), module: module.map(str::to_owned), ..Frame::default() }
    }

    #[test]
    fn functions_are_whole_paths_without_hashes() {
        let table = [
            ("app::run", None, "app::run"),
            ("app::run::h0123456789abcdef", None, "app::run"),
            ("app::run::hello", None, "app::run::hello"),
            ("run", Some("app"), "app::run"),
            ("app::run", Some("app"), "app::run"),
            ("", Some("app"), "app"),
            ("", None, ""),
        ];
        for (name, module, expected) in table {
            assert_eq!(function(&frame(name, module)), expected, "{name} {module:?}");
        }
    }

    #[test]
    fn crates_are_found_in_what_a_frame_has() {
        let table = [
            (frame("tokio::task::poll", None), "tokio"),
            (frame("core::panicking::panic_fmt", None), "std"),
            (frame("<alloc::boxed::Box<F> as core::ops::FnOnce<A>>::call_once", None), "std"),
            (frame("<&mut hyper::Body as http_body::Body>::poll", None), "hyper"),
            (frame("run", Some("app::inner")), "app"),
            (frame("rust_begin_unwind", None), "std"),
            (frame("__libc_start_main", None), "libc"),
            (Frame { package: Some("/lib/libssl.so.3".into()), ..frame("SSL_read", None) }, "libssl.so.3"),
            (Frame::default(), "unknown"),
        ];
        for (frame, expected) in table {
            assert_eq!(crate_name(&frame), expected, "{frame:?}");
        }
    }

    #[test]
    fn the_crashed_thread_comes_before_the_current_one() {
        let stack = |name: &str| Some(Stacktrace { frames: vec![frame(name, None)], ..Stacktrace::default() });
        let crashed = Thread { stacktrace: stack("crashed"), crashed: true, ..Thread::default() };
        let current = Thread { stacktrace: stack("current"), current: true, ..Thread::default() };
        let other = Thread { stacktrace: stack("other"), ..Thread::default() };
        let table = [
            (vec![other.clone(), current.clone(), crashed], Some("crashed")),
            (vec![other.clone(), current], Some("current")),
            (vec![other.clone()], Some("other")),
            (vec![other.clone(), other], None),
        ];
        for (threads, expected) in table {
            let event = Event { threads: threads.into(), ..Event::default() };
            let found = standing_stack(&event).and_then(|stack| stack.frames[0].function.as_deref());
            assert_eq!(found, expected);
        }
    }
}
