//! Transactions as the server wants them: numbers for times, a kind of name, and within the limit of an event.

use std::borrow::Cow;
use std::time::SystemTime;

use serde::Serialize;

use super::event::{WireRequest, clean_name, gather_user_data, is_fine_tag_part, mend_tag};
use super::json::{self, Json};
use super::limits::MAX_EVENT_BYTES;
use super::{depth, shrink};
use crate::protocol::{
    ClientSdkInfo, Context, Map, Measurement, Span, SpanId, SpanLink, SpanStatus, TraceId, Transaction,
    TransactionInfo, User, Uuid, Value, time,
};

/// A payload, and how many spans had to be left out for it to fit.
pub(super) struct Written {
    pub(super) payload: Vec<u8>,
    pub(super) spans_left_out: usize,
}

/// The payload of a transaction item; `None` if it cannot be written, or not within the limit.
///
/// `envelope_id` is the id in the envelope header: it wins over the transaction's own (ENV-08).
pub(super) fn encode(mut transaction: Transaction<'static>, envelope_id: Option<Uuid>) -> Option<Written> {
    transaction.event_id = envelope_id.unwrap_or(transaction.event_id);
    depth::cut_transaction(&mut transaction);
    normalize(&mut transaction);
    let mut left_out = 0;
    loop {
        match json::at_most(MAX_EVENT_BYTES, &WireTransaction::new(&transaction)) {
            Json::Fits(payload) => return Some(Written { payload, spans_left_out: left_out }),
            Json::Unwritable => return None,
            Json::TooLong(_) if transaction.spans.is_empty() => {
                let payload = shrink::to_fit(MAX_EVENT_BYTES, &WireTransaction::new(&transaction))?;
                return Some(Written { payload, spans_left_out: left_out });
            }
            Json::TooLong(length) => left_out += drop_spans(&mut transaction.spans, length - MAX_EVENT_BYTES),
        }
    }
}

/// Drops spans from the end until they give back `excess` bytes, and returns how many.
fn drop_spans(spans: &mut Vec<Span>, excess: usize) -> usize {
    let before = spans.len();
    let mut given_back = 0;
    while given_back < excess {
        let Some(span) = spans.pop() else { break };
        given_back += json::length(&WireSpan::new(&span)).max(1);
    }
    before - spans.len()
}

fn normalize(transaction: &mut Transaction<'static>) {
    if matches!(&*transaction.platform, "other" | "") {
        transaction.platform = Cow::Borrowed("native");
    }
    for name in [&mut transaction.release, &mut transaction.dist, &mut transaction.environment] {
        *name = name.take().and_then(clean_name);
    }
    if !transaction.tags.iter().all(|(key, value)| is_fine_tag_part(key) && is_fine_tag_part(value)) {
        transaction.tags = std::mem::take(&mut transaction.tags).into_iter().filter_map(mend_tag).collect();
    }
    if let Some(user) = &mut transaction.user {
        gather_user_data(&mut user.other);
    }
    transaction.measurements.retain(|_, measurement| measurement.value.is_finite());
    transaction.transaction_info.get_or_insert_default();
    // The server discards what ends before it begins (TXN-21), and what does not end.
    transaction.timestamp = Some(ended(transaction.timestamp, transaction.start_timestamp));
}

fn ended(timestamp: Option<SystemTime>, started: SystemTime) -> SystemTime {
    timestamp.unwrap_or(started).max(started)
}

#[derive(Serialize)]
struct WireTransaction<'a> {
    #[serde(rename = "type")]
    ty: &'static str,
    #[serde(serialize_with = "uuid::serde::simple::serialize")]
    event_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<&'a str>,
    transaction_info: Option<&'a TransactionInfo>,
    #[serde(serialize_with = "time::seconds::serialize")]
    start_timestamp: SystemTime,
    #[serde(serialize_with = "time::seconds::serialize")]
    timestamp: SystemTime,
    platform: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dist: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_name: Option<&'a str>,
    contexts: &'a Map<String, Context>,
    spans: Vec<WireSpan<'a>>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    measurements: &'a Map<String, Measurement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a User>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    tags: &'a Map<String, String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    extra: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<WireRequest<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sdk: Option<&'a ClientSdkInfo>,
}

