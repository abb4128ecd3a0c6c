//! Traces: who called whom, when, for how long, and what went wrong where.

use std::time::{Duration, SystemTime};

use sentry_core::protocol::Level;

use super::style::{Ink, Style};
use super::text::{clip, counted, left, width};
use super::tree::{self, Line, Node};
use super::when;
use crate::trace::{Span, Trace, Traces};

/// The newest traces, each with an empty line before it but the first; nothing when there are none.
pub(crate) fn render(traces: &Traces, style: Style) -> String {
    let all: Vec<(u128, &Trace)> = traces.iter().collect();
    let skipped = all.len().saturating_sub(MAX_SHOWN);
    let mut parts: Vec<String> = all.iter().skip(skipped).map(|(id, trace)| one(*id, trace, style)).collect();
    let older = traces.dropped().saturating_add(skipped as u64);
    if older > 0 && !parts.is_empty() {
        parts.insert(0, format!("{} {}\n", style.ellipsis(), counted(older, "older trace")));
    }
    parts.join("\n")
}

/// The start of the trace's id, as much as tells traces apart.
pub(super) fn short(id: u128, style: Style) -> String {
    let text = format!("{id:032x}");
    format!("{}{}", text.get(..SHORT).unwrap_or_default(), style.ellipsis())
}

/// `http.server  GET /`.
pub(super) fn label(span: &Span, style: Style) -> String {
    let op = clip(span.op.as_deref().unwrap_or("default"), MAX_OP, style);
    match span.description.as_deref() {
        Some(description) => format!("{op}  {}", clip(description, MAX_DESCRIPTION, style)),
        None => op,
    }
}

pub(super) fn status_ink(status: &str) -> Ink {
    if matches!(status, "" | "ok") { Ink::Faint } else { Ink::Level(Level::Error) }
}

fn one(id: u128, trace: &Trace, style: Style) -> String {
    let (lines, hidden) = tree::lines(trace, style);
    let mut out = head(id, trace, &lines, style);
    let rows: Vec<Row> = lines.into_iter().map(|line| Row::of(line, trace.start(), style)).collect();
    let widths = Widths::of(&rows);
    for row in &rows {
        out.push_str(row.render(&widths, style).trim_end());
        out.push('\n');
    }
    let more = trace.left_out.saturating_add(hidden as u64).saturating_add(trace.errors.dropped());
    if more > 0 {
        out.push_str(&format!("  {} {more} more\n", style.ellipsis()));
    }
    out
}

fn head(id: u128, trace: &Trace, lines: &[Line<'_>], style: Style) -> String {
    let first = lines.iter().find_map(|line| match line.node {
        Node::Span(span) => Some(span),
        Node::Error(_) => None,
    });
    let name = first.and_then(|span| span.description.as_deref().or(span.op.as_deref())).unwrap_or("<unlabeled trace>");
    let services = trace.services();
    let facts = [
        Some(style.paint(Ink::Strong, &clip(name, MAX_DESCRIPTION, style))),
        (services > 0).then(|| counted(services as u64, "service")),
        trace.duration().map(when::took),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    format!("trace {}  {}\n", short(id, style), facts.join(style.dot()))
}

/// The cells of one line.
#[derive(Default)]
struct Row {
    offset: String,
    branches: String,
    label: String,
    /// Of an error, whose line ends with the label and may be as long as it is.
    error: Option<Level>,
    duration: String,
    status: String,
    service: String,
}

impl Row {
    fn of(line: Line<'_>, start: Option<SystemTime>, style: Style) -> Row {
        let branches = line.branches;
        let span = match line.node {
            Node::Span(span) => span,
            Node::Error(error) => {
                let label = format!("{} {}", style.cross(), clip(&error.title, MAX_TITLE, style));
                let offset = offset(Some(error.time), start);
                return Row { offset, branches, label, error: Some(error.level), ..Row::default() };
            }
        };
        let fact = |text: &Option<String>| clip(text.as_deref().unwrap_or_default(), MAX_FACT, style);
        Row {
            offset: offset(span.start, start),
            branches,
            label: label(span, style),
            error: None,
            duration: span.duration().map(when::took).unwrap_or_default(),
            status: fact(&span.status),
            service: fact(&span.service),
        }
    }

    /// Painting comes after padding: colour codes have no width.
    fn render(&self, widths: &Widths, style: Style) -> String {
        let offset = style.paint(Ink::Faint, &format!("{:>1$}", self.offset, widths.offset));
        let branches = style.paint(Ink::Faint, &self.branches);
        if let Some(level) = self.error {
            return format!("  {offset} {branches}{}", style.paint(Ink::Level(level), &self.label));
        }
        let label = left(&self.label, widths.tree.saturating_sub(width(&self.branches)));
        let status = style.paint(status_ink(&self.status), &left(&self.status, widths.status));
        let service = style.paint(Ink::Own, &self.service);
        let duration = format!("{:>1$}", self.duration, widths.duration);
        format!("  {offset} {branches}{label}  {duration}  {status}  {service}")
    }
}

struct Widths {
    offset: usize,
    /// Branches and label.
    tree: usize,
    duration: usize,
    status: usize,
}

impl Widths {
    fn of(rows: &[Row]) -> Widths {
        let widest = |column: fn(&Row) -> usize| rows.iter().map(column).max().unwrap_or_default();
        Widths {
            offset: widest(|row| width(&row.offset)),
            tree: widest(|row| if row.error.is_some() { 0 } else { width(&row.branches) + width(&row.label) }),
            duration: widest(|row| width(&row.duration)),
            status: widest(|row| width(&row.status)),
        }
    }
}

/// Since the start of the trace; what is before it, by another machine's clock, is at it.
fn offset(time: Option<SystemTime>, start: Option<SystemTime>) -> String {
    let since = |time: SystemTime, start| time.duration_since(start).unwrap_or(Duration::ZERO);
    time.zip(start).map(|(time, start)| when::took(since(time, start))).unwrap_or_default()
}

const MAX_SHOWN: usize = 50;
const SHORT: usize = 8;
const MAX_OP: usize = 40;
const MAX_DESCRIPTION: usize = 60;
const MAX_TITLE: usize = 100;
const MAX_FACT: usize = 40;
