//! The layer that makes breadcrumbs of events.

use sentry_core::Hub;
use tracing_core::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::inside::Spans;
use super::{convert, span_fields};
use crate::reentry;

/// Makes a breadcrumb of each event: its message, its target as category, its fields as data.
///
/// Without a filter, events of all levels count. Errors that [`ErrorLayer`](super::ErrorLayer) captures need none.
#[derive(Debug, Default)]
#[must_use]
pub struct BreadcrumbLayer {
    has_span_attributes: bool,
    spans: Spans,
}

impl BreadcrumbLayer {
    /// A layer for breadcrumbs.
    ///
    /// ```
    /// use sentry_integrations::tracing::BreadcrumbLayer;
    /// use tracing_subscriber::filter::LevelFilter;
    /// use tracing_subscriber::prelude::*;
    ///
    /// let subscriber = tracing_subscriber::registry().with(BreadcrumbLayer::new().with_filter(LevelFilter::INFO));
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

    pub(super) fn add<S>(&self, event: &Event<'_>, context: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        Hub::add_lean_breadcrumb(|buffers| {
            convert::breadcrumb(event, self.has_span_attributes.then_some(context), buffers)
        });
    }
}

impl<S> Layer<S> for BreadcrumbLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.spans.find_in(subscriber);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        reentry::deeper(|| self.spans.inside(event, || self.add(event, &context)));
    }
}
