//! A transaction that has ended, on its way to become an envelope on the worker.

use std::sync::Arc;
use std::time::SystemTime;

use uuid::Uuid;

use crate::pipeline::Pipeline;
use crate::protocol::client_report::Category;
use crate::protocol::{self, Context, DynamicSamplingContext, Map, TraceContext, TransactionInfo};
use crate::random;
use crate::scope::ScopeData;

use super::recording::Recording;
use super::shared::{Face, Shared};

/// What it recorded stays where it is until it is sent: nothing of it changes any more.
pub(crate) struct FinishedTransaction {
    pub(crate) event_id: Uuid,
    shared: Arc<Shared>,
    ended: SystemTime,
    /// How many spans it brings, without the one it is itself.
    pub(crate) spans: usize,
    /// What it weighs in the queue, in bytes.
    pub(crate) bytes: usize,
}

/// Events and spans that are left keep what it shares with them, but not what was recorded.
impl Drop for FinishedTransaction {
    fn drop(&mut self) {
        drop(self.shared.take_recording());
    }
}

impl FinishedTransaction {
    pub(super) fn new(shared: Arc<Shared>, spans: usize, bytes: usize, ended: SystemTime) -> Self {
        Self { event_id: random::uuid(), shared, ended, spans, bytes: size_of::<Shared>() + bytes }
    }

    /// What it counts for: the transaction, its spans, and the one it is itself (spec CRP-30).
    pub(crate) fn quantities(&self) -> [(Category, u64); 2] {
        let spans = u64::try_from(self.spans).unwrap_or(u64::MAX);
        [(Category::Transaction, 1), (Category::Span, spans.saturating_add(1))]
    }

    /// How many spans were left out because there were too many.
    pub(crate) fn excess(&self) -> usize {
        self.shared.excess()
    }

    /// Whether `name` is what it is called.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.shared.look_at_face(|face| face.name == name)
    }

    /// What was told to others of the trace, if anything was, and is told to the server.
    pub(crate) fn sampling_context(&self) -> Arc<DynamicSamplingContext> {
        self.shared.sampling_context()
    }

    /// As it is on the wire, before scopes, hooks and defaults; and what was set on scopes inside of it.
    pub(crate) fn into_protocol(self, pipeline: &Pipeline) -> (protocol::Transaction<'static>, ScopeData) {
        let shared = &self.shared;
        let Recording {
            started,
            data,
            extra,
            tags,
            request,
            origin,
            measurements,
            links,
            inside,
            spans: mut table,
            ..
        } = shared.take_recording();
        let spans = table.take_protocol(shared.trace_id);
        pipeline.spare_spans().give(table);
        let Face { name, source, .. } = shared.look_at_face(Face::clone);
        let started = started.unwrap_or(self.ended);
        let origin = origin.or_else(|| Some("manual".to_owned()));
        let trace = TraceContext { data, origin, links, ..shared.trace_context() };
        let transaction = protocol::Transaction {
            event_id: self.event_id,
            name: Some(name),
            tags,
            extra,
            timestamp: Some(self.ended.max(started)),
            start_timestamp: started,
            spans,
            contexts: Map::from([("trace".to_owned(), Context::from(trace))]),
            request: request.map(|request| *request),
            measurements,
            transaction_info: Some(TransactionInfo { source }),
            ..protocol::Transaction::default()
        };
        (transaction, inside)
    }
}
