//! A stack: the application's own frames with their source, the others as one line for each run of them.

use sentry_core::protocol::{Frame, Stacktrace};

use super::source::Source;
use super::style::{Ink, Style};
use super::text::{clip, counted};
use crate::frame;

/// Appends the stack, newest frame first, each line indented by `indent`.
pub(super) fn stack(out: &mut String, stack: &Stacktrace, style: Style, source: Source<'_>, indent: &str) {
    let any_in_app = stack.frames.iter().any(is_own);
    let mut hidden: Vec<&Frame> = Vec::new();
    // The lines around are shown where it went wrong.
    let newest_own = stack.frames.iter().rposition(is_own);
    let gap = stack.frames_omitted.and_then(|(from, to)| Some((usize::try_from(from).ok()?, to.checked_sub(from)?)));
    for (index, frame) in stack.frames.iter().enumerate().rev().take(MAX_FRAMES) {
        if let Some((_, omitted)) = gap.filter(|(from, _)| *from == index + 1) {
            collapsed(out, &hidden, style, indent);
            hidden.clear();
            let line = format!("{} {} left out", style.ellipsis(), counted(omitted, "call"));
            push_line(out, indent, &style.paint(Ink::Faint, &line));
        }
        // Where nothing is the application's, everything may matter.
        if any_in_app && !is_own(frame) {
            hidden.push(frame);
            continue;
        }
        collapsed(out, &hidden, style, indent);
        hidden.clear();
        shown(out, frame, style, source, indent, newest_own == Some(index));
    }
    collapsed(out, &hidden, style, indent);
    let older = stack.frames.len().saturating_sub(MAX_FRAMES);
    if older > 0 {
        let line = format!("{} {}", style.ellipsis(), counted(older as u64, "older frame"));
        push_line(out, indent, &style.paint(Ink::Faint, &line));
    }
}

fn shown(out: &mut String, frame: &Frame, style: Style, source: Source<'_>, indent: &str, with_context: bool) {
    let function = clip(&frame::function(frame), MAX_NAME, style);
    let place = place(frame, style);
    let line = match (function.is_empty(), place.is_empty()) {
        (false, false) => format!("{}  {}", style.paint(Ink::Strong, &function), style.paint(Ink::Faint, &place)),
        (false, true) => style.paint(Ink::Strong, &function),
        (true, false) => style.paint(Ink::Faint, &place),
        (true, true) => "unknown".to_owned(),
    };
    if !is_own(frame) {
        push_line(out, indent, &format!("  {line}"));
        return;
    }
    push_line(out, indent, &format!("{} {line}", style.paint(Ink::Own, style.marker())));
    let Some(text) = source(frame) else { return };
    if with_context && frame.context_line.is_some() {
        return with_lines_around(out, frame, style, indent);
    }
    let number = frame.lineno.map_or_else(String::new, |number| number.to_string());
    source_line(out, &number, text.trim(), style, indent);
}

/// The line and those around it, with the indentation they share taken off.
fn with_lines_around(out: &mut String, frame: &Frame, style: Style, indent: &str) {
    let at = frame.context_line.iter();
    let lines: Vec<&String> = frame.pre_context.iter().chain(at).chain(&frame.post_context).collect();
    let blank = |line: &str| line.trim().is_empty();
    let margin = |line: &str| line.len() - line.trim_start().len();
    let shared = lines.iter().filter(|line| !blank(line)).map(|line| margin(line)).min().unwrap_or(0);
    let first = frame.lineno.unwrap_or(1).saturating_sub(frame.pre_context.len() as u64);
    for (number, line) in (first..).zip(lines) {
        source_line(out, &number.to_string(), line.get(shared..).unwrap_or_default(), style, indent);
    }
}

fn source_line(out: &mut String, number: &str, text: &str, style: Style, indent: &str) {
    let text = clip(text, MAX_SOURCE, style);
    let number = style.paint(Ink::Faint, &format!("{number:>6} {}", style.bar()));
    push_line(out, indent, format!("{number} {text}").trim_end());
}

/// `src/main.rs:42`, or the address where there is no file.
fn place(frame: &Frame, style: Style) -> String {
    match (frame::file(frame), frame.lineno) {
        (Some(file), Some(line)) => format!("{}:{line}", clip(file, MAX_NAME, style)),
        (Some(file), None) => clip(file, MAX_NAME, style),
        (None, _) => frame.instruction_addr.map_or_else(String::new, |addr| format!("{:#x}", addr.0)),
    }
}

