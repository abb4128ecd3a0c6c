//! Sums of sessions: those of requests are not sent one by one, but counted by minute and user (spec SES-31).

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::record::SessionRecord;
use crate::batch::Take;
use crate::protocol::{SessionAggregateItem, SessionStatus};

/// The sums that wait to be sent.
#[derive(Debug, Default)]
pub(crate) struct Aggregates {
    counts: BTreeMap<(u64, Option<String>), SessionAggregateItem>,
    due: Option<Instant>,
    /// Nothing is taken in any more.
    is_closed: bool,
}

/// What became of a session that was added.
#[derive(Debug, PartialEq)]
pub(crate) enum Added {
    Waits,
    /// It is the first to wait: the sums are due then.
    First(Instant),
    /// There are as many as may be sent at once.
    Leaves(Vec<SessionAggregateItem>),
    /// The sums are closed: nobody would ever look at them.
    Refused,
}

impl Aggregates {
    /// Adds a session that is over. One that goes on is not counted yet.
    pub(crate) fn add(&mut self, session: &SessionRecord, now: Instant) -> Added {
        if session.status == SessionStatus::Ok {
            return Added::Waits;
        }
        if self.is_closed {
            return Added::Refused;
        }
        let seconds = session.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let minute = seconds - seconds % 60;
        let started: SystemTime = UNIX_EPOCH + Duration::from_secs(minute);
        let distinct_id = session.distinct_id.clone();
        let item = self.counts.entry((minute, distinct_id.clone())).or_insert_with(|| SessionAggregateItem {
            started,
            distinct_id,
            exited: 0,
            errored: 0,
            abnormal: 0,
            crashed: 0,
        });
        let count = match session.status {
            SessionStatus::Crashed => &mut item.crashed,
            SessionStatus::Abnormal => &mut item.abnormal,
            // There is no sum of its own for them in the frozen type; they had an error, and were survived.
            SessionStatus::Unhandled => &mut item.errored,
            SessionStatus::Exited if session.errors > 0 => &mut item.errored,
            SessionStatus::Exited | SessionStatus::Ok => &mut item.exited,
        };
        *count = count.saturating_add(1);
        if self.counts.len() >= MAX_BUCKETS || self.due.is_some_and(|due| due <= now) {
            return Added::Leaves(self.empty());
        }
        if self.due.is_none() {
            let due = now + AGE;
            self.due = Some(due);
            return Added::First(due);
        }
        Added::Waits
    }

    pub(crate) fn take(&mut self, take: Take) -> Vec<SessionAggregateItem> {
        self.is_closed |= take == Take::Last;
        if take.takes(self.due) { self.empty() } else { Vec::new() }
    }

    fn empty(&mut self) -> Vec<SessionAggregateItem> {
        self.due = None;
        std::mem::take(&mut self.counts).into_values().collect()
    }

    /// When they have waited long enough; `None` while there are none.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }
}

/// Servers take no more in one item (spec ITM-44).
const MAX_BUCKETS: usize = 100;
const AGE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn session(second: u64, user: Option<&str>, status: SessionStatus, errors: u64) -> SessionRecord {
        let started = UNIX_EPOCH + Duration::from_secs(second);
        let distinct_id = user.map(str::to_owned);
        SessionRecord { distinct_id, status, errors, ..SessionRecord::begin(crate::random::uuid(), started) }
    }

    #[test]
    fn sessions_are_summed_by_minute_and_user() {
        use SessionStatus::{Abnormal, Crashed, Exited, Unhandled};
        let now = crate::clock::now();
        let mut aggregates = Aggregates::default();
        assert_eq!(aggregates.add(&session(61, None, Exited, 0), now), Added::First(now + AGE));
        for (second, user, status, errors) in [
            (119, None, Exited, 0),
            (60, None, Exited, 2),
            (60, None, Unhandled, 1),
            (60, None, Crashed, 1),
            (60, None, Abnormal, 0),
            (60, Some("jane"), Exited, 0),
            (120, None, Exited, 0),
        ] {
            assert_eq!(aggregates.add(&session(second, user, status, errors), now), Added::Waits);
        }
        let sums: Vec<_> = aggregates
            .take(Take::All)
            .into_iter()
            .map(|sum| {
                let minute = sum.started.duration_since(UNIX_EPOCH).unwrap().as_secs() / 60;
                (minute, sum.distinct_id, [sum.exited, sum.errored, sum.crashed, sum.abnormal])
            })
            .collect();
        assert_eq!(
            sums,
            [(1, None, [2, 2, 1, 1]), (1, Some("jane".to_owned()), [1, 0, 0, 0]), (2, None, [1, 0, 0, 0])]
        );
        assert_eq!(aggregates.due(), None);
    }

    #[test]
    fn one_that_goes_on_leaves_no_trace() {
        let now = crate::clock::now();
        let mut aggregates = Aggregates::default();
        for user in 0..150 {
            aggregates.add(&session(0, Some(&user.to_string()), SessionStatus::Ok, 1), now);
        }
        assert_eq!((aggregates.take(Take::All), aggregates.due()), (vec![], None));
    }

    #[test]
    fn after_the_last_time_they_take_nothing_in() {
        let now = crate::clock::now();
        let mut aggregates = Aggregates::default();
        aggregates.add(&session(0, None, SessionStatus::Exited, 0), now);
        assert_eq!(aggregates.take(Take::Last).len(), 1);
        assert_eq!(aggregates.add(&session(0, None, SessionStatus::Exited, 0), now), Added::Refused);
        assert_eq!(aggregates.take(Take::All), []);
    }

    #[test]
    fn they_leave_when_there_are_many_or_they_are_old() {
        let now = crate::clock::now();
        let mut aggregates = Aggregates::default();
        for user in 0..99 {
            aggregates.add(&session(0, Some(&user.to_string()), SessionStatus::Exited, 0), now);
        }
        let Added::Leaves(sums) = aggregates.add(&session(0, Some("99"), SessionStatus::Exited, 0), now) else {
            panic!("a hundred are enough")
        };
        assert_eq!(sums.len(), 100);
        aggregates.add(&session(0, None, SessionStatus::Exited, 0), now);
        assert!(matches!(aggregates.add(&session(0, None, SessionStatus::Exited, 0), now + AGE), Added::Leaves(_)));
    }
}
