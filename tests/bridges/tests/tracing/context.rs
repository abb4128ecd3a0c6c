//! Which scope an event is in: what is set inside of a span stays there, and stays.

use std::sync::Arc;

use sentry::{Hub, Level, SentryFutureExt, User};
use serde_json::json;
use tracing::{Instrument, error, info, info_span, instrument};

use crate::loggers::Sentry;
use crate::{crumbs, run, span, traced, transaction};

fn tag(key: &str, value: &str) {
    sentry::configure_scope(|scope| scope.set_tag(key, value));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

#[test]
fn what_is_set_before_an_await_is_there_after_it() {
    #[instrument]
    async fn inner() {
        tag("inner", "1");
        tokio::task::yield_now().await;
        sentry::capture_message("in inner", Level::Error);
    }

    #[instrument]
    async fn outer() {
        tag("outer", "1");
        sentry::configure_scope(|scope| scope.set_user(Some(User { id: Some("7".into()), ..User::default() })));
        info!("before");
        tokio::task::yield_now().await;
        inner().await;
        tokio::task::yield_now().await;
        sentry::capture_message("in outer", Level::Error);
    }

    for rate in [None, Some(0.0), Some(1.0)] {
        let options = sentry::ClientOptions::new();
        let sentry = Sentry::start(rate.map_or(options.clone(), |rate| options.traces_sample_rate(rate)));
        let received = run(&sentry, || {
            runtime().block_on(outer());
            sentry::capture_message("outside", Level::Error);
        });
        let (inner, outer, outside) =
            (received.event("in inner"), received.event("in outer"), received.event("outside"));
        assert_eq!(inner["tags"], json!({"outer": "1", "inner": "1"}));
        assert_eq!(outer["tags"], json!({"outer": "1"}));
        assert!(outside["tags"].is_null() && outside["user"].is_null(), "{outside:#}");
        assert_eq!((&inner["user"]["id"], &outer["user"]["id"]), (&json!("7"), &json!("7")));
        assert_eq!(crumbs(&outer), ["before"]);
        if rate == Some(1.0) {
            let transaction = transaction(&received, "outer");
            assert_eq!(inner["contexts"]["trace"]["span_id"], span(&transaction, "inner")["span_id"]);
            assert_eq!(outer["contexts"]["trace"]["span_id"], transaction["contexts"]["trace"]["span_id"]);
            // What was set inside of spans is part of what the transaction is about.
            assert_eq!(transaction["tags"], json!({"outer": "1", "inner": "1"}));
            assert_eq!(transaction["user"]["id"], json!("7"));
        }
    }
}

#[test]
fn breadcrumbs_of_children_are_on_the_parents_error_and_not_outside() {
    let sentry = traced();
    let received = run(&sentry, || {
        info!("outside");
        info_span!("root").in_scope(|| {
            info!("in root");
            info_span!("child").in_scope(|| {
                info!("in child");
                tag("child", "1");
                info_span!("grandchild").in_scope(|| info!("in grandchild"));
                info!("again in child");
            });
            error!("root");
            sentry::with_scope(|_| {}, || info!("in a scope that is gone"));
            error!("root again");
        });
        error!("after");
        info_span!("other").in_scope(|| error!("other root"));
    });
    let in_root = ["outside", "in root", "in child", "in grandchild", "again in child"];
    assert_eq!(crumbs(&received.event("root")), in_root);
    assert!(received.event("root")["tags"].is_null());
    assert_eq!(crumbs(&received.event("root again")), in_root);
    assert_eq!(crumbs(&received.event("after")), ["outside"]);
    assert_eq!(crumbs(&received.event("other root")), ["outside"]);
}

#[test]
fn a_fork_around_a_root_has_its_breadcrumbs() {
    let sentry = traced();
    let received = run(&sentry, || {
        Hub::run(Hub::current().fork(), || {
            info_span!("root").in_scope(|| {
                info!("in root");
                tag("root", "1");
                info_span!("child").in_scope(|| info!("in child"));
            });
            error!("request failed");
        });
        error!("outside");
    });
    let failed = received.event("request failed");
    assert_eq!(crumbs(&failed), ["in root", "in child"]);
    assert!(failed["tags"].is_null());
    assert_eq!(crumbs(&received.event("outside")), [""; 0]);
}

#[test]
fn a_hub_that_is_bound_within_a_span_is_in_it() {
    let sentry = traced();
    let received = run(&sentry, || {
        let fork = Hub::current().fork();
        fork.configure_scope(|scope| scope.set_tag("task", "1"));
        let work = async {
            tokio::task::yield_now().await;
            async { error!("inside") }.instrument(info_span!("child")).await;
        };
        runtime().block_on(work.bind_hub(fork).instrument(info_span!("around")));
    });
    let transaction = transaction(&received, "around");
    let inside = received.event("inside");
    assert_eq!(inside["contexts"]["trace"]["span_id"], span(&transaction, "child")["span_id"]);
    assert_eq!(inside["tags"]["task"], json!("1"));
}

#[test]
fn a_spans_hub_goes_with_it_to_another_thread() {
    let sentry = traced();
    let received = run(&sentry, || {
        sentry::configure_scope(|scope| scope.set_tag("outside", "1"));
        let root = info_span!("root");
        root.in_scope(|| tag("root", "1"));
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                tracing::dispatcher::with_default(&dispatch, || {
                    root.in_scope(|| error!("elsewhere"));
                    // The thread is where it was: nothing of the span is left on it.
                    assert!(Hub::current().client().is_none());
                });
            });
        });
    });
    assert_eq!(received.event("elsewhere")["tags"], json!({"outside": "1", "root": "1"}));
}

