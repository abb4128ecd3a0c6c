//! The trace that work belongs to when no span is active: one for the process (spec SCP-12, TRC-13).

use once_cell::sync::Lazy;

use crate::protocol::{SampleRand, SpanId, TraceContext, TraceId};
use crate::random;

#[derive(Debug)]
pub(crate) struct PropagationContext {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    /// Drawn with the trace, so that everyone who continues it decides alike (spec TRC-40).
    pub(crate) sample_rand: Option<SampleRand>,
}

impl PropagationContext {
    pub(crate) fn context(&self) -> TraceContext {
        TraceContext { trace_id: self.trace_id, span_id: self.span_id, ..TraceContext::default() }
    }
}

pub(crate) fn process_trace() -> &'static PropagationContext {
    static PROCESS: Lazy<PropagationContext> = Lazy::new(|| PropagationContext {
        trace_id: TraceId::default(),
        span_id: SpanId::default(),
        sample_rand: SampleRand::try_from(random::unit()).ok(),
    });
    &PROCESS
}
