//! A login, which is all secrets: what of it leaves.

use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{Error, HttpResponse};
use sentry::ClientOptions;
use serde_json::{Value, json};

use crate::{Received, Service, traced};

fn routes(config: &mut ServiceConfig) {
    config.route("/login", web::post().to(login));
}

async fn login(body: Bytes) -> Result<HttpResponse, Error> {
    assert!(!body.is_empty());
    Err(std::io::Error::other("database is away").into())
}

const JSON: &str = r#"{"login":"lovelace","password":"hunter2","nested":[{"apiKey":"hunter3","page":4}]}"#;
const FORM: &str = "login=lovelace&password=hunter2&page=4";

fn log_in(options: ClientOptions, content_type: &str, body: &str) -> Received {
    let service = Service::start(options, routes);
    let length = body.len();
    let answer = service.send(&format!(
        "POST /login?next=%2Fcart&token=hunter4 HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\
         Cookie: theme=dark; sid=hunter5\r\nAuthorization: Bearer hunter6\r\nX-Forwarded-For: 203.0.113.7\r\n\
         Referer: https://lovelace:hunter7@shop.example/login?token=hunter8\r\nUser-Agent: probe/1.0\r\n\
         Content-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}"
    ));
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    service.end()
}

fn requests(received: &Received) -> Vec<Value> {
    let all = [received.event(), received.transaction()];
    all.into_iter().map(|item| item["request"].clone()).collect()
}

#[test]
fn nothing_personal_leaves_by_default() {
    for (content_type, body) in [("application/json", JSON), ("application/x-www-form-urlencoded", FORM)] {
        let received = log_in(traced(), content_type, body);
        let text = received.text();
        for secret in ["hunter", "lovelace", "%2Fcart", "dark", "203.0.113.7", "127.0.0.1:"] {
            assert!(!text.contains(secret), "{secret} left: {text}");
        }
        for request in requests(&received) {
            assert_eq!(request["url"], "http://shop.example/login");
            assert_eq!(request["method"], "POST");
            assert_eq!(request["headers"]["user-agent"], "probe/1.0");
            assert_eq!(request["headers"]["authorization"], "[Filtered]");
            for absent in ["data", "cookies", "query_string", "env"] {
                assert!(request[absent].is_null(), "{request:#}");
            }
        }
    }
}

#[test]
fn with_pii_secrets_stay_here() {
    let form = "login=lovelace&password=[Filtered]&page=4";
    let json = r#"{"login":"lovelace","password":"[Filtered]","nested":[{"apiKey":"[Filtered]","page":4}]}"#;
    let cases = [
        ("application/json", JSON, json),
        ("application/json; charset=utf-8", JSON, json),
        ("application/x-www-form-urlencoded", FORM, form),
        ("text/plain", "hunter2", "[Filtered]"),
        ("application/json", "{\"password\": hunter2", "[Filtered]"),
    ];
    for (content_type, body, sent) in cases {
        let received = log_in(traced().send_default_pii(true), content_type, body);
        let text = received.text();
        assert!(!text.contains("hunter"), "{text}");
        for request in requests(&received) {
            assert_eq!(request["data"], sent);
            assert_eq!(request["query_string"], "next=%2Fcart&token=[Filtered]");
            assert_eq!(request["cookies"], json!([["theme", "dark"], ["sid", "[Filtered]"]]));
            assert_eq!(request["headers"]["authorization"], "[Filtered]");
            assert_eq!(request["headers"]["x-forwarded-for"], "203.0.113.7");
            assert_eq!(request["env"], json!({"REMOTE_ADDR": "127.0.0.1"}));
        }
    }
}
