//! The life of one session, told the time: which events change it, when it is over, and what is to be sent of it.
//!
//! Events are finished later than they are captured, and some are dropped on the way. A session counts the captures that
//! refer to it; one that has ended reports its end when the last of them has been finished (DESIGN, section 2).

use std::time::{Duration, Instant};

use super::record::SessionRecord;
use crate::protocol::{SessionStatus, User};

/// What an event means for a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Effect {
    /// It is an error: of level `error` or above, and not a message (spec SES-20).
    pub(crate) is_error: bool,
    /// Nobody handled it, and the process goes on.
    pub(crate) is_unhandled: bool,
    /// The process dies of it.
    pub(crate) is_crash: bool,
}

/// The whole state of a session (spec SES-02).
#[derive(Debug, Clone)]
pub(super) struct State {
    record: SessionRecord,
    began: Instant,
    /// Captures that may still change it.
    pending: usize,
    /// Of a request: only its end is told, for the sums.
    is_summed: bool,
    /// With which status and duration the program ended it.
    ended: Option<(SessionStatus, Duration)>,
    is_unhandled: bool,
    /// A terminal status was sent: nothing more is (spec SES-10).
    is_over: bool,
}

impl State {
    pub(super) fn new(record: SessionRecord, is_summed: bool, now: Instant) -> Self {
        Self { record, began: now, pending: 0, is_summed, ended: None, is_unhandled: false, is_over: false }
    }

    /// Whether events still change it.
    pub(super) fn is_live(&self) -> bool {
        self.ended.is_none() && !self.is_over
    }

    /// A capture refers to it.
    pub(super) fn refer(&mut self) {
        self.pending += 1;
    }

    /// A capture that refers to it has been finished or lost: `effect` is `None` if a hook dropped the event (spec
    /// SES-22). Returns the update to send, if there is one.
    pub(super) fn settle(
        &mut self,
        effect: Option<Effect>,
        user: Option<&User>,
        now: Instant,
    ) -> Option<SessionRecord> {
        self.pending = self.pending.saturating_sub(1);
        if self.is_over {
            return None;
        }
        let effect = effect.unwrap_or_default();
        if effect != Effect::default() {
            self.know(user);
            // A crash counts as an error (spec SES-21).
            self.record.errors = self.record.errors.saturating_add(u64::from(effect.is_error || effect.is_crash));
            self.is_unhandled |= effect.is_unhandled;
        }
        if effect.is_crash {
            return Some(self.terminal(SessionStatus::Crashed, now.saturating_duration_since(self.began), now));
        }
        match self.ended {
            Some((status, duration)) if self.pending == 0 => Some(self.terminal(status, duration, now)),
            Some(_) => None,
            None if effect != Effect::default() && !self.is_summed => Some(self.emit(now)),
            None => None,
        }
    }

    /// The program ends it. Returns the last update, unless captures are still pending.
    pub(super) fn end(&mut self, status: SessionStatus, user: Option<&User>, now: Instant) -> Option<SessionRecord> {
        if !self.is_live() {
            return None;
        }
        self.know(user);
        let duration = now.saturating_duration_since(self.began);
        self.ended = Some((status, duration));
        (self.pending == 0).then(|| self.terminal(status, duration, now))
    }

    /// Who had it, which may change until it is first told of (spec SES-04).
    pub(super) fn know(&mut self, user: Option<&User>) {
        if self.record.init {
            let before = self.record.distinct_id.take();
            self.record.distinct_id = user.and_then(distinct_id).or(before);
        }
    }

    fn terminal(&mut self, status: SessionStatus, duration: Duration, now: Instant) -> SessionRecord {
        self.is_over = true;
        self.record.status = match status {
            // An end like any other, but for what nobody handled (spec SES-12).
            SessionStatus::Exited | SessionStatus::Ok if self.is_unhandled => SessionStatus::Unhandled,
            SessionStatus::Ok => SessionStatus::Exited,
            other => other,
        };
        self.record.duration = Some(duration.as_secs_f64());
        self.emit(now)
    }

    /// Times of updates are those of the monotonic clock since the start: a clock that is set back changes no order.
    fn emit(&mut self, now: Instant) -> SessionRecord {
        self.record.timestamp = self.record.started.checked_add(now.saturating_duration_since(self.began));
        let record = self.record.clone();
        self.record.init = false;
        self.record.sequence = Some(self.record.sequence.unwrap_or_default().saturating_add(1));
        record
    }
}

