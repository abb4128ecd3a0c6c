//! Continuing a trace without starting anything: for programs and code that do not trace, but belong to a trace.

use crate::api::with_scope;
use crate::hub::Hub;
use crate::propagation::{self, PropagationContext, TracePropagationContext};
use crate::scope::Scope;

/// Calls `callback` within the trace that `headers` tell of (`sentry-trace` and `baggage`, else `traceparent`): events,
/// logs and transactions belong to it, and it is passed on. No span is started. Without a trace in the headers, or with one of another
/// organization, a new one begins (spec TRC-10, TRC-21).
///
/// ```
/// let headers = [("sentry-trace", "5e1f0c0c4d9a4b7c8d2e3f4051627384-a1b2c3d4e5f60718")];
/// sentry_core::continue_trace(headers, || {
///     sentry_core::capture_message("part of the caller's trace", sentry_core::Level::Info);
/// });
/// ```
pub fn continue_trace<'a, I, R>(headers: I, callback: impl FnOnce() -> R) -> R
where
    I: IntoIterator<Item = (&'a str, &'a str)>,
{
    let incoming = TracePropagationContext::try_from_headers(headers).ok();
    let client = Hub::current().client();
    let is_ours = |incoming: &TracePropagationContext| client.as_ref().is_none_or(|client| client.continues(incoming));
    within(
        incoming.filter(is_ours).map_or_else(PropagationContext::beginning, PropagationContext::continuing),
        callback,
    )
}

/// Calls `callback` within a trace of its own (spec TRC-12).
pub fn start_new_trace<R>(callback: impl FnOnce() -> R) -> R {
    within(PropagationContext::beginning(), callback)
}

/// The value of the header `baggage` for a request that has one already: what others wrote into `existing` is kept,
/// stale Sentry members are replaced by those of `own`, within the limits of W3C (64 members, 8192 bytes).
///
/// ```
/// let baggage = sentry_core::append_baggage("vendor=x,sentry-sampled=false", "sentry-sampled=true");
/// assert_eq!(baggage, "vendor=x,sentry-sampled=true");
/// ```
#[must_use]
pub fn append_baggage(existing: &str, own: &str) -> String {
    propagation::append_baggage(existing, &propagation::read_baggage(own))
}

fn within<R>(trace: PropagationContext, callback: impl FnOnce() -> R) -> R {
    let enter = |scope: &mut Scope| {
        scope.set_span(None);
        scope.set_trace(Some(trace));
    };
    with_scope(enter, callback)
}
