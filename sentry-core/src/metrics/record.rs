//! A metric as it waits: what the caller gave, and its place in the trace.

use std::borrow::Cow;
use std::ops::Range;
use std::time::SystemTime;

use super::sealed::Draft;
use crate::batch::{ROOM_AT_ONCE, Store};
use crate::clock;
use crate::origin::Origin;
use crate::packed::Packed;
use crate::protocol::{LogAttribute, Metric, MetricType, Unit};
use crate::weight::value_bytes;

/// A value that was captured.
#[derive(Debug)]
pub(crate) struct MetricRecord {
    draft: Draft,
    timestamp: SystemTime,
    origin: Origin,
}

impl MetricRecord {
    pub(crate) fn new(draft: Draft, origin: Origin) -> Self {
        Self { draft, timestamp: clock::wall(), origin }
    }

    /// What it weighs in a queue.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.draft.name.len() + self.attribute_bytes()
    }

    /// About what it would take on the wire.
    pub(crate) fn wire_bytes(&self) -> u64 {
        u64::try_from(FIXED_BYTES + self.draft.name.len() + self.attribute_bytes()).unwrap_or(u64::MAX)
    }

    fn attribute_bytes(&self) -> usize {
        self.draft.attributes.iter().map(|(key, value)| KEY_BYTES + key.len() + value_bytes(&value.0)).sum()
    }

    /// The metric and where it was captured.
    pub(crate) fn into_protocol(self) -> (Metric, Origin) {
        let Self { draft: Draft { r#type, name, value, unit, attributes }, timestamp, origin } = self;
        let metric = Metric {
            r#type,
            name,
            value,
            timestamp,
            trace_id: origin.trace_id,
            span_id: origin.span_id,
            unit,
            attributes: attributes.into_iter().collect(),
        };
        (metric, origin)
    }
}

/// Metrics that wait for each other.
#[derive(Debug, Default)]
pub(crate) struct PackedMetrics {
    rows: Vec<Row>,
    packed: Packed,
    bytes: usize,
}

#[derive(Debug)]
struct Row {
    r#type: MetricType,
    name: Cow<'static, str>,
    value: f64,
    unit: Option<Unit>,
    attributes: Range<usize>,
    timestamp: SystemTime,
    origin: Origin,
    wire_bytes: u64,
}

impl PackedMetrics {
    /// What they weigh in a queue.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// About what each would take on the wire.
    pub(crate) fn wire_bytes(&self) -> impl Iterator<Item = u64> {
        self.rows.iter().map(|row| row.wire_bytes)
    }

    /// The metrics as they were.
    pub(crate) fn into_records(self) -> impl Iterator<Item = MetricRecord> {
        let Self { rows, mut packed, .. } = self;
        rows.into_iter().map(move |row| {
            let Row { r#type, name, value, unit, attributes, timestamp, origin, .. } = row;
            let attributes = packed.take_entries(attributes).map(|(key, value)| (key, LogAttribute(value))).collect();
            MetricRecord { draft: Draft { r#type, name, value, unit, attributes }, timestamp, origin }
        })
    }
}

impl Store for PackedMetrics {
    type Item = MetricRecord;

    fn push(&mut self, record: &mut MetricRecord) -> usize {
        if self.rows.capacity() == 0 {
            self.rows.reserve_exact(ROOM_AT_ONCE);
            self.packed.texts.make_room(ROOM_AT_ONCE * BYTES_OF_A_METRIC);
        }
        let bytes = record.bytes();
        self.bytes = self.bytes.saturating_add(bytes);
        let wire_bytes = record.wire_bytes();
        let MetricRecord { draft: Draft { r#type, name, value, unit, attributes }, timestamp, origin } = record;
        let attributes = self.packed.put_entries(attributes.iter_mut().map(|(key, value)| (&*key, &mut value.0)));
        self.rows.push(Row {
            r#type: *r#type,
            name: std::mem::take(name),
            value: *value,
            unit: unit.take(),
            attributes,
            timestamp: *timestamp,
            origin: origin.take(),
            wire_bytes,
        });
        bytes
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn shrink(&mut self) {
        self.rows.shrink_to_fit();
        self.packed.shrink();
    }
}

const BYTES_OF_A_METRIC: usize = 16;
/// Time, ids, type and value.
const FIXED_BYTES: usize = 140;
/// What the key of an attribute takes beside its text.
const KEY_BYTES: usize = 24;
