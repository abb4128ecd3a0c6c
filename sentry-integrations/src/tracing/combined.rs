//! The older layer: all others in one, each with a filter of this layer's own.
#![expect(deprecated, reason = "kept for programs written for it")]

use std::fmt;

use sentry_core::Breadcrumb;
#[cfg(feature = "logs")]
use sentry_core::Hub;
use sentry_core::protocol::Event as SentryEvent;
#[cfg(feature = "logs")]
use sentry_core::protocol::Log;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

#[cfg(feature = "logs")]
use super::LogLayer;
use super::{BreadcrumbLayer, ErrorLayer, SpanLayer, span_fields};
use crate::reentry;

bitflags::bitflags! {
    /// What becomes of an event, in any combination.
    #[derive(Debug, Clone, Copy)]
    #[deprecated(note = "only the older layer needs it")]
    pub struct EventFilter: u32 {
        /// Nothing.
        const Ignore = 0b000;
        /// A breadcrumb.
        const Breadcrumb = 0b001;
        /// An error event.
        const Event = 0b010;
        /// A structured log.
        const Log = 0b100;
    }
}

/// What a mapper made of an event.
#[derive(Debug)]
#[non_exhaustive]
#[deprecated(note = "only the older layer needs it")]
pub enum EventMapping {
    /// Nothing.
    Ignore,
    /// A breadcrumb.
    Breadcrumb(Breadcrumb),
    /// An error event.
    Event(Box<SentryEvent<'static>>),
    /// A structured log.
    #[cfg(feature = "logs")]
    Log(Log),
    /// Several, in this order.
    Combined(CombinedEventMapping),
}

/// Several mappings of one event.
#[derive(Debug)]
#[deprecated(note = "only the older layer needs it")]
pub struct CombinedEventMapping(Vec<EventMapping>);

impl From<EventMapping> for CombinedEventMapping {
    fn from(mapping: EventMapping) -> Self {
        match mapping {
            EventMapping::Combined(combined) => combined,
            one => Self(vec![one]),
        }
    }
}

impl From<Vec<EventMapping>> for CombinedEventMapping {
    fn from(mappings: Vec<EventMapping>) -> Self {
        Self(mappings)
    }
}

/// Errors are captured, warnings and infos are breadcrumbs, and with feature `logs` all three are structured logs. The rest
/// is ignored.
#[deprecated(note = "only the older layer needs it")]
pub fn default_event_filter(metadata: &Metadata<'_>) -> EventFilter {
    let log = if cfg!(feature = "logs") { EventFilter::Log } else { EventFilter::Ignore };
    match *metadata.level() {
        Level::ERROR => EventFilter::Event | log,
        Level::WARN | Level::INFO => EventFilter::Breadcrumb | log,
        _ => EventFilter::Ignore,
    }
}

/// Spans of the levels error, warning and info count.
#[deprecated(note = "only the older layer needs it")]
pub fn default_span_filter(metadata: &Metadata<'_>) -> bool {
    matches!(*metadata.level(), Level::ERROR | Level::WARN | Level::INFO)
}

/// The older layer, which does what all others do, with filters and a mapper of its own. New programs use those.
#[deprecated(note = "use `SpanLayer`, `BreadcrumbLayer`, `ErrorLayer` and `LogLayer`, each with a filter")]
#[must_use]
pub struct SentryLayer<S> {
    event_filter: Box<dyn Fn(&Metadata<'_>) -> EventFilter + Send + Sync>,
    event_mapper: Option<EventMapper<S>>,
    span_filter: Box<dyn Fn(&Metadata<'_>) -> bool + Send + Sync>,
    spans: SpanLayer,
    breadcrumbs: BreadcrumbLayer,
    errors: ErrorLayer,
    #[cfg(feature = "logs")]
    logs: LogLayer,
}

type EventMapper<S> = Box<dyn Fn(&Event<'_>, Context<'_, S>) -> EventMapping + Send + Sync>;

impl<S> SentryLayer<S> {
    /// Decides what becomes of events, by their metadata; it is to make none itself. Default: [`default_event_filter`].
    pub fn event_filter<F>(mut self, filter: F) -> Self
    where
        F: Fn(&Metadata<'_>) -> EventFilter + Send + Sync + 'static,
    {
        self.event_filter = Box::new(filter);
        self
    }

    /// Makes what becomes of events; the filter for events is not asked then. Default: none.
    pub fn event_mapper<F>(mut self, mapper: F) -> Self
    where
        F: Fn(&Event<'_>, Context<'_, S>) -> EventMapping + Send + Sync + 'static,
    {
        // It may ask for the fields of spans.
        span_fields::want();
        self.event_mapper = Some(Box::new(mapper));
        self
    }

    /// Decides which spans count, by their metadata. Default: [`default_span_filter`].
    pub fn span_filter<F>(mut self, filter: F) -> Self
    where
        F: Fn(&Metadata<'_>) -> bool + Send + Sync + 'static,
    {
        self.span_filter = Box::new(filter);
        self
    }

    /// Adds the fields of the spans around events to what becomes of those, as `span:field`.
    pub fn enable_span_attributes(mut self) -> Self {
        self.breadcrumbs = self.breadcrumbs.enable_span_attributes();
        self.errors = self.errors.enable_span_attributes();
        #[cfg(feature = "logs")]
        {
            self.logs = self.logs.enable_span_attributes();
        }
        self
    }
}

impl<S> Default for SentryLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn default() -> Self {
        Self {
            event_filter: Box::new(default_event_filter),
            event_mapper: None,
            span_filter: Box::new(default_span_filter),
            spans: SpanLayer::new(),
            breadcrumbs: BreadcrumbLayer::new(),
            errors: ErrorLayer::new(),
            #[cfg(feature = "logs")]
            logs: LogLayer::new(),
        }
    }
}

impl<S> fmt::Debug for SentryLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryLayer").field("has_event_mapper", &self.event_mapper.is_some()).finish_non_exhaustive()
    }
}

impl<S> SentryLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn capture_mapped(mapping: EventMapping) {
        match mapping {
            EventMapping::Breadcrumb(breadcrumb) => sentry_core::add_breadcrumb(breadcrumb),
            EventMapping::Event(event) => _ = sentry_core::capture_event(*event),
            #[cfg(feature = "logs")]
            EventMapping::Log(log) => Hub::capture_log_here(log),
            // One within another is a mistake.
            EventMapping::Ignore | EventMapping::Combined(_) => {}
        }
    }

