//! Logs and metrics as the server wants them.

use std::time::SystemTime;

use serde::Serialize;

use super::depth;
use super::item::EncodedItem;
use super::json::{self, Json};
use super::limits::{MAX_LOG_BYTES, MAX_LOGS, MAX_METRIC_BYTES};
use crate::protocol::client_report::{Category, ItemLoss, LossSource};
use crate::protocol::envelope::bytes::SharedBytes;
use crate::protocol::log::PARENT_SPAN_ID;
use crate::protocol::{ItemContainer, Log, LogAttribute, LogLevel, LogSeverityNumber, Map, Metric, TraceId, time};

/// The item of a container. What is over a limit is left out, and added to `dropped`. `None` if nothing is left.
pub(super) fn encode(container: ItemContainer, dropped: &mut Vec<ItemLoss>) -> Option<EncodedItem> {
    let mut pieces = Pieces { losses: Vec::new(), payload: PREFIX.to_vec(), count: 0 };
    let header_of = match container {
        ItemContainer::Logs(logs) => {
            for mut log in logs {
                let losses: Vec<ItemLoss> = log.losses().collect();
                // One item in an envelope, of at most so many (ITM-04, ITM-45).
                let fits = pieces.count < MAX_LOGS && {
                    log.attributes.values_mut().for_each(|attribute| depth::cut_value(&mut attribute.0));
                    pieces.add(&WireLog::new(&log), MAX_LOG_BYTES)
                };
                if fits { pieces.losses.extend(losses) } else { dropped.extend(losses) }
            }
            ItemContainer::Logs(Vec::new())
        }
        ItemContainer::Metrics(metrics) => {
            for mut metric in metrics {
                let losses: Vec<ItemLoss> = metric.losses().collect();
                metric.attributes.values_mut().for_each(|attribute| depth::cut_value(&mut attribute.0));
                // One that is too large costs all others (MET-14); JSON has no numbers that are none.
                let fits = metric.value.is_finite() && pieces.add::<Metric>(&metric, MAX_METRIC_BYTES);
                if fits { pieces.losses.extend(losses) } else { dropped.extend(losses) }
            }
            ItemContainer::Metrics(Vec::new())
        }
    };
    let Pieces { losses, mut payload, count } = pieces;
    if count == 0 {
        return None;
    }
    payload.extend_from_slice(b"]}");
    let header = header_of.header(count, payload.len()).into_bytes();
    Some(EncodedItem::new(header_of.ty(), summed(losses), header, SharedBytes::new(payload)))
}

/// Without the version, servers would take our own user agent for the program's user's (ITM-31, ITM-34).
const PREFIX: &[u8] = b"{\"version\":2,\"items\":[";

struct Pieces {
    losses: Vec<ItemLoss>,
    payload: Vec<u8>,
    count: usize,
}

impl Pieces {
    /// Whether it could be written within the limit.
    fn add<T: Serialize>(&mut self, piece: &T, limit: usize) -> bool {
        let Json::Fits(bytes) = json::at_most(limit, piece) else { return false };
        if self.count > 0 {
            self.payload.push(b',');
        }
        self.payload.extend_from_slice(&bytes);
        self.count += 1;
        true
    }
}

/// One loss for each category.
fn summed(losses: Vec<ItemLoss>) -> Vec<ItemLoss> {
    let mut sums: Vec<ItemLoss> = Vec::with_capacity(2);
    for loss in losses {
        match sums.iter_mut().find(|sum| sum.category == loss.category) {
            Some(sum) => sum.quantity = sum.quantity.saturating_add(loss.quantity),
            None => sums.push(loss),
        }
    }
    sums.sort_by_key(|sum| matches!(sum.category, Category::LogByte | Category::TraceMetricByte));
    sums
}

#[derive(Serialize)]
struct WireLog<'a> {
    #[serde(serialize_with = "time::seconds::serialize")]
    timestamp: SystemTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<TraceId>,
    /// The frozen type has no field for it (LOG-06).
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<&'a str>,
    level: LogLevel,
    severity_number: LogSeverityNumber,
    body: &'a str,
    #[serde(skip_serializing_if = "Map::is_empty")]
    attributes: Map<&'a str, &'a LogAttribute>,
}

