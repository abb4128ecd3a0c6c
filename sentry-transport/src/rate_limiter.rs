//! Rate limits for HTTP transports of a program's own: the official names over [`RateLimits`], on the real clock.

use std::time::Duration;

use sentry_core::client_report::{Reason, Recorder};
use sentry_core::clock;
use sentry_core::protocol::client_report::{Category, LossSource};
use sentry_core::protocol::{Envelope, EnvelopeFilterCallbacks, EnvelopeItem};

use crate::rate_limit::RateLimits;

/// What the server asked not to be sent, and until when.
///
/// Tell it the headers of each answer, and ask it before each envelope.
#[derive(Debug, Default)]
pub struct RateLimiter {
    limits: RateLimits,
}

/// What can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateLimitingCategory {
    /// Everything at once.
    Any,
    /// Events.
    Error,
    /// Sessions.
    Session,
    /// Transactions.
    Transaction,
    /// Attachments.
    Attachment,
    /// Structured logs.
    LogItem,
    /// Metrics.
    TraceMetric,
}

impl RateLimiter {
    /// Nothing is limited.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the header `Retry-After` of an answer with status 429: seconds or a date. It limits everything.
    pub fn update_from_retry_after(&mut self, header: &str) {
        self.limits.update(None, Some(header), 429, clock::now(), clock::wall());
    }

    /// Takes in the header `X-Sentry-Rate-Limits`, which counts whatever the status.
    pub fn update_from_sentry_header(&mut self, header: &str) {
        self.limits.update(Some(header), None, 200, clock::now(), clock::wall());
    }

    /// Takes in an answer with status 429 without a header: everything is limited for a minute.
    pub fn update_from_429(&mut self) {
        self.limits.update(None, None, 429, clock::now(), clock::wall());
    }

    /// How much longer `category` is limited, if it is.
    #[must_use]
    pub fn is_disabled(&self, category: RateLimitingCategory) -> Option<Duration> {
        let until = match category {
            RateLimitingCategory::Any => self.limits.until_all(),
            RateLimitingCategory::Error => self.limits.until(Category::Error),
            RateLimitingCategory::Session => self.limits.until(Category::Session),
            RateLimitingCategory::Transaction => self.limits.until(Category::Transaction),
            RateLimitingCategory::Attachment => self.limits.until(Category::Attachment),
            RateLimitingCategory::LogItem => self.limits.until(Category::LogItem),
            RateLimitingCategory::TraceMetric => self.limits.until(Category::TraceMetric),
        };
        until?.checked_duration_since(clock::now()).filter(|left| !left.is_zero())
    }

    /// Whether `category` may be sent.
    #[must_use]
    pub fn is_enabled(&self, category: RateLimitingCategory) -> bool {
        self.is_disabled(category).is_none()
    }

    /// Takes what is limited out of an envelope; `None` if nothing is left. What is taken out is counted nowhere.
    #[deprecated(note = "`StdTransportThread` does it, and counts what it takes out")]
    #[must_use]
    pub fn filter_envelope(&self, envelope: Envelope) -> Option<Envelope> {
        self.filter(envelope, &Recorder::default())
    }

    /// The same, counting what is taken out.
    pub(crate) fn filter(&self, envelope: Envelope, recorder: &Recorder) -> Option<Envelope> {
        let now = clock::now();
        let may_leave = |item: &EnvelopeItem| {
            let category = item.losses().next().map_or(Category::Internal, |loss| match loss.reason {
                Some(_) => Category::Internal,
                None => loss.category,
            });
            !self.limits.limited(category, now)
        };
        let count = |item: EnvelopeItem| recorder.record_lost_data(&item, Reason::RatelimitBackoff);
        envelope.filter(EnvelopeFilterCallbacks::new(may_leave, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sentry_core::protocol::Event;
    use sentry_core::protocol::client_report::Reason;

    #[test]
    fn headers_limit_and_envelopes_are_filtered() {
        use RateLimitingCategory::{Any, Error, Session};
        let mut limiter = RateLimiter::new();
        assert!(limiter.is_enabled(Error));
        limiter.update_from_sentry_header("60:error:org");
        assert!(limiter.is_disabled(Error).is_some_and(|left| left <= Duration::from_secs(60)));
        assert!(limiter.is_enabled(Session) && limiter.is_enabled(Any));
        let recorder = Recorder::default();
        assert!(limiter.filter(Event::default().into(), &recorder).is_none());
        assert_eq!(recorder.stats().of(Category::Error).lost_for(Reason::RatelimitBackoff), 1);
        limiter.update_from_retry_after("30");
        assert!(!limiter.is_enabled(Any) && !limiter.is_enabled(Session));
        let mut other = RateLimiter::new();
        other.update_from_429();
        assert!(other.is_disabled(Any).is_some_and(|left| left > Duration::from_secs(50)));
    }
}
