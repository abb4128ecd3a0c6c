//! Everything there is, one section after another.

use super::style::{Ink, Style};
use super::text::counted;

/// The sections that hold something, each under its title; `unreadable` counts what could not be shown.
pub(crate) fn render(sections: &[(&str, String)], unreadable: u64, style: Style) -> String {
    let full = sections.iter().filter(|(_, text)| !text.is_empty());
    let mut parts: Vec<String> =
        full.map(|(title, text)| format!("{}\n{text}", style.paint(Ink::Strong, &format!("== {title} ==")))).collect();
    if unreadable > 0 {
        parts.push(format!("{} could not be read.\n", counted(unreadable, "item")));
    }
    if parts.is_empty() { "Nothing yet.\n".to_owned() } else { parts.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_sections_are_left_out() {
        let sections = [("Issues", "a\n".to_owned()), ("Logs", String::new()), ("Traces", "b\n".to_owned())];
        let expected = "== Issues ==\na\n\n== Traces ==\nb\n\n2 items could not be read.\n";
        assert_eq!(render(&sections, 2, Style::plain()), expected);
        assert_eq!(render(&[("Logs", String::new())], 0, Style::plain()), "Nothing yet.\n");
    }
}
