//! How many senders there are, and whether there is to be one more.

use std::time::{Duration, Instant};

use crate::machine::Due;

#[derive(Debug)]
pub(crate) struct Crew {
    count: usize,
    most: usize,
    /// Since when envelopes wait for those there are.
    full_since: Option<Instant>,
    /// Until then no more are tried.
    crowded_until: Option<Instant>,
}

impl Crew {
    pub(crate) fn new(most: usize) -> Self {
        Self { count: 0, most: most.max(1), full_since: None, crowded_until: None }
    }

    /// Whether there is to be one more. Envelopes are only finished with a sender at hand, which also watches over the
    /// worker; more come when those there are keep `waiting` envelopes waiting.
    pub(crate) fn due(&mut self, waiting: usize, now: Instant) -> Due {
        let crowded_until = self.crowded_until.filter(|until| now < *until);
        if self.count == 0 {
            return crowded_until.map_or(Due::Now, Due::At);
        }
        if waiting == 0 || self.count >= self.most || crowded_until.is_some() {
            self.full_since = None;
            return Due::Not;
        }
        match now.checked_duration_since(*self.full_since.get_or_insert(now)) {
            Some(waited) if waited >= SLOW_ANSWER => Due::Now,
            waited => Due::At(now + SLOW_ANSWER.saturating_sub(waited.unwrap_or_default())),
        }
    }

    pub(crate) fn started(&mut self) {
        self.count += 1;
        self.full_since = None;
    }

    /// The system has no thread for the one that was counted in.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.ended();
        self.crowded_until = Some(now + CROWDED);
    }

    pub(crate) fn ended(&mut self) {
        self.count = self.count.saturating_sub(1);
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// An attempt came to its end: whoever waits, waits anew.
    pub(crate) fn gets_on(&mut self) {
        self.full_since = None;
    }
}

/// A server that takes longer than this is worth another connection.
const SLOW_ANSWER: Duration = Duration::from_millis(2);
const CROWDED: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn senders_are_added_while_answers_are_slow_and_only_then() {
        let start = sentry_core::clock::now();
        let mut crew = Crew::new(4);
        assert_eq!(crew.due(0, start), Due::Now, "the first one, who also watches the worker");
        crew.started();
        assert_eq!(crew.due(0, start), Due::Not);
        assert_eq!(crew.due(1, start), Due::At(start + 2 * MS));
        assert_eq!(crew.due(1, start + MS), Due::At(start + 2 * MS));
        crew.gets_on();
        assert_eq!(crew.due(1, start + 2 * MS), Due::At(start + 4 * MS), "an answer came: the wait begins anew");
        assert_eq!(crew.due(1, start + 4 * MS), Due::Now);
        for _ in 1..4 {
            crew.started();
        }
        assert_eq!(crew.due(9, start + 100 * MS), Due::Not);
        crew.failed(start + 100 * MS);
        assert_eq!(crew.due(9, start + 1_099 * MS), Due::Not, "the system has no threads: no storm");
        assert_eq!(crew.due(9, start + 1_100 * MS), Due::At(start + 1_102 * MS));
        for _ in 0..4 {
            crew.ended();
        }
        assert_eq!(crew.due(0, start + 100 * MS), Due::At(start + 1_100 * MS), "nor without any sender");
        assert_eq!(crew.due(0, start + 1_100 * MS), Due::Now);
    }
}
