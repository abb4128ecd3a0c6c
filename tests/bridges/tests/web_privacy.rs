//! What of requests leaves through the bridge to tower: by default nothing that is private, with PII on nothing that is
//! secret.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "clippy.toml exempts test functions, not the helpers they call"
)]

#[path = "../../support/mod.rs"]
mod support;

#[path = "tower/client.rs"]
#[allow(dead_code, reason = "this binary uses its part")]
mod client;
#[path = "tower/site.rs"]
#[allow(dead_code, reason = "this binary uses its part")]
mod site;

use std::sync::{Arc, Mutex};

use axum::{Json, Router, routing::post};
use sentry::integrations::tower::{NewSentryLayer, SentryBodyLayer, SentryHttpLayer, SentryRequestLayer};
use sentry::{ClientOptions, MaxRequestBodySize};
use serde_json::{Value, json};

use client::ask;
use site::{Received, Site};

/// A login that fails, with secrets wherever one can be.
fn log_in(with_pii: bool, layered: impl FnOnce(Router) -> Router) -> Received {
    let site = Site::start(ClientOptions::new().send_default_pii(with_pii).traces_sample_rate(1.0));
    let handler = |Json(login): Json<Value>| async move {
        assert_eq!(login["password"], json!("hunter2-body"));
        sentry::capture_error(&std::fmt::Error);
    };
    let address = site.serve(layered(Router::new().route("/login", post(handler))));
    let headers = [
        ("content-type", "application/json"),
        ("cookie", "sessionid=hunter2-cookie; theme=dark-cookie"),
        ("authorization", "Bearer hunter2-authorization"),
        ("x-forwarded-for", "198.51.100.7"),
        ("referer", "https://jane:hunter2-user@shop.example/?token=hunter2-referer&from=mail-referer"),
        ("accept-language", "de"),
    ];
    let body = r#"{"user":"jane-body","password":"hunter2-body"}"#;
    let target = "/login?access_token=hunter2-query&next=home-query";
    assert_eq!(site.run(ask(address, "POST", target, &headers, body)).0, 200);
    site.close(1, 1)
}

fn requests(received: &Received) -> [Value; 2] {
    [received.transaction("POST /login"), received.event("an error occurred when formatting an argument")]
        .map(|item| item["request"].clone())
}

fn all_bytes(received: &Received) -> String {
    received.envelopes.iter().map(|envelope| String::from_utf8_lossy(&envelope.raw).into_owned()).collect()
}

#[test]
fn nothing_private_leaves_by_default() {
    for two_layers in [false, true] {
        let received = log_in(false, |app| {
            if two_layers {
                let http = SentryHttpLayer::new().enable_transaction();
                app.layer(SentryBodyLayer::new())
                    .layer(http)
                    .layer(NewSentryLayer::<axum::extract::Request>::new_from_top())
            } else {
                app.layer(SentryBodyLayer::new()).layer(SentryRequestLayer::new())
            }
        });
        let bytes = all_bytes(&received);
        for private in ["hunter2", "jane", "-cookie", "-query", "-referer", "-body", "198.51.100.7", "\"cookies\""] {
            assert!(!bytes.contains(private), "{private} in {bytes}");
        }
        for request in requests(&received) {
            assert_eq!(
                request,
                json!({
                    "method": "POST", "url": "http://shop.example/login",
                    "headers": {
                        "accept-language": "de", "authorization": "[Filtered]", "content-length": "46",
                        "content-type": "application/json", "host": "shop.example",
                        "referer": "https://[Filtered]:[Filtered]@shop.example/", "x-forwarded-for": "[Filtered]",
                    },
                })
            );
        }
    }
}

