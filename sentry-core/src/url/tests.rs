//! Each part, each wrong part, and that the text of a URL parses to the same URL.

use proptest::prelude::*;

use super::own::*;

/// Scheme, user name, password, host, port, path, query, fragment.
type Row = (&'static str, &'static str, Option<&'static str>, Option<&'static str>, Option<u16>, &'static str);

#[test]
fn parts_of_a_url() {
    let table: [(&str, &str, Row); 22] = [
        ("https://a.b/c", "https://a.b/c", ("https", "", None, Some("a.b"), None, "/c")),
        ("HTTPS://A.B", "https://a.b/", ("https", "", None, Some("a.b"), None, "/")),
        ("http://u@h:80/", "http://u@h/", ("http", "u", None, Some("h"), None, "/")),
        ("http://u:p@h:8080/", "http://u:p@h:8080/", ("http", "u", Some("p"), Some("h"), Some(8080), "/")),
        ("http://:p@h", "http://:p@h/", ("http", "", Some("p"), Some("h"), None, "/")),
        ("http://u:@h", "http://u@h/", ("http", "u", None, Some("h"), None, "/")),
        ("http://@h", "http://h/", ("http", "", None, Some("h"), None, "/")),
        ("http://a@b:c:d@h/", "http://a%40b:c%3Ad@h/", ("http", "a%40b", Some("c%3Ad"), Some("h"), None, "/")),
        ("http://[::1]:9/", "http://[::1]:9/", ("http", "", None, Some("[::1]"), Some(9), "/")),
        (
            "http://[0:0::FFFF:1.2.3.4]/",
            "http://[::ffff:102:304]/",
            ("http", "", None, Some("[::ffff:102:304]"), None, "/"),
        ),
        ("http://127.0.0.1:0/", "http://127.0.0.1:0/", ("http", "", None, Some("127.0.0.1"), Some(0), "/")),
        ("http://h:/", "http://h/", ("http", "", None, Some("h"), None, "/")),
        ("http://h/a/../b/./c/%2E%2e/d", "http://h/b/d", ("http", "", None, Some("h"), None, "/b/d")),
        ("http://h/../..", "http://h/", ("http", "", None, Some("h"), None, "/")),
        ("http://h/a/b/..", "http://h/a/", ("http", "", None, Some("h"), None, "/a/")),
        ("http://h\\a\\b", "http://h/a/b", ("http", "", None, Some("h"), None, "/a/b")),
        (" http://h/a b\u{e9}\0 \n", "http://h/a%20b%C3%A9", ("http", "", None, Some("h"), None, "/a%20b%C3%A9")),
        ("mailto:a@b.c", "mailto:a@b.c", ("mailto", "", None, None, None, "a@b.c")),
        ("file:///etc/x", "file:///etc/x", ("file", "", None, None, None, "/etc/x")),
        ("postgres://u:p@H:5432", "postgres://u:p@H:5432", ("postgres", "u", Some("p"), Some("H"), Some(5432), "")),
        ("data:text/plain,a b", "data:text/plain,a b", ("data", "", None, None, None, "text/plain,a b")),
        ("unix:/run/x", "unix:/run/x", ("unix", "", None, None, None, "/run/x")),
    ];
    for (input, text, row) in table {
        let url = Url::parse(input).unwrap_or_else(|error| panic!("{input}: {error}"));
        assert_eq!(url.as_str(), text, "{input}");
        let read = (url.scheme(), url.username(), url.password(), url.host_str(), url.port(), url.path());
        assert_eq!(read, row, "{input}");
        assert_eq!((url.query(), url.fragment()), (None, None), "{input}");
    }
}

#[test]
fn query_and_fragment() {
    let table = [
        ("http://h?", "http://h/?", Some(""), None),
        ("http://h/p?a=b c'\"#f g?`", "http://h/p?a=b%20c%27%22#f%20g?%60", Some("a=b%20c%27%22"), Some("f%20g?%60")),
        ("http://h#?x", "http://h/#?x", None, Some("?x")),
        ("x://h?'", "x://h?'", Some("'"), None),
        ("mailto:a ?b#c", "mailto:a ?b#c", Some("b"), Some("c")),
    ];
    for (input, text, query, fragment) in table {
        let url = Url::parse(input).unwrap();
        assert_eq!((url.as_str(), url.query(), url.fragment()), (text, query, fragment));
    }
}

#[test]
fn each_wrong_part_has_its_error() {
    use ParseUrlError as E;
    let table = [
        ("", E::RelativeUrlWithoutBase),
        ("h/p", E::RelativeUrlWithoutBase),
        ("://h", E::RelativeUrlWithoutBase),
        ("1x://h", E::RelativeUrlWithoutBase),
        ("http:/h", E::EmptyHost),
        ("http:h", E::EmptyHost),
        ("http://", E::EmptyHost),
        ("http:///p", E::EmptyHost),
        ("http://u@/p", E::EmptyHost),
        ("http://:80/p", E::EmptyHost),
        ("x://:80/p", E::EmptyHost),
        ("http://h:99999/", E::InvalidPort),
        ("http://h:65536/", E::InvalidPort),
        ("http://h:8a/", E::InvalidPort),
        ("http://h:-1/", E::InvalidPort),
        ("http://[::1/", E::InvalidIpv6Address),
        ("http://[::1]x/", E::InvalidIpv6Address),
        ("http://[fe80::1%25eth0]/", E::InvalidIpv6Address),
        ("http://256.1.1.1/", E::InvalidIpv4Address),
        ("http://1.2.3/", E::InvalidIpv4Address),
        ("http://0x7f/", E::InvalidIpv4Address),
        ("http://b\u{fc}cher.example/", E::IdnaError),
        ("http://a b/", E::InvalidDomainCharacter),
        ("http://a%20b/", E::InvalidDomainCharacter),
        ("http://a\0b/", E::InvalidDomainCharacter),
        ("http://a<b/", E::InvalidDomainCharacter),
        ("http://h/a\r\nX: y", E::ControlCharacter),
        ("ht\ntp://h/", E::ControlCharacter),
    ];
    for (input, error) in table {
        assert_eq!(Url::parse(input), Err(error), "{input}");
    }
}

#[test]
fn setters_replace_one_part_and_keep_the_others() {
    let mut url = Url::parse("https://u:p@h:8/x?q#f").unwrap();
    url.set_query(Some("a b"));
    assert_eq!(url.as_str(), "https://u:p@h:8/x?a%20b#f");
    url.set_fragment(None);
    assert_eq!((url.as_str(), url.query()), ("https://u:p@h:8/x?a%20b", Some("a%20b")));
    url.set_query(None);
    url.set_fragment(Some("<"));
    assert_eq!((url.as_str(), url.fragment()), ("https://u:p@h:8/x#%3C", Some("%3C")));
    url.set_username("new:name").unwrap();
    assert_eq!((url.as_str(), url.username()), ("https://new%3Aname:p@h:8/x#%3C", "new%3Aname"));
    url.set_password(None).unwrap();
    url.set_username("").unwrap();
    assert_eq!(url, Url::parse("https://h:8/x#%3C").unwrap());
    let mut opaque = Url::parse("mailto:a  ?q#f").unwrap();
    opaque.set_query(None);
    opaque.set_fragment(None);
    assert_eq!((opaque.as_str(), opaque.path()), ("mailto:a", "a"));
    for hostless in ["mailto:a@b", "file:///x"] {
        let mut url = Url::parse(hostless).unwrap();
        assert_eq!((url.set_username("u"), url.set_password(Some("p"))), (Err(()), Err(())));
        assert_eq!(url.as_str(), hostless);
    }
}

#[test]
fn debug_masks_user_name_and_password() {
    let debug = |text| format!("{:?}", Url::parse(text).unwrap());
    assert_eq!(debug("https://user:pass@h/p?q"), "Url(\"https://***@h/p?q\")");
    assert_eq!(debug("https://h/p"), "Url(\"https://h/p\")");
}

#[test]
fn json_is_the_text() {
    let url: Url = serde_json::from_str("\"https:\\/\\/h\"").unwrap();
    assert_eq!(serde_json::to_string(&url).unwrap(), "\"https://h/\"");
    assert!(serde_json::from_str::<Url>("\"h\"").is_err());
}

#[test]
fn a_megabyte_takes_linear_time() {
    let long = "a".repeat(1 << 20);
    let dots = "/..".repeat(1 << 18);
    let slashes = "/a/..".repeat(1 << 18);
    for input in [&long, &format!("http://h/{long}"), &format!("http://h{dots}"), &format!("http://h{slashes}")] {
        let _ = Url::parse(input);
    }
    assert!(Url::parse(&format!("http://{long}@{long}/{long}?{long}#{long}")).is_ok());
    assert_eq!(Url::parse(&format!("http://h:{}", "0".repeat(1 << 20))).map(|url| url.port()), Ok(Some(0)));
}

proptest! {
    #[test]
    fn parsing_never_panics_and_its_text_parses_to_the_same(input in "(https?|x|file|mailto):/?/?\\PC{0,40}") {
        if let Ok(url) = Url::parse(&input) {
            let again = Url::parse(url.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&url));
            prop_assert!(url.as_str().bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        }
    }

    #[test]
    fn no_text_panics(input in "[a-z:/@?#\\[\\]%.0-9 \\\\\\x00-\\x20é]{0,40}") {
        let _ = Url::parse(&input);
    }
}
