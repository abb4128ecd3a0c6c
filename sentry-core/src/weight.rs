//! What captures weigh in memory, so that a queue can be bounded in bytes.
//!
//! Weights are estimates of the heap that a capture keeps alive: the text counts, fixed parts are rounded. What many
//! captures share (layers of scopes, breadcrumbs, attachments) is counted once for the process, for as long as at
//! least one queued capture refers to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::pending::Class;
use crate::protocol::{
    Breadcrumb, Context, Envelope, EnvelopeItem, Event, Exception, ItemContainer, Log, LogAttribute, Map, Measurement,
    Metric, MonitorCheckIn, Request, SessionAggregateItem, Span, Stacktrace, User, Value,
};
use crate::scope::{Layer, Node, ScopeData, ScopeSnapshot};

/// The bytes of all scope data that queued captures of the same budget as `class` refer to, each piece once. Crashes and
/// errors have one budget, bulk data has another: what both hold counts in both.
#[must_use]
pub fn shared_scope_bytes(class: Class) -> usize {
    Budget::of(class).shared().load(Ordering::Acquire)
}

/// In the child of a fork: nothing is queued there.
pub(crate) fn forget() {
    for budget in [Budget::Upper, Budget::Bulk] {
        budget.shared().store(0, Ordering::Release);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Budget {
    Upper,
    Bulk,
}

impl Budget {
    fn of(class: Class) -> Self {
        match class {
            Class::Crash | Class::Error => Self::Upper,
            Class::Bulk => Self::Bulk,
        }
    }

    fn shared(self) -> &'static AtomicUsize {
        static SHARED: Held = Held { upper: AtomicUsize::new(0), bulk: AtomicUsize::new(0) };
        SHARED.within(self)
    }
}

/// By how many charges and charged neighbours a piece of a scope is held, in each budget.
#[derive(Debug, Default)]
pub(crate) struct Held {
    upper: AtomicUsize,
    bulk: AtomicUsize,
}

impl Held {
    fn within(&self, budget: Budget) -> &AtomicUsize {
        match budget {
            Budget::Upper => &self.upper,
            Budget::Bulk => &self.bulk,
        }
    }

    /// Whether it was not held before.
    fn hold(&self, budget: Budget) -> bool {
        self.within(budget).fetch_add(1, Ordering::AcqRel) == 0
    }

    /// Whether it is not held any more.
    fn let_go(&self, budget: Budget) -> bool {
        self.within(budget).fetch_sub(1, Ordering::AcqRel) == 1
    }
}

/// Counts the scopes of a queued capture for as long as it lives.
///
/// The first one to hold a piece adds its bytes and goes on to what lies behind it, the last one takes them away again;
/// so a capture whose scope is counted already costs one atomic addition, whatever the scope holds. A piece in use does
/// not change (writing needs to be its only owner), so what is taken away is what was added.
#[derive(Debug)]
pub(crate) struct Charge(Option<Box<(Budget, [ScopeData; 2])>>);

impl Charge {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn of(snapshot: &ScopeSnapshot, class: Class) -> Self {
        let (budget, scopes) = (Budget::of(class), [snapshot.scope.clone(), snapshot.global.clone()]);
        for scope in &scopes {
            each_piece(scope, |held| held.hold(budget), |bytes| _ = budget.shared().fetch_add(bytes, Ordering::AcqRel));
        }
        Self(Some(Box::new((budget, scopes))))
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let Some((budget, scopes)) = self.0.as_deref() else { return };
        for scope in scopes {
            each_piece(
                scope,
                |held| held.let_go(*budget),
                |bytes| _ = budget.shared().fetch_sub(bytes, Ordering::AcqRel),
            );
        }
    }
}

/// Gives `count` the bytes of the pieces of a scope, from the newest of each list on as long as `goes_on`.
fn each_piece(scope: &ScopeData, goes_on: impl Fn(&Held) -> bool, count: impl Fn(usize)) {
    let mut layer: Option<&Arc<Layer>> = scope.layer();
    while let Some(at) = layer.filter(|layer| goes_on(&layer.held)) {
        count(at.bytes());
        layer = at.below();
    }
    for head in scope.crumbs().heads() {
        let mut node: Option<&Arc<Node>> = head;
        while let Some(at) = node.filter(|node| goes_on(&node.held)) {
            count(at.bytes());
            node = at.previous();
        }
    }
}

pub(crate) fn envelope_bytes(envelope: &Envelope) -> usize {
    let items = envelope.items().map(|item| {
        size_of_val(item)
            + match item {
                EnvelopeItem::Event(event) | EnvelopeItem::Feedback(event) => event_bytes(event),
                EnvelopeItem::Transaction(transaction) => {
                    value_map(&transaction.extra)
                        + text_map(&transaction.tags)
                        + transaction.request.iter().map(request_bytes).sum::<usize>()
                        + measurements_bytes(&transaction.measurements)
                        + transaction
                            .contexts
                            .iter()
                            .map(|(key, context)| key.len() + context_bytes(context))
                            .sum::<usize>()
                        + transaction.spans.iter().map(span_bytes).sum::<usize>()
                }
                EnvelopeItem::SessionAggregates(sums) => sums.aggregates.len() * size_of::<SessionAggregateItem>(),
                EnvelopeItem::ItemContainer(ItemContainer::Logs(logs)) => logs.iter().map(log_bytes).sum(),
                EnvelopeItem::ItemContainer(ItemContainer::Metrics(metrics)) => metrics.iter().map(metric_bytes).sum(),
                EnvelopeItem::MonitorCheckIn(check_in) => check_in_bytes(check_in),
                EnvelopeItem::Attachment(attachment) => attachment.buffer.len(),
                EnvelopeItem::Unknown(item) => item.payload().len(),
                _ => 0,
            }
    });
    size_of::<Envelope>() + envelope.raw_bytes() + items.sum::<usize>()
}

pub(crate) fn check_in_bytes(check_in: &MonitorCheckIn) -> usize {
    let timezone = check_in.monitor_config.iter().map(|config| optional(&config.timezone)).sum::<usize>();
    size_of::<MonitorCheckIn>() + check_in.monitor_slug.len() + optional(&check_in.environment) + timezone
}

pub(crate) fn event_bytes(event: &Event<'_>) -> usize {
    let texts =
        [&event.culprit, &event.transaction, &event.message, &event.logger].into_iter().map(optional).sum::<usize>();
    let log_entry = event.logentry.iter().map(|entry| {
        entry.message.len() + optional(&entry.formatted) + entry.params.iter().map(value_bytes).sum::<usize>()
    });
    let request = event.request.iter().map(request_bytes);
    size_of::<Event<'_>>()
        + texts
        + log_entry.sum::<usize>()
        + request.sum::<usize>()
        + event.user.iter().map(user_bytes).sum::<usize>()
        + event.exception.values.iter().map(exception_bytes).sum::<usize>()
        + event.threads.values.iter().filter_map(|thread| thread.stacktrace.as_ref()).map(stack_bytes).sum::<usize>()
        + event.stacktrace.iter().map(stack_bytes).sum::<usize>()
        + event.breadcrumbs.values.iter().map(|crumb| size_of::<Breadcrumb>() + breadcrumb_bytes(crumb)).sum::<usize>()
        + event.contexts.iter().map(|(key, context)| key.len() + context_bytes(context)).sum::<usize>()
        + text_map(&event.tags)
        + text_map(&event.modules)
        + value_map(&event.extra)
}

pub(crate) fn request_bytes(request: &Request) -> usize {
    size_of::<Request>()
        + request.url.as_ref().map_or(0, |url| url.as_str().len())
        + optional(&request.method)
        + optional(&request.data)
        + optional(&request.query_string)
        + optional(&request.cookies)
        + text_map(&request.headers)
        + text_map(&request.env)
}

pub(crate) fn measurements_bytes(measurements: &Map<String, Measurement>) -> usize {
    measurements.keys().map(|name| size_of::<(String, Measurement)>() + name.len()).sum()
}

fn exception_bytes(exception: &Exception) -> usize {
    size_of::<Exception>()
        + exception.ty.len()
        + optional(&exception.value)
        + exception.stacktrace.iter().map(stack_bytes).sum::<usize>()
}

pub(crate) fn stack_bytes(stack: &Stacktrace) -> usize {
    let frames = stack.frames.iter().map(|frame| {
        let context = frame.pre_context.iter().chain(&frame.post_context).map(String::len).sum::<usize>();
        size_of_val(frame)
            + [&frame.function, &frame.symbol, &frame.module, &frame.filename, &frame.abs_path, &frame.context_line]
                .into_iter()
                .map(optional)
                .sum::<usize>()
            + context
            + value_map(&frame.vars)
    });
    frames.sum()
}

pub(crate) fn breadcrumb_bytes(crumb: &Breadcrumb) -> usize {
    crumb.ty.len() + optional(&crumb.category) + optional(&crumb.message) + value_map(&crumb.data)
}

pub(crate) fn log_bytes(log: &Log) -> usize {
    let attributes = log.attributes.iter().map(|(key, LogAttribute(value))| key.len() + value_bytes(value));
    size_of::<Log>() + log.body.len() + attributes.sum::<usize>()
}

pub(crate) fn metric_bytes(metric: &Metric) -> usize {
    let attributes = metric.attributes.iter().map(|(key, LogAttribute(value))| key.len() + value_bytes(value));
    size_of::<Metric>() + metric.name.len() + attributes.sum::<usize>()
}

pub(crate) fn span_bytes(span: &Span) -> usize {
    size_of::<Span>() + optional(&span.op) + optional(&span.description) + text_map(&span.tags) + value_map(&span.data)
}

pub(crate) fn user_bytes(user: &User) -> usize {
    size_of::<User>() + optional(&user.id) + optional(&user.email) + optional(&user.username) + value_map(&user.other)
}

pub(crate) fn context_bytes(context: &Context) -> usize {
    match context {
        Context::Other(map) => value_map(map),
        // The typed contexts are a handful of short strings.
        _ => 512,
    }
}

/// What `value` weighs, in bytes, beside itself.
pub fn value_bytes(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Array(values) => values.iter().map(value_bytes).sum(),
            Value::Object(map) => map.iter().map(|(key, value)| key.len() + value_bytes(value)).sum(),
            _ => 0,
        }
}