    fn map(mapper: &EventMapper<S>, event: &Event<'_>, context: Context<'_, S>) {
        let mapping = reentry::ask(|| mapper(event, context));
        mapping
            .map(|mapping| CombinedEventMapping::from(mapping).0)
            .into_iter()
            .flatten()
            .for_each(Self::capture_mapped);
    }

    fn capture(&self, filter: EventFilter, event: &Event<'_>, context: &Context<'_, S>) {
        if filter.contains(EventFilter::Breadcrumb) {
            self.breadcrumbs.add(event, context);
        }
        if filter.contains(EventFilter::Event) {
            self.errors.capture(event, context);
        }
        #[cfg(feature = "logs")]
        if filter.contains(EventFilter::Log) {
            self.logs.capture(event, context);
        }
    }

    /// Inside of the span that the event names as its parent, if it does.
    fn inside(&self, event: &Event<'_>, work: impl FnOnce()) {
        match event.parent() {
            Some(parent) => self.spans.spans().within(parent.into_u64(), work),
            None => work(),
        }
    }
}

impl<S> Layer<S> for SentryLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if let Some(mapper) = &self.event_mapper {
            return self.inside(event, || Self::map(mapper, event, context));
        }
        let filter = (self.event_filter)(event.metadata());
        if !filter.is_empty() {
            reentry::deeper(|| self.inside(event, || self.capture(filter, event, &context)));
        }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if reentry::ask(|| (self.span_filter)(attributes.metadata())).unwrap_or(false) {
            self.spans.on_new_span(attributes, id, context);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.spans.on_record(id, values, context);
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, S>) {
        self.spans.on_follows_from(id, follows, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.spans.on_enter(id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.spans.on_exit(id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.spans.on_close(id, context);
    }
}

/// The older layer, see [`SentryLayer`].
#[deprecated(note = "use `SpanLayer`, `BreadcrumbLayer`, `ErrorLayer` and `LogLayer`, each with a filter")]
pub fn layer<S>() -> SentryLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    SentryLayer::default()
}
