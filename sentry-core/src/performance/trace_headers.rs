//! The headers that carry a trace to another service.

use std::sync::Arc;

use crate::client::Client;
use crate::propagation::{BAGGAGE, SENTRY_TRACE, TRACEPARENT, TracePropagationContext};
use crate::protocol::SpanId;

use super::shared::Shared;

/// A header's name, in lower case, and its value.
pub type TraceHeader = (&'static str, String);

/// The headers by which another service continues a trace: `sentry-trace`, then `baggage` if there is something to say,
/// then `traceparent` with [`propagate_traceparent`](field@crate::ClientOptions::propagate_traceparent).
///
/// A request that has a `baggage` header already keeps what others put into it: see
/// [`append_baggage`](crate::append_baggage).
pub struct TraceHeadersIter {
    headers: std::array::IntoIter<Option<TraceHeader>, 3>,
}

impl TraceHeadersIter {
    pub(super) fn of_span(shared: &Arc<Shared>, span_id: SpanId) -> Self {
        Self::new(&shared.propagation_context(span_id), shared.client().as_deref())
    }

    pub(crate) fn new(context: &TracePropagationContext, client: Option<&Client>) -> Self {
        let baggage = Some(context.baggage_header()).filter(|baggage| !baggage.is_empty());
        let writes_traceparent = client.is_some_and(|client| client.options().propagate_traceparent);
        let headers = [
            Some((SENTRY_TRACE, context.sentry_trace_header())),
            baggage.map(|baggage| (BAGGAGE, baggage)),
            writes_traceparent.then(|| (TRACEPARENT, context.traceparent_header())),
        ];
        Self { headers: headers.into_iter() }
    }
}

impl Iterator for TraceHeadersIter {
    type Item = TraceHeader;

    fn next(&mut self) -> Option<TraceHeader> {
        self.headers.find_map(|header| header)
    }
}
