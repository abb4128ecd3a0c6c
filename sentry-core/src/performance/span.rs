//! A running span: a piece of work within a transaction.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::SystemTime;

use crate::clock;
use crate::protocol::{Map, Request, SpanId, SpanStatus, TraceContext, Value};

use super::shared::Shared;
use super::spans::{RowId, Spans};
use super::trace_headers::TraceHeadersIter;

/// A running span. Clones are the same span; it is part of its transaction from when the first of them is finished.
///
/// Of a transaction that is not sampled, or has 1000 spans already, only the ids are kept: nothing given to it is
/// recorded, and nothing is allocated. A span that is dropped unfinished is not sent. Once the transaction is finished,
/// nothing more is recorded.
#[derive(Clone, Debug)]
pub struct Span {
    pub(super) shared: Arc<Shared>,
    pub(super) span_id: SpanId,
    pub(super) parent_span_id: SpanId,
    /// Where it is recorded, if it is.
    row: Option<RowId>,
}

impl Span {
    pub(super) fn child_of(
        shared: &Arc<Shared>,
        parent_span_id: SpanId,
        op: &str,
        description: &str,
        span_id: Option<SpanId>,
        started: Option<SystemTime>,
    ) -> Self {
        let (own_id, is_recorded) = shared.admit_child();
        let span_id = span_id.unwrap_or(own_id);
        let row = if is_recorded {
            let started = started.unwrap_or_else(clock::wall);
            shared.record(|recording| recording.spans.start((span_id, parent_span_id), &[op], description, started))
        } else {
            None
        };
        Self::at(shared, (span_id, parent_span_id), row)
    }

    pub(super) fn at(shared: &Arc<Shared>, (span_id, parent_span_id): (SpanId, SpanId), row: Option<RowId>) -> Self {
        Self { shared: Arc::clone(shared), span_id, parent_span_id, row }
    }

    /// Sets an attribute of the span.
    #[inline]
    pub fn set_data(&self, key: &str, value: Value) {
        self.record(|spans, row| spans.set_data(row, key, value));
    }

    /// Sets a tag.
    pub fn set_tag<V: ToString>(&self, key: &str, value: V) {
        if self.row.is_some() {
            // The user's `to_string` runs outside the lock.
            let value = value.to_string();
            self.record(|spans, row| spans.set_tag(row, key.to_owned(), value));
        }
    }

