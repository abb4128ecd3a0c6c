//! A transaction or a span, where either will do: on a scope, or as a parent.

use std::time::SystemTime;

use crate::propagation::TracePropagationContext;
use crate::protocol::{Request, SpanId, SpanStatus, TraceContext, Value};

use super::link::SpanLink;
use super::{Span, TraceHeadersIter, Transaction};

/// A transaction or a span.
#[derive(Clone, Debug, PartialEq)]
pub enum TransactionOrSpan {
    /// The root of a program's part of a trace.
    Transaction(Transaction),
    /// A piece of work within one.
    Span(Span),
}

impl From<Transaction> for TransactionOrSpan {
    fn from(transaction: Transaction) -> Self {
        Self::Transaction(transaction)
    }
}

impl From<Span> for TransactionOrSpan {
    fn from(span: Span) -> Self {
        Self::Span(span)
    }
}

/// Calls the same method of whichever it is.
macro_rules! either {
    ($either:expr, $it:ident => $call:expr) => {
        match $either {
            TransactionOrSpan::Transaction($it) => $call,
            TransactionOrSpan::Span($it) => $call,
        }
    };
}

impl TransactionOrSpan {
    /// Sets an attribute.
    pub fn set_data(&self, key: &str, value: Value) {
        either!(self, it => it.set_data(key, value));
    }

    /// Sets a tag.
    pub fn set_tag<V: ToString>(&self, key: &str, value: V) {
        either!(self, it => it.set_tag(key, value));
    }

    /// Its place in the trace, as events get it.
    pub fn get_trace_context(&self) -> TraceContext {
        either!(self, it => it.get_trace_context())
    }

    /// How it ended, if that was said.
    pub fn get_status(&self) -> Option<SpanStatus> {
        either!(self, it => it.get_status())
    }

    /// Says how it ended.
    pub fn set_status(&self, status: SpanStatus) {
        either!(self, it => it.set_status(status));
    }

    /// Sets the kind of work it is.
    pub fn set_op(&self, op: &str) {
        either!(self, it => it.set_op(op));
    }

    /// Sets a transaction's name, or what a span does in particular.
    pub fn set_name(&self, name: &str) {
        either!(self, it => it.set_name(name));
    }

    /// Sets the HTTP request.
    pub fn set_request(&self, request: Request) {
        either!(self, it => it.set_request(request));
    }

    /// The headers by which another service continues the trace, see [`Transaction::iter_headers`].
    pub fn iter_headers(&self) -> TraceHeadersIter {
        either!(self, it => it.iter_headers())
    }

    /// Whether it is sampled.
    #[deprecated(note = "what is not sampled costs next to nothing: there is no need to ask")]
    #[expect(deprecated, reason = "as deprecated as what it calls")]
    pub fn is_sampled(&self) -> bool {
        either!(self, it => it.is_sampled())
    }

    /// Starts a span below it.
    #[must_use]
    pub fn start_child(&self, op: &str, description: &str) -> Span {
        either!(self, it => it.start_child(op, description))
    }

    /// Starts a span below it with this id, which began at `timestamp`.
    #[must_use]
    pub fn start_child_with_details(&self, op: &str, description: &str, id: SpanId, timestamp: SystemTime) -> Span {
        either!(self, it => it.start_child_with_details(op, description, id, timestamp))
    }

    /// Finishes it at `timestamp`.
    pub fn finish_with_timestamp(self, timestamp: SystemTime) {
        either!(self, it => it.finish_with_timestamp(timestamp));
    }

    /// Finishes it now.
    pub fn finish(self) {
        either!(self, it => it.finish());
    }

    /// What events captured while it is active need to know of it.
    pub(crate) fn link(&self) -> SpanLink {
        match self {
            Self::Transaction(transaction) => SpanLink::of_transaction(transaction),
            Self::Span(span) => SpanLink::of_span(span),
        }
    }

    pub(crate) fn trace_ids(&self) -> (crate::protocol::TraceId, SpanId) {
        match self {
            Self::Transaction(transaction) => (transaction.shared.trace_id, transaction.shared.span_id),
            Self::Span(span) => (span.shared.trace_id, span.span_id),
        }
    }

    pub(super) fn propagation_context(&self) -> TracePropagationContext {
        let (_, span_id) = self.trace_ids();
        either!(self, it => it.shared.propagation_context(span_id))
    }

    /// The transaction it is, or is part of.
    pub(crate) fn transaction(&self) -> Transaction {
        either!(self, it => Transaction { shared: std::sync::Arc::clone(&it.shared) })
    }
}
