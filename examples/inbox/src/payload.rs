//! What an item that is no event says, as JSON: the readers of telemetry see one form, whoever parsed the item.

use sentry_core::protocol::{EnvelopeItem, ItemContainer, Log, UnknownItem};
use serde::Serialize;
use serde_json::Value;

/// The item's type and content; `None` for items that are filed otherwise. Content that is no JSON, or more of it than is
/// reasonable, is null, which no reader takes for something.
pub(crate) fn payload(item: &EnvelopeItem) -> Option<(&str, Value)> {
    match item {
        EnvelopeItem::Unknown(item) => Some((item.ty(), parsed(item))),
        EnvelopeItem::Transaction(transaction) => Some(("transaction", value(transaction))),
        EnvelopeItem::SessionUpdate(update) => Some(("session", value(update))),
        EnvelopeItem::SessionAggregates(sums) => Some(("sessions", value(sums))),
        EnvelopeItem::MonitorCheckIn(check_in) => Some(("check_in", value(check_in))),
        EnvelopeItem::Feedback(event) => Some(("feedback", value(event))),
        EnvelopeItem::ItemContainer(ItemContainer::Logs(logs)) => Some(("log", logs.iter().map(log).collect())),
        EnvelopeItem::ItemContainer(ItemContainer::Metrics(metrics)) => Some(("trace_metric", value(metrics))),
        _ => None,
    }
}

fn value(content: &impl Serialize) -> Value {
    serde_json::to_value(content).unwrap_or_default()
}

/// The reader keeps a log's span among the attributes; on the wire it stands beside them.
fn log(log: &Log) -> Value {
    let mut log = value(log);
    let span_id = log.pointer("/attributes/sentry.trace.parent_span_id/value").cloned();
    if let (Some(span_id), Value::Object(fields)) = (span_id, &mut log) {
        fields.insert("span_id".to_owned(), span_id);
    }
    log
}

fn parsed(item: &UnknownItem) -> Value {
    if item.payload().len() > MAX_PAYLOAD {
        return Value::Null;
    }
    serde_json::from_slice(item.payload()).unwrap_or_default()
}

/// Relay takes 10 MiB. Parsed JSON may need sixteen times the memory of its text.
const MAX_PAYLOAD: usize = 16 << 20;
