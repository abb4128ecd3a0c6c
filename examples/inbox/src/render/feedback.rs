//! What users wrote, as a table.

use super::style::{Ink, Style};
use super::table::Table;
use super::text::clip;
use super::when;
use crate::feedback::Feedback;
use crate::kept::Newest;

/// One line for each, oldest first; nothing when there are none.
pub(crate) fn render(feedback: &Newest<Feedback>, style: Style) -> String {
    let rows: Vec<[String; COLUMNS]> = feedback.iter().map(|one| cells(one, style)).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = TABLE.render(&rows, style, |_, column, cell| match column {
        MESSAGE => style.paint(Ink::Strong, &cell),
        EVENT => style.paint(Ink::Faint, &cell),
        _ => cell,
    });
    if feedback.dropped() > 0 {
        out.push_str(&format!("{} {} older\n", style.ellipsis(), feedback.dropped()));
    }
    out
}

fn cells(feedback: &Feedback, style: Style) -> [String; COLUMNS] {
    [
        feedback.time.map(when::time_of_day).unwrap_or_default(),
        from(feedback, style),
        clip(&feedback.message, MAX_MESSAGE, style),
        feedback.event.map(|id| format!("{id:032x}")).unwrap_or_default(),
    ]
}

/// `Ann <ann@example.com>`, or as much of it as is known.
pub(super) fn from(feedback: &Feedback, style: Style) -> String {
    let email = feedback.email.as_deref().map(|email| format!("<{}>", clip(email, MAX_NAME, style)));
    let name = feedback.name.as_deref().map(|name| clip(name, MAX_NAME, style));
    let known: Vec<String> = name.into_iter().chain(email).collect();
    if known.is_empty() { "anonymous".to_owned() } else { known.join(" ") }
}

const COLUMNS: usize = 4;
const TABLE: Table<COLUMNS> = Table { headings: ["TIME", "FROM", "MESSAGE", "EVENT"], numbers: &[] };
const MESSAGE: usize = 2;
const EVENT: usize = 3;
const MAX_NAME: usize = 40;
const MAX_MESSAGE: usize = 100;
