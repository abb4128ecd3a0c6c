//! Metrics: the recorded values of one name, type, unit and set of attributes, as one series.

use serde_json::Value;

use crate::json;
use crate::kept::{Newest, Recent};

/// All series; the one without a value for the longest time goes first when there are more than 1,000.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    series: Recent<SeriesKey, Series>,
}

/// What makes values comparable. Attributes that SDKs add are left out: some differ from value to value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeriesKey {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) unit: Option<String>,
    pub(crate) attributes: Vec<(String, String)>,
}

/// The types of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Distribution,
}

/// The values of one series: figures of all, and of a distribution the last 1,000.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) last: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    values: Newest<f64>,
}

/// One recorded value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) key: SeriesKey,
    pub(crate) value: f64,
}

impl Sample {
    /// `None` without a name or with an unknown type. A counter without a value counts one.
    pub(crate) fn read(item: &Value) -> Option<Sample> {
        let kind = match item.get("type")?.as_str()? {
            "counter" => Kind::Counter,
            "gauge" => Kind::Gauge,
            "distribution" => Kind::Distribution,
            _ => return None,
        };
        let value = match item.get("value") {
            None if kind == Kind::Counter => 1.0,
            _ => json::number(item, "value")?,
        };
        let (name, unit, attributes) = (json::text(item, "name")?, json::text(item, "unit"), json::attributes(item));
        Some(Sample { key: SeriesKey { name, kind, unit, attributes }, value })
    }
}

impl Metrics {
    pub(crate) fn file(&mut self, sample: &Sample) {
        let series = self.series.touch(&sample.key, Series::new);
        series.push(sample.value, sample.key.kind);
        self.series.trim(MAX_SERIES);
    }

    /// In the order of names.
    pub(crate) fn sorted(&self) -> Vec<(&SeriesKey, &Series)> {
        let mut all: Vec<_> = self.series.iter().collect();
        all.sort_by_key(|(key, _)| *key);
        all
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.series.dropped()
    }
}

impl Series {
    fn new() -> Series {
        let (min, max) = (f64::INFINITY, f64::NEG_INFINITY);
        Series { count: 0, sum: 0.0, last: 0.0, min, max, values: Newest::of(MAX_VALUES) }
    }

    fn push(&mut self, value: f64, kind: Kind) {
        self.count += 1;
        self.sum += value;
        self.last = value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if kind == Kind::Distribution {
            self.values.push(value);
        }
    }

    /// The smallest kept value that `percent` of them do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut values: Vec<f64> = self.values.iter().copied().collect();
        values.sort_unstable_by(f64::total_cmp);
        let rank = (values.len() * percent).div_ceil(100).saturating_sub(1);
        values.get(rank).copied().unwrap_or_default()
    }
}

const MAX_SERIES: usize = 1000;
const MAX_VALUES: usize = 1000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filed(items: &[Value]) -> Metrics {
        let mut metrics = Metrics::default();
        items.iter().filter_map(Sample::read).for_each(|sample| metrics.file(&sample));
        metrics
    }

    #[test]
    fn percentiles_are_values_that_were_there() {
        let items: Vec<Value> =
            (1..=20).rev().map(|value| json!({"type": "distribution", "name": "d", "value": value})).collect();
        let metrics = filed(&items);
        let [(_, series)] = metrics.sorted()[..] else { panic!("{metrics:?}") };
        assert_eq!([50, 95, 100].map(|percent| series.percentile(percent)), [10.0, 19.0, 20.0]);
        assert_eq!((series.count, series.min, series.max), (20, 1.0, 20.0));
    }

    #[test]
    fn what_the_sdk_adds_does_not_split_a_series() {
        let item = |n: u64, region: &str| {
            json!({"type": "counter", "name": "c", "value": n, "attributes":
                {"sentry.timestamp.sequence": {"type": "integer", "value": n}, "region": {"type": "string", "value": region}}})
        };
        let metrics = filed(&[item(1, "eu"), item(2, "eu"), item(3, "us")]);
        assert_eq!(metrics.sorted().iter().map(|(_, series)| series.sum).collect::<Vec<_>>(), [3.0, 3.0]);
    }

    #[test]
    fn values_that_make_no_sense_are_no_samples() {
        let table = [
            (json!({"type": "counter", "name": "c"}), Some(1.0)),
            (json!({"type": "gauge", "name": "g"}), None),
            (json!({"type": "gauge", "name": "g", "value": "7"}), None),
            (json!({"type": "set", "name": "g", "value": 7}), None),
            (json!({"type": "gauge", "value": 7}), None),
            (json!(7), None),
        ];
        for (item, expected) in table {
            assert_eq!(Sample::read(&item).map(|sample| sample.value), expected, "{item}");
        }
    }

    #[test]
    fn series_have_a_limit() {
        let items: Vec<Value> =
            (0..1002).map(|n| json!({"type": "counter", "name": format!("c{n}"), "value": 1})).collect();
        let metrics = filed(&items);
        assert_eq!((metrics.sorted().len(), metrics.dropped()), (1000, 2));
    }
}
