//! Rate-limit headers come from whoever answers: they may never silence the SDK for longer than a day.

#![no_main]

use std::time::{Duration, Instant, SystemTime};

use libfuzzer_sys::fuzz_target;
use sentry_core::protocol::client_report::Category;
use sentry_transport::RateLimits;

fuzz_target!(|input: (Option<&str>, Option<&str>, u16, u32)| {
    let (sentry, retry_after, status, second) = input;
    #[allow(clippy::disallowed_methods)]
    let (now, wall) = (Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(second.into()));
    let mut limits = RateLimits::default();
    limits.update(sentry, retry_after, status, now, wall);
    let first = limits.until(Category::Error);
    assert!(first.is_none_or(|until| until <= now + Duration::from_secs(24 * 60 * 60)));
    // A second answer never shortens a limit.
    limits.update(retry_after, sentry, status, now, wall);
    assert!(limits.until(Category::Error) >= first);
});
