//! A transaction that has ended, on its way to become an envelope on the worker.

use std::sync::Arc;
use std::time::SystemTime;

use uuid::Uuid;

use crate::protocol::client_report::Category;
use crate::protocol::{self, Context, DynamicSamplingContext, Map, TraceContext, TransactionInfo};
use crate::random;
use crate::weight;

use super::recording::{Recording, Shared};

/// What a transaction recorded, taken from it when it ended.
pub(crate) struct FinishedTransaction {
    pub(crate) event_id: Uuid,
    pub(crate) name: String,
    trace: TraceContext,
    info: TransactionInfo,
    recording: Recording,
    ended: SystemTime,
    /// How many spans were left out because there were too many.
    pub(crate) excess: usize,
    pub(crate) sampling_context: Arc<DynamicSamplingContext>,
}

impl FinishedTransaction {
    pub(super) fn new(shared: &Shared, mut recording: Recording, ended: SystemTime) -> Self {
        let mut trace = shared.trace_context();
        trace.data = std::mem::take(&mut recording.data);
        trace.origin = recording.origin.take().or_else(|| Some("manual".to_owned()));
        let (name, source) = {
            let face = shared.face.lock();
            (face.name.clone(), face.source)
        };
        Self {
            event_id: random::uuid(),
            name,
            trace,
            info: TransactionInfo { source },
            recording,
            ended,
            excess: shared.excess(),
            // It has to be what was told to others, if anything was; and is not needed in a hurry otherwise.
            sampling_context: shared.sampling_context(),
        }
    }

    /// What it counts for: the transaction, its spans, and the one it is itself (spec CRP-30).
    pub(crate) fn quantities(&self) -> [(Category, u64); 2] {
        let spans = self.recording.spans.len().saturating_add(1);
        [(Category::Transaction, 1), (Category::Span, u64::try_from(spans).unwrap_or(u64::MAX))]
    }

    /// How many spans it brings, without the one it is itself.
    pub(crate) fn spans(&self) -> usize {
        self.recording.spans.len()
    }

    /// What it weighs in the queue, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let Recording { spans, extra, tags, request, measurements, .. } = &self.recording;
        size_of::<Self>()
            + self.name.len()
            + weight::value_map(&self.trace.data)
            + weight::value_map(extra)
            + weight::text_map(tags)
            + request.iter().map(weight::request_bytes).sum::<usize>()
            + weight::measurements_bytes(measurements)
            + spans.iter().map(weight::span_bytes).sum::<usize>()
    }

    /// As it is on the wire, before scopes, hooks and defaults.
    pub(crate) fn into_protocol(self) -> protocol::Transaction<'static> {
        let Recording { started, extra, tags, request, measurements, spans, .. } = self.recording;
        let started = started.unwrap_or(self.ended);
        protocol::Transaction {
            event_id: self.event_id,
            name: Some(self.name),
            tags,
            extra,
            timestamp: Some(self.ended.max(started)),
            start_timestamp: started,
            spans,
            contexts: Map::from([("trace".to_owned(), Context::from(self.trace))]),
            request,
            measurements,
            transaction_info: Some(self.info),
            ..protocol::Transaction::default()
        }
    }
}
