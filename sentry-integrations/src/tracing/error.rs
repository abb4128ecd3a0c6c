//! The layer that captures events as error events.

use sentry_core::Hub;
use tracing_core::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::inside::Spans;
use super::{convert, span_fields};
use crate::reentry;

/// Captures each event as an error event: its message, its fields as a context, and its errors as exceptions with their
/// sources.
///
/// Without a filter, events of *all* levels are captured, down to `TRACE`: give it one.
#[derive(Debug, Default)]
#[must_use]
pub struct ErrorLayer {
    has_span_attributes: bool,
    spans: Spans,
}

impl ErrorLayer {
    /// A layer for error events.
    ///
    /// ```
    /// use sentry_integrations::tracing::ErrorLayer;
    /// use tracing_subscriber::filter::LevelFilter;
    /// use tracing_subscriber::prelude::*;
    ///
    /// let subscriber = tracing_subscriber::registry().with(ErrorLayer::new().with_filter(LevelFilter::ERROR));
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
        Hub::with_active(|hub| {
            let draft = convert::Draft::of(event, self.has_span_attributes.then_some(context));
            hub.capture_draft(draft.level(), Box::new(draft));
        });
    }
}

impl<S> Layer<S> for ErrorLayer
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
