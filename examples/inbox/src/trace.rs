//! Traces: what transactions, whoever sent them, and errors say about one piece of work.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use sentry_core::protocol::{Event, Level};
use serde_json::Value;

use crate::group;
use crate::json;
use crate::kept::{Newest, Recent};

/// All traces. The one that got nothing for the longest time goes first when there are more than 500, or more than 50,000
/// spans in all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traces {
    traces: Recent<u128, Trace>,
    spans: usize,
    /// Traces that are gone; those of mere errors would not have been shown.
    dropped: u64,
}

/// One trace: its first 10,000 spans and its last 100 errors.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub(crate) spans: Vec<Span>,
    pub(crate) errors: Newest<TraceError>,
    /// Spans beyond the limit.
    pub(crate) left_out: u64,
    known: HashSet<u128>,
}

/// A span, or a transaction as the span it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) id: u128,
    pub(crate) parent: Option<u128>,
    pub(crate) op: Option<String>,
    /// What a span describes, a transaction's name.
    pub(crate) description: Option<String>,
    pub(crate) start: Option<SystemTime>,
    pub(crate) end: Option<SystemTime>,
    pub(crate) status: Option<String>,
    /// The release, else the machine, of a transaction.
    pub(crate) service: Option<String>,
}

/// An event that names the trace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TraceError {
    pub(crate) span: Option<u128>,
    pub(crate) time: SystemTime,
    pub(crate) level: Level,
    pub(crate) title: String,
}

/// A transaction's item, read.
#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    pub(crate) trace: u128,
    pub(crate) span: Span,
}

impl Traces {
    /// Returns what the transaction itself is; `None` where the payload names neither trace nor span.
    pub(crate) fn file_transaction(&mut self, payload: &Value) -> Option<Transaction> {
        let context = payload.get("contexts")?.get("trace")?;
        let (trace_id, span) = (json::id(context, "trace_id")?, transaction(payload, context)?);
        let children = json::list(payload, "spans").iter().filter_map(Span::read);
        let trace = self.traces.touch(&trace_id, Trace::new);
        let before = trace.spans.len();
        std::iter::once(span.clone()).chain(children).for_each(|span| trace.push(span));
        self.spans += trace.spans.len() - before;
        self.trim();
        Some(Transaction { trace: trace_id, span })
    }

    /// Notes an event under the trace it names, if it names one.
    pub(crate) fn file_event(&mut self, event: &Event<'_>) {
        // Whatever type the context was read as.
        let context = event.contexts.get("trace").and_then(|context| serde_json::to_value(context).ok());
        let Some((trace, context)) = context.and_then(|context| Some((json::id(&context, "trace_id")?, context)))
        else {
            return;
        };
        let error = TraceError {
            span: json::id(&context, "span_id"),
            time: event.timestamp,
            level: event.level,
            title: group::title(event).chars().take(MAX_TITLE).collect(),
        };
        self.traces.touch(&trace, Trace::new).errors.push(error);
        self.trim();
    }

    /// Those with at least one span: every event names a trace, also where nothing is traced. The newest last.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (u128, &Trace)> {
        self.traces.iter().filter(|(_, trace)| !trace.spans.is_empty()).map(|(id, trace)| (*id, trace))
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    fn trim(&mut self) {
        loop {
            // The newest fits by itself.
            let limit = if self.spans > MAX_SPANS { 1 } else { MAX_TRACES };
            let Some(trace) = self.traces.trim(limit) else {
                return;
            };
            self.spans -= trace.spans.len();
            self.dropped += u64::from(!trace.spans.is_empty());
        }
    }
}

impl Trace {
    fn new() -> Trace {
        Trace { spans: Vec::new(), errors: Newest::of(MAX_ERRORS), left_out: 0, known: HashSet::new() }
    }

    fn push(&mut self, span: Span) {
        // A transaction sent twice is one transaction.
        if self.known.contains(&span.id) {
            return;
        }
        if self.spans.len() >= MAX_SPANS_OF_ONE {
            self.left_out += 1;
            return;
        }
        self.known.insert(span.id);
        self.spans.push(span);
    }

    pub(crate) fn start(&self) -> Option<SystemTime> {
        self.spans.iter().filter_map(|span| span.start).min()
    }

