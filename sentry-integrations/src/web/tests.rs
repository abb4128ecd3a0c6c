//! What leaves of a request and what does not: tables, and properties for all input.

use proptest::prelude::*;
use sentry_core::protocol::{Request, SpanStatus, TransactionSource};
use sentry_core::{ClientOptions, DenyList, FILTERED, MaxRequestBodySize};

use super::body::body_as_sent;
use super::status::{is_grpc_fault, status_of_grpc, status_of_http};
use super::{Head, Rules, cookies, form, json, name_of, value};

fn with_pii() -> Rules {
    Rules::of(&ClientOptions::new().send_default_pii(true))
}

fn without_pii() -> Rules {
    Rules::of(&ClientOptions::new())
}

fn request(rules: &Rules, host: &str, query: Option<&str>, headers: &[(&str, &[u8])]) -> Request {
    let headers = headers.iter().copied();
    let peer = Some([192, 0, 2, 7].into());
    Head { method: "POST", scheme: "https", host, path: "/a%20b", query, headers, peer }.into_request(rules)
}

#[test]
fn without_pii_no_cookie_query_or_address_leaves() {
    let headers: &[(&str, &[u8])] = &[
        ("Cookie", b"theme=dark"),
        ("set-cookie", b"theme=dark"),
        ("X-Forwarded-For", b"192.0.2.7"),
        ("x-real-ip", b"192.0.2.7"),
        ("Remote-Addr", b"192.0.2.7"),
        ("via", b"1.1 proxy"),
        ("x-user", b"jane"),
        ("x-api-key", b"hunter2"),
        ("referer", b"https://jane:hunter2@host/p?q=hunter2#hunter2"),
        ("accept", b"*/*"),
    ];
    let sent = request(&without_pii(), "host:8443", Some("q=1"), headers);
    assert_eq!(sent.url.as_ref().map(|url| url.as_str()), Some("https://host:8443/a%20b"));
    assert_eq!((sent.cookies, sent.query_string, sent.env.len()), (None, None, 0));
    let expected = [
        ("Remote-Addr", FILTERED),
        ("X-Forwarded-For", FILTERED),
        ("accept", "*/*"),
        ("referer", "https://[Filtered]:[Filtered]@host/p"),
        ("via", FILTERED),
        ("x-api-key", FILTERED),
        ("x-real-ip", FILTERED),
        ("x-user", FILTERED),
    ];
    let headers: Vec<_> = sent.headers.iter().map(|(name, text)| (&**name, &**text)).collect();
    assert_eq!(headers, expected);
}

#[test]
fn with_pii_only_secrets_stay() {
    let headers: &[(&str, &[u8])] = &[
        ("cookie", b"theme=dark; sid=hunter2"),
        ("cookie", b"lang=de"),
        ("set-cookie", b"theme=dark"),
        ("x-forwarded-for", b"192.0.2.7"),
        ("Authorization", b"hunter2"),
        ("accept", b"text/html"),
        ("accept", b"image/*"),
        ("x-raw", b"\xff!"),
        ("location", b"/next?token=hunter2&page=2"),
    ];
    let sent = request(&with_pii(), "jane:hunter2@host", Some("q=1&access_token=hunter2"), headers);
    assert_eq!(sent.url.as_ref().map(|url| url.as_str()), Some("https://host/a%20b"));
    assert_eq!(sent.cookies.as_deref(), Some("theme=dark; sid=[Filtered]; lang=de"));
    assert_eq!(sent.query_string.as_deref(), Some("q=1&access_token=[Filtered]"));
    assert_eq!(sent.env.get("REMOTE_ADDR").map(String::as_str), Some("192.0.2.7"));
    for (name, text) in [
        ("set-cookie", FILTERED),
        ("x-forwarded-for", "192.0.2.7"),
        ("Authorization", FILTERED),
        ("accept", "text/html, image/*"),
        ("x-raw", "\u{fffd}!"),
        ("location", "/next?token=[Filtered]&page=2"),
    ] {
        assert_eq!(sent.headers.get(name).map(String::as_str), Some(text), "{name}");
    }
    assert!(!sent.headers.contains_key("cookie"));
}

