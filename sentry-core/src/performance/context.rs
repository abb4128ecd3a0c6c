//! What a transaction is begun with: names, the trace it continues, and what has been decided about it already.

#[expect(deprecated, reason = "taken where the official API takes it")]
use crate::propagation::SentryTrace;
use crate::propagation::TracePropagationContext;
use crate::protocol::{SpanId, TraceId};

use super::TransactionOrSpan;

/// Facts of the program's own for the [`traces_sampler`](crate::ClientOptions::traces_sampler).
pub type CustomTransactionContext = serde_json::Map<String, serde_json::Value>;

/// What a transaction is begun with.
///
/// ```
/// use sentry_core::TransactionContext;
///
/// let headers = [("sentry-trace", "5e1f0c0c4d9a4b7c8d2e3f4051627384-a1b2c3d4e5f60718-1")];
/// let context = TransactionContext::continue_from_headers("GET /cart", "http.server", headers);
/// assert_eq!(context.sampled(), Some(true));
/// ```
#[derive(Debug, Clone)]
pub struct TransactionContext {
    pub(super) name: String,
    pub(super) op: String,
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) parent_span_id: Option<SpanId>,
    sampled: Option<bool>,
    /// Whether the program chose `sampled` itself, which outranks a sampler (spec TXN-02).
    pub(super) is_explicit: bool,
    custom: Option<CustomTransactionContext>,
    /// What came from the other side, unless it was this program that began the trace.
    pub(super) incoming: Option<Box<TracePropagationContext>>,
    /// The program chose no trace for it.
    is_open: bool,
}

impl TransactionContext {
    /// A transaction that begins a trace of its own; or continues the one that the scope it is started on belongs to, if
    /// that came from elsewhere (with [`continue_trace`](crate::continue_trace), or in `SENTRY_TRACE`).
    #[must_use]
    pub fn new(name: &str, op: &str) -> Self {
        Self { is_open: true, ..Self::new_with_trace_id(name, op, TraceId::default()) }
    }

    /// A transaction in the trace `trace_id`.
    #[must_use]
    pub fn new_with_trace_id(name: &str, op: &str, trace_id: TraceId) -> Self {
        Self::new_with_details(name, op, trace_id, None, None)
    }

