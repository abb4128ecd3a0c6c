//! A running transaction: the root of a program's part of a trace.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use crate::clock;
use crate::protocol::{Map, Measurement, Request, SpanId, SpanStatus, TraceContext, TransactionSource, Unit, Value};

use super::recording::Recording;
use super::shared::Shared;
use super::span::Span;
use super::trace_headers::TraceHeadersIter;

/// A running transaction. Clones are the same transaction; it is sent when the first of them is finished.
///
/// One that is not sampled keeps its names, ids and status, for events and other services; everything else given to it
/// is dropped at once. One that is dropped unfinished is not sent. What is done to one that is finished is forgotten.
#[derive(Clone, Debug)]
pub struct Transaction {
    pub(super) shared: Arc<Shared>,
}

impl Transaction {
    /// Sets an attribute of the transaction.
    pub fn set_data(&self, key: &str, value: Value) {
        self.record(|recording| drop(recording.data.insert(key.to_owned(), value)));
    }

    /// Sets an extra: a value of any shape. Prefer [`set_data`](Self::set_data).
    pub fn set_extra(&self, key: &str, value: Value) {
        self.record(|recording| drop(recording.extra.insert(key.to_owned(), value)));
    }

    /// Sets a tag.
    pub fn set_tag<V: ToString>(&self, key: &str, value: V) {
        if self.shared.is_recorded() {
            // The user's `to_string` runs outside the lock.
            let value = value.to_string();
            self.record(|recording| drop(recording.tags.insert(key.to_owned(), value)));
        }
    }

    /// Sets a measurement, such as a time or a size, which Sentry can chart.
    pub fn set_measurement(&self, name: &str, value: f64, unit: Option<Unit>) {
        self.record(|recording| drop(recording.measurements.insert(name.to_owned(), Measurement { value, unit })));
    }

    /// The transaction's attributes, to read or change several at once. What is read is a copy.
    pub fn data(&self) -> TransactionData<'_> {
        let data = self.shared.look(|recording| recording.data.clone());
        TransactionData { transaction: self, data: data.unwrap_or_default() }
    }

    /// Its place in the trace, as events get it.
    pub fn get_trace_context(&self) -> TraceContext {
        let mut context = self.shared.trace_context();
        self.shared.look(|recording| {
            context.data.clone_from(&recording.data);
            context.origin.clone_from(&recording.origin);
        });
        context
    }

    /// How it ended, if that was said.
    pub fn get_status(&self) -> Option<SpanStatus> {
        self.shared.look_at_face(|face| face.status)
    }

    /// Says how it ended.
    pub fn set_status(&self, status: SpanStatus) {
        self.shared.change_face(|face| face.status = Some(status));
    }

    /// Sets the kind of work it is. Without effect if it is not sampled.
    pub fn set_op(&self, op: &str) {
        if self.shared.is_recorded() {
            self.shared.change_face(|face| face.op = op.to_owned());
        }
    }

    /// Renames it. Without effect if it is not sampled.
    pub fn set_name(&self, name: &str) {
        if self.shared.is_recorded() {
            self.shared.change_face(|face| face.name = name.to_owned());
        }
    }

    /// Says where the name is from: names that are URLs do not reach the sampling context of the trace (spec §18.6).
    /// Default: [`TransactionSource::Custom`].
    pub fn set_source(&self, source: TransactionSource) {
        self.shared.change_face(|face| face.source = source);
    }

    /// Sets the HTTP request it handles.
    pub fn set_request(&self, request: Request) {
        self.record(|recording| recording.request = Some(Box::new(request)));
    }

    /// Says what created it: `manual`, or `auto.` and an integration (spec TXN-60).
    pub fn set_origin(&self, origin: &str) {
        self.record(|recording| recording.origin = Some(origin.to_owned()));
    }

    /// The headers by which another service continues the trace: `sentry-trace` and `baggage`, and `traceparent` with
    /// [`propagate_traceparent`](field@crate::ClientOptions::propagate_traceparent).
    pub fn iter_headers(&self) -> TraceHeadersIter {
        TraceHeadersIter::of_span(&self.shared, self.shared.span_id)
    }

    /// Whether it is sampled.
    #[deprecated(note = "what is not sampled costs next to nothing: there is no need to ask")]
    pub fn is_sampled(&self) -> bool {
        self.shared.decision.sampled == Some(true)
    }

    /// Finishes it now. Takes what was recorded and queues it; all else is the worker's.
    pub fn finish(self) {
        if self.shared.is_recorded() {
            self.shared.finish(clock::wall());
        } else {
            self.shared.finish(SystemTime::UNIX_EPOCH);
        }
    }

    /// Finishes it at `timestamp`.
    pub fn finish_with_timestamp(self, timestamp: SystemTime) {
        self.shared.finish(timestamp);
    }

    /// Starts a span of the transaction.
    #[must_use]
    pub fn start_child(&self, op: &str, description: &str) -> Span {
        Span::child_of(&self.shared, self.shared.span_id, op, description, None, None)
    }

    /// Starts a span of the transaction with this id, which began at `timestamp`.
    #[must_use]
    pub fn start_child_with_details(&self, op: &str, description: &str, id: SpanId, timestamp: SystemTime) -> Span {
        Span::child_of(&self.shared, self.shared.span_id, op, description, Some(id), Some(timestamp))
    }

    fn record(&self, change: impl FnOnce(&mut Recording)) {
        self.shared.record(change);
    }
}

/// Equal if they are the same transaction.
impl PartialEq for Transaction {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// A transaction's attributes, see [`Transaction::data`]. Empty, and without effect, if it is not sampled.
pub struct TransactionData<'a> {
    transaction: &'a Transaction,
    data: Map<String, Value>,
}

impl<'a> TransactionData<'a> {
    /// The attributes.
    pub fn iter(&self) -> Box<dyn Iterator<Item = (&String, &Value)> + '_> {
        Box::new(self.data.iter())
    }

    /// Sets an attribute.
    pub fn set_data(&mut self, key: Cow<'a, str>, value: Value) {
        if self.transaction.shared.is_recorded() {
            self.transaction.set_data(&key, value.clone());
            self.data.insert(key.into_owned(), value);
        }
    }

    /// Sets a tag.
    pub fn set_tag(&mut self, key: Cow<'_, str>, value: String) {
        self.transaction.set_tag(&key, value);
    }
}
