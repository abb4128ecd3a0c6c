//! Authentication headers and query strings, as a receiver would read them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sentry_core::types::Auth;

fuzz_target!(|bytes: &[u8]| {
    let _ = Auth::from_querystring(bytes);
    let Ok(auth) = String::from_utf8_lossy(bytes).parse::<Auth>() else {
        return;
    };
    let _ = (auth.timestamp(), auth.version(), auth.is_public(), auth.client_agent());
    let written = auth.to_string();
    let read: Auth = written.parse().unwrap_or_else(|error| panic!("{written:?}: {error}"));
    assert_eq!(read.public_key(), auth.public_key());
    assert_eq!(read.to_string(), written);
});
