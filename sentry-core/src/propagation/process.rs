//! The trace that work belongs to when no span is active: that of a scope, or one for the process (spec SCP-12, TRC-13).

use std::sync::atomic::{AtomicBool, Ordering};

use once_cell::sync::OnceCell;

use super::{TracePropagationContext, sample_rand};
use crate::client::Client;
use crate::pipeline::Pipeline;
use crate::protocol::{DynamicSamplingContext, SpanId, TraceContext, TraceId};

#[derive(Debug)]
pub(crate) struct PropagationContext {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    /// What it continues, if it does.
    incoming: Option<TracePropagationContext>,
}

impl PropagationContext {
    /// The beginning of a trace.
    pub(crate) fn beginning() -> Self {
        Self { trace_id: TraceId::default(), span_id: SpanId::default(), incoming: None }
    }

    /// The continuation of one that began elsewhere.
    pub(crate) fn continuing(incoming: TracePropagationContext) -> Self {
        CONTINUES.store(true, Ordering::Release);
        Self { trace_id: incoming.trace_id(), span_id: SpanId::default(), incoming: Some(incoming) }
    }

    /// What it continues, if it does.
    pub(crate) fn incoming(&self) -> Option<&TracePropagationContext> {
        self.incoming.as_ref()
    }

    /// As an event in it says.
    pub(crate) fn context(&self) -> TraceContext {
        TraceContext {
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_span_id: self.incoming().map(TracePropagationContext::span_id),
            ..TraceContext::default()
        }
    }

    /// As it came in, or as `pipeline`'s client describes itself as the head of the trace (spec TRC-32, TRC-53).
    pub(crate) fn sampling_context(&self, pipeline: &Pipeline) -> DynamicSamplingContext {
        match self.incoming().and_then(TracePropagationContext::sampling_context) {
            Some(frozen) => frozen.clone(),
            None => {
                let sample_rand = sample_rand::of(self.trace_id);
                let own = DynamicSamplingContext::new().with_trace_id(self.trace_id).with_sample_rand(sample_rand);
                pipeline.describe_head(own)
            }
        }
    }

    /// What whoever continues it is told.
    pub(crate) fn outgoing(&self, client: Option<&Client>) -> TracePropagationContext {
        let outgoing = TracePropagationContext::new(self.trace_id, self.span_id);
        let outgoing = match self.incoming().and_then(TracePropagationContext::sampled) {
            Some(sampled) => outgoing.with_sampled(sampled),
            None => outgoing,
        };
        match client {
            Some(client) => outgoing.with_sampling_context(self.sampling_context(client.pipeline())),
            None => outgoing,
        }
    }
}

/// Whether any trace was continued in this process: in most programs that do not serve requests, none is.
static CONTINUES: AtomicBool = AtomicBool::new(false);

pub(crate) fn any_continued() -> bool {
    CONTINUES.load(Ordering::Acquire)
}

static PROCESS: OnceCell<PropagationContext> = OnceCell::new();

pub(crate) fn process_trace() -> &'static PropagationContext {
    PROCESS.get_or_init(PropagationContext::beginning)
}

/// Makes the process's trace a continuation of `incoming`. Too late once anything belongs to it.
pub(crate) fn continue_process_trace(incoming: TracePropagationContext) {
    let _ = PROCESS.set(PropagationContext::continuing(incoming));
}