impl<'a> WireTransaction<'a> {
    fn new(transaction: &'a Transaction<'static>) -> Self {
        Self {
            ty: "transaction",
            event_id: transaction.event_id,
            transaction: transaction.name.as_deref(),
            transaction_info: transaction.transaction_info.as_ref(),
            start_timestamp: transaction.start_timestamp,
            timestamp: ended(transaction.timestamp, transaction.start_timestamp),
            platform: &transaction.platform,
            release: transaction.release.as_deref(),
            dist: transaction.dist.as_deref(),
            environment: transaction.environment.as_deref(),
            server_name: transaction.server_name.as_deref(),
            contexts: &transaction.contexts,
            spans: transaction.spans.iter().map(WireSpan::new).collect(),
            measurements: &transaction.measurements,
            user: transaction.user.as_ref(),
            tags: &transaction.tags,
            extra: &transaction.extra,
            request: transaction.request.as_ref().map(WireRequest::new),
            sdk: transaction.sdk.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct WireSpan<'a> {
    span_id: SpanId,
    trace_id: TraceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<SpanId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    same_process_as_parent: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    op: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(serialize_with = "time::seconds::serialize")]
    start_timestamp: SystemTime,
    #[serde(serialize_with = "time::seconds::serialize")]
    timestamp: SystemTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<SpanStatus>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    tags: &'a Map<String, String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    data: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    links: &'a [SpanLink],
}

impl<'a> WireSpan<'a> {
    fn new(span: &'a Span) -> Self {
        Self {
            span_id: span.span_id,
            trace_id: span.trace_id,
            parent_span_id: span.parent_span_id,
            same_process_as_parent: span.same_process_as_parent,
            op: span.op.as_deref(),
            description: span.description.as_deref(),
            start_timestamp: span.start_timestamp,
            timestamp: ended(span.timestamp, span.start_timestamp),
            status: span.status,
            tags: &span.tags,
            data: &span.data,
            links: &span.links,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::{Duration, UNIX_EPOCH};

    fn written(transaction: Transaction<'static>) -> (serde_json::Value, usize) {
        let written = encode(transaction, Some(Uuid::from_u128(0xcd))).expect("writable");
        assert!(written.payload.len() <= MAX_EVENT_BYTES);
        (serde_json::from_slice(&written.payload).expect("JSON"), written.spans_left_out)
    }

    fn transaction() -> Transaction<'static> {
        Transaction {
            event_id: Uuid::from_u128(0xab),
            name: Some("GET /".into()),
            start_timestamp: UNIX_EPOCH + Duration::from_millis(1_500),
            timestamp: Some(UNIX_EPOCH + Duration::from_secs(2)),
            ..Transaction::default()
        }
    }

    #[test]
    fn the_payload_of_a_transaction() {
        let span = Span {
            span_id: SpanId::from([1; 8]),
            trace_id: TraceId::from([2; 16]),
            op: Some("db".into()),
            start_timestamp: UNIX_EPOCH + Duration::from_millis(1_600),
            timestamp: Some(UNIX_EPOCH + Duration::from_millis(1_700)),
            ..Span::default()
        };
        let full = Transaction {
            spans: vec![span],
            tags: Map::from([("a".into(), "b".into()), ("empty".into(), String::new())]),
            release: Some("a@1\n".into()),
            measurements: Map::from([
                ("good".into(), Measurement { value: 1.0, unit: None }),
                ("bad".into(), Measurement { value: f64::NAN, unit: None }),
            ]),
            ..transaction()
        };
        // EVT-01, EVT-11, ENV-08, TXN-20, TXN-22, TXN-30.
        assert_eq!(
            written(full).0,
            json!({
                "type": "transaction", "event_id": "000000000000000000000000000000cd", "transaction": "GET /",
                "transaction_info": {"source": "custom"}, "start_timestamp": 1.5, "timestamp": 2, "platform": "native",
                "release": "a@1", "tags": {"a": "b"}, "contexts": {}, "measurements": {"good": {"value": 1.0}},
                "spans": [{"span_id": "0101010101010101", "trace_id": "02020202020202020202020202020202", "op": "db",
                    "start_timestamp": 1.6, "timestamp": 1.7}],
            })
        );
    }

    #[test]
    fn nothing_ends_before_it_begins() {
        let span = Span { start_timestamp: UNIX_EPOCH + Duration::from_secs(9), timestamp: None, ..Span::default() };
        let (payload, _) = written(Transaction { timestamp: Some(UNIX_EPOCH), spans: vec![span], ..transaction() });
        assert_eq!((&payload["timestamp"], &payload["spans"][0]["timestamp"]), (&json!(1.5), &json!(9)));
    }

    #[test]
    fn what_is_too_large_loses_spans_from_the_end() {
        let span = |n: usize| Span { description: Some(format!("{n:04}").repeat(1_000)), ..Span::default() };
        let (payload, left_out) = written(Transaction { spans: (0..500).map(span).collect(), ..transaction() });
        let spans = payload["spans"].as_array().expect("spans");
        assert_eq!(spans.len() + left_out, 500);
        assert!(left_out > 0 && spans.len() > 200, "{left_out}");
        assert!(spans[0]["description"].as_str().is_some_and(|text| text.starts_with("0000")));
        let huge = Map::from([("huge".to_owned(), Value::from("x".repeat(2 << 20)))]);
        assert_eq!(written(Transaction { extra: huge, ..transaction() }).0["transaction"], "GET /");
    }
}