    /// The span's attributes, to read or change several at once. It is a copy: what is changed in it is changed in the
    /// span when it is dropped, and what others change meanwhile stays. What is done to a span that is not recorded is
    /// forgotten.
    pub fn data(&self) -> Data<'_> {
        let data = self.row.and_then(|row| self.shared.look(|recording| recording.spans.data(row)));
        Data { span: self, data: data.unwrap_or_default(), before: None }
    }

    /// Its place in the trace, as events get it.
    pub fn get_trace_context(&self) -> TraceContext {
        let context = TraceContext {
            span_id: self.span_id,
            trace_id: self.shared.trace_id,
            parent_span_id: Some(self.parent_span_id),
            ..TraceContext::default()
        };
        let recorded = self.look(|spans, row| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            (text(spans.op(row)), text(spans.description(row)), spans.status(row), spans.data(row))
        });
        match recorded {
            Some((op, description, status, data)) => TraceContext { op, description, status, data, ..context },
            None => context,
        }
    }

    /// Its id.
    pub fn get_span_id(&self) -> SpanId {
        self.span_id
    }

    /// How it ended, if that was said.
    pub fn get_status(&self) -> Option<SpanStatus> {
        self.look(|spans, row| spans.status(row)).flatten()
    }

    /// Says how it ended.
    #[inline]
    pub fn set_status(&self, status: SpanStatus) {
        self.record(|spans, row| spans.set_status(row, status));
    }

    /// Sets the kind of work it is.
    pub fn set_op(&self, op: &str) {
        self.record(|spans, row| spans.set_op(row, op.to_owned()));
    }

    /// Sets what it does in particular.
    pub fn set_name(&self, name: &str) {
        self.record(|spans, row| spans.set_description(row, name.to_owned()));
    }

    /// Sets the HTTP request it makes or handles, as attributes.
    pub fn set_request(&self, request: Request) {
        self.record(|spans, row| {
            let Request { url, method, data, query_string, cookies, headers, env } = request;
            let texts = [
                ("http.request.method", method),
                ("url.full", url.map(|url| url.to_string())),
                ("http.request.body.data", data),
                ("http.query", query_string),
                ("http.request.header.cookie", cookies),
            ];
            for (key, text) in texts {
                if let Some(text) = text {
                    spans.set_data(row, key, text.into());
                }
            }
            for (name, value) in headers {
                spans.set_data(row, &format!("http.request.header.{}", name.to_ascii_lowercase()), value.into());
            }
            for (name, value) in env {
                spans.set_data(row, &format!("http.request.env.{name}"), value.into());
            }
        });
    }

    /// The headers by which another service continues the trace below this span, see
    /// [`Transaction::iter_headers`](crate::Transaction::iter_headers).
    pub fn iter_headers(&self) -> TraceHeadersIter {
        TraceHeadersIter::of_span(&self.shared, self.span_id)
    }

    /// Whether it is sampled.
    #[deprecated(note = "what is not sampled costs next to nothing: there is no need to ask")]
    pub fn is_sampled(&self) -> bool {
        self.shared.decision.sampled == Some(true)
    }

    /// Finishes it now.
    #[inline]
    pub fn finish(self) {
        if self.row.is_some() {
            self.finish_with_timestamp(clock::wall());
        }
    }

    /// Finishes it at `timestamp`. Of several times, the first counts.
    pub fn finish_with_timestamp(self, timestamp: SystemTime) {
        self.record(|spans, row| spans.finish(row, timestamp));
    }

    /// Starts a span below this one.
    #[must_use]
    pub fn start_child(&self, op: &str, description: &str) -> Span {
        Span::child_of(&self.shared, self.span_id, op, description, None, None)
    }

    /// Starts a span below this one with this id, which began at `timestamp`.
    #[must_use]
    pub fn start_child_with_details(&self, op: &str, description: &str, id: SpanId, timestamp: SystemTime) -> Span {
        Span::child_of(&self.shared, self.span_id, op, description, Some(id), Some(timestamp))
    }

    /// Changes what is recorded, if it is, and its transaction goes on.
    #[inline]
    pub(super) fn record(&self, change: impl FnOnce(&mut Spans, RowId)) {
        if let Some(row) = self.row {
            self.shared.record(|recording| change(&mut recording.spans, row));
        }
    }

    /// Looks at what is recorded, if it is.
    pub(super) fn look<R>(&self, look: impl FnOnce(&Spans, RowId) -> R) -> Option<R> {
        let row = self.row?;
        self.shared.look(|recording| look(&recording.spans, row))
    }
}

/// Equal if they are the same span.
impl PartialEq for Span {
    fn eq(&self, other: &Self) -> bool {
        self.span_id == other.span_id && Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// A span's attributes, see [`Span::data`].
pub struct Data<'a> {
    span: &'a Span,
    data: Map<String, Value>,
    /// What they were, since the first change.
    before: Option<Map<String, Value>>,
}

impl Data<'_> {
    /// Sets an attribute.
    pub fn set_data(&mut self, key: String, value: Value) {
        self.insert(key, value);
    }

    /// Sets a tag.
    pub fn set_tag(&mut self, key: String, value: String) {
        self.span.record(|spans, row| spans.set_tag(row, key, value));
    }
}

impl Deref for Data<'_> {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.data
    }
}

impl DerefMut for Data<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.before.get_or_insert_with(|| self.data.clone());
        &mut self.data
    }
}

impl Drop for Data<'_> {
    fn drop(&mut self) {
        let Some(before) = self.before.take() else { return };
        self.span.record(|spans, row| {
            for key in before.keys().filter(|key| !self.data.contains_key(*key)) {
                spans.remove_data(row, key);
            }
            for (key, value) in std::mem::take(&mut self.data) {
                if before.get(&key) != Some(&value) {
                    spans.set_data(row, &key, value);
                }
            }
        });
    }
}
