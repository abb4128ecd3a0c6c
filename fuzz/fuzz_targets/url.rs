//! Our own `Url`: what it accepts stays itself, and no setter can make it something it would not accept.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sentry_core::protocol::Url;

fuzz_target!(|texts: (&str, &str, &str)| {
    let (text, first, second) = texts;
    let Ok(mut url) = Url::parse(text) else { return };
    check(&url);
    url.set_query(Some(first));
    check(&url);
    url.set_fragment(Some(second));
    check(&url);
    let _ = url.set_username(second);
    check(&url);
    let _ = url.set_password(Some(first));
    check(&url);
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_password(None);
    let _ = url.set_username("");
    check(&url);
    assert_eq!((url.query(), url.fragment(), url.username(), url.password()), (None, None, "", None));
});

fn check(url: &Url) {
    let again = Url::parse(url.as_str()).unwrap_or_else(|error| panic!("{:?}: {error}", url.as_str()));
    assert_eq!(again, *url);
    assert_eq!(
        (again.scheme(), again.host_str(), again.port(), again.path(), again.query(), again.fragment()),
        (url.scheme(), url.host_str(), url.port(), url.path(), url.query(), url.fragment()),
    );
    assert_eq!((again.username(), again.password()), (url.username(), url.password()));
}
