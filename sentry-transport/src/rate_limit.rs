//! What the server asked us not to send, and until when (spec §13).

use std::time::{Duration, Instant, SystemTime};

use sentry_core::protocol::client_report::Category;

/// The rate limits in force, by data category, on the monotonic clock.
///
/// Bounded by the number of categories, whatever a server sends. A limit lasts at most 24 hours, and a later answer
/// never makes it shorter.
#[derive(Debug, Clone, Default)]
pub struct RateLimits {
    everything: Option<Instant>,
    by_category: Vec<(Category, Instant)>,
}

impl RateLimits {
    /// Takes in an answer of the server: its headers `X-Sentry-Rate-Limits` and `Retry-After`, and its status.
    ///
    /// The former counts on every answer and hides the latter, which only counts on 429 and then for all categories.
    /// 429 without a period that can be understood means 60 seconds. `wall` is for dates in `Retry-After`.
    pub fn update(
        &mut self,
        sentry: Option<&str>,
        retry_after: Option<&str>,
        status: u16,
        now: Instant,
        wall: SystemTime,
    ) {
        let fallback = (status == TOO_MANY_REQUESTS).then_some(DEFAULT_PERIOD);
        let mut quotas =
            sentry.unwrap_or_default().split(',').map(without_spaces).filter(|quota| !quota.is_empty()).peekable();
        if quotas.peek().is_some() {
            for quota in quotas {
                self.update_from_quota(&quota, fallback, now);
            }
        } else if let Some(fallback) = fallback {
            let period = retry_after.and_then(|value| seconds(value).or_else(|| until_date(value, wall)));
            self.limit(None, period.unwrap_or(fallback), now);
        }
    }

    /// Whether `category` is not to be sent at `now`.
    #[must_use]
    pub fn limited(&self, category: Category, now: Instant) -> bool {
        self.until(category).is_some_and(|until| now < until)
    }

    /// When the limit on `category` ends. It may be over already.
    #[must_use]
    pub fn until(&self, category: Category) -> Option<Instant> {
        let category = governing(category);
        let own = self.by_category.iter().find(|(limited, _)| *limited == category).map(|(_, until)| *until);
        own.max(self.everything)
    }

    /// When the limit on everything ends. It may be over already.
    #[must_use]
    pub fn until_all(&self) -> Option<Instant> {
        self.everything
    }

    /// `retry_after ":" categories ":" what we do not need`, without spaces.
    fn update_from_quota(&mut self, quota: &str, fallback: Option<Duration>, now: Instant) {
        let mut fields = quota.split(':');
        let Some(period) = fields.next().and_then(seconds).or(fallback) else { return };
        match fields.next().unwrap_or_default() {
            "" => self.limit(None, period, now),
            // A list of nothing but unknown names limits nothing we know (RTL-05).
            names => {
                names.split(';').filter_map(Category::from_name).for_each(|name| self.limit(Some(name), period, now))
            }
        }
    }

    fn limit(&mut self, category: Option<Category>, period: Duration, now: Instant) {
        let Some(until) = now.checked_add(period.min(MAX_PERIOD)) else { return };
        let Some(category) = category.map(governing) else {
            self.everything = self.everything.max(Some(until));
            return;
        };
        match self.by_category.iter_mut().find(|(limited, _)| *limited == category) {
            Some((_, there)) => *there = until.max(*there),
            None => self.by_category.push((category, until)),
        }
    }
}

/// Limits on bytes apply to the items that have them (RTL-20).
fn governing(category: Category) -> Category {
    match category {
        Category::LogByte => Category::LogItem,
        Category::TraceMetricByte => Category::TraceMetric,
        other => other,
    }
}

fn without_spaces(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

/// `None` for what is not a number, negative, or longer than any clock.
fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.trim().parse().ok()?).ok()
}

/// `None` for what is not a date or in the past: then one of the two clocks is wrong.
fn until_date(text: &str, wall: SystemTime) -> Option<Duration> {
    httpdate::parse_http_date(text.trim()).ok()?.duration_since(wall).ok()
}

