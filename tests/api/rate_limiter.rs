//! The building blocks for HTTP transports of a program's own.

use std::fmt::Debug;
use std::time::Duration;

use sentry::Envelope;
use sentry::client_report::Recorder;
use sentry::transports::{RateLimiter, RateLimitingCategory, StdTransportThread, StdTransportThreadOptions};

has!(RateLimiter; Debug + Default + Send + Sync);

fn limits(category: RateLimitingCategory) {
    let _: fn() -> RateLimiter = RateLimiter::new;
    let _: fn(&mut RateLimiter, &str) = RateLimiter::update_from_retry_after;
    let _: fn(&mut RateLimiter, &str) = RateLimiter::update_from_sentry_header;
    let _: fn(&mut RateLimiter) = RateLimiter::update_from_429;
    let _: fn(&RateLimiter, RateLimitingCategory) -> Option<Duration> = RateLimiter::is_disabled;
    let _: fn(&RateLimiter, RateLimitingCategory) -> bool = RateLimiter::is_enabled;
    let _: fn(&RateLimiter, Envelope) -> Option<Envelope> = RateLimiter::filter_envelope;
    match category {
        RateLimitingCategory::Any
        | RateLimitingCategory::Error
        | RateLimitingCategory::Session
        | RateLimitingCategory::Transaction
        | RateLimitingCategory::Attachment
        | RateLimitingCategory::LogItem
        | RateLimitingCategory::TraceMetric => {}
        _ => {}
    }
}

fn thread(recorder: Recorder) -> StdTransportThread {
    let old = StdTransportThread::new(|envelope: Envelope, limits: &mut RateLimiter| {
        drop((envelope, limits.is_enabled(RateLimitingCategory::Any)))
    });
    let _: fn(&StdTransportThread, Envelope) = StdTransportThread::send;
    let _: fn(&StdTransportThread, Duration) -> bool = StdTransportThread::flush;
    drop(old);
    StdTransportThreadOptions::new(|_: Envelope, limits: &mut RateLimiter| limits.update_from_429())
        .with_client_report_recorder(recorder)
        .with_channel_capacity(30)
        .spawn_thread()
}