    /// A transaction with these ids; without a `span_id`, it gets a random one.
    #[must_use]
    pub fn new_with_details(
        name: &str,
        op: &str,
        trace_id: TraceId,
        span_id: Option<SpanId>,
        parent_span_id: Option<SpanId>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            op: op.to_owned(),
            trace_id,
            span_id: span_id.unwrap_or_default(),
            parent_span_id,
            sampled: None,
            is_explicit: false,
            custom: None,
            incoming: None,
            is_open: false,
        }
    }

    /// A transaction that continues the trace in `headers` (`sentry-trace` and `baggage`, else `traceparent`; names in
    /// any case). It begins one of its own where there is none, or none that can be read.
    ///
    /// Whether the trace is of another organization is looked at when the transaction is started: then it is not
    /// continued (see [`strict_trace_continuation`](field@crate::ClientOptions::strict_trace_continuation)).
    #[must_use]
    pub fn continue_from_headers<'a, I: IntoIterator<Item = (&'a str, &'a str)>>(
        name: &str,
        op: &str,
        headers: I,
    ) -> Self {
        match TracePropagationContext::try_from_headers(headers) {
            Ok(incoming) => Self::continue_from_trace_propagation_context(name, op, &incoming, None),
            Err(_) => Self::new_with_trace_id(name, op, TraceId::default()),
        }
    }

    /// A transaction that continues the trace of a parsed `sentry-trace` header.
    #[deprecated(note = "use `continue_from_trace_propagation_context`")]
    #[expect(deprecated, reason = "its argument is")]
    pub fn continue_from_sentry_trace(
        name: &str,
        op: &str,
        sentry_trace: &SentryTrace,
        span_id: Option<SpanId>,
    ) -> Self {
        Self::continue_from_trace_propagation_context(name, op, &(*sentry_trace).into(), span_id)
    }

    /// A transaction that continues the trace of `context`.
    pub fn continue_from_trace_propagation_context(
        name: &str,
        op: &str,
        context: &TracePropagationContext,
        span_id: Option<SpanId>,
    ) -> Self {
        Self {
            sampled: context.sampled(),
            incoming: Some(Box::new(context.clone())),
            ..Self::new_with_details(name, op, context.trace_id(), span_id, Some(context.span_id()))
        }
    }

    /// A transaction in the trace of `span`, as its child; without a span, as [`new`](Self::new) makes it.
    pub fn continue_from_span(name: &str, op: &str, span: Option<TransactionOrSpan>) -> Self {
        match span {
            Some(span) => Self::continue_from_trace_propagation_context(name, op, &span.propagation_context(), None),
            None => Self::new(name, op),
        }
    }

    /// Decides whether the transaction is sampled, whatever a rate or sampler says; `None` leaves it to those.
    pub fn set_sampled(&mut self, sampled: impl Into<Option<bool>>) {
        self.sampled = sampled.into();
        self.is_explicit = self.sampled.is_some();
    }

    /// What has been decided already: by the program, or by the head of the trace.
    pub fn sampled(&self) -> Option<bool> {
        self.sampled
    }

    /// The transaction's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of work it is.
    pub fn operation(&self) -> &str {
        &self.op
    }

    /// The trace it belongs to.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Its own id as a span.
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// The rate that the head of the trace was sampled with, if it said so.
    pub fn parent_sample_rate(&self) -> Option<f32> {
        self.incoming.as_ref()?.sampling_context()?.sample_rate()
    }

    /// Facts of the program's own for the sampler.
    pub fn custom(&self) -> Option<&CustomTransactionContext> {
        self.custom.as_ref()
    }

    /// Facts of the program's own for the sampler, to change.
    pub fn custom_mut(&mut self) -> &mut Option<CustomTransactionContext> {
        &mut self.custom
    }

    /// Adds a fact of the program's own, and returns what was there.
    pub fn custom_insert(&mut self, key: String, value: serde_json::Value) -> Option<serde_json::Value> {
        self.custom.get_or_insert_default().insert(key, value)
    }

    /// A builder, for contexts with more than a name.
    #[must_use]
    pub fn builder(name: &str, op: &str) -> TransactionContextBuilder {
        TransactionContextBuilder { context: Self::new(name, op) }
    }

    /// Whether it may continue the trace of the scope it is started on.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Makes it a part of the trace that came in.
    pub(super) fn join(&mut self, incoming: &TracePropagationContext) {
        self.trace_id = incoming.trace_id();
        self.parent_span_id = Some(incoming.span_id());
        if !self.is_explicit {
            self.sampled = incoming.sampled();
        }
        self.incoming = Some(Box::new(incoming.clone()));
    }

    /// Makes it the head of a trace of its own: nothing of what came from the other side counts (spec TRC-23).
    pub(super) fn begin_anew(&mut self) {
        self.trace_id = TraceId::default();
        self.parent_span_id = None;
        if !self.is_explicit {
            self.sampled = None;
        }
        self.incoming = None;
    }
}

/// Builds a [`TransactionContext`], see [`TransactionContext::builder`].
pub struct TransactionContextBuilder {
    context: TransactionContext,
}

impl TransactionContextBuilder {
    /// Sets the name.
    #[must_use]
    pub fn with_name(mut self, name: String) -> Self {
        self.context.name = name;
        self
    }

    /// Sets the kind of work.
    #[must_use]
    pub fn with_op(mut self, op: String) -> Self {
        self.context.op = op;
        self
    }

    /// Sets the trace.
    #[must_use]
    pub fn with_trace_id(mut self, trace_id: TraceId) -> Self {
        self.context.trace_id = trace_id;
        self.context.is_open = false;
        self
    }

    /// Sets the parent span.
    #[must_use]
    pub fn with_parent_span_id(mut self, parent_span_id: Option<SpanId>) -> Self {
        self.context.parent_span_id = parent_span_id;
        self.context.is_open = false;
        self
    }

    /// Sets its own id as a span.
    #[must_use]
    pub fn with_span_id(mut self, span_id: SpanId) -> Self {
        self.context.span_id = span_id;
        self
    }

    /// Decides whether it is sampled, see [`TransactionContext::set_sampled`].
    #[must_use]
    pub fn with_sampled(mut self, sampled: Option<bool>) -> Self {
        self.context.set_sampled(sampled);
        self
    }

    /// Adds a fact of the program's own.
    #[must_use]
    pub fn with_custom(mut self, key: String, value: serde_json::Value) -> Self {
        self.context.custom_insert(key, value);
        self
    }

    /// The context.
    pub fn finish(self) -> TransactionContext {
        self.context
    }
}
