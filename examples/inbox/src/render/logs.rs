//! Structured logs as a log: one line for each entry, by time.

use sentry_core::protocol::Level;

use super::style::{Ink, Style};
use super::text::{clip, counted, left};
use super::{trace, when};
use crate::kept::Newest;
use crate::log::Log;

/// The newest entries; nothing when there are none.
pub(crate) fn render(logs: &Newest<Log>, style: Style) -> String {
    let mut all: Vec<&Log> = logs.iter().collect();
    all.sort_by_key(|log| log.time);
    let skipped = all.len().saturating_sub(MAX_SHOWN);
    let older = logs.dropped().saturating_add(skipped as u64);
    let mut out = String::new();
    if older > 0 {
        out.push_str(&format!("{} {}\n", style.ellipsis(), counted(older, "older line")));
    }
    for log in all.into_iter().skip(skipped) {
        out.push_str(&line(log, style));
        out.push('\n');
    }
    out
}

/// Time, level, body, attributes and where it belongs.
pub(super) fn line(log: &Log, style: Style) -> String {
    let time = log.time.map(when::time_of_day).unwrap_or_default();
    let time = style.paint(Ink::Faint, &left(&time, TIME_COLUMNS));
    let level = style.paint(ink(&log.level), &left(&clip(&log.level, MAX_KEY, style), LEVEL_COLUMNS));
    let place = log.trace.map(|id| match log.span {
        Some(span) => format!("trace {} span {span:016x}", trace::short(id, style)),
        None => format!("trace {}", trace::short(id, style)),
    });
    let facts = [attributes(&log.attributes, style), place.unwrap_or_default()];
    let facts = facts.iter().filter(|fact| !fact.is_empty()).map(|fact| format!("  {}", style.paint(Ink::Faint, fact)));
    format!("{time}  {level}  {}{}", clip(&log.body, MAX_BODY, style), facts.collect::<String>())
}

/// `a=1 b=x`.
pub(super) fn attributes(attributes: &[(String, String)], style: Style) -> String {
    let pair =
        |(name, value): &(String, String)| format!("{}={}", clip(name, MAX_KEY, style), clip(value, MAX_VALUE, style));
    attributes.iter().map(pair).collect::<Vec<_>>().join(" ")
}

fn ink(level: &str) -> Ink {
    match level {
        "trace" | "debug" => Ink::Level(Level::Debug),
        "warn" => Ink::Level(Level::Warning),
        "error" => Ink::Level(Level::Error),
        "fatal" => Ink::Level(Level::Fatal),
        _ => Ink::Level(Level::Info),
    }
}

const MAX_SHOWN: usize = 200;
/// `03:11:29.250`.
const TIME_COLUMNS: usize = 12;
/// The longest levels have five letters.
const LEVEL_COLUMNS: usize = 5;
const MAX_BODY: usize = 200;
const MAX_KEY: usize = 40;
const MAX_VALUE: usize = 80;
