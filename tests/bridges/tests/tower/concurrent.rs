//! Many requests at once, with several threads, cancelled and panicking ones among them: each has its own data and nobody
//! else's, whichever way the layers are added.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Path, Request};
use axum::response::IntoResponse;
use axum::{Router, routing::get as route};
use sentry::integrations::tower::{NewSentryLayer, SentryHttpLayer, SentryRequestLayer};
use sentry::{Level, User};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower_http::trace::TraceLayer;

use crate::client::Connection;
use crate::site::{Received, Site, trace};

const REQUESTS: usize = 200;

type Waiting = Arc<Vec<Notify>>;

/// A third is answered, a third is cancelled by its client, and a third panics.
async fn work(n: usize, waiting: Waiting) -> String {
    sentry::configure_scope(|scope| {
        scope.set_user(Some(User { id: Some(n.to_string()), ..User::default() }));
        scope.set_tag("before", n);
    });
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
    let _on_drop = OnDrop(n);
    sentry::configure_scope(|scope| scope.set_tag("after", n));
    tokio::task::yield_now().await;
    sentry::capture_message(&format!("request {n}"), Level::Warning);
    match n % 3 {
        0 => format!("answer {n}"),
        1 => {
            waiting[n].notify_one();
            std::future::pending().await
        }
        _ => panic!("panic {n}"),
    }
}

/// What a cancelled request drops belongs to it as well.
struct OnDrop(usize);

impl Drop for OnDrop {
    fn drop(&mut self) {
        sentry::capture_message(&format!("dropped {}", self.0), Level::Info);
    }
}

fn app(waiting: &Waiting) -> Router {
    let waiting = Arc::clone(waiting);
    Router::new().route("/jobs/{n}", route(move |Path(n): Path<usize>| work(n, waiting)))
}

async fn ask_all(address: std::net::SocketAddr, waiting: Waiting) {
    let requests: Vec<_> = (0..REQUESTS)
        .map(|n| {
            let waiting = Arc::clone(&waiting);
            tokio::spawn(async move {
                let mut connection = Connection::open(address).await;
                connection.send("GET", &format!("/jobs/{n}"), &[("x-number", &n.to_string())], "").await;
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

fn check(received: &Received, name: &str) {
    for n in 0..REQUESTS {
        let of_request = |item: &Value| {
            assert_eq!(item["user"]["id"], json!(n.to_string()), "{item:#}");
            assert_eq!(item["tags"], json!({"before": n.to_string(), "after": n.to_string()}), "{item:#}");
            assert_eq!(item["request"]["headers"]["x-number"], json!(n.to_string()));
            assert_eq!(item["request"]["url"], json!(format!("http://shop.example/jobs/{n}")));
            assert_eq!(item["transaction"], json!(name));
        };
        let transactions = received.of("transaction");
        let own: Vec<_> = transactions
            .iter()
            .copied()
            .filter(|one| one["request"]["headers"]["x-number"] == json!(n.to_string()))
            .collect();
        let [transaction] = own[..] else { panic!("{} transactions of {n}", own.len()) };
        of_request(transaction);
        let status = ["ok", "cancelled", "internal_error"][n % 3];
        assert_eq!(trace(transaction)["status"], json!(status), "{n}");
        for text in [format!("request {n}"), format!("dropped {n}")] {
            let event = received.event(&text);
            of_request(&event);
            assert_eq!(trace(&event)["trace_id"], trace(transaction)["trace_id"]);
            assert_eq!(trace(&event)["span_id"], trace(transaction)["span_id"]);
        }
        if n % 3 == 2 {
            of_request(&received.event(&format!("panic {n}")));
        }
    }
}

fn run(layered: impl FnOnce(Router) -> Router, name: &str) {
    let site = Site::traced();
    let waiting: Waiting = Arc::new((0..REQUESTS).map(|_| Notify::new()).collect());
    let address = site.serve(layered(app(&waiting)));
    site.run(ask_all(address, waiting));
    let panics = (0..REQUESTS).filter(|n| n % 3 == 2).count();
    check(&site.close(REQUESTS, 2 * REQUESTS + panics), name);
}

#[test]
fn with_the_one_layer() {
    run(|app| app.layer(SentryRequestLayer::new()), "GET /jobs/{n}");
}

#[test]
fn with_two_layers_in_the_right_order() {
    let layered = |app: Router| {
        app.layer(SentryHttpLayer::new().enable_transaction()).layer(NewSentryLayer::<Request>::new_from_top())
    };
    run(layered, "GET /jobs/{n}");
}

#[test]
fn with_two_layers_in_the_wrong_order() {
    let layered = |app: Router| {
        app.layer(NewSentryLayer::<Request>::new_from_top()).layer(SentryHttpLayer::new().enable_transaction())
    };
    run(layered, "GET /jobs/{n}");
}

#[test]
fn with_all_of_them() {
    let layered = |app: Router| {
        app.layer(SentryRequestLayer::new())
            .layer(NewSentryLayer::<Request>::new_from_top())
            .layer(SentryHttpLayer::new().enable_transaction())
            .layer(SentryRequestLayer::new())
    };
    run(layered, "GET /jobs/{n}");
}

#[test]
fn beside_a_layer_of_tower_http() {
    let layered = |app: Router| {
        app.layer(TraceLayer::new_for_http()).layer(SentryRequestLayer::new()).layer(TraceLayer::new_for_http())
    };
    run(layered, "GET /jobs/{n}");
}

#[test]
fn the_next_request_on_a_connection_begins_clean() {
    let site = Site::traced();
    let set = || async {
        sentry::configure_scope(|scope| {
            scope.set_tag("secret", "of the first");
            scope.set_user(Some(User { id: Some("first".into()), ..User::default() }));
        });
        "set"
    };
    let see = || async {
        sentry::capture_message("second", Level::Info);
        Ok::<_, Infallible>("seen".into_response())
    };
    let app = Router::new().route("/set", route(set)).route("/see", route(see)).layer(SentryRequestLayer::new());
    let address = site.serve(app);
    site.run(async {
        let mut connection = Connection::open(address).await;
        for (target, answer) in [("/set", "set"), ("/see", "seen"), ("/set", "set"), ("/see", "seen")] {
            connection.send("GET", target, &[], "").await;
            assert_eq!(connection.answer().await, (200, answer.to_owned()));
        }
    });
    let received = site.close(4, 2);
    for item in [received.event("second"), received.transaction("GET /see")] {
        assert_eq!((&item["user"], &item["request"]["url"]), (&Value::Null, &json!("http://shop.example/see")));
        assert!(item["tags"].get("secret").is_none(), "{item:#}");
    }
}
