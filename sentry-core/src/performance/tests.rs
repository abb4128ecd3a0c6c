//! Transactions and spans without a wire: identity, guards, parents, and what clones see.

use std::sync::Arc;

use super::*;
use crate::client::Client;
use crate::options::ClientOptions;
use crate::protocol::{SpanStatus, Value};
use crate::test::{TestTransport, with_captured_envelopes_options};

fn hub(options: ClientOptions) -> Hub {
    let options = options.dsn("https://public@sentry.invalid/1").transport(TestTransport::new());
    Hub::new(Some(Arc::new(Client::with_options(options))), Arc::default())
}

#[test]
fn clones_are_the_same_and_are_sent_once() {
    let envelopes = with_captured_envelopes_options(
        || {
            let transaction = start_transaction(TransactionContext::new("once", "task"));
            let clone = transaction.clone();
            assert_eq!(transaction, clone);
            assert_ne!(transaction, start_transaction(TransactionContext::new("once", "task")));
            let span = transaction.start_child("step", "first");
            assert_eq!(span, span.clone());
            assert_ne!(span, transaction.start_child("step", "first"));
            span.clone().finish();
            span.set_status(SpanStatus::Aborted);
            span.finish();
            clone.finish();
            transaction.set_data("late", Value::Null);
            transaction.finish();
        },
        ClientOptions::new().traces_sample_rate(1.0),
    );
    assert_eq!(envelopes.len(), 1);
}

#[test]
fn the_ids_of_children_differ() {
    let hub = hub(ClientOptions::new());
    let transaction = hub.start_transaction(TransactionContext::new("many", "task"));
    let mut ids: Vec<String> = (0..5_000).map(|_| transaction.start_child("a", "").get_span_id().to_string()).collect();
    ids.push(transaction.get_trace_context().span_id.to_string());
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5_001);
}

#[test]
fn whoever_holds_a_guard_can_capture() {
    let hub = hub(ClientOptions::new().traces_sample_rate(1.0));
    let transaction = hub.start_transaction(TransactionContext::new("guarded", "task"));
    let span = transaction.start_child("step", "");
    for active in [TransactionOrSpan::from(transaction.clone()), span.clone().into()] {
        hub.configure_scope(|scope| scope.set_span(Some(active)));
        let (mut of_transaction, mut of_span) = (transaction.data(), span.data());
        of_transaction.set_data("key".into(), 1.into());
        of_span.set_data("key".into(), 1.into());
        assert!(!hub.capture_message("inside", crate::Level::Error).is_nil());
        assert_eq!(of_transaction.iter().count(), 1);
        assert_eq!(of_span.len(), 1);
    }
}

/// The one transaction that `f` sends.
fn sent(f: impl FnOnce()) -> crate::protocol::Transaction<'static> {
    let options = ClientOptions::new().traces_sample_rate(1.0);
    let items = with_captured_envelopes_options(f, options).into_iter().flat_map(crate::Envelope::into_items);
    let mut transactions = items.filter_map(|item| match item {
        crate::protocol::EnvelopeItem::Transaction(transaction) => Some(transaction),
        _ => None,
    });
    let first = transactions.next().expect("a transaction");
    assert!(transactions.next().is_none());
    *first
}

#[test]
fn guards_lose_no_change_of_each_other_and_nobody_waits_for_them() {
    let transaction = sent(|| {
        let transaction = start_transaction(TransactionContext::new("guarded", "task"));
        let span = transaction.start_child("step", "");
        span.set_data("removed", 1.into());
        let (mut first, mut second, mut unchanged) = (span.data(), span.data(), transaction.data());
        first.set_data("first".to_owned(), 1.into());
        first.remove("removed");
        second.set_data("second".to_owned(), 2.into());
        second.set_tag("tag".to_owned(), "set".to_owned());
        span.set_data("meanwhile", 3.into());
        unchanged.set_data("own".into(), 4.into());
        drop((first, second));
        let mut late = span.data();
        late.insert("late".to_owned(), 5.into());
        span.clone().finish();
        transaction.clone().finish();
        drop(late);
        span.set_data("later", 6.into());
        transaction.set_tag("later", 7);
        transaction.set_name("later");
    });
    let span = transaction.spans.first().expect("a span");
    assert_eq!(Value::from_iter(span.data.clone()), serde_json::json!({"first": 1, "second": 2, "meanwhile": 3}));
    assert_eq!(span.tags.get("tag").map(String::as_str), Some("set"));
    let Some(crate::protocol::Context::Trace(trace)) = transaction.contexts.get("trace") else { panic!("a trace") };
    assert_eq!(trace.data.get("own"), Some(&4.into()));
    assert_eq!((transaction.name.as_deref(), transaction.tags.len()), (Some("guarded"), 0));
}

