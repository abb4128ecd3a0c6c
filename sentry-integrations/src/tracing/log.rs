//! The layer that makes structured logs of events.

use sentry_core::Hub;
use tracing_core::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::inside::Spans;
use super::{convert, span_fields};
use crate::reentry;

/// Makes a structured log of each event: its message as body, its fields as attributes.
///
/// Without a filter, events of all levels count; `INFO` and above is what most programs want.
#[derive(Debug, Default)]
#[must_use]
pub struct LogLayer {
    has_span_attributes: bool,
    spans: Spans,
}

impl LogLayer {
    /// A layer for structured logs.
    ///
    /// ```
    /// use sentry_integrations::tracing::LogLayer;
    /// use tracing_subscriber::filter::LevelFilter;
    /// use tracing_subscriber::prelude::*;
    ///
    /// let subscriber = tracing_subscriber::registry().with(LogLayer::new().with_filter(LevelFilter::INFO));
    /// # drop(subscriber);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the fields of the spans around it, as `span:field`. They are those of spans that this layer and a
    /// [`SpanLayer`](super::SpanLayer) of the same subscriber both let pass; sampled or not.
    pub fn enable_span_attributes(mut self) -> Self {
        span_fields::want();
        self.has_span_attributes = true;
        self
    }

    pub(super) fn capture<S>(&self, event: &Event<'_>, context: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if Hub::wants_logs_here() {
            Hub::capture_log_here(convert::log(event, self.has_span_attributes.then_some(context)));
        }
    }
}

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.spans.find_in(subscriber);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        reentry::deeper(|| self.spans.inside(event, || self.capture(event, &context)));
    }
}