#[test]
fn a_program_may_have_terms_of_its_own_and_layers_may_outrank_it() {
    let options = ClientOptions::new().deny_list(DenyList::of(["iban"])).send_default_pii(true);
    let rules = Rules::of(&options);
    assert_eq!(form::filter(&rules, "author=me&IBAN=DE00", 0), "author=me&IBAN=[Filtered]");
    assert!(rules.with_pii(false).denies("x-forwarded-for"));
    assert!(Rules::of(&ClientOptions::new()).with_pii(true).sends_pii());
}

#[test]
fn cookies_one_by_one() {
    for (text, expected) in [
        ("theme=dark", "theme=dark"),
        (" a=1;b=2 ; c=\"x y\"", "a=1; b=2; c=\"x y\""),
        ("CSRFToken=hunter2; a=b=c", "CSRFToken=[Filtered]; a=b=c"),
        ("next=https://me:hunter2@host/", "next=https://[Filtered]:[Filtered]@host/"),
        ("hunter2", FILTERED),
        ("a=1; hunter2", FILTERED),
        ("=hunter2", FILTERED),
        ("two words=hunter2", FILTERED),
        ("", ""),
    ] {
        assert_eq!(cookies::filter(&with_pii(), text), expected, "{text}");
    }
}

#[test]
fn forms_key_by_key() {
    for (text, expected) in [
        ("", ""),
        ("a=1&&b", "a=1&&b"),
        ("a=x+y%20z", "a=x+y%20z"),
        ("user[passWord]=hunter2&a=1", "user[passWord]=[Filtered]&a=1"),
        ("p%61ssword=hunter2", "p%61ssword=[Filtered]"),
        ("a=1;token=hunter2;b=2", "a=1;token=[Filtered];b=2"),
        ("token=hunter2=hunter2", "token=[Filtered]"),
        ("%zz=%&b=%4", "%zz=%&b=%4"),
        ("next=https%3A%2F%2Fme%3Ahunter2%40host%2F", "next=https://[Filtered]:[Filtered]@host/"),
        ("next=%2Fhome%3Ftoken%3Dhunter2%26a%3D1", "next=/home?token%3d[Filtered]%26a%3d1"),
        ("https://me:hunter2@host", "https://[Filtered]:[Filtered]@host"),
        ("payload=%7B%22secret%22%3A%22hunter2%22%7D", "payload={%22secret%22:%22[Filtered]%22}"),
    ] {
        assert_eq!(form::filter(&with_pii(), text, 0), expected, "{text}");
    }
}

