//! Every event and transaction carries the data of its own request, and of no other.

use std::io::{Read, Write};
use std::sync::LazyLock;
use std::thread;

use actix_web::web::{self, Path, ServiceConfig};
use actix_web::{Error, HttpResponse};
use sentry::{Breadcrumb, Level, User};
use serde_json::json;

use crate::support::Gate;
use crate::{Service, crumbs, traced};

/// Where the handler of each number is known to be at it.
static HANDLED: LazyLock<Vec<Gate>> = LazyLock::new(|| (0..200).map(|_| Gate::new()).collect());
static DROPPED: LazyLock<Gate> = LazyLock::new(Gate::new);

fn routes(config: &mut ServiceConfig) {
    config
        .route("/work/{number}", web::get().to(work))
        .route("/bare", web::get().to(bare))
        .route("/kept/{number}", web::get().to(kept));
}

async fn work(number: Path<u32>) -> Result<HttpResponse, Error> {
    let number = number.into_inner();
    sentry::configure_scope(|scope| {
        scope.set_tag("before", number);
        scope.set_user(Some(User { id: Some(number.to_string()), ..User::default() }));
    });
    sentry::add_breadcrumb(Breadcrumb { message: Some(number.to_string()), ..Breadcrumb::default() });
    let _reports = Reports(number);
    for _ in 0..=number % 7 {
        actix_web::rt::task::yield_now().await;
    }
    sentry::configure_scope(|scope| scope.set_tag("after", number));
    sentry::capture_message(&format!("handled {number}"), Level::Error);
    HANDLED[number as usize].mark();
    match number % 10 {
        3 => panic!("panicked {number}"),
        4 => Err(std::io::Error::other(format!("failed {number}")).into()),
        _ if number % 3 == 0 => {
            // Its client goes away.
            std::future::pending::<()>().await;
            Ok(HttpResponse::Ok().finish())
        }
        _ => Ok(HttpResponse::Ok().finish()),
    }
}

async fn bare() -> HttpResponse {
    sentry::capture_message("bare", Level::Error);
    HttpResponse::Ok().finish()
}

async fn kept(number: Path<u32>) -> HttpResponse {
    let number = number.into_inner();
    if number % 2 == 0 {
        sentry::configure_scope(|scope| scope.set_tag("even", number));
    }
    sentry::capture_message(&number.to_string(), Level::Error);
    HttpResponse::Ok().finish()
}

struct Reports(u32);

impl Drop for Reports {
    fn drop(&mut self) {
        sentry::capture_message(&format!("dropped {}", self.0), Level::Error);
        DROPPED.mark();
    }
}

fn is_disconnected(number: u32) -> bool {
    number % 3 == 0 && ![3, 4].contains(&(number % 10))
}

#[test]
fn two_hundred_requests_each_keep_their_own() {
    let service = Service::start(traced(), routes);
    thread::scope(|scope| {
        for first in 0..20 {
            let service = &service;
            scope.spawn(move || {
                for number in (first..200).step_by(20) {
                    let request = format!("GET /work/{number} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nX-Number: {number}\r\n\r\n");
                    let mut stream = service.connect();
                    stream.write_all(request.as_bytes()).expect("a request");
                    if is_disconnected(number) {
                        HANDLED[number as usize].wait_started(1);
                    } else {
                        let _ = stream.read_to_end(&mut Vec::new());
                    }
                }
            });
        }
    });
    // All are done once the last one that was left has been given up.
    DROPPED.wait_started(200);
    // Whatever worker gets these: nothing is left on its thread.
    for _ in 0..8 {
        service.get("/bare");
    }
    let received = service.end();
    let (mut handled, mut others) = (0, 0);
    for event in received.events() {
        assert_eq!(event["request"]["headers"]["host"], "shop.example");
        let text = event["logentry"]["formatted"]
            .as_str()
            .or(event["exception"]["values"][0]["value"].as_str())
            .expect("a text");
        if text == "bare" {
            assert!(event["tags"].is_null() && event["user"].is_null() && event["breadcrumbs"].is_null(), "{event:#}");
            assert_eq!(event["transaction"], "GET /bare");
            continue;
        }
        let (what, number) = text.split_once(' ').expect("two words");
        handled += usize::from(what == "handled");
        others += usize::from(what == "panicked" || what == "failed");
        assert_eq!(event["tags"], json!({"before": number, "after": number}), "{event:#}");
        assert_eq!(event["user"]["id"], number);
        assert_eq!(crumbs(&event), [number]);
        assert_eq!(event["request"]["headers"]["x-number"], number);
        assert_eq!(event["request"]["url"], format!("http://shop.example/work/{number}"));
        assert_eq!(event["transaction"], "GET /work/{number}");
    }
    assert_eq!((handled, others), (200, 40));

    let transactions = received.transactions();
    assert_eq!(transactions.len(), 208);
    for transaction in transactions.iter().filter(|transaction| transaction["transaction"] == "GET /work/{number}") {
        let number = transaction["tags"]["before"].as_str().expect("its number");
        assert_eq!(transaction["tags"]["after"], number);
        assert_eq!(transaction["user"]["id"], number);
        assert_eq!(transaction["request"]["headers"]["x-number"], number);
        let number: u32 = number.parse().expect("a number");
        let status = match number % 10 {
            3 | 4 => "internal_error",
            _ if is_disconnected(number) => "cancelled",
            _ => "ok",
        };
        assert_eq!(transaction["contexts"]["trace"]["status"], status, "{number}");
    }
}

#[test]
fn nothing_is_left_for_the_next_request_on_the_same_connection() {
    let service = Service::start(traced(), routes);
    let requests: String = (0..20)
        .map(|number| format!("GET /kept/{number} HTTP/1.1\r\nHost: shop.example\r\nX-Number: {number}\r\n\r\n"))
        .chain([String::from("GET /none HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")])
        .collect();
    let answers = service.send(&requests);
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 20);
    let received = service.end();
    assert_eq!((received.events().len(), received.transactions().len()), (20, 21));
    for event in received.events() {
        let number = event["request"]["headers"]["x-number"].as_str().expect("a number");
        assert_eq!(event["logentry"]["formatted"], number);
        let is_even = number.parse::<u32>().expect("a number") % 2 == 0;
        assert_eq!(event["tags"]["even"], if is_even { json!(number) } else { json!(null) });
    }
}
