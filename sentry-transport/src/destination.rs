//! Whether the server can be reached, and when to try again: full jitter, one attempt at a time (DESIGN, "Delivery").

use std::time::{Duration, Instant};

/// What is known of the way to the server.
#[derive(Debug, Default)]
pub(crate) struct Destination {
    down: Option<Down>,
    /// How many envelopes were answered.
    successes: u64,
    /// How many attempts failed in all.
    failed_attempts: u64,
}

#[derive(Debug)]
struct Down {
    /// How many attempts failed in a row.
    failures: u32,
    retry_at: Instant,
    /// The attempt that is under way.
    probe: Option<u64>,
}

/// Whether anything may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// All there is; or one, to see.
    Open,
    /// Not before then.
    Until(Instant),
    /// Not before it is known what becomes of the attempt under way.
    Probing,
}

impl Destination {
    pub(crate) fn gate(&self, now: Instant) -> Gate {
        match &self.down {
            None => Gate::Open,
            Some(Down { probe: Some(_), .. }) => Gate::Probing,
            Some(Down { retry_at, .. }) if now < *retry_at => Gate::Until(*retry_at),
            Some(_) => Gate::Open,
        }
    }

    pub(crate) fn is_down(&self) -> bool {
        self.down.is_some()
    }

    /// Whether an envelope arrived before, or did not.
    pub(crate) fn is_known(&self) -> bool {
        self.is_down() || self.successes > 0
    }

    /// Every other attempt is to be another envelope than the ones before.
    pub(crate) fn prefers_new(&self) -> bool {
        self.down.as_ref().is_some_and(|down| down.failures % 2 == 0)
    }

    pub(crate) fn successes(&self) -> u64 {
        self.successes
    }

    pub(crate) fn failed_attempts(&self) -> u64 {
        self.failed_attempts
    }

    /// `flight` is sent: while the server is not reached, it is the one attempt.
    pub(crate) fn sends(&mut self, flight: u64) {
        if let Some(down) = &mut self.down {
            down.probe = Some(flight);
        }
    }

    /// The server answered, whatever it said.
    pub(crate) fn answers(&mut self) {
        self.down = None;
        self.successes = self.successes.saturating_add(1);
    }

    /// `flight` did not arrive. Tells whether it was an attempt, after others had failed. What was sent before the first
    /// failure tells nothing new.
    pub(crate) fn fails(&mut self, flight: u64, now: Instant, dice: f64) -> bool {
        match &mut self.down {
            None => self.down = Some(Down { failures: 1, retry_at: now + delay(1, dice), probe: None }),
            Some(down) if down.probe == Some(flight) => {
                down.failures = down.failures.saturating_add(1);
                down.retry_at = now + delay(down.failures, dice);
                down.probe = None;
                self.failed_attempts = self.failed_attempts.saturating_add(1);
                return true;
            }
            Some(_) => {}
        }
        false
    }

    /// `flight` ended without having been sent.
    pub(crate) fn ends(&mut self, flight: u64) {
        if let Some(down) = self.down.as_mut().filter(|down| down.probe == Some(flight)) {
            down.probe = None;
        }
    }

    /// The next attempt is now.
    pub(crate) fn hurry(&mut self, now: Instant) {
        if let Some(down) = &mut self.down {
            down.retry_at = down.retry_at.min(now);
        }
    }
}

/// Anything up to a bound that doubles with each failure: programs that lost the same server do not come back together.
fn delay(failures: u32, dice: f64) -> Duration {
    let bound = FIRST.saturating_mul(1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX)).min(LAST);
    bound.mul_f64(dice.clamp(0.0, 1.0))
}

const FIRST: Duration = Duration::from_secs(1);
const LAST: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn attempts_are_single_and_further_and_further_apart() {
        let start = sentry_core::clock::now();
        let mut destination = Destination::default();
        assert_eq!(destination.gate(start), Gate::Open);
        assert!(!destination.fails(0, start, 1.0), "the first failure is no attempt");
        assert_eq!(destination.gate(start), Gate::Until(start + 1_000 * MS));
        // Sent before it was known.
        assert!(!destination.fails(1, start + MS, 0.0));
        let mut now = start + 1_000 * MS;
        for (flight, seconds) in [(2, 2), (3, 4), (4, 8), (5, 16)] {
            assert_eq!(destination.gate(now), Gate::Open);
            destination.sends(flight);
            assert_eq!(destination.gate(now), Gate::Probing);
            assert!(destination.fails(flight, now, 1.0));
            assert_eq!(destination.gate(now), Gate::Until(now + Duration::from_secs(seconds)));
            now += Duration::from_secs(seconds);
        }
        destination.sends(6);
        destination.answers();
        assert_eq!((destination.gate(now), destination.successes()), (Gate::Open, 1));
    }

    #[test]
    fn delays_are_bounded_and_the_dice_decide() {
        assert_eq!(delay(1, 0.5), 500 * MS);
        assert_eq!(delay(4, 0.25), 2_000 * MS);
        assert_eq!([delay(40, 1.0), delay(u32::MAX, 1.0), delay(7, 9.0)], [LAST, LAST, 64_000 * MS]);
        assert_eq!(delay(9, 0.0), Duration::ZERO);
    }

    #[test]
    fn an_attempt_that_never_left_makes_room_for_another() {
        let start = sentry_core::clock::now();
        let mut destination = Destination::default();
        destination.fails(0, start, 1.0);
        destination.hurry(start);
        destination.sends(1);
        destination.ends(7);
        assert_eq!(destination.gate(start), Gate::Probing);
        destination.ends(1);
        assert_eq!(destination.gate(start), Gate::Open);
    }
}
