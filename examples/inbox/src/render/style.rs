//! What the reader's terminal can show.

use std::ffi::OsStr;
use std::io::IsTerminal;

use sentry_core::protocol::Level;

/// How rendered text looks: with or without colours, with or without characters beyond ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    colour: bool,
    unicode: bool,
}

impl Style {
    /// No colours, markers in Unicode: for files and tests.
    #[must_use]
    pub const fn plain() -> Style {
        Style { colour: false, unicode: true }
    }

    /// What fits standard output: colours when it is a terminal and `NO_COLOR` is unset or empty, Unicode when the locale
    /// says UTF-8 (always on Windows). Reads the environment.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "what a terminal can show is said in the environment only")]
    pub fn detect() -> Style {
        let variables = |name: &str| std::env::var_os(name);
        Style::decide(std::io::stdout().is_terminal(), cfg!(windows), variables)
    }

    /// The same with or without colours.
    #[must_use]
    pub const fn with_colour(self, colour: bool) -> Style {
        Style { colour, ..self }
    }

    /// The same with or without characters beyond ASCII in markers and lines; what a sender wrote stays as it is.
    #[must_use]
    pub const fn with_unicode(self, unicode: bool) -> Style {
        Style { unicode, ..self }
    }

    fn decide<S: AsRef<OsStr>>(terminal: bool, windows: bool, variable: impl Fn(&str) -> Option<S>) -> Style {
        let value = |name: &str| {
            let value = variable(name)?.as_ref().to_string_lossy().into_owned();
            Some(value).filter(|value| !value.is_empty())
        };
        let dumb = value("TERM").is_some_and(|term| term == "dumb");
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value).unwrap_or_default().to_ascii_lowercase();
        Style {
            colour: terminal && !dumb && value("NO_COLOR").is_none(),
            unicode: windows || locale.contains("utf-8") || locale.contains("utf8"),
        }
    }

    pub(super) fn paint(self, ink: Ink, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("\x1b[{}m{text}\x1b[0m", ink.code()) } else { text.to_owned() }
    }

    /// In front of a frame of the application.
    pub(super) const fn marker(self) -> &'static str {
        if self.unicode { "▶" } else { ">" }
    }

    pub(super) const fn ellipsis(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// Between the facts of one line.
    pub(super) const fn dot(self) -> &'static str {
        if self.unicode { " · " } else { " - " }
    }

    /// Between a line number and its source.
    pub(super) const fn bar(self) -> &'static str {
        if self.unicode { "│" } else { "|" }
    }

    /// From a parent to a child that others follow, or to its last.
    pub(super) const fn branch(self, last: bool) -> &'static str {
        match (self.unicode, last) {
            (true, false) => "├─ ",
            (true, true) => "└─ ",
            (false, false) => "|- ",
            (false, true) => "`- ",
        }
    }

    /// As wide as a branch, beside what hangs below its end.
    pub(super) const fn trunk(self, last: bool) -> &'static str {
        match (self.unicode, last) {
            (_, true) => "   ",
            (true, false) => "│  ",
            (false, false) => "|  ",
        }
    }

    /// In front of what went wrong.
    pub(super) const fn cross(self) -> &'static str {
        if self.unicode { "✗" } else { "x" }
    }
}

/// What a piece of text is, as far as its colour goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ink {
    Strong,
    Faint,
    Own,
    Level(Level),
}

impl Ink {
    const fn code(self) -> &'static str {
        match self {
            Ink::Strong => "1",
            Ink::Faint => "2",
            Ink::Own => "36",
            Ink::Level(Level::Fatal) => "1;31",
            Ink::Level(Level::Error) => "31",
            Ink::Level(Level::Warning) => "33",
            Ink::Level(Level::Info) => "34",
            Ink::Level(Level::Debug) => "2",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        type Variables = &'static [(&'static str, &'static str)];
        let table: [(bool, Variables, bool, bool); 9] = [
            (true, &[("LANG", "en_GB.UTF-8")], true, true),
            (false, &[("LANG", "en_GB.UTF-8")], false, true),
            (true, &[("NO_COLOR", "1")], false, false),
            (true, &[("NO_COLOR", "")], true, false),
            (true, &[("TERM", "dumb")], false, false),
            (true, &[("TERM", "xterm")], true, false),
            (true, &[("LC_ALL", "C"), ("LANG", "C.utf8")], true, false),
            (true, &[("LC_ALL", ""), ("LC_CTYPE", "C.utf8")], true, true),
            (true, &[], true, false),
        ];
        for (terminal, variables, colour, unicode) in table {
            let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            assert_eq!(Style::decide(terminal, false, variable), Style { colour, unicode }, "{variables:?}");
        }
        assert!(Style::decide(true, true, |_| None::<&str>).unicode);
    }

    #[test]
    fn paint_only_with_colour() {
        let style = Style::plain();
        assert_eq!(style.paint(Ink::Strong, "x"), "x");
        assert_eq!(style.with_colour(true).paint(Ink::Level(Level::Warning), "x"), "\x1b[33mx\x1b[0m");
        assert_eq!(style.with_colour(true).paint(Ink::Strong, ""), "");
    }
}