#[test]
fn json_at_any_depth() {
    for (text, expected) in [
        ("{}", "{}"),
        (" [1, -2, 2.5, true, null, \"a\\n\"] ", r#"[1,-2,2.5,true,null,"a\n"]"#),
        (r#"{"z":1,"a":{"apiKey":{"deep":"hunter2"},"b":[]}}"#, r#"{"z":1,"a":{"apiKey":"[Filtered]","b":[]}}"#),
        (r#"{"p\u0061ssword":"hunter2","pin":1,"pin":2}"#, r#"{"password":"[Filtered]","pin":1,"pin":2}"#),
        (r#"[[{"token":["hunter2"]}],{}]"#, r#"[[{"token":"[Filtered]"}],{}]"#),
        (r#"{"inner":"{\"pwd\":\"hunter2\"}"}"#, r#"{"inner":"{\"pwd\":\"[Filtered]\"}"}"#),
        (r#"{"url":"ftp://me@host/?key=hunter2"}"#, r#"{"url":"ftp://[Filtered]@host/?key=[Filtered]"}"#),
    ] {
        assert_eq!(json::filter(&with_pii(), text.as_bytes(), 0).as_deref(), Some(expected), "{text}");
    }
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    for refused in ["", "{", "hunter2", "{\"a\":1} x", "{'a':1}", "[1e999]", &deep] {
        assert_eq!(json::filter(&with_pii(), refused.as_bytes(), 0), None, "{refused}");
    }
}

#[test]
fn values_with_something_inside() {
    for (text, with, without) in [
        ("plain text", "plain text", "plain text"),
        ("/path", "/path", "/path"),
        ("12/34?", "12/34?", "12/34?"),
        ("https://host/?a=1#top", "https://host/?a=1#top", "https://host/"),
        ("https://host/?sid=hunter2", "https://host/?sid=[Filtered]", "https://host/"),
        ("https://host/#jwt=hunter2", "https://host/#jwt=[Filtered]", "https://host/"),
        ("//me:hunter2@host/x", "//[Filtered]:[Filtered]@host/x", "//[Filtered]:[Filtered]@host/x"),
        ("0; url=http://a@b/?key=hunter2", "0; url=http://[Filtered]@b/?key=[Filtered]", "0; url=http://[Filtered]@b/"),
        ("<http://h/?key=hunter2>; rel=next", "<http://h/?key=[Filtered]>; rel=next", "<http://h/>; rel=next"),
        (
            "http://h/http://me:hunter2@i/",
            "http://h/http://[Filtered]:[Filtered]@i/",
            "http://h/http://[Filtered]:[Filtered]@i/",
        ),
        ("http://me:hunter2@a@b/", "http://[Filtered]:[Filtered]@b/", "http://[Filtered]:[Filtered]@b/"),
        ("{\"auth\":\"hunter2\"}", "{\"auth\":\"[Filtered]\"}", "{\"auth\":\"[Filtered]\"}"),
        (
            "{not json: http://me:hunter2@h}",
            "{not json: http://[Filtered]:[Filtered]@h}",
            "{not json: http://[Filtered]:[Filtered]@h}",
        ),
    ] {
        assert_eq!(value::filter(&with_pii(), text, 0), with, "{text}");
        assert_eq!(value::filter(&without_pii(), text, 0), without, "{text}");
    }
}

#[test]
fn bodies() {
    let rules = with_pii();
    for (kind, body, expected) in [
        (Some("application/json"), r#"{"password":"hunter2","a":1}"#, r#"{"password":"[Filtered]","a":1}"#),
        (Some("Application/JSON; charset=utf-8"), r#"{"a":1}"#, r#"{"a":1}"#),
        (Some("application/problem+json"), "[]", "[]"),
        (Some("application/json"), "password=hunter2", FILTERED),
        (Some("application/json"), "{\"a\":1}\n{\"a\":2}", FILTERED),
        (Some("application/x-www-form-urlencoded; charset=utf-8"), "a=1&pwd=hunter2", "a=1&pwd=[Filtered]"),
        (Some("application/x-www-form-urlencoded"), "{\"pwd\": \"hunter2\"}", FILTERED),
        (Some("application/x-www-form-urlencoded"), "hunter2", FILTERED),
        (Some("text/plain"), "hunter2", FILTERED),
        (Some("multipart/form-data; boundary=x"), "--x", FILTERED),
        (None, "{}", FILTERED),
    ] {
        assert_eq!(body_as_sent(&rules, kind, body.as_bytes()).as_deref(), Some(expected), "{kind:?} {body}");
    }
    let invalid = body_as_sent(&rules, Some("application/json"), b"{\"a\":\"\xff\"}");
    assert_eq!(invalid.as_deref(), Some(FILTERED));
}

#[test]
fn bodies_that_do_not_leave() {
    let json = Some("application/json");
    assert_eq!(body_as_sent(&without_pii(), json, b"{}"), None);
    assert_eq!(body_as_sent(&with_pii(), json, b""), None);
    let options = ClientOptions::new().send_default_pii(true).max_request_body_size(MaxRequestBodySize::Explicit(2));
    assert_eq!(body_as_sent(&Rules::of(&options), json, b"{}").as_deref(), Some("{}"));
    assert_eq!(body_as_sent(&Rules::of(&options), json, b"[1]"), None);
}

#[test]
fn names_and_statuses() {
    let name = name_of("GET", Some("/users/{id}"), "/users/7");
    assert_eq!((&*name.text, name.source), ("GET /users/{id}", TransactionSource::Route));
    let name = name_of("GET", None, "/users/7");
    assert_eq!((&*name.text, name.source), ("GET /users/7", TransactionSource::Url));
    for (code, status) in [
        (200, SpanStatus::Ok),
        (304, SpanStatus::Ok),
        (400, SpanStatus::InvalidArgument),
        (401, SpanStatus::Unauthenticated),
        (403, SpanStatus::PermissionDenied),
        (404, SpanStatus::NotFound),
        (409, SpanStatus::AlreadyExists),
        (422, SpanStatus::InvalidArgument),
        (429, SpanStatus::ResourceExhausted),
        (499, SpanStatus::Cancelled),
        (500, SpanStatus::InternalError),
        (501, SpanStatus::Unimplemented),
        (502, SpanStatus::InternalError),
        (503, SpanStatus::Unavailable),
        (504, SpanStatus::DeadlineExceeded),
        (0, SpanStatus::UnknownError),
        (999, SpanStatus::UnknownError),
    ] {
        assert_eq!(status_of_http(code), status, "{code}");
    }
    let codes: Vec<_> = (0..=17).map(status_of_grpc).collect();
    assert_eq!((codes[0], codes[5], codes[16]), (SpanStatus::Ok, SpanStatus::NotFound, SpanStatus::Unauthenticated));
    assert_eq!((codes[2], codes[17]), (SpanStatus::UnknownError, SpanStatus::UnknownError));
    assert_eq!((0..20).filter(|code| is_grpc_fault(*code)).collect::<Vec<_>>(), [2, 4, 13, 14, 15]);
}

/// A text that is in nothing else.
const SECRET: &str = "Qhunter2Q";

proptest! {
    /// Whatever is there, it does not panic, and what is unchanged is still what it was.
    #[test]
    fn any_text_is_taken(text in any::<String>(), depth in 0_usize..6) {
        for rules in [with_pii(), without_pii()] {
            let once = value::filter(&rules, &text, depth).into_owned();
            prop_assert_eq!(value::filter(&rules, &once, depth).into_owned(), once);
            let _ = (cookies::filter(&rules, &text), form::filter(&rules, &text, depth), form::decode(&text));
            let _ = json::filter(&rules, text.as_bytes(), depth);
        }
    }

    #[test]
    fn any_url_like_text_is_taken(text in "[a-z]{0,3}(://|//|/|:|@|\\?|#|&|=|%[0-9a-f]{2}|[a-z\"{}\\[\\] ]){0,40}") {
        for rules in [with_pii(), without_pii()] {
            let _ = value::filter(&rules, &text, 0);
        }
    }

    #[test]
    fn plain_forms_stay_as_they_are(text in "([a-d]{1,4}=[a-d0-9.,*_-]{0,6}&){0,5}[a-d]{1,4}") {
        prop_assert_eq!(form::filter(&with_pii(), &text, 0), text);
    }

    /// The same value as before, where no key is denied.
    #[test]
    fn plain_json_stays_what_it_was(value in json_value()) {
        let text = value.to_string();
        let filtered = json::filter(&with_pii(), text.as_bytes(), 0).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&filtered).expect("JSON"), value);
    }

    /// Wherever a denied key stands, nothing below it leaves.
    #[test]
    fn nothing_below_a_denied_key_leaves(value in json_value(), path in prop::collection::vec("[a-d]{1,3}", 0..6)) {
        let mut value = serde_json::json!({"x-PassWord-y": [SECRET, value, {"a": SECRET}]});
        for key in path {
            value = serde_json::json!([{key: value}]);
        }
        let filtered = json::filter(&with_pii(), value.to_string().as_bytes(), 0).expect("JSON");
        prop_assert!(!filtered.contains(SECRET), "{}", filtered);
        prop_assert!(filtered.contains("x-PassWord-y"), "{}", filtered);
    }

    /// However a URL is wrapped, its user information does not leave.
    #[test]
    fn user_information_never_leaves(
        before in "[a-z ]{0,5}", user in "[a-z.%]{0,5}", path in "[a-z/]{0,8}", rest in "(\\?[a-d]=[a-z])?"
    ) {
        let text = format!("{before}https://{user}:{SECRET}@host/{path}{rest}");
        for rules in [with_pii(), without_pii()] {
            let filtered = value::filter(&rules, &text, 0);
            prop_assert!(!filtered.contains(SECRET), "{}", filtered);
        }
    }
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let scalar = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[a-z \\\\\"\u{e4}\n]{0,8}".prop_map(Into::into),
    ];
    scalar.prop_recursive(5, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::hash_map("[b-d]{1,4}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}