    /// From the start of the first span to the end of the last.
    pub(crate) fn duration(&self) -> Option<Duration> {
        self.spans.iter().filter_map(|span| span.end).max()?.duration_since(self.start()?).ok()
    }

    /// How many programs took part, as far as their names tell.
    pub(crate) fn services(&self) -> usize {
        // `app@1.0` and `app@1.1` are one program.
        let names = self.spans.iter().filter_map(|span| span.service.as_deref()?.split('@').next());
        names.collect::<HashSet<_>>().len()
    }
}

impl Span {
    fn read(value: &Value) -> Option<Span> {
        Some(Span {
            id: json::id(value, "span_id")?,
            parent: json::id(value, "parent_span_id"),
            op: json::text(value, "op"),
            description: json::text(value, "description"),
            start: json::time(value, "start_timestamp"),
            end: json::time(value, "timestamp"),
            status: json::text(value, "status"),
            service: None,
        })
    }

    /// None where it ended before it began.
    pub(crate) fn duration(&self) -> Option<Duration> {
        self.end?.duration_since(self.start?).ok()
    }
}

fn transaction(payload: &Value, context: &Value) -> Option<Span> {
    Some(Span {
        description: json::text(payload, "transaction").or_else(|| json::text(context, "description")),
        start: json::time(payload, "start_timestamp"),
        end: json::time(payload, "timestamp"),
        service: json::text(payload, "release").or_else(|| json::text(payload, "server_name")),
        ..Span::read(context)?
    })
}

const MAX_TRACES: usize = 500;
const MAX_SPANS: usize = 50_000;
const MAX_SPANS_OF_ONE: usize = 10_000;
const MAX_ERRORS: usize = 100;
const MAX_TITLE: usize = 200;

#[cfg(test)]
mod tests {
    use sentry_core::protocol::Context;
    use serde_json::json;

    use super::*;

    fn transaction(trace: u32, spans: usize) -> Value {
        let spans: Vec<Value> = (0..spans).map(|span| json!({"span_id": format!("{:x}", span + 16)})).collect();
        json!({"contexts": {"trace": {"trace_id": format!("{trace:x}"), "span_id": "1"}}, "spans": spans})
    }

    #[test]
    fn spans_of_one_trace_have_a_limit() {
        let mut traces = Traces::default();
        assert!(traces.file_transaction(&transaction(7, 100_000)).is_some());
        let (_, trace) = traces.iter().next().unwrap();
        assert_eq!((trace.spans.len(), trace.left_out, traces.spans), (10_000, 90_001, 10_000));
    }

    #[test]
    fn spans_of_all_traces_have_a_limit() {
        let mut traces = Traces::default();
        for trace in 1..=6 {
            traces.file_transaction(&transaction(trace, 9_999));
        }
        assert_eq!(traces.iter().map(|(id, _)| id).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
        assert_eq!((traces.spans, traces.dropped()), (50_000, 1));
    }

    #[test]
    fn traces_have_a_limit() {
        let mut traces = Traces::default();
        for trace in 1..=502 {
            traces.file_transaction(&transaction(trace, 0));
        }
        assert_eq!((traces.iter().count(), traces.spans, traces.dropped()), (500, 500, 2));
    }

    #[test]
    fn traces_of_mere_errors_are_not_missed() {
        let mut traces = Traces::default();
        for trace in 1..=501 {
            let context = [("trace_id".to_owned(), json!(format!("{trace:032x}")))];
            let mut event = Event::default();
            event.contexts.insert("trace".to_owned(), Context::Other(context.into()));
            traces.file_event(&event);
        }
        assert_eq!((traces.iter().count(), traces.traces.dropped(), traces.dropped()), (0, 1, 0));
    }

    #[test]
    fn a_transaction_sent_twice_is_one() {
        let mut traces = Traces::default();
        traces.file_transaction(&transaction(7, 3));
        traces.file_transaction(&transaction(7, 3));
        assert_eq!(traces.iter().next().unwrap().1.spans.len(), 4);
    }

    #[test]
    fn without_trace_and_span_there_is_no_transaction() {
        for payload in [json!(null), json!([]), json!({"contexts": {"trace": {"trace_id": "7"}}})] {
            assert!(Traces::default().file_transaction(&payload).is_none(), "{payload}");
        }
    }
}