impl<'a> WireLog<'a> {
    fn new(log: &'a Log) -> Self {
        let span_id = log.attributes.get(PARENT_SPAN_ID).and_then(|id| id.0.as_str());
        let attributes = log.attributes.iter().filter(|(key, _)| *key != PARENT_SPAN_ID);
        Self {
            timestamp: log.timestamp,
            trace_id: log.trace_id,
            span_id,
            level: log.level,
            severity_number: log.severity_number.unwrap_or(log.level.severity_number()),
            body: &log.body,
            attributes: attributes.map(|(key, value)| (key.as_str(), value)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{MetricType, SpanId};
    use serde_json::{Value, json};
    use std::time::{Duration, UNIX_EPOCH};

    fn log(body: &str) -> Log {
        Log {
            level: LogLevel::Warn,
            body: body.to_owned(),
            trace_id: Some(TraceId::from([0xab; 16])),
            timestamp: UNIX_EPOCH + Duration::from_millis(1_500),
            severity_number: None,
            attributes: Map::from([
                (PARENT_SPAN_ID.to_owned(), "0101010101010101".into()),
                ("key".to_owned(), 7.into()),
            ]),
        }
    }

    fn metric(name: &str, value: f64) -> Metric {
        Metric {
            r#type: MetricType::Counter,
            name: name.to_owned().into(),
            value,
            timestamp: UNIX_EPOCH + Duration::from_millis(1_500),
            trace_id: TraceId::from([0xab; 16]),
            span_id: Some(SpanId::from([1; 8])),
            unit: None,
            attributes: Map::new(),
        }
    }

    fn lines(item: &EncodedItem) -> (Value, Value) {
        let mut bytes = Vec::new();
        item.write(&mut bytes).expect("memory");
        let text = String::from_utf8(bytes).expect("text");
        let (header, payload) = text.split_once('\n').expect("two lines");
        let (header, payload) = (header.parse::<Value>().expect("JSON"), payload.trim_end());
        assert_eq!(header["length"], payload.len());
        (header, payload.parse().expect("JSON"))
    }

    #[test]
    fn a_log_item() {
        let mut dropped = Vec::new();
        let item = encode(vec![log("slow")].into(), &mut dropped).expect("an item");
        let (header, payload) = lines(&item);
        // ITM-20 and the item table of §4.2.
        assert_eq!((&header["type"], &header["item_count"]), (&json!("log"), &json!(1)));
        assert_eq!(header["content_type"], "application/vnd.sentry.items.log+json");
        // LOG-06, LOG-07, ITM-35.
        assert_eq!(
            payload,
            json!({"version": 2, "items": [{"timestamp": 1.5, "trace_id": "abababababababababababababababab",
                "span_id": "0101010101010101", "level": "warn", "severity_number": 13, "body": "slow",
                "attributes": {"key": {"value": 7, "type": "integer"}}}]})
        );
        assert_eq!(
            item.losses().iter().map(|loss| loss.category).collect::<Vec<_>>(),
            [Category::LogItem, Category::LogByte]
        );
        assert!(dropped.is_empty());
    }

    #[test]
    fn a_metric_item() {
        let (header, payload) = lines(&encode(vec![metric("hits", 2.0)].into(), &mut Vec::new()).expect("an item"));
        assert_eq!((&header["type"], &header["item_count"]), (&json!("trace_metric"), &json!(1)));
        assert_eq!(header["content_type"], "application/vnd.sentry.items.trace-metric+json");
        // MET-07.
        assert_eq!(
            payload,
            json!({"version": 2, "items": [{"timestamp": 1.5, "type": "counter", "name": "hits", "value": 2.0,
                "trace_id": "abababababababababababababababab", "span_id": "0101010101010101"}]})
        );
    }

    #[test]
    fn what_is_over_a_limit_costs_itself_alone() {
        let count = |dropped: &[ItemLoss], category| {
            dropped.iter().filter(|loss| loss.category == category).map(|loss| loss.quantity).sum::<u64>()
        };
        let mut dropped = Vec::new();
        let metrics = vec![metric("good", 1.0), metric(&"x".repeat(3_000), 1.0), metric("nan", f64::NAN)];
        let (_, payload) = lines(&encode(metrics.into(), &mut dropped).expect("the good one"));
        assert_eq!(payload["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(count(&dropped, Category::TraceMetric), 2);

        let mut dropped = Vec::new();
        let mut logs = vec![log("one of many"); 103];
        logs[0] = log(&"x".repeat(2 << 20));
        let (header, _) = lines(&encode(logs.into(), &mut dropped).expect("a hundred"));
        assert_eq!((&header["item_count"], count(&dropped, Category::LogItem)), (&json!(100), 3));

        let mut dropped = Vec::new();
        assert!(encode(vec![metric("nan", f64::NAN)].into(), &mut dropped).is_none());
        assert_eq!(count(&dropped, Category::TraceMetric), 1);
    }
}
