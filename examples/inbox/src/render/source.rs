//! Finds the line of source a frame is about, when its file is on this machine.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use sentry_core::protocol::Frame;

/// Gives the source line of a frame, or nothing.
pub(crate) type Source<'a> = &'a dyn Fn(&Frame) -> Option<String>;

/// What the sender sent, else the line in the frame's file: by its whole path, or else by its name in the working directory.
pub(crate) fn read(frame: &Frame) -> Option<String> {
    if let Some(line) = &frame.context_line {
        return Some(line.clone());
    }
    let number = usize::try_from(frame.lineno?).ok()?;
    [&frame.abs_path, &frame.filename].into_iter().flatten().find_map(|path| line_of(Path::new(path), number))
}

fn line_of(path: &Path, number: usize) -> Option<String> {
    // A sender may name anything: only regular files are opened, so that no pipe or device can block the reader.
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let bounded = BufReader::new(File::open(path).ok()?.take(MAX_FILE));
    bounded.lines().nth(number.checked_sub(1)?)?.ok()
}

const MAX_FILE: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_path_name_or_context() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src/render/source.rs");
        let first = "//! Finds the line of source a frame is about, when its file is on this machine.";
        let frame = |abs_path: Option<&str>, filename: Option<&str>, lineno| Frame {
            abs_path: abs_path.map(str::to_owned),
            filename: filename.map(str::to_owned),
            lineno,
            ..Frame::default()
        };
        let table = [
            (frame(Some(here), None, Some(1)), Some(first)),
            (frame(Some("/nowhere/x.rs"), Some(here), Some(1)), Some(first)),
            // Tests run in the directory of their package.
            (frame(None, Some("src/render/source.rs"), Some(1)), Some(first)),
            (frame(Some(here), None, Some(0)), None),
            (frame(Some(here), None, Some(u64::MAX)), None),
            (frame(Some(here), None, None), None),
            (frame(Some("/dev/zero"), None, Some(1)), None),
            (frame(Some("/"), None, Some(1)), None),
            (Frame { context_line: Some("sent".into()), ..frame(Some(here), None, Some(1)) }, Some("sent")),
        ];
        for (frame, expected) in table {
            assert_eq!(read(&frame).as_deref(), expected, "{frame:?}");
        }
    }
}
