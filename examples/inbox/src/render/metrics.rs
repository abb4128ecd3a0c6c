//! The table of metrics: for each series what its type makes of its values.

use super::logs;
use super::style::{Ink, Style};
use super::table::Table;
use super::text::clip;
use crate::metric::{Kind, Metrics, Series, SeriesKey};

/// One line for each series by name; nothing when there are none.
pub(crate) fn render(metrics: &Metrics, style: Style) -> String {
    let rows: Vec<[String; COLUMNS]> =
        metrics.sorted().into_iter().map(|(key, series)| cells(key, series, style)).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = TABLE.render(&rows, style, |_, column, cell| match column {
        NAME => style.paint(Ink::Strong, &cell),
        ATTRIBUTES => style.paint(Ink::Faint, &cell),
        _ => cell,
    });
    if metrics.dropped() > 0 {
        out.push_str(&format!("{} {} more\n", style.ellipsis(), metrics.dropped()));
    }
    out
}

/// At most three decimals, none that are zero; very large and very small ones with an exponent.
pub(super) fn figure(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(0.001..1e15).contains(&size) {
        return format!("{value:e}");
    }
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn cells(key: &SeriesKey, series: &Series, style: Style) -> [String; COLUMNS] {
    [
        clip(&key.name, MAX_NAME, style),
        kind(key.kind).to_owned(),
        clip(key.unit.as_deref().unwrap_or_default(), MAX_UNIT, style),
        series.count.to_string(),
        values(key.kind, series),
        logs::attributes(&key.attributes, style),
    ]
}

pub(super) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Distribution => "distribution",
    }
}

fn values(kind: Kind, series: &Series) -> String {
    let figures: &[(&str, f64)] = match kind {
        Kind::Counter => &[("sum", series.sum)],
        Kind::Gauge => &[("last", series.last), ("min", series.min), ("max", series.max)],
        Kind::Distribution => &[("p50", series.percentile(50)), ("p95", series.percentile(95)), ("max", series.max)],
    };
    figures.iter().map(|(name, value)| format!("{name} {}", figure(*value))).collect::<Vec<_>>().join("  ")
}

const COLUMNS: usize = 6;
const TABLE: Table<COLUMNS> =
    Table { headings: ["METRIC", "TYPE", "UNIT", "COUNT", "VALUES", "ATTRIBUTES"], numbers: &[3] };
const NAME: usize = 0;
const ATTRIBUTES: usize = 5;
const MAX_NAME: usize = 48;
const MAX_UNIT: usize = 16;
