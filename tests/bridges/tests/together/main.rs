//! Requests of axum, `tracing` spans in them, and the layers of both in every order: each event and transaction has its own
//! request's data, and nobody else's. A binary of its own, for its process-wide subscriber.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "clippy.toml exempts test functions, not the helpers they call"
)]

#[path = "../../../support/mod.rs"]
mod support;

#[path = "../tower/client.rs"]
#[allow(dead_code, reason = "tests of tower use the rest")]
mod client;
#[path = "../tower/site.rs"]
#[allow(dead_code, reason = "tests of tower use the rest")]
mod site;

use std::sync::{Arc, Once};

use axum::extract::{Path, Request};
use axum::{Router, routing::get as route};
use sentry::User;
use sentry::integrations::tower::{NewSentryLayer, SentryHttpLayer, SentryRequestLayer};
use sentry::integrations::tracing::{BreadcrumbLayer, ErrorLayer, LogLayer, SpanLayer};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower_http::trace::TraceLayer;
use tracing::{Instrument, error, info, info_span, instrument};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::prelude::*;

use client::Connection;
use site::{Received, Site, trace};

const REQUESTS: usize = 200;

type Waiting = Arc<Vec<Notify>>;

fn subscribe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let crumbs =
            |metadata: &tracing::Metadata<'_>| metadata.is_event() && *metadata.level() == tracing::Level::INFO;
        tracing_subscriber::registry()
            .with(SpanLayer::new().with_filter(LevelFilter::DEBUG))
            .with(BreadcrumbLayer::new().with_filter(filter_fn(crumbs)))
            .with(ErrorLayer::new().with_filter(LevelFilter::ERROR))
            .with(LogLayer::new().with_filter(LevelFilter::ERROR))
            .init();
    });
}

/// A third is answered, a third is cancelled by its client, and a third panics.
#[instrument(skip_all)]
async fn handler(n: usize, waiting: Waiting) -> String {
    sentry::configure_scope(|scope| {
        scope.set_user(Some(User { id: Some(n.to_string()), ..User::default() }));
        scope.set_tag("before", n);
    });
    info!("crumb {n}");
    for _ in 0..n % 5 {
        tokio::task::yield_now().await;
    }
    inner(n).instrument(info_span!("inner")).await;
    tokio::task::yield_now().await;
    error!("after {n}");
    match n % 3 {
        0 => format!("answer {n}"),
        1 => {
            waiting[n].notify_one();
            std::future::pending().await
        }
        _ => panic!("panic {n}"),
    }
}

async fn inner(n: usize) {
    sentry::configure_scope(|scope| scope.set_tag("inner", n));
    tokio::task::yield_now().await;
    info!("inner crumb {n}");
    tokio::task::yield_now().await;
    error!("inner {n}");
}

async fn ask_all(address: std::net::SocketAddr, waiting: Waiting) {
    let requests: Vec<_> = (0..REQUESTS)
        .map(|n| {
            let waiting = Arc::clone(&waiting);
            tokio::spawn(async move {
                let mut connection = Connection::open(address).await;
                connection.send("GET", &format!("/work/{n}"), &[("x-number", &n.to_string())], "").await;
                match n % 3 {
                    0 => assert_eq!(connection.answer().await, (200, format!("answer {n}"))),
                    1 => waiting[n].notified().await,
                    _ => assert_eq!(connection.read_until(|_| false).await, ""),
                }
            })
        })
        .collect();
    for request in requests {
        request.await.expect("no failed client");
    }
}

/// `transactions` for each request.
fn run(layered: impl FnOnce(Router) -> Router, transactions: usize) {
    subscribe();
    let site = Site::traced();
    let waiting: Waiting = Arc::new((0..REQUESTS).map(|_| Notify::new()).collect());
    let app = {
        let waiting = Arc::clone(&waiting);
        Router::new().route("/work/{n}", route(move |Path(n): Path<usize>| handler(n, waiting)))
    };
    let address = site.serve(layered(app));
    site.run(ask_all(address, waiting));
    let panics = (0..REQUESTS).filter(|n| n % 3 == 2).count();
    check(&site.close(transactions * REQUESTS, 2 * REQUESTS + panics));
}

