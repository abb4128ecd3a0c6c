//! One line for each thing that just came.

use super::style::{Ink, Style};
use super::text::{clip, counted};
use super::trace::{label, short, status_ink};
use super::{feedback, logs, metrics, monitors, when};
use crate::telemetry::News;
use crate::trace::Transaction;

/// What came, with its line end.
pub(crate) fn render(news: &News, style: Style) -> String {
    let (kind, line) = match news {
        News::Transaction(transaction) => ("trace", transaction_line(transaction, style)),
        News::Log(log) => ("log", logs::line(log, style)),
        News::Metric(sample) => {
            let (key, unit) = (&sample.key, sample.key.unit.as_deref().unwrap_or_default());
            let value = format!("{} {}", metrics::figure(sample.value), clip(unit, MAX_FACT, style));
            let name = clip(&key.name, MAX_TEXT, style);
            let attributes = style.paint(Ink::Faint, &logs::attributes(&key.attributes, style));
            ("metric", format!("{} {name}  {}  {attributes}", metrics::kind(key.kind), value.trim_end()))
        }
        News::Session(update) => {
            let errors =
                if update.errors > 0 { format!("  {}", counted(update.errors, "error")) } else { String::new() };
            let status = clip(&update.status, MAX_FACT, style);
            ("session", format!("{}  {status}{errors}", clip(&update.key.release, MAX_TEXT, style)))
        }
        News::Sessions(key, count) => {
            ("sessions", format!("{}  {}", clip(&key.release, MAX_TEXT, style), counted(*count, "session")))
        }
        News::CheckIn(slug, run) => {
            ("check-in", format!("{}  {}", clip(slug, MAX_TEXT, style), monitors::run(run, style)))
        }
        News::Feedback(one) => {
            ("feedback", format!("{}: {}", feedback::from(one, style), clip(&one.message, MAX_TEXT, style)))
        }
    };
    format!("{}\n", format!("{}  {line}", style.paint(Ink::Faint, &format!("{kind:<KIND_COLUMNS$}"))).trim_end())
}

fn transaction_line(transaction: &Transaction, style: Style) -> String {
    let Transaction { trace, span } = transaction;
    let status = span.status.as_deref().map(|status| style.paint(status_ink(status), &clip(status, MAX_FACT, style)));
    let facts = [
        Some(short(*trace, style)),
        Some(label(span, style)),
        span.duration().map(when::took),
        status,
        span.service.as_deref().map(|service| style.paint(Ink::Own, &clip(service, MAX_FACT, style))),
    ];
    facts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// The longest kinds have eight letters.
const KIND_COLUMNS: usize = 8;
const MAX_TEXT: usize = 100;
const MAX_FACT: usize = 40;
