//! The fields of spans, kept for events inside of them: only while a layer wants them, since few do.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use sentry_core::protocol::Value;
use sentry_core::{FILTERED, Hub};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// Whether any layer of the process wants them.
static WANTED: AtomicBool = AtomicBool::new(false);

pub(super) fn want() {
    WANTED.store(true, Ordering::Relaxed);
}

pub(super) fn are_wanted() -> bool {
    WANTED.load(Ordering::Relaxed)
}

struct Kept(Vec<(Cow<'static, str>, Value)>);

/// Keeps fields with their span.
pub(super) fn keep<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, fields: &[(Cow<'static, str>, Value)]) {
    let mut extensions = span.extensions_mut();
    match extensions.get_mut::<Kept>() {
        Some(kept) => {
            for (key, value) in fields {
                match kept.0.iter_mut().find(|(there, _)| there == key) {
                    Some((_, there)) => there.clone_from(value),
                    None => kept.0.push((key.clone(), value.clone())),
                }
            }
        }
        None => extensions.insert(Kept(fields.to_vec())),
    }
}

/// The fields of the span that `event` is in and of those around it, under `span:field`; the innermost of a name counts.
pub(super) fn around<S>(event: &Event<'_>, context: &Context<'_, S>) -> Vec<(Cow<'static, str>, Value)>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut all: Vec<(Cow<'static, str>, Value)> = Vec::new();
    let Some(innermost) = context.event_span(event) else { return all };
    for span in innermost.scope() {
        let extensions = span.extensions();
        for (field, value) in extensions.get::<Kept>().map(|kept| &kept.0).into_iter().flatten() {
            let key = [span.name(), ":", field].concat();
            if field != "message" && all.iter().all(|(there, _)| *there != key) {
                // They may have been kept when nobody was there to deny them.
                let value = if Hub::denies_here(field) { FILTERED.into() } else { value.clone() };
                all.push((key.into(), value));
            }
        }
    }
    all
}
