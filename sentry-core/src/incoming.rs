//! The door for bridges to frameworks that serve requests: a hub of a request belongs to its caller's trace.

use crate::hub::Hub;
use crate::propagation::{PropagationContext, TracePropagationContext};

impl Hub {
    /// Makes what is captured on this hub, and transactions begun on it, part of the trace that `headers` tell of, or of a
    /// new one; for as long as the hub is there (spec TRC-30, TRC-33). It is to be one of the request's own: its span is
    /// taken off.
    #[doc(hidden)]
    pub fn continue_incoming<'a, I>(&self, headers: I)
    where
        I: IntoIterator<Item = (&'a str, &'a str)>,
    {
        let incoming = TracePropagationContext::try_from_headers(headers).ok();
        let client = self.client();
        let incoming = incoming.filter(|incoming| client.as_ref().is_none_or(|client| client.continues(incoming)));
        let trace = incoming.map_or_else(PropagationContext::beginning, PropagationContext::continuing);
        self.configure_scope(|scope| {
            scope.set_span(None);
            scope.set_trace(Some(trace));
        });
    }
}
