//! Source code around a line, for programs that run where they were built.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use sentry_core::fork::PerProcess;
use sentry_core::protocol::{Frame, Stacktrace};

/// Adds `lines` lines before and after the line of each of the program's own frames that has none yet.
///
/// A file is read when it is a regular file of Rust in a package of cargo's, at most [`LARGEST`] long and not changed since
/// the program was built; few are kept.
pub(super) fn add_context(trace: &mut Stacktrace, lines: usize) {
    let lines = lines.min(MOST_LINES);
    let own = trace.frames.iter_mut().filter(|frame| frame.in_app == Some(true) && frame.context_line.is_none());
    for frame in own.filter(|_| lines > 0) {
        let place = frame.abs_path.as_deref().zip(frame.lineno);
        if let Some((source, line)) = place.and_then(|(path, line)| Some((source(path)?, line))) {
            set_context(frame, &source, line, lines);
        }
    }
}

fn set_context(frame: &mut Frame, source: &str, line: u64, lines: usize) {
    let Some(before) = usize::try_from(line).ok().and_then(|line| line.checked_sub(1)) else { return };
    let first = before.saturating_sub(lines);
    let mut around = source.lines().skip(first).map(cut);
    let pre_context: Vec<String> = around.by_ref().take(before - first).collect();
    let Some(context_line) = around.next() else { return };
    frame.pre_context = pre_context;
    frame.context_line = Some(context_line);
    frame.post_context = around.take(lines).collect();
}

/// Generated code may have lines of any length.
fn cut(line: &str) -> String {
    let mut end = line.len().min(LONGEST_LINE);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.get(..end).unwrap_or_default().to_owned()
}

/// The text of a file, if it is one to be shown.
fn source(path: &str) -> Option<Arc<str>> {
    static CACHE: PerProcess<OnceLock<Mutex<Sources>>> = PerProcess::new(OnceLock::new());
    let cache = || CACHE.get().get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);

    if let Some(known) = cache().files.get(path) {
        return known.clone();
    }
    let source = read(Path::new(path), built());
    let displaced = cache().put(path, source.clone());
    drop(displaced);
    source
}

/// Files by path, also those that are not to be shown; dropped whole when there are too many.
#[derive(Default)]
struct Sources {
    files: HashMap<String, Option<Arc<str>>>,
    bytes: usize,
}

impl Sources {
    /// Returns what had to go, to be dropped outside the lock.
    fn put(&mut self, path: &str, source: Option<Arc<str>>) -> Self {
        let bytes = source.as_ref().map_or(0, |source| source.len());
        let is_full = self.files.len() >= MOST_FILES || self.bytes + bytes > MOST_BYTES;
        let displaced = if is_full { std::mem::take(self) } else { Self::default() };
        self.bytes += bytes;
        self.files.insert(path.to_owned(), source);
        displaced
    }
}

/// When the program was built, as far as its file tells.
fn built() -> Option<SystemTime> {
    static BUILT: PerProcess<OnceLock<Option<SystemTime>>> = PerProcess::new(OnceLock::new());
    *BUILT.get().get_or_init(|| std::env::current_exe().ok()?.metadata().ok()?.modified().ok())
}

fn read(path: &Path, built: Option<SystemTime>) -> Option<Arc<str>> {
    if path.extension()? != "rs" || !is_in_package(path) {
        return None;
    }
    // Asked before it is opened: what is no regular file might keep us waiting.
    let metadata = path.symlink_metadata().ok().filter(|metadata| metadata.is_file() && metadata.len() <= LARGEST)?;
    if metadata.modified().ok()? > built? {
        return None;
    }
    let mut text = String::new();
    File::open(path).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text.into())
}

/// Whether the file lies below a directory that cargo builds.
fn is_in_package(path: &Path) -> bool {
    path.is_absolute() && path.ancestors().skip(1).take(DEEPEST).any(|directory| directory.join("Cargo.toml").is_file())
}

