//! Reads printed backtraces, as `std::backtrace::Backtrace` and the crate `backtrace` display them.

use sentry_core::protocol::{Addr, Frame, Stacktrace};

use super::{function, path, trim};

/// Reads a printed backtrace, newest call first as printed, into a stack trace, newest frame last.
///
/// Both forms are understood: the short one and the one with addresses. Lines of any other kind are skipped; `None`
/// when no frame is found, as for a disabled backtrace.
#[must_use]
pub fn parse_stacktrace(bt: &str) -> Option<Stacktrace> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut in_frame = false;
    for line in bt.lines() {
        let text = line.trim();
        if let Some(place) = text.strip_prefix("at ") {
            if let Some(frame) = frames.last_mut().filter(|frame| in_frame && frame.filename.is_none()) {
                set_place(frame, place.trim());
            }
        } else if let Some(symbol) = after_index(text) {
            in_frame = true;
            frames.push(frame(symbol));
        } else if in_frame && line.starts_with(INLINED) && !text.is_empty() {
            let caller = frames.last().and_then(|frame| frame.instruction_addr);
            frames.push(Frame { instruction_addr: caller, ..frame(text) });
        } else {
            in_frame = false;
        }
        if frames.len() >= MOST_FRAMES {
            break;
        }
    }
    frames.retain(|frame| frame.function.is_some() || frame.filename.is_some() || frame.instruction_addr.is_some());
    trim::cut_oldest(&mut frames);
    Stacktrace::from_frames_reversed(frames)
}

/// What follows the number at the beginning of a frame: `  12: symbol`.
fn after_index(line: &str) -> Option<&str> {
    let (index, symbol) = line.split_once(':')?;
    let numbered = !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
    // Not the `::` of a path.
    (numbered && symbol.starts_with([' ', '\t'])).then(|| symbol.trim())
}

/// A frame of `symbol` or `0x1234 - symbol`.
fn frame(symbol: &str) -> Frame {
    let (address, name) = match symbol.strip_prefix("0x").and_then(|symbol| symbol.split_once(" -")) {
        Some((address, name)) => (u64::from_str_radix(address.trim(), 16).ok(), name.trim()),
        None => (None, symbol),
    };
    let function = (name != "<unknown>" && !name.is_empty()).then(|| function::clean(name));
    Frame {
        module: function.as_deref().and_then(function::module).map(str::to_owned),
        function,
        instruction_addr: address.map(Addr),
        ..Frame::default()
    }
}

/// Reads `path:line:column` or `path:line`; the path may contain colons.
fn set_place(frame: &mut Frame, place: &str) {
    let (rest, last) = split_number(place);
    let (file, line, column) = match (last, split_number(rest)) {
        (Some(column), (file, Some(line))) => (file, Some(line), Some(column)),
        (line, _) => (rest, line, None),
    };
    frame.filename = Some(path::filename(file));
    frame.abs_path = path::is_absolute(file).then(|| file.to_owned());
    frame.lineno = line;
    frame.colno = column;
}

fn split_number(place: &str) -> (&str, Option<u64>) {
    match place.rsplit_once(':').map(|(rest, number)| (rest, number.parse())) {
        Some((rest, Ok(number))) => (rest, Some(number)),
        _ => (place, None),
    }
}

/// Calls that were inlined have no number, but its space.
const INLINED: &str = "      ";
/// More than any printed backtrace one would read; the text may come from anywhere.
const MOST_FRAMES: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    type Expected<'a> = (Option<&'a str>, Option<&'a str>, Option<u64>, Option<u64>, Option<u64>);

    fn read(text: &str) -> Vec<Frame> {
        parse_stacktrace(text).map(|trace| trace.frames).unwrap_or_default()
    }

    fn fields(frame: &Frame) -> Expected<'_> {
        let address = frame.instruction_addr.map(|address| address.0);
        (frame.function.as_deref(), frame.filename.as_deref(), frame.lineno, frame.colno, address)
    }

    #[test]
    fn the_short_form_is_read() {
        let frames = read(concat!(
            "stack backtrace:\n",
            "   0: app::checkout::pay::{{closure}}\n",
            "             at ./src/checkout.rs:12:5\n",
            "   1: app::checkout::pay\n",
            "      app::inlined_caller\n",
            "             at C:\\app\\src\\main.rs:7:9\n",
            "   2: <unknown>\n",
            "   3: core::ops::function::FnOnce::call_once\n",
            "             at /rustc/0123abc/library/core/src/ops/function.rs:250:5\n",
            "   4: std::sys::backtrace::__rust_begin_short_backtrace\n",
            "             at /rustc/0123abc/library/std/src/sys/backtrace.rs:166:18\n",
            "   5: main\n",
        ));
        let expected: [Expected<'_>; 3] = [
            (Some("app::inlined_caller"), Some("app/src/main.rs"), Some(7), Some(9), None),
            (Some("app::checkout::pay"), None, None, None, None),
            (Some("app::checkout::pay::{{closure}}"), Some("src/checkout.rs"), Some(12), Some(5), None),
        ];
        assert_eq!(frames.iter().map(fields).collect::<Vec<_>>(), expected);
        assert_eq!(frames[0].abs_path.as_deref(), Some("C:\\app\\src\\main.rs"));
        assert_eq!(frames[2].abs_path, None);
        assert_eq!(frames[2].module.as_deref(), Some("app::checkout"));
    }

    #[test]
    fn the_form_with_addresses_is_read() {
        let frames = read(concat!(
            "   0:     0x55d0c0ffee00 - app::pay::h0123456789abcdef\n",
            "                               at /build/app/src/main.rs:3\n",
            "                           app::outer::h0123456789abcdef\n",
            "                               at /build/app/src/main.rs:9:1\n",
            "   1:     0x55d0c0ffee10 - <unknown>\n",
            "   2:                0x0 - \n",
        ));
        let expected: [Expected<'_>; 4] = [
            (None, None, None, None, Some(0)),
            (None, None, None, None, Some(0x55d0_c0ff_ee10)),
            (Some("app::outer"), Some("app/src/main.rs"), Some(9), Some(1), Some(0x55d0_c0ff_ee00)),
            (Some("app::pay"), Some("app/src/main.rs"), Some(3), None, Some(0x55d0_c0ff_ee00)),
        ];
        assert_eq!(frames.iter().map(fields).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_no_backtrace_is_none() {
        for text in
            ["", "disabled backtrace", "unsupported backtrace", "error: at 3:4", "::x\n1::y\n: z", "at x.rs:1:2"]
        {
            assert_eq!(parse_stacktrace(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_text_around_a_backtrace_is_skipped() {
        let frames =
            read("Error: no: such file\n\nStack backtrace:\n   0: app::pay\n\nnote: try again\n      indented\n");
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].function.as_deref(), Some("app::pay"));
    }

    #[test]
    fn hostile_text_is_bounded() {
        assert_eq!(read(&"0: a\n".repeat(10_000)).len(), MOST_FRAMES);
        let frames = read("0: f\n at :::99999999999999999999999:1\n at again.rs:1:1");
        assert_eq!(frames[0].filename.as_deref(), Some(":::99999999999999999999999"));
        assert_eq!((frames[0].lineno, frames[0].colno), (Some(1), None));
    }

    #[test]
    fn a_real_backtrace_is_read() {
        let text = std::backtrace::Backtrace::force_capture().to_string();
        let frames = read(&text);
        let here =
            frames.iter().find(|frame| frame.function.as_deref().is_some_and(|name| name.contains("a_real_backtrace")));
        assert!(here.unwrap().lineno.is_some(), "{text}");
    }
}
