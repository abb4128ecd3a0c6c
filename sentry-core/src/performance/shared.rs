//! What a transaction shares with its spans: where it belongs, what was decided, what it is called and, if it is sampled,
//! what it records.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::SystemTime;

use crate::client::Client;
use crate::clock;
use crate::hub::Home;
use crate::pipeline::Pipeline;
use crate::propagation::TracePropagationContext;
use crate::protocol::client_report::{Category, Reason};
use crate::protocol::{DynamicSamplingContext, SpanId, SpanStatus, TraceContext, TraceId, TransactionSource};
use crate::random::mix;
use crate::scope::ScopeData;
use crate::suppress;
use crate::sync::Mutex;

use super::TransactionContext;
use super::finished::FinishedTransaction;
use super::recording::Recording;
use super::sampling::{self, Decision};

/// One for each transaction.
///
/// Two locks, none of which is held while anything is called, or by a guard that a program can hold: `face` for what
/// events need to know of it, and `recording`.
pub(crate) struct Shared {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) parent_span_id: Option<SpanId>,
    pub(super) decision: Decision,
    /// Not kept alive: events that wait in a queue of this client refer to the transaction.
    client: Weak<Client>,
    /// What describes it as the head of the trace: known apart, since whoever sends an event must not be left with the last
    /// handle of the client.
    pipeline: Weak<Pipeline>,
    face: Mutex<Face>,
    /// Only of one that is sampled.
    recording: Option<Box<Mutex<Recording>>>,
    /// How many children were started.
    pub(super) children: AtomicUsize,
    is_finished: AtomicBool,
    /// The sampling context, once it has left the process (spec TRC-52).
    frozen: OnceLock<Arc<DynamicSamplingContext>>,
}

/// What is known of it also if it is not sampled.
#[derive(Clone)]
pub(super) struct Face {
    pub(super) name: String,
    pub(super) op: String,
    pub(super) status: Option<SpanStatus>,
    pub(super) source: TransactionSource,
}

impl Shared {
    /// Begins a transaction for `client` at `started`, which is now unless it is given, at home in the hub that `home` stands for.
    pub(super) fn begin(
        mut context: TransactionContext,
        started: Option<SystemTime>,
        client: Option<&Arc<Client>>,
        home: impl FnOnce() -> (Home, ScopeData),
    ) -> Arc<Self> {
        let decision = match client {
            Some(client) => sampling::decide(&mut context, client),
            None => Decision::pass_on(&context),
        };
        let frozen = OnceLock::new();
        // What came from the other side is passed on as it came, even if it is empty (spec TRC-53, TRC-54).
        if let Some(theirs) = context.incoming.as_ref().and_then(|incoming| incoming.sampling_context()) {
            let _ = frozen.set(Arc::new(theirs.clone()));
        }
        Arc::new(Self {
            trace_id: context.trace_id,
            span_id: context.span_id,
            parent_span_id: context.parent_span_id,
            decision,
            client: client.map(Arc::downgrade).unwrap_or_default(),
            pipeline: client.map(|client| Arc::downgrade(client.pipeline())).unwrap_or_default(),
            face: Mutex::new(Face {
                name: context.name,
                op: context.op,
                status: None,
                source: TransactionSource::Custom,
            }),
            recording: client.filter(|_| decision.records).map(|client| {
                let spans = client.pipeline().spare_spans().take();
                Box::new(Mutex::new(Recording::begin(started.unwrap_or_else(clock::wall), spans, home())))
            }),
            children: AtomicUsize::new(0),
            is_finished: AtomicBool::new(false),
            frozen,
        })
    }

    /// Who sends it, unless that is gone.
    pub(super) fn client(&self) -> Option<Arc<Client>> {
        self.client.upgrade()
    }

    /// Counts a child in, and gives it an id. `false` if it is one too many to be recorded (spec ITM-49), or nothing is.
    pub(super) fn admit_child(&self) -> (SpanId, bool) {
        let before = self.children.fetch_add(1, Ordering::Relaxed);
        (spread(self.span_id, before), self.decision.records && before < MAX_SPANS)
    }

    pub(super) fn is_finished(&self) -> bool {
        self.is_finished.load(Ordering::Acquire)
    }

    /// Whether anything given to it is recorded.
    #[inline]
    pub(super) fn is_recorded(&self) -> bool {
        self.recording.is_some()
    }

    /// Changes what is recorded, if it is and goes on.
    #[inline]
    pub(super) fn record<R>(&self, change: impl FnOnce(&mut Recording) -> R) -> Option<R> {
        let mut recording = self.recording.as_ref()?.lock();
        if recording.is_closed { None } else { Some(change(&mut recording)) }
    }

    /// Looks at what is recorded, if it is and was not handed over.
    pub(super) fn look<R>(&self, look: impl FnOnce(&Recording) -> R) -> Option<R> {
        self.recording.as_ref().map(|recording| look(&recording.lock()))
    }

