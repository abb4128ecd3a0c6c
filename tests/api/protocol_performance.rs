//! Spans and transactions as they travel. Literals name every official field.

use std::borrow::Cow;
use std::fmt::{Debug, Display};
use std::time::SystemTime;

use sentry::protocol::client_report::LossSource;
use sentry::protocol::{
    ClientSdkInfo, Context, Envelope, EnvelopeItem, Map, Request, Span, SpanId, SpanStatus, TraceId, Transaction, User,
    Uuid, Value,
};

has!(Span, Transaction<'static>; Debug + Clone + PartialEq + Default + Display + Send + Sync + LossSource);
has!(Envelope, EnvelopeItem; From<Transaction<'static>>);
has_serde!(Span, Transaction<'static>);

fn span(span_id: SpanId, trace_id: TraceId, text: Option<String>, status: SpanStatus) -> Span {
    let _: fn() -> Span = Span::new;
    let _: fn(&mut Span) = Span::finish;
    let _: fn(&mut Span, SystemTime) = Span::finish_with_timestamp;
    Span {
        span_id,
        trace_id,
        parent_span_id: Some(span_id),
        same_process_as_parent: Some(true),
        op: text.clone(),
        description: text,
        timestamp: Some(SystemTime::UNIX_EPOCH),
        start_timestamp: SystemTime::UNIX_EPOCH,
        status: Some(status),
        tags: Map::<String, String>::new(),
        data: Map::<String, Value>::new(),
        ..Default::default()
    }
}

fn transaction(text: Option<String>, short: Option<Cow<'static, str>>, spans: Vec<Span>) -> Transaction<'static> {
    let _: fn() -> Transaction<'static> = Transaction::new;
    let _: fn(Transaction<'_>) -> Transaction<'static> = |transaction| transaction.into_owned();
    let _: fn(&mut Transaction<'static>) = Transaction::finish;
    let _: fn(&mut Transaction<'static>, SystemTime) = Transaction::finish_with_timestamp;
    Transaction {
        event_id: Uuid::nil(),
        name: text,
        release: short.clone(),
        environment: short.clone(),
        user: Some(User::default()),
        tags: Map::<String, String>::new(),
        extra: Map::<String, Value>::new(),
        sdk: None::<Cow<'static, ClientSdkInfo>>,
        platform: "native".into(),
        timestamp: Some(SystemTime::UNIX_EPOCH),
        start_timestamp: SystemTime::UNIX_EPOCH,
        spans,
        contexts: Map::<String, Context>::new(),
        request: Some(Request::default()),
        server_name: short,
        ..Default::default()
    }
}