#[test]
fn what_is_done_between_the_end_and_the_worker_is_forgotten() {
    let transport = TestTransport::deferred();
    let options = ClientOptions::new().traces_sample_rate(1.0).dsn("https://public@sentry.invalid/1");
    let hub = Hub::new(Some(Arc::new(Client::with_options(options.transport(Arc::clone(&transport))))), Arc::default());
    for n in 0..200 {
        let transaction = hub.start_transaction(TransactionContext::new("ended", "task"));
        let (span, late) = (transaction.start_child("step", ""), transaction.start_child("step", "late"));
        span.clone().finish();
        transaction.clone().finish();
        late.finish();
        span.set_data("late", n.into());
        transaction.set_data("late", n.into());
        transaction.set_status(SpanStatus::Aborted);
    }
    let items: Vec<_> =
        transport.fetch_and_clear_envelopes().into_iter().flat_map(crate::Envelope::into_items).collect();
    assert_eq!(items.len(), 200);
    for item in items {
        let crate::protocol::EnvelopeItem::Transaction(transaction) = item else { panic!("{item:?}") };
        assert_eq!((transaction.spans.len(), transaction.spans[0].data.len()), (1, 0));
        let Some(crate::protocol::Context::Trace(trace)) = transaction.contexts.get("trace") else { panic!("a trace") };
        assert_eq!((trace.data.len(), trace.status), (0, None));
    }
}

#[test]
fn guards_of_what_is_not_recorded_are_forgotten() {
    let hub = hub(ClientOptions::new());
    let transaction = hub.start_transaction(TransactionContext::new("unsampled", "task"));
    let (one, other) = (transaction.start_child("a", ""), transaction.start_child("b", ""));
    // Two at once: they share no lock.
    let (mut first, second) = (one.data(), other.data());
    first.set_data("key".to_owned(), Value::Null);
    assert_eq!((first.len(), second.len()), (1, 0));
    drop((first, second));
    assert!(one.data().is_empty());
    assert_eq!(transaction.data().iter().count(), 0);
    transaction.set_status(SpanStatus::Ok);
    assert_eq!(transaction.get_status(), Some(SpanStatus::Ok));
}

#[test]
fn continuing_from_a_span_is_the_same_trace_and_decision() {
    let hub = hub(ClientOptions::new().traces_sample_rate(1.0));
    let parent = hub.start_transaction(TransactionContext::new("parent", "task"));
    let span = parent.start_child("step", "");
    let context = TransactionContext::continue_from_span("child", "task", Some(span.clone().into()));
    assert_eq!((context.trace_id(), context.sampled()), (parent.get_trace_context().trace_id, Some(true)));
    let child = hub.start_transaction(context);
    assert_eq!(child.get_trace_context().parent_span_id, Some(span.get_span_id()));
    let baggage = |headers: TraceHeadersIter| headers.skip(1).collect::<Vec<_>>();
    assert_eq!(baggage(child.iter_headers()), baggage(parent.iter_headers()), "one sampling context for the trace");
    assert!(TransactionContext::continue_from_span("alone", "task", None).sampled().is_none());
}

#[test]
fn the_sampling_context_is_frozen_when_it_first_leaves() {
    let hub = hub(ClientOptions::new().traces_sample_rate(1.0));
    let transaction = hub.start_transaction(TransactionContext::new("first name", "task"));
    let before: Vec<_> = transaction.iter_headers().collect();
    transaction.set_name("second name");
    assert_eq!(transaction.iter_headers().collect::<Vec<_>>(), before, "TRC-52");
    let other = hub.start_transaction(TransactionContext::new("/user/17", "task"));
    other.set_source(crate::protocol::TransactionSource::Url);
    assert!(other.iter_headers().all(|(_, value)| !value.contains("sentry-transaction")), "§18.6");
}

