//! The only file that asks what time it is, so that everything else can be given the time.

use std::time::{Instant, SystemTime};

/// The monotonic clock: deadlines, rate limits and batches are measured with it.
#[inline]
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that may")]
pub fn now() -> Instant {
    Instant::now()
}

/// The wall clock: timestamps of events and breadcrumbs, and `sent_at`. It may jump; nothing waits by it.
#[inline]
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that may")]
pub fn wall() -> SystemTime {
    SystemTime::now()
}
