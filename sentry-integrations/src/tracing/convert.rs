//! What becomes of an event: a breadcrumb, an error event, a structured log.

use std::borrow::Cow;

use sentry_core::protocol::{Context as EventContext, Event, Exception, Map, Mechanism, Value};
#[cfg(feature = "logs")]
use sentry_core::protocol::{Log, LogAttribute, LogLevel};
use sentry_core::{Breadcrumb, EventDraft, LeanBreadcrumb, Level, SpareBuffers, value_bytes};
use tracing_core::{Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::fields::{Errors, EventFields, TAG, tag_text};
use super::span_fields;

/// The breadcrumb of an event; with a context, it has the fields of the spans around it.
#[deprecated(note = "only mappers of the older layer need it")]
pub fn breadcrumb_from_event<'context, S>(
    event: &tracing_core::Event<'_>,
    ctx: impl Into<Option<&'context Context<'context, S>>>,
) -> Breadcrumb
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    breadcrumb(event, ctx.into(), SpareBuffers::default()).into()
}

/// The Sentry event of an event, with an exception for each error among its fields; with a context, it has the fields of the
/// spans around it.
#[deprecated(note = "only mappers of the older layer need it")]
pub fn event_from_event<'context, S>(
    event: &tracing_core::Event<'_>,
    ctx: impl Into<Option<&'context Context<'context, S>>>,
) -> Event<'static>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    Draft::of(event, ctx.into()).into_event()
}

/// The structured log of an event; with a context, it has the fields of the spans around it.
#[cfg(feature = "logs")]
#[deprecated(note = "only mappers of the older layer need it")]
pub fn log_from_event<'context, S>(
    event: &tracing_core::Event<'_>,
    ctx: impl Into<Option<&'context Context<'context, S>>>,
) -> Log
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    log(event, ctx.into())
}

pub(super) fn breadcrumb<S>(
    event: &tracing_core::Event<'_>,
    context: Option<&Context<'_, S>>,
    buffers: SpareBuffers,
) -> LeanBreadcrumb
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let EventFields { message, log_target, values, .. } = fields_of(event, context, Errors::Listed, buffers);
    let metadata = event.metadata();
    let category = log_target.map_or(Cow::Borrowed(metadata.target()), Cow::Owned);
    LeanBreadcrumb { message, data: values, ..LeanBreadcrumb::new(level_of(metadata), category) }
}

/// What is needed to make the Sentry event of an event where it is finished.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    metadata: &'static Metadata<'static>,
    logger: Cow<'static, str>,
    message: Option<String>,
    values: Vec<(Cow<'static, str>, Value)>,
    exceptions: Vec<Exception>,
}

impl Draft {
    pub(super) fn of<S>(event: &tracing_core::Event<'_>, context: Option<&Context<'_, S>>) -> Self
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let EventFields { message, log_target, values, mut exceptions, .. } =
            fields_of(event, context, Errors::Captured, SpareBuffers::default());
        if let Some(outermost) = exceptions.last_mut() {
            let mechanism = outermost.mechanism.get_or_insert_with(Mechanism::default);
            mechanism.ty = "tracing".to_owned();
            mechanism.handled.get_or_insert(true);
        }
        let metadata = event.metadata();
        let logger = log_target.map_or(Cow::Borrowed(metadata.target()), Cow::Owned);
        Self { metadata, logger, message, values, exceptions }
    }

    pub(super) fn level(&self) -> Level {
        level_of(self.metadata)
    }

    fn into_event(self) -> Event<'static> {
        let Self { metadata, logger, message, mut values, exceptions } = self;
        let mut tags = Map::new();
        values.retain(|(key, value)| match key.strip_prefix(TAG).map(|tag| (tag, tag_text(value))) {
            Some((tag, Some(text))) => {
                tags.insert(tag.to_owned(), text);
                false
            }
            Some((_, None)) => !value.is_null(),
            None => true,
        });
        let mut contexts = Map::new();
        if !values.is_empty() {
            let fields = values.into_iter().map(|(key, value)| (key.into_owned(), value)).collect();
            contexts.insert("Rust Tracing Fields".to_owned(), EventContext::Other(fields));
        }
        let place = place_of(metadata, ["module_path", "file", "line"]);
        if !place.is_empty() {
            contexts.insert("Rust Tracing Location".to_owned(), EventContext::Other(place));
        }
        Event {
            logger: Some(logger.into_owned()),
            level: level_of(metadata),
            message,
            exception: exceptions.into(),
            tags,
            contexts,
            ..Event::default()
        }
    }
}

impl EventDraft for Draft {
    fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    fn bytes(&self) -> usize {
        let values = self.values.iter().map(|(key, value)| size_of_val(key) + key.len() + value_bytes(value));
        let texts = [&self.message].into_iter().flatten().map(String::len);
        let exceptions = self.exceptions.iter().map(|exception| {
            size_of_val(exception) + exception.ty.len() + exception.value.as_ref().map_or(0, String::len)
        });
        size_of::<Self>() + values.chain(texts).chain(exceptions).sum::<usize>()
    }

    fn finish(self: Box<Self>) -> Event<'static> {
        self.into_event()
    }

    fn to_event(&self) -> Event<'static> {
        self.clone().into_event()
    }
}

#[cfg(feature = "logs")]
pub(super) fn log<S>(event: &tracing_core::Event<'_>, context: Option<&Context<'_, S>>) -> Log
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let fields = fields_of(event, context, Errors::Listed, SpareBuffers::default());
    let metadata = event.metadata();
    let values = fields.values.into_iter().map(|(key, value)| (key.into_owned(), LogAttribute(value)));
    let mut attributes: Map<String, LogAttribute> = values.collect();
    let place: Map<String, Value> = place_of(metadata, ["code.module.name", "code.file.path", "code.line.number"]);
    attributes.extend(place.into_iter().map(|(key, value)| (key, LogAttribute(value))));
    attributes.insert("sentry.origin".to_owned(), "auto.log.tracing".into());
    Log {
        level: match *metadata.level() {
            tracing_core::Level::TRACE => LogLevel::Trace,
            tracing_core::Level::DEBUG => LogLevel::Debug,
            tracing_core::Level::INFO => LogLevel::Info,
            tracing_core::Level::WARN => LogLevel::Warn,
            tracing_core::Level::ERROR => LogLevel::Error,
        },
        body: fields.message.unwrap_or_default(),
        trace_id: None,
        timestamp: sentry_core::clock::wall(),
        severity_number: None,
        attributes,
    }
}

fn fields_of<S>(
    event: &tracing_core::Event<'_>,
    context: Option<&Context<'_, S>>,
    errors: Errors,
    buffers: SpareBuffers,
) -> EventFields
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut fields = EventFields::of(event, errors, buffers);
    if let Some(context) = context {
        fields.values.extend(span_fields::around(event, context));
    }
    fields
}

fn level_of(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing_core::Level::TRACE | tracing_core::Level::DEBUG => Level::Debug,
        tracing_core::Level::INFO => Level::Info,
        tracing_core::Level::WARN => Level::Warning,
        tracing_core::Level::ERROR => Level::Error,
    }
}

/// Where in the program it is, under these names.
fn place_of(metadata: &Metadata<'_>, [module, file, line]: [&str; 3]) -> Map<String, Value> {
    let texts = [(module, metadata.module_path()), (file, metadata.file())];
    let texts = texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.into())));
    texts.chain(metadata.line().map(|number| (line.to_owned(), number.into()))).collect()
}
