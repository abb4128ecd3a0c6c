//! Which hub those of requests are forked from.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpResponse};
use sentry::integrations::actix::Sentry;
use sentry::integrations::tokio as tasks;
use sentry::{ClientOptions, Hub, Level, SentryFutureExt};
use serde_json::{Value, json};

use crate::{Received, Service, client};

fn routes(config: &mut ServiceConfig) {
    let reports = || async {
        sentry::capture_message("here", Level::Error);
        HttpResponse::Ok().finish()
    };
    let leaves = || async {
        tag("request", "1");
        // Takes nothing along, and so writes to what the thread has.
        let bare = actix_web::rt::spawn(async {
            tag("left", "1");
            sentry::capture_message("bare", Level::Error);
        });
        bare.await.expect("no panic");
        HttpResponse::Ok().finish()
    };
    let takes_along = || async {
        tag("request", "1");
        let task = async {
            tag("task", "1");
            sentry::capture_message("task", Level::Error);
        };
        tasks::spawn_local(task).await.expect("no panic");
        sentry::capture_message("request", Level::Error);
        HttpResponse::Ok().finish()
    };
    config
        .route("/report", web::get().to(reports))
        .route("/leave", web::get().to(leaves))
        .route("/task", web::get().to(takes_along))
        .service(
            web::scope("/around").wrap(Sentry::new()).wrap(from_fn(outer)).route("/report", web::get().to(reports)),
        );
}

async fn outer(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let hub = Hub::current().fork();
    hub.configure_scope(|scope| scope.set_tag("outer", "1"));
    next.call(request).bind_hub(hub).await
}

fn tag(key: &str, value: &str) {
    sentry::configure_scope(|scope| scope.set_tag(key, value));
}

/// The tags of all events with that message.
fn tags(received: &Received, message: &str) -> Vec<Value> {
    let events = received.events();
    let of_it = events.iter().filter(|event| event["logentry"]["formatted"] == message);
    of_it.map(|event| event["tags"].clone()).collect()
}

#[test]
fn by_default_it_is_the_one_around_and_nothing_is_left_on_threads() {
    let (receiver, client) = client(ClientOptions::new());
    // The main hub is what workers begin with. No other test is in it.
    Hub::main().bind_client(Some(Arc::clone(&client)));
    Hub::main().configure_scope(|scope| scope.set_tag("main", "1"));
    let service = Service::serve(receiver, client, Sentry::new(), routes);
    for _ in 0..4 {
        service.get("/leave");
    }
    for _ in 0..4 {
        service.get("/report");
    }
    let received = service.end();
    Hub::main().bind_client(None);
    assert_eq!(tags(&received, "bare"), vec![json!({"main": "1", "left": "1"}); 4]);
    assert_eq!(tags(&received, "here"), vec![json!({"main": "1"}); 4]);
}

#[test]
fn a_layer_around_gives_its_data() {
    let service = Service::start(ClientOptions::new(), routes);
    service.get("/around/report");
    service.get("/report");
    let events = service.end().events();
    let of = |route: &str| events.iter().find(|event| event["transaction"] == route).map(|event| event["tags"].clone());
    assert_eq!(of("GET /around/report"), Some(json!({"outer": "1"})));
    assert_eq!(of("GET /report"), Some(json!(null)));
}

#[test]
fn a_task_goes_on_with_the_request() {
    let service = Service::start(ClientOptions::new(), routes);
    service.get("/task");
    let received = service.end();
    assert_eq!(tags(&received, "task"), [json!({"request": "1", "task": "1"})]);
    assert_eq!(tags(&received, "request"), [json!({"request": "1"})]);
    let traces: Vec<_> = received.events().iter().map(|event| event["contexts"]["trace"].clone()).collect();
    assert_eq!(traces[0], traces[1]);
}