/// What tells one user from another.
fn distinct_id(user: &User) -> Option<String> {
    [&user.id, &user.email, &user.username].into_iter().find_map(|text| text.clone())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    const ERROR: Option<Effect> = Some(Effect { is_error: true, is_unhandled: false, is_crash: false });
    const PANIC: Option<Effect> = Some(Effect { is_error: true, is_unhandled: true, is_crash: false });
    const CRASH: Option<Effect> = Some(Effect { is_error: true, is_unhandled: true, is_crash: true });
    const MESSAGE: Option<Effect> = Some(Effect { is_error: false, is_unhandled: false, is_crash: false });

    fn state(is_summed: bool, now: Instant) -> State {
        State::new(SessionRecord::begin(crate::random::uuid(), SystemTime::UNIX_EPOCH), is_summed, now)
    }

    /// What happens to a session, and what of it is sent: status, errors, whether it is the first.
    #[derive(Clone, Copy)]
    enum Step {
        Capture,
        Settle(Option<Effect>),
        End(SessionStatus),
    }

    type Sent = (SessionStatus, u64, bool);

    fn run(is_summed: bool, steps: &[Step]) -> Vec<Sent> {
        let now = crate::clock::now();
        let mut state = state(is_summed, now);
        let updates = steps.iter().filter_map(|step| match step {
            Step::Capture => {
                state.refer();
                None
            }
            Step::Settle(effect) => state.settle(*effect, None, now),
            Step::End(status) => state.end(*status, None, now),
        });
        updates.map(|update| (update.status, update.errors, update.init)).collect()
    }

    #[test]
    fn all_transitions() {
        use SessionStatus::{Abnormal, Crashed, Exited, Ok, Unhandled};
        use Step::{Capture, End, Settle};
        let table: &[(&str, &[Step], &[Sent])] = &[
            ("nothing happens", &[End(Exited)], &[(Exited, 0, true)]),
            ("error then end", &[Capture, Settle(ERROR), End(Exited)], &[(Ok, 1, true), (Exited, 1, false)]),
            ("end while the error is pending", &[Capture, End(Exited), Settle(ERROR)], &[(Exited, 1, true)]),
            (
                "only the last pending one reports the end",
                &[Capture, Capture, End(Exited), Settle(ERROR), Settle(ERROR)],
                &[(Exited, 2, true)],
            ),
            ("dropped by a hook then end", &[Capture, Settle(None), End(Exited)], &[(Exited, 0, true)]),
            ("end, then dropped by a hook", &[Capture, End(Exited), Settle(None)], &[(Exited, 0, true)]),
            ("a message is no error", &[Capture, Settle(MESSAGE), End(Exited)], &[(Exited, 0, true)]),
            ("a survived panic", &[Capture, Settle(PANIC), End(Exited)], &[(Ok, 1, true), (Unhandled, 1, false)]),
            (
                "a panic, and the guard dropped by it",
                &[Capture, Settle(PANIC), End(Crashed)],
                &[(Ok, 1, true), (Crashed, 1, false)],
            ),
            ("the process dies", &[Capture, Settle(CRASH), End(Exited)], &[(Crashed, 1, true)]),
            ("nothing follows the end", &[End(Abnormal), End(Exited), Capture, Settle(ERROR)], &[(Abnormal, 0, true)]),
            ("ended as ok is exited", &[End(Ok)], &[(Exited, 0, true)]),
        ];
        for (name, steps, sent) in table {
            assert_eq!(run(false, steps), *sent, "{name}");
            // Of a request the end alone is told, and told first.
            let end = sent.last().map(|(status, errors, _)| (*status, *errors, true));
            assert_eq!(run(true, steps), Vec::from_iter(end), "{name}");
        }
    }

    #[test]
    fn the_user_is_fixed_with_the_first_update() {
        let now = crate::clock::now();
        let user = |id: &str| User { id: Some(id.to_owned()), ..User::default() };
        for is_summed in [false, true] {
            let mut state = state(is_summed, now);
            state.know(Some(&user("at the start")));
            state.refer();
            state.refer();
            let mut ids = Vec::from_iter(state.settle(ERROR, Some(&user("one")), now));
            ids.extend(state.settle(ERROR, Some(&user("two")), now));
            ids.extend(state.end(SessionStatus::Exited, None, now));
            let ids: Vec<_> = ids.iter().map(|update| (update.distinct_id.as_deref(), update.sequence)).collect();
            let first = (Some("one"), None);
            let expected =
                if is_summed { vec![(Some("two"), None)] } else { vec![first, (first.0, Some(1)), (first.0, Some(2))] };
            assert_eq!(ids, expected);
        }
    }

    #[test]
    fn who_began_it_had_it_if_nothing_better_is_known() {
        let now = crate::clock::now();
        let mut state = state(false, now);
        state.know(Some(&User { email: Some("jane@example.com".to_owned()), ..User::default() }));
        let last = state.end(SessionStatus::Exited, Some(&User::default()), now).expect("the end");
        assert_eq!(last.distinct_id.as_deref(), Some("jane@example.com"));
    }

    #[test]
    fn the_duration_is_that_of_the_end_also_if_it_is_reported_later() {
        let now = crate::clock::now();
        let later = |seconds| now + Duration::from_secs(seconds);
        let mut state = state(false, now);
        state.refer();
        assert!(state.end(SessionStatus::Exited, None, later(2)).is_none());
        let last = state.settle(ERROR, None, later(9)).expect("the end");
        assert_eq!(last.duration, Some(2.0));
        assert_eq!(last.timestamp, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(9)));
    }
}
