//! The trace that work belongs to when no span is active: that of a scope, or one for the process (spec SCP-12, TRC-13).

use once_cell::sync::OnceCell;

use super::{TracePropagationContext, sample_rand};
use crate::client::Client;
use crate::pipeline::Pipeline;
use crate::protocol::{DynamicSamplingContext, SampleRand, SpanId, TraceContext, TraceId};

#[derive(Debug)]
pub(crate) struct PropagationContext {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    /// Drawn with the trace, so that everyone who continues it decides alike (spec TRC-40).
    sample_rand: SampleRand,
    /// What it continues, if it does.
    incoming: Option<TracePropagationContext>,
}

impl PropagationContext {
    /// The beginning of a trace.
    pub(crate) fn beginning() -> Self {
        Self {
            trace_id: TraceId::default(),
            span_id: SpanId::default(),
            sample_rand: sample_rand::draw(),
            incoming: None,
        }
    }

    /// The continuation of one that began elsewhere.
    pub(crate) fn continuing(incoming: TracePropagationContext) -> Self {
        Self {
            trace_id: incoming.trace_id(),
            span_id: SpanId::default(),
            sample_rand: incoming.sample_rand(),
            incoming: Some(incoming),
        }
    }

    /// As an event in it says.
    pub(crate) fn context(&self) -> TraceContext {
        TraceContext {
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_span_id: self.incoming.as_ref().map(TracePropagationContext::span_id),
            ..TraceContext::default()
        }
    }

    /// As it came in, or as `pipeline`'s client describes itself as the head of the trace (spec TRC-32, TRC-53).
    pub(crate) fn sampling_context(&self, pipeline: &Pipeline) -> DynamicSamplingContext {
        match self.incoming.as_ref().and_then(TracePropagationContext::sampling_context) {
            Some(frozen) => frozen.clone(),
            None => {
                let own = DynamicSamplingContext::new().with_trace_id(self.trace_id).with_sample_rand(self.sample_rand);
                pipeline.describe_head(own)
            }
        }
    }

    /// What whoever continues it is told.
    pub(crate) fn outgoing(&self, client: Option<&Client>) -> TracePropagationContext {
        let outgoing = TracePropagationContext::new(self.trace_id, self.span_id);
        let outgoing = match self.incoming.as_ref().and_then(TracePropagationContext::sampled) {
            Some(sampled) => outgoing.with_sampled(sampled),
            None => outgoing,
        };
        match client {
            Some(client) => outgoing.with_sampling_context(self.sampling_context(client.pipeline())),
            None => outgoing,
        }
    }
}

static PROCESS: OnceCell<PropagationContext> = OnceCell::new();

pub(crate) fn process_trace() -> &'static PropagationContext {
    PROCESS.get_or_init(PropagationContext::beginning)
}

/// Makes the process's trace a continuation of `incoming`, as the variables `SENTRY_TRACE` and `SENTRY_BAGGAGE` ask for
/// (spec CFG-06). Too late once anything belongs to it.
#[doc(hidden)]
pub fn continue_process_trace(incoming: TracePropagationContext) {
    let _ = PROCESS.set(PropagationContext::continuing(incoming));
}
