//! What an event keeps of the span it was captured in: taken with the event, since the span goes on meanwhile.

use std::sync::Arc;

use crate::protocol::{DynamicSamplingContext, SpanId, SpanStatus, TraceContext, TraceId};
use crate::sync::try_lock;

use super::recording::Shared;
use super::span::Kind;
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
        let (op, status) = {
            let face = shared.face.lock();
            (face.op.clone(), face.status)
        };
        Self {
            span_id: shared.span_id,
            parent_span_id: shared.parent_span_id,
            op: Some(op).filter(|op| !op.is_empty()),
            status,
            shared,
        }
    }

    pub(super) fn of_span(span: &Span) -> Self {
        let link = Self {
            shared: Arc::clone(&span.shared),
            span_id: span.span_id,
            parent_span_id: None,
            op: None,
            status: None,
        };
        match &span.kind {
            // Whoever holds a guard of the span's data may capture: then the ids have to do.
            Kind::Recorded(recorded) => match try_lock(recorded) {
                Some(recorded) => Self {
                    parent_span_id: recorded.parent_span_id,
                    op: recorded.op.clone(),
                    status: recorded.status,
                    ..link
                },
                None => link,
            },
            Kind::Unrecorded { parent_span_id } => Self { parent_span_id: Some(*parent_span_id), ..link },
        }
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
        Some(self.shared.face.lock().name.clone()).filter(|name| !name.is_empty())
    }

    pub(crate) fn trace_id(&self) -> TraceId {
        self.shared.trace_id
    }

    pub(crate) fn sampling_context(&self) -> Arc<DynamicSamplingContext> {
        self.shared.sampling_context()
    }
}
