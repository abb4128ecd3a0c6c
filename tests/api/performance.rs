//! Running transactions and spans, trace headers, and the options and scope methods that come with them.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::ops::DerefMut;
use std::sync::Arc;
use std::time::SystemTime;

use sentry::protocol::{self, Map, Request, SpanId, SpanStatus, TraceContext, TraceId, Value};
use sentry::{
    ClientOptions, CustomTransactionContext, Data, HeaderParseError, Hub, Scope, SentryTrace, Span, TraceHeader,
    TraceHeadersIter, TracePropagationContext, TracesSampler, TracesSamplingStrategy, Transaction, TransactionContext,
    TransactionContextBuilder, TransactionData, TransactionOrSpan,
};

use super::is;

has!(Transaction, Span; Debug + Clone + PartialEq + Send + Sync);
has!(TransactionOrSpan; Debug + Clone + PartialEq + Send + Sync + From<Transaction> + From<Span>);
has!(TransactionContext; Debug + Clone + Send + Sync);
has!(Data<'static>; DerefMut<Target = Map<String, Value>>);
has!(TraceHeadersIter; Iterator<Item = TraceHeader>);
has!(TracePropagationContext; Debug + PartialEq + Clone + Default + From<SentryTrace>);
has!(SentryTrace; Debug + PartialEq + Copy + Default + Display);
has!(HeaderParseError; Debug + Clone + Display + Error);
has!(TracesSamplingStrategy; Debug + Clone + Default);

fn starting(hub: &Hub, context: TransactionContext) {
    let _: fn(TransactionContext) -> Transaction = sentry::start_transaction;
    let _: fn(TransactionContext, SystemTime) -> Transaction = sentry::start_transaction_with_timestamp;
    let _: Transaction = hub.start_transaction(context.clone());
    let _: Transaction = hub.start_transaction_with_timestamp(context, SystemTime::UNIX_EPOCH);
}

fn contexts(mut context: TransactionContext, span: Option<TransactionOrSpan>, trace: &SentryTrace) {
    let _: fn(&str, &str) -> TransactionContext = TransactionContext::new;
    let _: fn(&str, &str, TraceId) -> TransactionContext = TransactionContext::new_with_trace_id;
    let _: fn(&str, &str, TraceId, Option<SpanId>, Option<SpanId>) -> TransactionContext =
        TransactionContext::new_with_details;
    let _ = TransactionContext::continue_from_headers("name", "op", [("sentry-trace", "text")]);
    let _ = TransactionContext::continue_from_headers("name", "op", vec![("baggage", "text")]);
    let _: TransactionContext = TransactionContext::continue_from_sentry_trace("name", "op", trace, None);
    let _: fn(&str, &str, &TracePropagationContext, Option<SpanId>) -> TransactionContext =
        TransactionContext::continue_from_trace_propagation_context;
    let _: TransactionContext = TransactionContext::continue_from_span("name", "op", span);

    context.set_sampled(true);
    context.set_sampled(None);
    let _: Option<bool> = context.sampled();
    let _: (&str, &str) = (context.name(), context.operation());
    let _: (TraceId, SpanId) = (context.trace_id(), context.span_id());
    let _: Option<&CustomTransactionContext> = context.custom();
    let _: &mut Option<CustomTransactionContext> = context.custom_mut();
    let _: Option<serde_json::Value> = context.custom_insert("key".into(), Value::Null);
    let _: CustomTransactionContext = serde_json::Map::<String, serde_json::Value>::new();
}

fn builder(trace_id: TraceId, span_id: SpanId) -> TransactionContext {
    let builder: TransactionContextBuilder = TransactionContext::builder("name", "op");
    builder
        .with_name(String::new())
        .with_op(String::new())
        .with_trace_id(trace_id)
        .with_parent_span_id(Some(span_id))
        .with_span_id(span_id)
        .with_sampled(Some(true))
        .with_custom(String::new(), Value::Null)
        .finish()
}

fn transactions(transaction: Transaction) {
    let _: fn(&Transaction, &str, Value) = Transaction::set_data;
    let _: fn(&Transaction, &str, Value) = Transaction::set_extra;
    let _: fn(&Transaction, &str, u8) = Transaction::set_tag::<u8>;
    let _: fn(&Transaction) -> TraceContext = Transaction::get_trace_context;
    let _: fn(&Transaction) -> Option<SpanStatus> = Transaction::get_status;
    let _: fn(&Transaction, SpanStatus) = Transaction::set_status;
    let _: fn(&Transaction, &str) = Transaction::set_op;
    let _: fn(&Transaction, &str) = Transaction::set_name;
    let _: fn(&Transaction, Request) = Transaction::set_request;
    let _: fn(&Transaction, &str) = Transaction::set_origin;
    let _: fn(&Transaction) -> TraceHeadersIter = Transaction::iter_headers;
    let _: fn(&Transaction) -> bool = Transaction::is_sampled;
    let _: fn(Transaction, SystemTime) = Transaction::finish_with_timestamp;
    let _: fn(Transaction) = Transaction::finish;
    let _: fn(&Transaction, &str, &str) -> Span = Transaction::start_child;
    let _: fn(&Transaction, &str, &str, SpanId, SystemTime) -> Span = Transaction::start_child_with_details;

    let mut data: TransactionData<'_> = transaction.data();
    data.set_data("key".into(), Value::Null);
    data.set_data(Cow::Owned(String::new()), Value::Null);
    data.set_tag("key".into(), String::new());
    let _: Vec<(&String, &Value)> = data.iter().collect();
}

fn spans(span: Span) {
    let _: fn(&Span, &str, Value) = Span::set_data;
    let _: fn(&Span, &str, u8) = Span::set_tag::<u8>;
    let _: fn(&Span) -> TraceContext = Span::get_trace_context;
    let _: fn(&Span) -> SpanId = Span::get_span_id;
    let _: fn(&Span) -> Option<SpanStatus> = Span::get_status;
    let _: fn(&Span, SpanStatus) = Span::set_status;
    let _: fn(&Span, &str) = Span::set_op;
    let _: fn(&Span, &str) = Span::set_name;
    let _: fn(&Span, Request) = Span::set_request;
    let _: fn(&Span) -> TraceHeadersIter = Span::iter_headers;
    let _: fn(&Span) -> bool = Span::is_sampled;
    let _: fn(Span, SystemTime) = Span::finish_with_timestamp;
    let _: fn(Span) = Span::finish;
    let _: fn(&Span, &str, &str) -> Span = Span::start_child;

    let mut data: Data<'_> = span.data();
    data.set_data(String::new(), Value::Null);
    data.set_tag(String::new(), String::new());
    data.insert(String::new(), Value::Null);
    let _: Option<&Value> = data.get("key");
}

fn either(either: TransactionOrSpan) {
    let _: fn(&TransactionOrSpan, &str, Value) = TransactionOrSpan::set_data;
    let _: fn(&TransactionOrSpan, &str, u8) = TransactionOrSpan::set_tag::<u8>;
    let _: fn(&TransactionOrSpan) -> TraceContext = TransactionOrSpan::get_trace_context;
    let _: fn(&TransactionOrSpan) -> Option<SpanStatus> = TransactionOrSpan::get_status;
    let _: fn(&TransactionOrSpan, SpanStatus) = TransactionOrSpan::set_status;
    let _: fn(&TransactionOrSpan, &str) = TransactionOrSpan::set_op;
    let _: fn(&TransactionOrSpan, &str) = TransactionOrSpan::set_name;
    let _: fn(&TransactionOrSpan, Request) = TransactionOrSpan::set_request;
    let _: fn(&TransactionOrSpan) -> TraceHeadersIter = TransactionOrSpan::iter_headers;
    let _: fn(&TransactionOrSpan) -> bool = TransactionOrSpan::is_sampled;
    let _: fn(&TransactionOrSpan, &str, &str) -> Span = TransactionOrSpan::start_child;
    let _: fn(&TransactionOrSpan, &str, &str, SpanId, SystemTime) -> Span = TransactionOrSpan::start_child_with_details;
    let _: fn(TransactionOrSpan, SystemTime) = TransactionOrSpan::finish_with_timestamp;
    let _: fn(TransactionOrSpan) = TransactionOrSpan::finish;
    match either {
        TransactionOrSpan::Transaction(transaction) => is::<Transaction>(transaction),
        TransactionOrSpan::Span(span) => is::<Span>(span),
    }
}

fn headers(trace_id: TraceId, span_id: SpanId, error: HeaderParseError) {
    let context: TracePropagationContext = TracePropagationContext::new(trace_id, span_id).with_sampled(true);
    let _: String = context.sentry_trace_header();
    let _: Result<TracePropagationContext, HeaderParseError> =
        TracePropagationContext::try_from_headers([("sentry-trace", "text")]);
    let _: Option<SentryTrace> = sentry::parse_headers([("sentry-trace", "text")]);
    let _: fn(TraceId, SpanId, Option<bool>) -> SentryTrace = SentryTrace::new;
    let _: TraceHeader = ("sentry-trace", String::new());
    match error {
        HeaderParseError::Missing | HeaderParseError::Invalid => {}
        _ => {}
    }
}

fn scope(scope: &mut Scope, transaction: Transaction) {
    scope.set_span(Some(transaction.clone().into()));
    scope.set_span(Some(TransactionOrSpan::from(transaction.start_child("op", "description"))));
    scope.set_span(None);
    let _: fn(&mut Scope, Option<TransactionOrSpan>) = Scope::set_span;
    let _: Option<TransactionOrSpan> = scope.get_span();
    let _: Vec<TraceHeader> = scope.iter_trace_propagation_headers().collect();
    let _: fn(&Scope, &mut protocol::Transaction<'static>) = Scope::apply_to_transaction;
}

fn options(mut options: ClientOptions) -> ClientOptions {
    let sampler: Arc<TracesSampler> =
        Arc::new(|context: &TransactionContext| f32::from(u8::from(context.name() == "a")));
    options.traces_sampling_strategy = TracesSamplingStrategy::Function(sampler);
    let _: bool = options.strict_trace_continuation;
    match &options.traces_sampling_strategy {
        TracesSamplingStrategy::FixedRate(rate) => is::<f32>(*rate),
        TracesSamplingStrategy::Function(sampler) => is::<Arc<TracesSampler>>(Arc::clone(sampler)),
        TracesSamplingStrategy::Disabled => {}
        _ => {}
    }
    options
        .traces_sample_rate(0.5)
        .traces_sampler(|context: &TransactionContext| if context.sampled() == Some(true) { 1.0 } else { 0.1 })
        .strict_trace_continuation(true)
}