#[test]
fn the_scope_renames_its_transaction_and_threads_begin_outside_of_it() {
    let hub = Arc::new(hub(ClientOptions::new().traces_sample_rate(1.0)));
    let transaction = hub.start_transaction(TransactionContext::new("GET /", "http.server"));
    let span = transaction.start_child("step", "");
    hub.configure_scope(|scope| {
        scope.set_span(Some(span.clone().into()));
        scope.set_transaction(Some("/users/{id}"));
        assert_eq!(scope.get_span(), Some(span.into()));
    });
    assert!(transaction.shared.look_at_face(|face| face.name == "/users/{id}"));
    let forked = Hub::new_from_top(&hub);
    assert!(forked.configure_scope(|scope| scope.get_span()).is_some(), "a fork of the hub is inside");
    assert!(forked.home().1.span().is_none(), "what begins there is not kept inside by it");
}

/// Each begins on the scope that the one before was put on: a chain of all of them would end the stack where it is dropped.
#[test]
fn transactions_put_on_a_scope_one_after_the_other_do_not_keep_each_other() {
    let hub = Arc::new(hub(ClientOptions::new().traces_sample_rate(1.0)));
    let mut last = Vec::new();
    for n in 0..20_000 {
        let transaction = hub.start_transaction(TransactionContext::new("loop", "task"));
        hub.configure_scope(|scope| {
            scope.set_span(Some(transaction.clone().into()));
            scope.set_tag("round", n);
        });
        last.push(Arc::downgrade(&transaction.shared));
        if n % 2 == 0 {
            transaction.finish();
        }
    }
    assert_eq!(last.iter().filter(|transaction| transaction.strong_count() > 0).count(), 1);
}

#[test]
fn traceparent_is_written_when_asked_for() {
    let names = |options: ClientOptions| {
        let hub = hub(options.traces_sample_rate(1.0));
        hub.start_transaction(TransactionContext::new("t", "task")).iter_headers().collect::<Vec<_>>()
    };
    let plain = names(ClientOptions::new());
    assert_eq!(plain.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["sentry-trace", "baggage"]);
    let both = names(ClientOptions::new().propagate_traceparent(true));
    let [_, _, (name, value)] = &both[..] else { panic!("{both:?}") };
    assert_eq!(*name, "traceparent");
    assert!(value.starts_with("00-") && value.ends_with("-01"), "{value}");
}

#[test]
fn a_transaction_that_is_not_sent_gives_back_what_it_recorded() {
    let options = ClientOptions::new().traces_sample_rate(1.0);
    let hub = hub(ClientOptions { ignore_transactions: vec!["ignored".into()], ..options });
    let transaction = hub.start_transaction(TransactionContext::new("ignored", "task"));
    // As an event in a queue, or on a scope, keeps it.
    let left = transaction.clone();
    transaction.start_child("step", "").finish();
    transaction.finish();
    let recorded = left.shared.look(|recording| (recording.started, recording.spans.finished()));
    assert_eq!(recorded, Some((None, 0)));
}

#[test]
fn where_nothing_is_traced_no_decision_is_told() {
    let hub = hub(ClientOptions::new());
    let headers = |context: TransactionContext| hub.start_transaction(context).iter_headers().collect::<Vec<_>>();
    let mut own = TransactionContext::new("own", "task");
    own.set_sampled(true);
    let (_, sentry_trace) = &headers(own)[0];
    assert_eq!(sentry_trace.len(), 32 + 1 + 16, "{sentry_trace}");
    let incoming = [("sentry-trace", "5e1f0c0c4d9a4b7c8d2e3f4051627384-a1b2c3d4e5f60718-1")];
    let (_, sentry_trace) = &headers(TransactionContext::continue_from_headers("", "", incoming))[0];
    assert!(sentry_trace.ends_with("-1"));
}
