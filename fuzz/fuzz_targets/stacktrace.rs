//! Printed stack traces come from errors of any origin: any text may be one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sentry_integrations::backtrace::parse_stacktrace;

fuzz_target!(|text: &str| {
    let Some(stacktrace) = parse_stacktrace(text) else { return };
    assert!(!stacktrace.frames.is_empty());
    assert!(stacktrace.frames.len() <= text.lines().count());
});
