//! Bodies pass as they are, whatever is copied of them.

use std::io::{Read, Write};

use actix_web::HttpResponse;
use actix_web::web::{self, Bytes, Payload, PayloadConfig, ServiceConfig};
use sentry::{ClientOptions, Level, MaxRequestBodySize};

use crate::Service;

fn routes(config: &mut ServiceConfig) {
    let echo = |body: Bytes| async move {
        sentry::capture_message("read", Level::Error);
        HttpResponse::Ok().body(body)
    };
    let lazy = |_: Payload| async {
        sentry::capture_message("not read", Level::Error);
        HttpResponse::Ok().finish()
    };
    config
        .app_data(PayloadConfig::new(8 * 1024 * 1024))
        .route("/echo", web::post().to(echo))
        .route("/lazy", web::post().to(lazy));
}

fn service(max: MaxRequestBodySize) -> Service {
    Service::start(ClientOptions::new().send_default_pii(true).max_request_body_size(max), routes)
}

fn json_of(length: usize) -> String {
    format!("\"{}\"", "x".repeat(length - 2))
}

#[track_caller]
fn assert_echoed(answer: &str, body: &str) {
    let (head, echoed) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(echoed == body, "{} bytes came back of {}", echoed.len(), body.len());
}

#[test]
fn bodies_up_to_the_limit_leave_and_all_reach_the_handler() {
    let cases = [
        (MaxRequestBodySize::Medium, 10_000, true),
        (MaxRequestBodySize::Medium, 10_001, false),
        (MaxRequestBodySize::Medium, 3_000_000, false),
        (MaxRequestBodySize::Explicit(10), 10, true),
        (MaxRequestBodySize::Explicit(10), 11, false),
        (MaxRequestBodySize::None, 10, false),
        (MaxRequestBodySize::Always, 500_000, true),
        // No event may be as large.
        (MaxRequestBodySize::Always, 3_000_000, false),
    ];
    for (max, length, leaves) in cases {
        let body = json_of(length);
        for is_chunked in [false, true] {
            let service = service(max);
            let answer = if is_chunked {
                let mut request = b"POST /echo HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\
                    Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                    .to_vec();
                for chunk in body.as_bytes().chunks(7_001) {
                    write!(request, "{:x}\r\n", chunk.len()).expect("memory");
                    request.extend_from_slice(chunk);
                    request.extend_from_slice(b"\r\n");
                }
                request.extend_from_slice(b"0\r\n\r\n");
                service.send_bytes(&request)
            } else {
                service.post("/echo", "application/json", &body)
            };
            assert_echoed(&answer, &body);
            let event = service.end().event();
            let sent = event["request"]["data"].as_str();
            assert_eq!(sent.is_some(), leaves, "{max:?} {length} {is_chunked}");
            assert!(sent.is_none_or(|sent| sent.len() == length || sent.ends_with("...")), "{sent:?}");
        }
    }
}

#[test]
fn a_body_that_nobody_reads_is_not_waited_for() {
    let service = service(MaxRequestBodySize::Medium);
    let mut stream = service.connect();
    let head = b"POST /lazy HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n";
    stream.write_all(head).expect("a head");
    // The answer is there although the body never comes.
    let mut start = [0; 12];
    stream.read_exact(&mut start).expect("an answer");
    assert_eq!(&start, b"HTTP/1.1 200");
    drop(stream);
    assert!(service.end().event()["request"]["data"].is_null());
}

#[test]
fn a_body_that_breaks_off_is_broken_for_the_handler_too() {
    let service = service(MaxRequestBodySize::Medium);
    let answer = service.send(
        "POST /echo HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\n\"half\r\nZZ\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let received = service.end();
    assert_eq!(received.events().len(), 0);
}
