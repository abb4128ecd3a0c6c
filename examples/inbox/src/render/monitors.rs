//! The table of monitors: when each should run, and how its last runs ended.

use sentry_core::protocol::Level;

use super::style::{Ink, Style};
use super::table::Table;
use super::text::{clip, counted};
use super::when;
use crate::monitor::{Monitor, Monitors, Run, Schedule};

/// One line for each monitor by slug; nothing when there are none.
pub(crate) fn render(monitors: &Monitors, style: Style) -> String {
    let all = monitors.sorted();
    if all.is_empty() {
        return String::new();
    }
    let rows: Vec<[String; COLUMNS]> = all.iter().map(|(slug, monitor)| cells(slug, monitor, style)).collect();
    let failed = |row: usize| {
        let last = all.get(row).and_then(|(_, monitor)| monitor.last.iter().next_back());
        last.is_some_and(|run| run.status == "error")
    };
    let mut out = TABLE.render(&rows, style, |row, column, cell| match column {
        MONITOR => style.paint(Ink::Strong, &cell),
        LAST if failed(row) => style.paint(Ink::Level(Level::Error), &cell),
        EARLIER => style.paint(Ink::Faint, &cell),
        _ => cell,
    });
    if monitors.dropped() > 0 {
        out.push_str(&format!("{} {}\n", style.ellipsis(), counted(monitors.dropped(), "older monitor")));
    }
    out
}

/// `ok 1200 ms`.
pub(super) fn run(run: &Run, style: Style) -> String {
    let status = clip(&run.status, MAX_STATUS, style);
    match run.duration {
        Some(duration) => format!("{status} {}", when::took(duration)),
        None => status,
    }
}

fn cells(slug: &str, monitor: &Monitor, style: Style) -> [String; COLUMNS] {
    let mut newest_first = monitor.last.iter().rev().map(|one| run(one, style));
    let last = newest_first.next().unwrap_or_default();
    let earlier: Vec<String> = newest_first.take(MAX_EARLIER).collect();
    [
        clip(slug, MAX_SLUG, style),
        monitor.schedule.as_ref().map(|known| schedule(known, style)).unwrap_or_default(),
        monitor.runs.to_string(),
        last,
        earlier.join(", "),
    ]
}

fn schedule(schedule: &Schedule, style: Style) -> String {
    match schedule {
        Schedule::Crontab(line) => clip(line, MAX_SCHEDULE, style),
        Schedule::Interval(count, unit) => format!("every {}", counted(*count, &clip(unit, MAX_STATUS, style))),
    }
}

const COLUMNS: usize = 5;
const TABLE: Table<COLUMNS> =
    Table { headings: ["MONITOR", "SCHEDULE", "RUNS", "LAST", "BEFORE THAT, NEWEST FIRST"], numbers: &[2] };
const MONITOR: usize = 0;
const LAST: usize = 3;
const EARLIER: usize = 4;
const MAX_EARLIER: usize = 5;
const MAX_SLUG: usize = 50;
const MAX_SCHEDULE: usize = 40;
const MAX_STATUS: usize = 16;