pub(crate) fn value_map(map: &Map<String, Value>) -> usize {
    map.iter().map(|(key, value)| size_of::<String>() + key.len() + value_bytes(value)).sum()
}

pub(crate) fn text_map(map: &Map<String, String>) -> usize {
    map.iter().map(|(key, value)| 2 * size_of::<String>() + key.len() + value.len()).sum()
}

fn optional(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;

    #[test]
    fn shared_pieces_count_once_and_only_while_held() {
        let mut scope = Scope::default();
        scope.set_extra("big", Value::String("x".repeat(100_000)));
        let snapshot = ScopeSnapshot { scope: scope.settled(), ..ScopeSnapshot::default() };
        let layer = Arc::clone(snapshot.scope.layer().expect("a layer"));
        let holders = |budget| layer.held.within(budget).load(Ordering::Acquire);
        let first = Charge::of(&snapshot, Class::Error);
        let second = Charge::of(&snapshot, Class::Crash);
        assert_eq!((holders(Budget::Upper), holders(Budget::Bulk)), (2, 0));
        assert!(shared_scope_bytes(Class::Error) >= 100_000);
        let bulk = Charge::of(&snapshot, Class::Bulk);
        assert_eq!((holders(Budget::Upper), holders(Budget::Bulk)), (2, 1), "each budget counts for itself");
        assert!(shared_scope_bytes(Class::Bulk) >= 100_000);
        drop((first, bulk));
        scope.set_tag("more", "on top");
        let above = Charge::of(&ScopeSnapshot { scope: scope.settled(), ..ScopeSnapshot::default() }, Class::Error);
        assert_eq!(holders(Budget::Upper), 2, "held by the second charge and by the layer above");
        drop(second);
        drop(above);
        assert_eq!((holders(Budget::Upper), holders(Budget::Bulk)), (0, 0));
    }
}
