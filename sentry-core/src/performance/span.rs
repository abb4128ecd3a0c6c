//! A running span: a piece of work within a transaction.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::SystemTime;

use crate::clock;
use crate::protocol::{self, Map, Request, SpanId, SpanStatus, TraceContext, Value};
use crate::sync::{Mutex, MutexGuard};

use super::recording::Shared;
use super::trace_headers::TraceHeadersIter;

/// A running span. Clones are the same span; it is part of its transaction from when the first of them is finished.
///
/// Of a transaction that is not sampled, or has 1000 spans already, only the ids are kept: nothing given to it is
/// recorded, and nothing is allocated. A span that is dropped unfinished is not sent.
#[derive(Clone, Debug)]
pub struct Span {
    pub(super) shared: Arc<Shared>,
    pub(super) span_id: SpanId,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// What it records; the ids stay when it has been finished and handed over.
    Recorded(Arc<Mutex<protocol::Span>>),
    Unrecorded {
        parent_span_id: SpanId,
    },
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
        let kind = match is_recorded {
            true => Kind::Recorded(Arc::new(Mutex::new(protocol::Span {
                span_id,
                trace_id: shared.trace_id,
                parent_span_id: Some(parent_span_id),
                op: Some(op.to_owned()),
                description: (!description.is_empty()).then(|| description.to_owned()),
                start_timestamp: started.unwrap_or_else(clock::wall),
                timestamp: None,
                same_process_as_parent: None,
                status: None,
                tags: Map::new(),
                data: Map::new(),
            }))),
            false => Kind::Unrecorded { parent_span_id },
        };
        Self { shared: Arc::clone(shared), span_id, kind }
    }

    /// Sets an attribute of the span.
    pub fn set_data(&self, key: &str, value: Value) {
        self.record(|span| drop(span.data.insert(key.to_owned(), value)));
    }

    /// Sets a tag.
    pub fn set_tag<V: ToString>(&self, key: &str, value: V) {
        if matches!(self.kind, Kind::Recorded(_)) {
            // The user's `to_string` runs outside the lock.
            let value = value.to_string();
            self.record(|span| drop(span.tags.insert(key.to_owned(), value)));
        }
    }

    /// A guard of the span's attributes, to read or change several at once. Others who want the span wait meanwhile: do
    /// not finish it on the thread that holds the guard. What is done to a span that is not recorded is forgotten with
    /// the guard.
    pub fn data(&self) -> Data<'_> {
        Data(match &self.kind {
            Kind::Recorded(span) => Guard::Live(span.lock()),
            Kind::Unrecorded { .. } => Guard::Forgotten(Map::new()),
        })
    }

    /// Its place in the trace, as events get it.
    pub fn get_trace_context(&self) -> TraceContext {
        match &self.kind {
            Kind::Recorded(span) => {
                let span = span.lock();
                TraceContext {
                    span_id: self.span_id,
                    trace_id: self.shared.trace_id,
                    parent_span_id: span.parent_span_id,
                    op: span.op.clone(),
                    description: span.description.clone(),
                    status: span.status,
                    data: span.data.clone(),
                    ..TraceContext::default()
                }
            }
            Kind::Unrecorded { parent_span_id } => TraceContext {
                span_id: self.span_id,
                trace_id: self.shared.trace_id,
                parent_span_id: Some(*parent_span_id),
                ..TraceContext::default()
            },
        }
    }

    /// Its id.
    pub fn get_span_id(&self) -> SpanId {
        self.span_id
    }

    /// How it ended, if that was said.
    pub fn get_status(&self) -> Option<SpanStatus> {
        match &self.kind {
            Kind::Recorded(span) => span.lock().status,
            Kind::Unrecorded { .. } => None,
        }
    }

    /// Says how it ended.
    pub fn set_status(&self, status: SpanStatus) {
        self.record(|span| span.status = Some(status));
    }

    /// Sets the kind of work it is.
    pub fn set_op(&self, op: &str) {
        self.record(|span| span.op = Some(op.to_owned()));
    }

    /// Sets what it does in particular.
    pub fn set_name(&self, name: &str) {
        self.record(|span| span.description = Some(name.to_owned()));
    }

    /// Sets the HTTP request it makes or handles, as attributes.
    pub fn set_request(&self, request: Request) {
        self.record(|span| {
            let Request { url, method, data, query_string, cookies, headers, env } = request;
            let texts = [
                ("http.request.method", method),
                ("url.full", url.map(|url| url.to_string())),
                ("http.request.body.data", data),
                ("http.query", query_string),
                ("http.request.header.cookie", cookies),
            ];
            let texts = texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.into())));
            let headers = headers.into_iter().map(|(name, value)| {
                (format!("http.request.header.{}", name.to_ascii_lowercase()), Value::from(value))
            });
            let env = env.into_iter().map(|(name, value)| (format!("http.request.env.{name}"), Value::from(value)));
            span.data.extend(texts.chain(headers).chain(env));
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
    pub fn finish(self) {
        if matches!(self.kind, Kind::Recorded(_)) {
            self.finish_with_timestamp(clock::wall());
        }
    }

    /// Finishes it at `timestamp`. Of several times, the first counts.
    pub fn finish_with_timestamp(self, timestamp: SystemTime) {
        let Kind::Recorded(span) = &self.kind else { return };
        let mut span = span.lock();
        if span.timestamp.is_some() {
            return;
        }
        span.timestamp = Some(timestamp);
        // Clones that are still about keep what events are told of the span.
        let rest = protocol::Span {
            span_id: span.span_id,
            trace_id: span.trace_id,
            parent_span_id: span.parent_span_id,
            same_process_as_parent: None,
            op: None,
            description: None,
            timestamp: span.timestamp,
            start_timestamp: span.start_timestamp,
            status: span.status,
            tags: Map::new(),
            data: Map::new(),
        };
        let finished = std::mem::replace(&mut *span, rest);
        drop(span);
        self.shared.keep(finished);
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

    fn record(&self, change: impl FnOnce(&mut protocol::Span)) {
        if let Kind::Recorded(span) = &self.kind {
            change(&mut span.lock());
        }
    }
}

/// Equal if they are the same span.
impl PartialEq for Span {
    fn eq(&self, other: &Self) -> bool {
        self.span_id == other.span_id && Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// A guard of a span's attributes, see [`Span::data`].
pub struct Data<'a>(Guard<'a>);

enum Guard<'a> {
    Live(MutexGuard<'a, protocol::Span>),
    Forgotten(Map<String, Value>),
}

impl Data<'_> {
    /// Sets an attribute.
    pub fn set_data(&mut self, key: String, value: Value) {
        self.insert(key, value);
    }

    /// Sets a tag.
    pub fn set_tag(&mut self, key: String, value: String) {
        if let Guard::Live(span) = &mut self.0 {
            span.tags.insert(key, value);
        }
    }
}

impl Deref for Data<'_> {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        match &self.0 {
            Guard::Live(span) => &span.data,
            Guard::Forgotten(data) => data,
        }
    }
}

impl DerefMut for Data<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match &mut self.0 {
            Guard::Live(span) => &mut span.data,
            Guard::Forgotten(data) => data,
        }
    }
}
