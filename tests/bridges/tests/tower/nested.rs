//! Layers inside of others: nothing twice, and what is known inside is said.

use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::{Router, routing::get as route};
use sentry::integrations::tower::{NewSentryLayer, SentryHttpLayer, SentryLayer, SentryRequestLayer};
use sentry::{ClientOptions, Hub, Level};
use serde_json::{Value, json};
use tower::Layer;

use crate::client::get;
use crate::site::{Received, Site, trace};

fn app() -> Router {
    Router::new().route(
        "/users/{id}",
        route(|Path(id): Path<u32>| async move {
            sentry::capture_message("seen", Level::Error);
            if id == 0 { StatusCode::NOT_FOUND } else { StatusCode::OK }
        }),
    )
}

fn named(received: &Received, name: &str, source: &str) {
    let transaction = received.transaction(name);
    assert_eq!(transaction["transaction_info"], json!({"source": source}));
    assert_eq!(received.event("seen")["transaction"], json!(name));
    let route = if source == "route" { json!("/users/{id}") } else { Value::Null };
    assert_eq!(trace(&transaction)["data"].get("http.route").cloned().unwrap_or_default(), route);
}

#[test]
fn inside_a_router_the_route_is_known() {
    let site = Site::traced();
    let address = site.serve(app().layer(SentryRequestLayer::new()));
    assert_eq!(site.run(get(address, "/users/0?token=hunter2")).0, 404);
    let received = site.close(1, 1);
    named(&received, "GET /users/{id}", "route");
    let transaction = received.transaction("GET /users/{id}");
    assert_eq!(
        trace(&transaction)["data"],
        json!({
            "http.request.method": "GET", "http.response.status_code": 404, "http.route": "/users/{id}",
            "server.address": "shop.example", "url.path": "/users/0",
        })
    );
    assert_eq!(
        [&trace(&transaction)["op"], &trace(&transaction)["origin"], &trace(&transaction)["status"]],
        ["http.server", "auto.http.tower", "not_found"]
    );
}

#[test]
fn around_a_router_it_is_not() {
    let site = Site::traced();
    let address = site.serve(SentryRequestLayer::new().layer(app()));
    site.run(get(address, "/users/7"));
    named(&site.close(1, 1), "GET /users/7", "url");
}

#[test]
fn around_a_router_with_a_layer_inside_it_is() {
    let site = Site::traced();
    let address = site.serve(SentryRequestLayer::new().layer(app().route_layer(SentryRequestLayer::new())));
    site.run(get(address, "/users/7"));
    named(&site.close(1, 1), "GET /users/{id}", "route");
    let site = Site::traced();
    let inner = SentryHttpLayer::new().enable_transaction();
    let address = site.serve(SentryRequestLayer::new().layer(app().route_layer(inner)));
    site.run(get(address, "/users/7"));
    named(&site.close(1, 1), "GET /users/{id}", "route");
}

#[test]
fn errors_have_the_route_without_transactions_too() {
    let site = Site::start(ClientOptions::new());
    let address = site.serve(app().layer(SentryRequestLayer::new().enable_transaction(false)));
    site.run(get(address, "/users/7"));
    let received = site.close(0, 1);
    assert_eq!(received.event("seen")["transaction"], json!("GET /users/{id}"));
    assert_eq!(received.event("seen")["request"]["method"], json!("GET"));
}

#[test]
fn a_layer_inside_does_what_the_one_around_was_not_asked_for() {
    let site = Site::traced();
    let around = SentryRequestLayer::new().enable_transaction(false).capture_server_errors(false);
    let failing = Router::new().route("/fail", route(|| async { StatusCode::BAD_GATEWAY }));
    let inside = SentryHttpLayer::new().enable_transaction().capture_server_errors(true);
    // Those further in find it all done.
    let address =
        site.serve(failing.layer(SentryRequestLayer::new()).layer(inside.clone()).layer(inside).layer(around));
    site.run(get(address, "/fail"));
    let received = site.close(1, 1);
    assert_eq!(trace(&received.transaction("GET /fail"))["status"], json!("internal_error"));
    received.event("GET /fail was answered with 502");
}

#[test]
fn what_the_handler_says_of_the_transaction_counts() {
    let site = Site::traced();
    let handler = || async {
        sentry::configure_scope(|scope| {
            scope.set_transaction(Some("own name"));
            scope.get_span().expect("a span").set_status(sentry::protocol::SpanStatus::DataLoss);
        });
        "done"
    };
    let address = site.serve(Router::new().route("/", route(handler)).layer(SentryRequestLayer::new()));
    site.run(get(address, "/"));
    assert_eq!(trace(&site.close(1, 0).transaction("own name"))["status"], json!("data_loss"));
}

/// What comes between a layer for hubs and one for HTTP is in the request's hub, before and after.
#[test]
fn layers_in_between_share_the_hub() {
    let site = Site::traced();
    let between = axum::middleware::from_fn(|request: Request, next: axum::middleware::Next| async move {
        let response = next.run(request).await;
        sentry::capture_message("between", Level::Error);
        response
    });
    let handler = || async { sentry::configure_scope(|scope| scope.set_tag("handler", "was here")) };
    let app = Router::new().route("/", route(handler));
    let http = SentryHttpLayer::new().enable_transaction();
    let address = site.serve(app.layer(http).layer(between).layer(NewSentryLayer::<Request>::new_from_top()));
    site.run(get(address, "/"));
    let event = site.close(1, 1).event("between");
    assert_eq!((&event["tags"], &event["request"]["method"]), (&json!({"handler": "was here"}), &json!("GET")));
}

/// A hub forked for a connection or a server serves many requests: none of them may write to it.
#[test]
fn a_fork_that_requests_share_stays_clean() {
    let mut site = Site::traced();
    site.hub = site.hub.fork();
    let http = SentryHttpLayer::new().enable_transaction();
    let (all_in_one, official) = (site.serve(app().layer(SentryRequestLayer::new())), site.serve(app().layer(http)));
    site.run(async {
        for address in [all_in_one, official, all_in_one, official] {
            get(address, "/users/1").await;
            get(address, "/users/2").await;
        }
    });
    let received = site.close(8, 8);
    let events = received.of("event");
    let seen: Vec<_> = events.iter().filter(|event| event["logentry"]["formatted"] == "seen").collect();
    let of = |id| {
        let url = json!(format!("http://shop.example/users/{id}"));
        seen.iter().filter(|event| event["request"]["url"] == url).count()
    };
    assert_eq!((of(1), of(2)), (4, 4));
}

/// A program's own providers are as good as ours.
#[test]
fn hubs_of_other_providers() {
    let site = Site::traced();
    let own = |_: &Request| Hub::new_from_top(Hub::current());
    let handler = || async { sentry::configure_scope(|scope| scope.set_tag("handler", "was here")) };
    let app = Router::new().route("/", route(handler)).layer(SentryHttpLayer::new().enable_transaction());
    let address = site.serve(app.layer(SentryLayer::<_, Hub, _>::new(own)));
    site.run(get(address, "/"));
    assert_eq!(site.close(1, 0).transaction("GET /")["tags"], json!({"handler": "was here"}));
}
