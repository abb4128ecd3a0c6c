//! The table of all issues.

use std::time::SystemTime;

use super::style::{Ink, Style};
use super::table::Table;
use super::text::{clip, counted};
use super::when;
use crate::issue::Issue;

/// One line for each issue under a line of headings.
pub(crate) fn render(issues: &[Issue], style: Style, now: SystemTime) -> String {
    if issues.is_empty() {
        return "No issues yet.\n".to_owned();
    }
    let rows: Vec<[String; COLUMNS]> = issues.iter().map(|issue| cells(issue, style, now)).collect();
    TABLE.render(&rows, style, |row, column, cell| match (column, issues.get(row)) {
        (LEVEL, Some(issue)) => style.paint(Ink::Level(issue.level), &cell),
        (TITLE, _) => style.paint(Ink::Strong, &cell),
        (CULPRIT, _) => style.paint(Ink::Faint, &cell),
        _ => cell,
    })
}

/// What there is to say about an issue that is known already.
pub(crate) fn again(issue: &Issue, style: Style) -> String {
    let title = style.paint(Ink::Strong, &clip(&issue.title, MAX_TITLE, style));
    format!("{} again, {}: {title}", issue.id, counted(issue.count, "event"))
}

fn cells(issue: &Issue, style: Style, now: SystemTime) -> [String; COLUMNS] {
    [
        issue.id.clone(),
        issue.level.to_string(),
        clip(&issue.title, MAX_TITLE, style),
        clip(&issue.culprit, MAX_CULPRIT, style),
        issue.count.to_string(),
        issue.users.to_string(),
        when::age(issue.first_seen, now),
        when::age(issue.last_seen, now),
    ]
}

const COLUMNS: usize = 8;
const TABLE: Table<COLUMNS> =
    Table { headings: ["ID", "LEVEL", "TITLE", "CULPRIT", "EVENTS", "USERS", "FIRST", "LAST"], numbers: &[4, 5] };
const LEVEL: usize = 1;
const TITLE: usize = 2;
const CULPRIT: usize = 3;
const MAX_TITLE: usize = 60;
const MAX_CULPRIT: usize = 48;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sentry_core::protocol::Level;

    use super::*;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn issue(id: &str, level: Level, title: &str, culprit: &str, count: u64) -> Issue {
        Issue {
            id: id.into(),
            title: title.into(),
            culprit: culprit.into(),
            level,
            count,
            users: 2,
            first_seen: at(0),
            last_seen: at(7190),
            latest: Box::default(),
            attachments: Vec::new(),
            handled: true,
        }
    }

    #[test]
    fn the_table_is_aligned() {
        let issues = [
            issue("INBOX-12", Level::Error, "Zäher: refused", "app::connect in src/db.rs", 3),
            issue("INBOX-2", Level::Warning, "slow\x1b[2J", "", 1234567),
        ];
        let expected = "\
ID        LEVEL    TITLE           CULPRIT                     EVENTS  USERS  FIRST   LAST
INBOX-12  error    Zäher: refused  app::connect in src/db.rs        3      2  2h ago  10s ago
INBOX-2   warning  slow\\u{1b}[2J                              1234567      2  2h ago  10s ago
";
        assert_eq!(render(&issues, Style::plain(), at(7200)), expected);
    }

    #[test]
    fn colours_do_not_move_columns() {
        let issues = [issue("INBOX-1", Level::Error, "E", "f", 3)];
        let coloured = render(&issues, Style::plain().with_colour(true), at(7200));
        let expected = "\x1b[1mID       LEVEL  TITLE  CULPRIT  EVENTS  USERS  FIRST   LAST\x1b[0m\n\
            INBOX-1  \x1b[31merror\x1b[0m  \x1b[1mE    \x1b[0m  \x1b[2mf      \x1b[0m       3      2  2h ago  10s ago\n";
        assert_eq!(coloured, expected);
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        assert_eq!(render(&[], Style::plain(), at(0)), "No issues yet.\n");
    }

    #[test]
    fn an_issue_again() {
        let known = issue("INBOX-1", Level::Error, "E\x07", "f", 3);
        assert_eq!(again(&known, Style::plain()), "INBOX-1 again, 3 events: E\\u{7}");
    }

    #[test]
    fn long_titles_are_cut() {
        let table = render(&[issue("I", Level::Error, &"x".repeat(100), "c", 1)], Style::plain(), at(0));
        assert!(table.contains(&format!("  {}…  c", "x".repeat(59))), "{table}");
    }
}