fn collapsed(out: &mut String, hidden: &[&Frame], style: Style, indent: &str) {
    if hidden.is_empty() {
        return;
    }
    let mut crates: Vec<&str> = Vec::new();
    for frame in hidden {
        let name = frame::crate_name(frame);
        if !crates.contains(&name) {
            crates.push(name);
        }
    }
    let mut names =
        crates.iter().take(MAX_CRATES).map(|name| clip(name, MAX_NAME, style)).collect::<Vec<_>>().join(", ");
    let unnamed = crates.len().saturating_sub(MAX_CRATES);
    if unnamed > 0 {
        names = format!("{names} and {unnamed} more");
    }
    let line = format!("{} {} in {names}", style.ellipsis(), counted(hidden.len() as u64, "frame"));
    push_line(out, indent, &style.paint(Ink::Faint, &line));
}

fn is_own(frame: &Frame) -> bool {
    frame.in_app == Some(true)
}

fn push_line(out: &mut String, indent: &str, line: &str) {
    out.push_str(indent);
    out.push_str(line);
    out.push('\n');
}

const MAX_FRAMES: usize = 200;
const MAX_CRATES: usize = 5;
const MAX_NAME: usize = 200;
const MAX_SOURCE: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, line: u64, in_app: Option<bool>) -> Frame {
        Frame {
            function: Some(function.into()),
            filename: Some("src/a.rs".into()),
            lineno: Some(line),
            in_app,
            ..Frame::default()
        }
    }

    fn rendered(frames: Vec<Frame>, style: Style, source: Source<'_>) -> String {
        let mut out = String::new();
        stack(&mut out, &Stacktrace { frames, ..Stacktrace::default() }, style, source, "  ");
        out
    }

    fn sample() -> Vec<Frame> {
        vec![
            frame("std::rt::start", 1, Some(false)),
            frame("tokio::run", 2, Some(false)),
            frame("<std::thread::Inner as tokio::Run>::run", 3, None),
            frame("app::main", 4, Some(true)),
            frame("app::run::h0123456789abcdef", 5, Some(true)),
            frame("core::panicking::panic", 6, Some(false)),
        ]
    }

    #[test]
    fn own_frames_are_marked_and_others_collapsed() {
        let source: Source<'_> = &|frame| (frame.lineno == Some(5)).then(|| "    \tlet x = 1;  ".to_owned());
        let expected = "  … 1 frame in std
  ▶ app::run  src/a.rs:5
       5 │ let x = 1;
  ▶ app::main  src/a.rs:4
  … 3 frames in std, tokio
";
        assert_eq!(rendered(sample(), Style::plain(), source), expected);
    }

    #[test]
    fn ascii_and_colours() {
        let source: Source<'_> = &|_| Some("x".to_owned());
        let frames = vec![frame("tokio::run", 2, None), frame("app::main", 4, Some(true))];
        let ascii = rendered(frames.clone(), Style::plain().with_unicode(false), source);
        assert_eq!(ascii, "  > app::main  src/a.rs:4\n       4 | x\n  ... 1 frame in tokio\n");
        let coloured = rendered(frames, Style::plain().with_colour(true), &|_| None);
        let expected = "  \x1b[36m▶\x1b[0m \x1b[1mapp::main\x1b[0m  \x1b[2msrc/a.rs:4\x1b[0m\n  \
            \x1b[2m… 1 frame in tokio\x1b[0m\n";
        assert_eq!(coloured, expected);
    }

    #[test]
    fn without_own_frames_all_are_shown() {
        let address = Frame { instruction_addr: Some(0x1f_u64.into()), ..Frame::default() };
        let frames = vec![frame("a::b", 1, None), address, Frame::default()];
        let expected = "    unknown\n    0x1f\n    a::b  src/a.rs:1\n";
        assert_eq!(rendered(frames, Style::plain(), &|_| Some("not asked".to_owned())), expected);
    }

    #[test]
    fn deep_recursion_is_cut() {
        let frames = vec![frame("app::f", 1, Some(true)); MAX_FRAMES + 3];
        let text = rendered(frames, Style::plain(), &|_| None);
        assert_eq!(text.lines().count(), MAX_FRAMES + 1);
        assert_eq!(text.lines().last(), Some("  … 3 older frames"));
    }

    #[test]
    fn many_crates_are_counted() {
        let mut frames: Vec<Frame> = (0..7).map(|n| frame(&format!("c{n}::f"), 1, Some(false))).collect();
        frames.push(frame("app::f", 1, Some(true)));
        let text = rendered(frames, Style::plain(), &|_| None);
        assert_eq!(text.lines().last(), Some("  … 7 frames in c6, c5, c4, c3, c2 and 2 more"));
    }
}
