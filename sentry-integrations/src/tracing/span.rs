//! The layer that makes Sentry spans of spans.

use std::borrow::Cow;

use sentry_core::protocol::Value;
use sentry_core::{BridgedParent, BridgedSite, BridgedSpans, Described};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::fields::{NAME, OP, SpanFields, TRACE};
use super::span_fields;

/// Makes a transaction of each root span and a span of each other one, and keeps what is set on the scope inside of each
/// where it belongs: see the [module](super).
///
/// Without a filter, spans of all levels count; `INFO` and above is what most programs want. Whether a transaction is sampled is
/// decided when its span begins.
#[derive(Debug, Default)]
#[non_exhaustive]
#[must_use]
pub struct SpanLayer {
    spans: BridgedSpans,
}

impl SpanLayer {
    /// A layer for spans.
    ///
    /// ```
    /// use sentry_integrations::tracing::SpanLayer;
    /// use tracing_subscriber::filter::LevelFilter;
    /// use tracing_subscriber::prelude::*;
    ///
    /// let subscriber = tracing_subscriber::registry().with(SpanLayer::new().with_filter(LevelFilter::INFO));
    /// # drop(subscriber);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn spans(&self) -> &BridgedSpans {
        &self.spans
    }
}

impl<S> Layer<S> for SpanLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = match attributes.parent() {
            // A parent that is filtered out stands for the next one around it.
            Some(parent) => {
                let mut around = context.span(parent).into_iter().flat_map(|span| span.scope());
                let known = around.find(|span| self.spans.knows(span.id().into_u64()));
                known.map_or(BridgedParent::Root, |span| BridgedParent::Explicit(span.id().into_u64()))
            }
            None if attributes.is_contextual() => BridgedParent::Current,
            None => BridgedParent::Root,
        };
        let around = || context.lookup_current().map(|span| span.id().into_u64());
        let site = site_of(attributes.metadata());
        let recorded = || SpanFields::of(|visitor| attributes.record(visitor));
        if span_fields::are_wanted() && !sentry_core::suppress::is_active() {
            let fields = recorded();
            keep(id, &context, &fields.values);
            self.spans.begin(id.into_u64(), parent, around, &site, || described(fields));
        } else {
            self.spans.begin(id.into_u64(), parent, around, &site, || described(recorded()));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let is_recorded = self.spans.is_recorded(id.into_u64());
        if !is_recorded && !span_fields::are_wanted() {
            return;
        }
        let fields = SpanFields::of(|visitor| values.record(visitor));
        if span_fields::are_wanted() {
            keep(id, &context, &fields.values);
        }
        if is_recorded {
            self.spans.record(id.into_u64(), described(fields));
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, _: Context<'_, S>) {
        self.spans.follows_from(id.into_u64(), follows.into_u64());
    }

    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        self.spans.enter(id.into_u64());
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        self.spans.exit(id.into_u64());
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.spans.close(id.into_u64());
    }
}

fn site_of(metadata: &'static Metadata<'static>) -> BridgedSite {
    let mut site = BridgedSite {
        name: metadata.name(),
        target: metadata.target(),
        module: metadata.module_path(),
        file: metadata.file(),
        line: metadata.line(),
        is_named: false,
        is_continued: false,
    };
    for field in metadata.fields().iter().filter(|field| field.name().starts_with("sentry.")) {
        site.is_named |= field.name() == NAME || field.name() == OP;
        site.is_continued |= field.name() == TRACE;
    }
    site
}

fn described(fields: SpanFields) -> Described {
    let SpanFields { name, op, sentry_trace, tags, values, .. } = fields;
    Described { name, op, sentry_trace, tags, data: values }
}

fn keep<S>(id: &Id, context: &Context<'_, S>, fields: &[(Cow<'static, str>, Value)])
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if let Some(span) = context.span(id) {
        span_fields::keep(&span, fields);
    }
}