#[test]
fn with_pii_only_secrets_stay() {
    for by_layer in [false, true] {
        let layer = SentryRequestLayer::new();
        let layer = if by_layer { layer.enable_pii() } else { layer };
        let received = log_in(!by_layer, |app| app.layer(SentryBodyLayer::new()).layer(layer));
        assert!(!all_bytes(&received).contains("hunter2"));
        let data = site::trace(&received.transaction("POST /login"))["data"].clone();
        assert_eq!(data["http.query"], json!("access_token=[Filtered]&next=home-query"));
        for request in requests(&received) {
            assert_eq!(request["cookies"], json!([["sessionid", "[Filtered]"], ["theme", "dark-cookie"]]));
            assert_eq!(request["query_string"], json!("access_token=[Filtered]&next=home-query"));
            assert_eq!(request["data"], json!(r#"{"user":"jane-body","password":"[Filtered]"}"#));
            let headers = &request["headers"];
            assert_eq!(
                (&headers["authorization"], &headers["x-forwarded-for"]),
                (&json!("[Filtered]"), &json!("198.51.100.7"))
            );
            let referer = "https://[Filtered]:[Filtered]@shop.example/?token=[Filtered]&from=mail-referer";
            assert_eq!(headers["referer"], json!(referer));
        }
    }
}

#[test]
fn bodies_beyond_the_limit_stay() {
    for (most, body, expected) in [
        (MaxRequestBodySize::Explicit(7), r#"{"a":1}"#, json!(r#"{"a":1}"#)),
        (MaxRequestBodySize::Explicit(6), r#"{"a":1}"#, Value::Null),
        (MaxRequestBodySize::None, r#"{"a":1}"#, Value::Null),
        (MaxRequestBodySize::Always, "no JSON", json!("[Filtered]")),
        (MaxRequestBodySize::Always, "", Value::Null),
    ] {
        let options = ClientOptions::new().send_default_pii(true).max_request_body_size(most);
        let site = Site::start(options);
        let handler = |whole: String| async move {
            sentry::capture_message("read", sentry::Level::Error);
            whole
        };
        let app = Router::new().route("/", post(handler)).layer(SentryBodyLayer::new());
        let address = site.serve(app.layer(SentryRequestLayer::new()));
        let answer = site.run(ask(address, "POST", "/", &[("content-type", "application/json")], body));
        assert_eq!(answer, (200, body.to_owned()), "the handler gets it as it is");
        assert_eq!(site.close(0, 1).event("read")["request"]["data"], expected, "{most:?} {body}");
    }
}

/// 200 secrets, a fifth each in headers, cookies, the query, a referrer and a body; under names that say what they are.
#[test]
fn a_corpus_of_secrets() {
    const TERMS: [&str; 17] = [
        "auth",
        "token",
        "secret",
        "password",
        "passwd",
        "pwd",
        "key",
        "jwt",
        "bearer",
        "sso",
        "saml",
        "csrf",
        "xsrf",
        "credentials",
        "session",
        "sid",
        "identity",
    ];
    let named = |place: usize, n: usize, separator: &str| {
        let term = TERMS[(place + n) % TERMS.len()];
        let cased = if n % 2 == 0 { term.to_uppercase() } else { term.to_owned() };
        format!("my{separator}{cased}{separator}{n}")
    };
    let secret = |place: usize, n: usize| format!("Zq{place}x{n:02}Zq");
    let pairs = |place: usize, separator: &str| -> String {
        let all: Vec<_> = (0..40).map(|n| format!("{}={}", named(place, n, "_"), secret(place, n))).collect();
        all.join(separator)
    };
    for with_pii in [false, true] {
        let said = Arc::new(Mutex::new(String::new()));
        let diagnostics = Arc::clone(&said);
        let options = ClientOptions::new().send_default_pii(with_pii).traces_sample_rate(1.0).debug(true);
        let site = Site::start(options.diagnostics(move |line| diagnostics.lock().expect("whole").push_str(line)));
        let handler = |_body: String| async {
            sentry::capture_error(&std::fmt::Error);
        };
        let app = Router::new().route("/login", post(handler)).layer(SentryBodyLayer::new());
        let address = site.serve(app.layer(SentryRequestLayer::new()));
        let mut headers: Vec<_> = (0..40).map(|n| (named(0, n, "-"), secret(0, n))).collect();
        headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        headers.push(("cookie".to_owned(), pairs(1, "; ")));
        headers.push(("referer".to_owned(), format!("https://shop.example/?{}", pairs(2, "&"))));
        let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let (target, body) = (format!("/login?{}", pairs(3, "&")), pairs(4, "&"));
        assert_eq!(site.run(ask(address, "POST", &target, &headers, &body)).0, 200);
        let received = site.close(1, 1);
        let bytes = all_bytes(&received) + &said.lock().expect("whole");
        for (place, n) in (0..5).flat_map(|place| (0..40).map(move |n| (place, n))) {
            assert!(!bytes.contains(&secret(place, n)), "{} with PII {with_pii}", secret(place, n));
        }
        let names = requests(&received)[0].to_string();
        let kept = |place, separator| (0..40).filter(|n| names.contains(&named(place, *n, separator))).count();
        let lower = (0..40).filter(|n| names.contains(&named(0, *n, "-").to_lowercase())).count();
        assert_eq!(lower, 40, "names of headers are kept");
        assert_eq!([1, 2, 3, 4].map(|place| kept(place, "_")), if with_pii { [40; 4] } else { [0; 4] }, "{names}");
    }
}