const TOO_MANY_REQUESTS: u16 = 429;
const DEFAULT_PERIOD: Duration = Duration::from_secs(60);
const MAX_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: f64 = 86_400.0;

    fn after(sentry: Option<&str>, retry_after: Option<&str>, status: u16) -> (RateLimits, Instant) {
        let now = sentry_core::clock::now();
        let wall = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").unwrap();
        let mut limits = RateLimits::default();
        limits.update(sentry, retry_after, status, now, wall);
        (limits, now)
    }

    fn period(limits: &RateLimits, category: Category, now: Instant) -> Option<f64> {
        limits.until(category).map(|until| until.duration_since(now).as_secs_f64())
    }

    #[test]
    fn retry_after() {
        let cases = [
            (429, None, Some(60.0)),
            (429, Some("17"), Some(17.0)),
            (429, Some(" 1.5 "), Some(1.5)),
            (429, Some("0"), Some(0.0)),
            (429, Some("Wed, 21 Oct 2015 07:29:40 GMT"), Some(100.0)),
            (429, Some("Wed, 21 Oct 2015 07:27:00 GMT"), Some(60.0)),
            (429, Some("Fri, 21 Oct 2095 07:28:00 GMT"), Some(DAY)),
            (429, Some("-5"), Some(60.0)),
            (429, Some("NaN"), Some(60.0)),
            (429, Some("inf"), Some(60.0)),
            (429, Some("1e300"), Some(60.0)),
            (429, Some("soon"), Some(60.0)),
            (429, Some(""), Some(60.0)),
            (429, Some("100000000"), Some(DAY)),
            (200, Some("17"), None),
            (503, Some("17"), None),
            (200, None, None),
        ];
        for (status, value, expected) in cases {
            let (limits, now) = after(None, value, status);
            for category in [Category::Error, Category::Internal, Category::Session] {
                assert_eq!(period(&limits, category, now), expected, "{status} {value:?}");
            }
        }
    }

    #[test]
    fn sentry_header() {
        use Category::{Attachment, Error, Internal, LogByte, LogItem, Session, TraceMetric, Transaction};
        type Case<'a> = (u16, &'a str, &'a [(Category, Option<f64>)]);
        let cases: &[Case<'_>] = &[
            (
                200,
                "30.5:error;brand_new:org, 120::key, 9:only_unknown:project",
                &[(Error, Some(120.0)), (Internal, Some(120.0))],
            ),
            (200, "30.5:error:org", &[(Error, Some(30.5)), (Transaction, None)]),
            (200, " 3 0 : err or ; session : org ", &[(Error, Some(30.0)), (Session, Some(30.0)), (Transaction, None)]),
            (200, "10:transaction,20:transaction,5:transaction", &[(Transaction, Some(20.0))]),
            (200, "60:error:org:reason:ns:more:and:more", &[(Error, Some(60.0))]),
            (429, "60:unknown:org", &[(Error, None), (Internal, None)]),
            (429, "60:;:org", &[(Error, None)]),
            (429, "soon:error:org", &[(Error, Some(60.0)), (Session, None)]),
            (200, "soon:error:org", &[(Error, None)]),
            (200, "-1:error:org,nan:session,1e300:attachment", &[(Error, None), (Session, None), (Attachment, None)]),
            (200, "9999999:error", &[(Error, Some(DAY))]),
            (200, "7", &[(Error, Some(7.0)), (Internal, Some(7.0))]),
            (429, "garbage", &[(Error, Some(60.0))]),
            (200, "garbage", &[(Error, None)]),
            (429, " , ,", &[(Error, Some(3.0))]),
            (429, "", &[(Error, Some(3.0))]),
            (200, "60:log_byte", &[(LogItem, Some(60.0)), (LogByte, Some(60.0)), (TraceMetric, None)]),
            (200, "60:trace_metric_byte", &[(TraceMetric, Some(60.0)), (LogItem, None)]),
        ];
        for (status, header, expected) in cases {
            let (limits, now) = after(Some(header), Some("3"), *status);
            for (category, expected) in *expected {
                assert_eq!(period(&limits, *category, now), *expected, "{status} {header:?} {category}");
            }
        }
    }

    #[test]
    fn a_limit_holds_until_its_instant_and_not_at_it() {
        let (limits, now) = after(Some("10:error:org"), None, 200);
        assert!(limits.limited(Category::Error, now + Duration::from_nanos(9_999_999_999)));
        assert!(!limits.limited(Category::Error, now + Duration::from_secs(10)));
        assert!(!limits.limited(Category::Transaction, now));
    }

    #[test]
    fn the_table_is_bounded() {
        let names: Vec<String> = (0..2_000).map(|n| format!("{n}:error;session;x{n}:org")).collect();
        let (limits, _) = after(Some(&names.join(",")), None, 200);
        assert_eq!(limits.by_category.len(), 2);
    }

    proptest! {
        #[test]
        fn an_answer_never_shortens_a_limit_nor_exceeds_a_day(
            answers in prop::collection::vec(
                ("([0-9.eE+-]{0,6}:(error|session|nope|)?;?(transaction)?:x,?){0,4}", prop::option::of("[0-9]{0,9}"), 0u16..600, 0u64..200_000),
                1..20,
            )
        ) {
            let start = sentry_core::clock::now();
            let mut limits = RateLimits::default();
            for (header, retry_after, status, later) in answers {
                let before = limits.clone();
                let now = start + Duration::from_secs(later);
                limits.update(Some(&header), retry_after.as_deref(), status, now, SystemTime::UNIX_EPOCH);
                for category in [Category::Error, Category::Session, Category::Transaction, Category::Internal] {
                    prop_assert!(limits.until(category) >= before.until(category));
                    prop_assert!(limits.until(category) <= before.until(category).max(Some(now + MAX_PERIOD)));
                }
            }
        }

        #[test]
        fn nothing_a_server_says_panics(header in ".{0,200}", retry_after in ".{0,40}", status: u16) {
            after(Some(&header), Some(&retry_after), status);
        }
    }
}
