//! The names of the headers, and what all of them have in common.

use crate::protocol::{SpanId, TraceId};

/// Name and value of a header, or of whatever else carries the same texts, such as the metadata of a queue.
pub(super) type Header<'a> = (&'a str, &'a str);

pub(crate) const SENTRY_TRACE: &str = "sentry-trace";
pub(crate) const TRACEPARENT: &str = "traceparent";
pub(crate) const BAGGAGE: &str = "baggage";

/// What `sentry-trace` and `traceparent` say: the trace, the sender's span, and the sender's decision if it made one.
#[derive(Debug, PartialEq, Clone, Copy)]
pub(super) struct Sender {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) sampled: Option<bool>,
}

impl Sender {
    /// The two ids; zeros stand for no id and are refused.
    pub(super) fn from_ids(trace_id: &str, span_id: &str) -> Option<Self> {
        let (trace_id, span_id) = (trace_id.parse().ok()?, span_id.parse().ok()?);
        let zeros = trace_id == TraceId::from([0; 16]) || span_id == SpanId::from([0; 8]);
        (!zeros).then_some(Self { trace_id, span_id, sampled: None })
    }

    pub(super) fn with_sampled(self, sampled: Option<bool>) -> Self {
        Self { sampled, ..self }
    }
}