const LARGEST: u64 = 1 << 20;
const LONGEST_LINE: usize = 500;
/// Nobody reads more around a line.
const MOST_LINES: usize = 50;
const MOST_FILES: usize = 64;
const MOST_BYTES: usize = 2 << 20;
/// How many directories above a file a package may begin.
const DEEPEST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(path: &str, line: u64) -> Frame {
        Frame { abs_path: Some(path.to_owned()), lineno: Some(line), in_app: Some(true), ..Frame::default() }
    }

    fn context(frame: Frame, lines: usize) -> (Vec<String>, Option<String>, Vec<String>) {
        let mut trace = Stacktrace { frames: vec![frame], ..Stacktrace::default() };
        add_context(&mut trace, lines);
        let frame = trace.frames.remove(0);
        (frame.pre_context, frame.context_line, frame.post_context)
    }

    #[test]
    fn lines_around_a_line_are_those_of_the_file() {
        let text = "one\ntwo\nthree\nfour\nfive\n";
        for (line, lines, expected) in [
            (3, 1, Some((&["two"][..], "three", &["four"][..]))),
            (1, 2, Some((&[], "one", &["two", "three"]))),
            (5, 2, Some((&["three", "four"], "five", &[]))),
            (6, 1, None),
            (0, 1, None),
            (u64::MAX, 5, None),
        ] {
            let mut shown = Frame::default();
            set_context(&mut shown, text, line, lines);
            let expected = expected.map(|(before, at, after)| (before.to_vec(), at, after.to_vec()));
            assert_eq!(shown.context_line.as_deref(), expected.as_ref().map(|expected| expected.1), "{line}");
            if let Some((before, _, after)) = expected {
                assert_eq!(
                    (shown.pre_context, shown.post_context),
                    (before.iter().map(ToString::to_string).collect(), after.iter().map(ToString::to_string).collect())
                );
            }
        }
    }

    #[test]
    fn only_own_lines_in_files_of_packages_are_shown() {
        let here = std::env::current_dir().unwrap().join("src/backtrace/source.rs");
        let here = here.to_str().unwrap();
        let (before, at, after) = context(frame(here, 1), 2);
        assert_eq!((before.len(), after.len()), (0, 2));
        assert!(at.unwrap().starts_with("//! Source code around a line"));
        let nothing = (Vec::new(), None, Vec::new());
        assert_eq!(context(Frame { in_app: Some(false), ..frame(here, 1) }, 2), nothing);
        assert_eq!(context(frame(here, 1), 0), nothing);
        for path in ["/etc/passwd", "/dev/zero", "src/backtrace/source.rs", "/nowhere/src/main.rs", "/proc/self/mem.rs"]
        {
            assert_eq!(context(frame(path, 1), 2), nothing, "{path}");
        }
    }

    #[test]
    fn few_files_are_kept() {
        let mut sources = Sources::default();
        let large: Arc<str> = "x".repeat(LARGEST as usize).into();
        for name in ["a", "b"] {
            assert!(sources.put(name, Some(Arc::clone(&large))).files.is_empty());
        }
        assert_eq!(sources.put("c", Some(large)).files.len(), 2);
        assert_eq!((sources.files.len(), sources.bytes), (1, LARGEST as usize));
        (0..MOST_FILES).for_each(|n| drop(sources.put(&n.to_string(), None)));
        assert!(sources.files.len() <= MOST_FILES);
    }

    #[test]
    fn what_is_younger_than_the_program_or_too_long_is_not_shown() {
        let here = std::env::current_dir().unwrap().join("src/backtrace/source.rs");
        assert!(read(&here, Some(sentry_core::clock::wall())).is_some());
        assert!(read(&here, Some(SystemTime::UNIX_EPOCH)).is_none());
        assert_eq!(cut(&"é".repeat(400)).len(), LONGEST_LINE);
        assert_eq!(cut("short"), "short");
    }
}
