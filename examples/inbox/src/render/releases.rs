//! The table of releases: how their sessions ended.

use super::style::{Ink, Style};
use super::table::Table;
use super::text::{clip, counted};
use crate::session::{Counts, ReleaseKey, Releases};

/// One line for each release and environment; nothing when there are none.
pub(crate) fn render(releases: &Releases, style: Style) -> String {
    let rows: Vec<[String; COLUMNS]> =
        releases.sorted().iter().map(|(key, counts)| cells(key, *counts, style)).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = TABLE.render(&rows, style, |_, column, cell| match column {
        RELEASE | RATE => style.paint(Ink::Strong, &cell),
        _ => cell,
    });
    if releases.dropped() > 0 {
        out.push_str(&format!("{} {}\n", style.ellipsis(), counted(releases.dropped(), "older release")));
    }
    out
}

fn cells(key: &ReleaseKey, counts: Counts, style: Style) -> [String; COLUMNS] {
    [
        clip(&key.release, MAX_NAME, style),
        clip(&key.environment, MAX_NAME, style),
        counts.started.to_string(),
        counts.exited.to_string(),
        counts.errored.to_string(),
        counts.unhandled.to_string(),
        counts.crashed.to_string(),
        counts.abnormal.to_string(),
        crash_free(counts),
    ]
}

/// Rounded down: with one crash it is never all of them.
fn crash_free(counts: Counts) -> String {
    if counts.started == 0 {
        return String::new();
    }
    let whole = u128::from(counts.started.saturating_sub(counts.crashed)) * 10_000 / u128::from(counts.started);
    format!("{}.{:02} %", whole / 100, whole % 100)
}

const COLUMNS: usize = 9;
const TABLE: Table<COLUMNS> = Table {
    headings: [
        "RELEASE",
        "ENVIRONMENT",
        "STARTED",
        "EXITED",
        "ERRORED",
        "UNHANDLED",
        "CRASHED",
        "ABNORMAL",
        "CRASH-FREE",
    ],
    numbers: &[2, 3, 4, 5, 6, 7, 8],
};
const RELEASE: usize = 0;
const RATE: usize = 8;
const MAX_NAME: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_crash_is_not_all_well() {
        let table = [
            ((0, 0), ""),
            ((1, 0), "100.00 %"),
            ((1, 1), "0.00 %"),
            ((3, 1), "66.66 %"),
            ((1_000_000, 1), "99.99 %"),
            ((u64::MAX, 1), "99.99 %"),
            ((1, 2), "0.00 %"),
        ];
        for ((started, crashed), expected) in table {
            assert_eq!(crash_free(Counts { started, crashed, ..Counts::default() }), expected);
        }
    }
}
