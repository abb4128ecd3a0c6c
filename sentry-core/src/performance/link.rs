//! What an event keeps of the span it was captured in: taken with the event, since the span goes on meanwhile.

use std::sync::Arc;

use crate::protocol::{DynamicSamplingContext, SpanId, SpanStatus, TraceContext, TraceId};

use super::shared::Shared;
use super::{Span, Transaction};

/// The span that was active.
#[derive(Debug, Clone)]
pub(crate) struct SpanLink {
    shared: Arc<Shared>,
    span_id: SpanId,
    parent_span_id: Option<SpanId>,
    op: Option<String>,
    status: Option<SpanStatus>,
}

impl SpanLink {
    pub(super) fn of_transaction(transaction: &Transaction) -> Self {
        let shared = Arc::clone(&transaction.shared);
        let (op, status) = shared.look_at_face(|face| (face.op.clone(), face.status));
        Self {
            span_id: shared.span_id,
            parent_span_id: shared.parent_span_id,
            op: Some(op).filter(|op| !op.is_empty()),
            status,
            shared,
        }
    }

    pub(super) fn of_span(span: &Span) -> Self {
        let recorded = span.look(|spans, row| (spans.op(row).map(str::to_owned), spans.status(row)));
        let (op, status) = recorded.unwrap_or_default();
        let shared = Arc::clone(&span.shared);
        Self { shared, span_id: span.span_id, parent_span_id: Some(span.parent_span_id), op, status }
    }

    /// The event's `contexts.trace` (spec EVT-12).
    pub(crate) fn trace_context(&self) -> TraceContext {
        TraceContext {
            span_id: self.span_id,
            trace_id: self.shared.trace_id,
            parent_span_id: self.parent_span_id,
            op: self.op.clone(),
            status: self.status,
            ..TraceContext::default()
        }
    }

    /// The name of the transaction, for events that have none.
    pub(crate) fn transaction_name(&self) -> Option<String> {
        Some(self.shared.look_at_face(|face| face.name.clone())).filter(|name| !name.is_empty())
    }

    pub(crate) fn trace_id(&self) -> TraceId {
        self.shared.trace_id
    }

    pub(crate) fn sampling_context(&self) -> Arc<DynamicSamplingContext> {
        self.shared.sampling_context()
    }
}
