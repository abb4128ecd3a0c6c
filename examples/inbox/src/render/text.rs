//! Makes senders' text fit a line of a terminal: no control characters, no endless lines.

use std::borrow::Cow;

use sentry_core::protocol::value::Value;

use super::style::{Ink, Style};

/// The text on one line, harmless: line ends and tabs are spaces, other controls and direction overrides are escaped.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => cleaned.push(' '),
            '\r' => {}
            _ if is_harmful(c) => cleaned.extend(c.escape_unicode()),
            _ => cleaned.push(c),
        }
    }
    Cow::Owned(cleaned)
}

/// [`clean`], and at most `max` characters, the last being the ellipsis where something was cut.
pub(super) fn clip(text: &str, max: usize, style: Style) -> String {
    // Cleaning makes text longer, never shorter by more than line ends: what is far beyond the limit need not be cleaned.
    let cut: String = text.chars().take(max.saturating_mul(2).saturating_add(2)).collect();
    let cleaned = clean(&cut);
    if width(&cleaned) <= max && cut.len() == text.len() {
        return cleaned.into_owned();
    }
    let ellipsis = style.ellipsis();
    let kept: String = cleaned.chars().take(max.saturating_sub(width(ellipsis))).collect();
    format!("{}{ellipsis}", kept.trim_end())
}

/// A JSON value as a person would write it: strings without quotes, all else compact.
pub(super) fn value(value: &Value, max: usize, style: Style) -> String {
    match value {
        Value::String(text) => clip(text, max, style),
        other => clip(&other.to_string(), max, style),
    }
}

/// Padded on the right to `columns` characters.
pub(super) fn left(text: &str, columns: usize) -> String {
    format!("{text:<columns$}")
}

/// Characters, each taken for one column.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// `1 frame`, `5 frames`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `12 B`, `1.5 KiB`, `64.0 MiB`.
pub(super) fn size(bytes: usize) -> String {
    let mut scaled = bytes as f64;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB"] {
        if scaled < 1024.0 {
            break;
        }
        scaled /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{scaled:.1} {unit}") }
}

/// An empty line, and the title of what follows.
pub(super) fn heading(out: &mut String, title: &str, style: Style) {
    out.push_str(&format!("\n{}\n", style.paint(Ink::Strong, title)));
}

/// Text of several lines, made harmless and of bounded size.
pub(super) fn block(text: &str, style: Style) -> Vec<String> {
    let mut lines: Vec<String> = text.trim().lines().take(MAX_LINES).map(|line| clip(line, MAX_LINE, style)).collect();
    let more = text.trim().lines().count().saturating_sub(MAX_LINES);
    if more > 0 {
        lines.push(format!("{} {}", style.ellipsis(), counted(more as u64, "more line")));
    }
    lines
}

fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters of a line that holds one long text.
pub(super) const MAX_LINE: usize = 300;
const MAX_LINES: usize = 30;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_terminal_cannot_be_commanded() {
        let table = [
            ("plain ünïcode", "plain ünïcode"),
            ("a\nb\tc\r\n", "a b c "),
            ("\x1b[31mred", "\\u{1b}[31mred"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("\u{9b}1m", "\\u{9b}1m"),
        ];
        for (text, expected) in table {
            assert_eq!(clean(text), expected);
        }
    }

    #[test]
    fn clipping_counts_characters() {
        let plain = Style::plain();
        let table =
            [("abcd", 4, "abcd"), ("äöüß", 4, "äöüß"), ("abcde", 4, "abc…"), ("ab  cdef", 5, "ab…"), ("ab", 0, "…")];
        for (text, max, expected) in table {
            assert_eq!(clip(text, max, plain), expected);
        }
        assert_eq!(clip("abcdefgh", 6, plain.with_unicode(false)), "abc...");
        assert_eq!(clip(&"x".repeat(1000), 4, plain), "xxx…");
    }

    #[test]
    fn values() {
        let table = [(json!("a b"), "a b"), (json!(5), "5"), (json!({"a": [1, null]}), "{\"a\":[1,null]}")];
        for (json, expected) in table {
            assert_eq!(value(&json, 80, Style::plain()), expected);
        }
    }

    #[test]
    fn sizes() {
        let table = [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (64 << 20, "64.0 MiB")];
        for (bytes, expected) in table {
            assert_eq!(size(bytes), expected);
        }
    }
}