fn check(received: &Received) {
    for n in 0..REQUESTS {
        let number = json!(n.to_string());
        let of_request = |item: &Value| {
            assert_eq!((&item["user"]["id"], &item["tags"]["before"]), (&number, &number), "{item:#}");
            assert_eq!(item["request"]["headers"]["x-number"], number, "{item:#}");
        };
        let (inner, after) = (received.event(&format!("inner {n}")), received.event(&format!("after {n}")));
        of_request(&inner);
        of_request(&after);
        assert_eq!((&inner["tags"]["inner"], &after["tags"]["inner"]), (&number, &Value::Null));
        assert_eq!(crumbs(&after), [format!("crumb {n}"), format!("inner crumb {n}")]);
        let transactions = received.of("transaction");
        let with_data = |one: &&Value| one["request"]["headers"]["x-number"] == number;
        let transaction = transactions.iter().copied().find(with_data).expect("the request's transaction");
        of_request(transaction);
        assert_eq!(transaction["tags"]["inner"], number, "what was set inside is part of what it is about");
        assert_eq!(trace(&after)["trace_id"], trace(transaction)["trace_id"]);
        let status = ["ok", "cancelled", "internal_error"][n % 3];
        assert_eq!(trace(transaction)["status"], json!(status), "{n}");
        if n % 3 == 2 {
            let panic = received.event(&format!("panic {n}"));
            of_request(&panic);
            assert_eq!(crumbs(&panic), crumbs(&after));
        }
    }
    let logs = received.of("log").into_iter().flat_map(|container| container["items"].as_array().expect("items"));
    for log in logs {
        let body = log["body"].as_str().expect("a text");
        let event = received.event(body);
        assert_eq!((&log["trace_id"], &log["span_id"]), (&trace(&event)["trace_id"], &trace(&event)["span_id"]));
    }
}

fn crumbs(event: &Value) -> Vec<&str> {
    let values = event["breadcrumbs"]["values"].as_array().map(Vec::as_slice).unwrap_or_default();
    values.iter().map(|crumb| crumb["message"].as_str().expect("a message")).collect()
}

#[test]
fn a_trace_layer_inside_of_the_request_layer() {
    run(|app| app.layer(TraceLayer::new_for_http()).layer(SentryRequestLayer::new()), 1);
}

#[test]
fn a_trace_layer_around_the_request_layer() {
    run(|app| app.layer(SentryRequestLayer::new()).layer(TraceLayer::new_for_http()), 2);
}

#[test]
fn a_trace_layer_inside_of_the_official_pair() {
    let pair = |app: Router| {
        app.layer(TraceLayer::new_for_http())
            .layer(SentryHttpLayer::new().enable_transaction())
            .layer(NewSentryLayer::<Request>::new_from_top())
    };
    run(pair, 1);
}

#[test]
fn a_trace_layer_around_the_official_pair_in_the_wrong_order() {
    let pair = |app: Router| {
        app.layer(NewSentryLayer::<Request>::new_from_top())
            .layer(SentryHttpLayer::new().enable_transaction())
            .layer(TraceLayer::new_for_http())
    };
    run(pair, 2);
}

#[test]
fn no_layer_but_the_request_layer() {
    run(|app| app.layer(SentryRequestLayer::new()), 1);
}

#[test]
fn a_trace_layer_around_a_layer_without_a_transaction_has_the_only_one() {
    subscribe();
    let site = Site::traced();
    let handler = || async { _ = sentry::capture_message("in the request", sentry::Level::Error) };
    let app = Router::new().route("/work", route(handler));
    let address = site.serve(app.layer(SentryHttpLayer::new()).layer(TraceLayer::new_for_http()));
    site.run(client::get(address, "/work"));
    let received = site.close(1, 1);
    let (event, transactions) = (received.event("in the request"), received.of("transaction"));
    assert_eq!(trace(&event)["trace_id"], trace(transactions[0])["trace_id"]);
    assert_eq!(trace(&event)["span_id"], trace(transactions[0])["span_id"]);
}