#[test]
fn the_last_event_inside_is_the_last_one_outside() {
    let sentry = traced();
    run(&sentry, || {
        info_span!("root").in_scope(|| info_span!("child").in_scope(|| error!("inside")));
        let inside = sentry::last_event_id();
        assert!(inside.is_some());
    });
}

#[test]
fn hubs_of_spans_are_given_back() {
    let sentry = traced();
    let kept = Arc::new(());
    run(&sentry, || {
        info_span!("root").in_scope(|| {
            info_span!("child").in_scope(|| {
                let kept = Arc::clone(&kept);
                sentry::configure_scope(|scope| {
                    scope.add_event_processor(move |event| {
                        let _ = &kept;
                        Some(event)
                    });
                });
            });
        });
    });
    assert_eq!(Arc::strong_count(&kept), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_tasks_each_keep_their_own() {
    #[instrument(skip_all, fields(number))]
    async fn task(number: usize) {
        tag("before", &number.to_string());
        info!("crumb {number}");
        for _ in 0..number % 5 {
            tokio::task::yield_now().await;
        }
        async {
            tag("inner", &number.to_string());
            tokio::task::yield_now().await;
            error!("inner {number}");
        }
        .instrument(info_span!("inner"))
        .await;
        tokio::task::yield_now().await;
        error!("outer {number}");
    }

    let sentry = traced();
    let dispatch = crate::all_layers();
    let guard = tracing::dispatcher::set_default(&dispatch);
    let tasks: Vec<_> = Hub::run(Arc::clone(&sentry.hub), || {
        (0..200)
            .map(|number| {
                let work = task(number).bind_hub(sentry.hub.clone());
                tokio::spawn(tracing::instrument::WithSubscriber::with_subscriber(work, dispatch.clone()))
            })
            .collect()
    });
    for (number, task) in tasks.into_iter().enumerate() {
        if number % 3 == 0 {
            task.abort();
        }
        let _ = task.await;
    }
    drop(guard);
    let received = tokio::task::spawn_blocking(move || sentry.close()).await.expect("no panic");
    let mut whole = 0;
    for event in received.events() {
        let message = event["logentry"]["formatted"].as_str().expect("text");
        let (place, number) = message.split_once(' ').expect("two words");
        assert_eq!(event["tags"]["before"], json!(number), "{event:#}");
        assert_eq!(event["tags"]["inner"], if place == "inner" { json!(number) } else { json!(null) });
        assert_eq!(crumbs(&event), [format!("crumb {number}")]);
        whole += usize::from(place == "outer");
    }
    assert!(whole >= 133, "{whole}");
    for transaction in received.of("transaction") {
        let number = transaction["tags"]["before"].as_str();
        if let Some(number) = number {
            assert!([json!(null), json!(number)].contains(&transaction["tags"]["inner"]), "{transaction:#}");
        }
    }
}
