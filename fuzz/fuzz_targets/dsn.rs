//! A DSN comes from the environment or from a configuration file: any text may be one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sentry_core::protocol::Url;
use sentry_core::types::{Auth, Dsn};

fuzz_target!(|text: &str| {
    let Ok(dsn) = text.parse::<Dsn>() else { return };
    let written = dsn.to_string();
    assert_eq!(written.parse::<Dsn>().ok().as_ref(), Some(&dsn), "{written:?} is another DSN");

    let url = dsn.envelope_api_url();
    assert_eq!(Url::parse(url.as_str()).ok().as_ref(), Some(&url));
    assert!(url.path().ends_with("/envelope/"), "{url}");
    // Both go into an HTTP request: a line break in them would start another header.
    let auth = dsn.to_auth(Some("fuzz/1.0")).to_string();
    assert!(!format!("{url}{auth}").contains(['\r', '\n']), "{url:?} {auth:?}");
    let read: Auth = auth.parse().expect("what we write, we read");
    assert_eq!((read.public_key(), read.secret_key()), (dsn.public_key(), dsn.secret_key()));
});
