//! `sentry::integrations::tracing`.
#![expect(deprecated, reason = "programs use it")]

use sentry::Breadcrumb;
use sentry::integrations::tracing::{
    BreadcrumbLayer, CombinedEventMapping, ErrorLayer, EventFilter, EventMapping, LogLayer, SentryLayer, SpanLayer,
    breadcrumb_from_event, default_event_filter, default_span_filter, event_from_event, layer, log_from_event,
};
use sentry::protocol::{Event, Log};
use tracing::Metadata;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

fn layers() -> impl tracing::Subscriber {
    tracing_subscriber::registry()
        .with(SpanLayer::new())
        .with(SpanLayer::default().boxed())
        .with(BreadcrumbLayer::new().enable_span_attributes())
        .with(BreadcrumbLayer::default())
        .with(ErrorLayer::new().enable_span_attributes())
        .with(ErrorLayer::default())
        .with(LogLayer::new().enable_span_attributes())
        .with(LogLayer::default())
}

fn combined() -> impl tracing::Subscriber {
    let first: SentryLayer<Registry> = layer();
    let second: SentryLayer<Registry> = SentryLayer::default();
    let both = first
        .event_filter(|metadata: &Metadata<'_>| -> EventFilter { default_event_filter(metadata) })
        .span_filter(|metadata: &Metadata<'_>| -> bool { default_span_filter(metadata) })
        .enable_span_attributes()
        .and_then(second.event_mapper(mapping));
    tracing_subscriber::registry().with(both)
}

fn mapping(event: &tracing::Event<'_>, context: Context<'_, Registry>) -> EventMapping {
    let breadcrumb: Breadcrumb = breadcrumb_from_event(event, Some(&context));
    let of_event: Event<'static> = event_from_event(event, Some(&context));
    let log: Log = log_from_event(event, None::<&Context<'_, Registry>>);
    let one: CombinedEventMapping = EventMapping::Ignore.into();
    let all: CombinedEventMapping = vec![
        EventMapping::Breadcrumb(breadcrumb),
        EventMapping::Event(Box::new(of_event)),
        EventMapping::Log(log),
        EventMapping::Combined(one),
    ]
    .into();
    let _shown = format!("{all:?}");
    EventMapping::Combined(all)
}

fn filters(filter: EventFilter) -> bool {
    let all = EventFilter::Breadcrumb | EventFilter::Event | EventFilter::Log | EventFilter::Ignore;
    let copied = filter;
    let _shown = format!("{filter:?}");
    all.contains(copied) && all.bits() == 0b111_u32
}
