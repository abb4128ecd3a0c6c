//! A metric as it waits: what the caller gave, and its place in the trace.

use std::time::SystemTime;

use super::sealed::Draft;
use crate::clock;
use crate::origin::Origin;
use crate::protocol::Metric;
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

/// Time, ids, type and value.
const FIXED_BYTES: usize = 140;
/// What the key of an attribute takes beside its text.
const KEY_BYTES: usize = 24;