    /// Takes what was recorded.
    pub(super) fn take_recording(&self) -> Recording {
        let closed = Recording { is_closed: true, ..Recording::default() };
        let taken = self.recording.as_ref().map(|recording| std::mem::replace(&mut *recording.lock(), closed));
        taken.unwrap_or_default()
    }

    /// Looks at what it is called, and how it ended.
    pub(super) fn look_at_face<R>(&self, look: impl FnOnce(&Face) -> R) -> R {
        look(&self.face.lock())
    }

    /// Changes what it is called, or how it ended, until it is finished.
    pub(super) fn change_face(&self, change: impl FnOnce(&mut Face)) {
        if !self.is_finished.load(Ordering::Acquire) {
            change(&mut self.face.lock());
        }
    }

    /// Sends it, once.
    pub(super) fn finish(self: &Arc<Self>, ended: SystemTime) {
        if self.is_finished.swap(true, Ordering::AcqRel) || suppress::is_active() {
            return;
        }
        let Some(client) = self.client() else { return };
        match &self.recording {
            Some(recording) => {
                let (spans, bytes, home) = recording.lock().close();
                let scope = home.map(|(home, at_start)| home.scope().unwrap_or(at_start)).unwrap_or_default();
                let finished = FinishedTransaction::new(Arc::clone(self), spans, bytes, ended);
                client.capture_transaction(finished, scope);
            }
            None if self.decision.counts => {
                let spans = u64::try_from(self.children.load(Ordering::Relaxed)).unwrap_or(u64::MAX).saturating_add(1);
                let recorder = client.pipeline().recorder();
                for (category, quantity) in [(Category::Transaction, 1), (Category::Span, spans)] {
                    recorder.record_captured(category, quantity);
                    recorder.record_loss(category, Reason::SampleRate, quantity);
                }
            }
            None => {}
        }
    }

    /// How many children were started and not recorded because there were too many.
    pub(super) fn excess(&self) -> usize {
        self.children.load(Ordering::Relaxed).saturating_sub(MAX_SPANS)
    }

    pub(super) fn trace_context(&self) -> TraceContext {
        let (op, status) = self.look_at_face(|face| (face.op.clone(), face.status));
        TraceContext {
            span_id: self.span_id,
            trace_id: self.trace_id,
            parent_span_id: self.parent_span_id,
            op: Some(op).filter(|op| !op.is_empty()),
            status,
            ..TraceContext::default()
        }
    }

    /// The dynamic sampling context, which does not change any more from now on.
    pub(crate) fn sampling_context(&self) -> Arc<DynamicSamplingContext> {
        Arc::clone(self.frozen.get_or_init(|| {
            let mut own = DynamicSamplingContext::new().with_trace_id(self.trace_id);
            if let Some(pipeline) = self.pipeline.upgrade() {
                own = pipeline.describe_head(own);
            }
            let Decision { sampled, sample_rate, sample_rand, .. } = self.decision;
            if let Some(sample_rand) = sample_rand {
                own = own.with_sample_rand(sample_rand);
            }
            // Who decides nothing says nothing of it (spec TRC-32).
            if let (Some(sampled), true) = (sampled, self.decision.counts) {
                own = own.with_sampled(sampled);
                if let Some(sample_rate) = sample_rate {
                    own = own.with_sample_rate(sample_rate);
                }
                let face = self.face.lock();
                if face.source != TransactionSource::Url && !face.name.is_empty() {
                    own = own.with_transaction(face.name.clone());
                }
            }
            Arc::new(own)
        }))
    }

    /// What whoever continues the trace below `span_id` is told.
    pub(super) fn propagation_context(&self, span_id: SpanId) -> TracePropagationContext {
        let context = TracePropagationContext::new(self.trace_id, span_id);
        let context = match self.decision.sampled {
            Some(sampled) => context.with_sampled(sampled),
            None => context,
        };
        context.with_sampling_context(DynamicSamplingContext::clone(&self.sampling_context()))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let face = self.face.lock();
        f.debug_struct("Transaction")
            .field("name", &face.name)
            .field("op", &face.op)
            .field("status", &face.status)
            .field("trace_id", &self.trace_id)
            .field("span_id", &self.span_id)
            .field("sampled", &self.decision.sampled)
            .finish_non_exhaustive()
    }
}

/// The id of a transaction's `n`th child: as far from all others as random ones are, since the transaction's is random
/// and no two of a transaction are the same, without asking for random bytes for each.
fn spread(of: SpanId, n: usize) -> SpanId {
    // The steps of SplitMix64, each child's another; and what mixes them loses none.
    let step = u64::try_from(n).unwrap_or_default().wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let id = mix(u64::from_be_bytes(of.to_bytes()).wrapping_add(step));
    // All zeros would be no id.
    SpanId::from(id.max(1).to_be_bytes())
}

/// More are not recorded, and counted (spec ITM-49).
pub(super) const MAX_SPANS: usize = 1000;
