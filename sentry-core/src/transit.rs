//! What has left a batch and is not with the transport yet, so that a flush can wait for it.

use std::sync::{Condvar, PoisonError};
use std::time::Duration;

use crate::clock;
use crate::sync::Mutex;

/// How many threads are taking a batch to the transport.
#[derive(Debug, Default)]
pub(crate) struct Transit {
    inside: Mutex<Inside>,
    left: Condvar,
}

/// Who comes is counted apart from those who were there before, so that waiting for these has an end.
#[derive(Debug, Default)]
struct Inside {
    before: usize,
    since: usize,
    /// Changes whenever those since become those before.
    era: bool,
}

impl Transit {
    /// To be called before the batch is unlocked: whoever looks then finds its items either there or here.
    pub(crate) fn enter(&self) -> Crossing<'_> {
        let mut inside = self.inside.lock();
        inside.since += 1;
        Crossing { transit: self, era: inside.era }
    }

    /// Waits until those are through who are inside now, at most `timeout`; `false` when one still is not.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        let began = clock::now();
        let mut inside = self.inside.lock();
        // Those of earlier waits, then those since.
        for _ in 0..2 {
            while inside.before > 0 {
                let left = timeout.saturating_sub(clock::now().saturating_duration_since(began));
                if left.is_zero() {
                    return false;
                }
                inside = self.left.wait_timeout(inside, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            inside.before = std::mem::take(&mut inside.since);
            inside.era = !inside.era;
        }
        true
    }
}

/// Being inside, until it is dropped.
#[must_use]
pub(crate) struct Crossing<'a> {
    transit: &'a Transit,
    era: bool,
}

impl Drop for Crossing<'_> {
    fn drop(&mut self) {
        let mut inside = self.transit.inside.lock();
        let count = if inside.era == self.era { &mut inside.since } else { &mut inside.before };
        *count = count.saturating_sub(1);
        if inside.before == 0 {
            self.transit.left.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn who_comes_later_is_not_waited_for() {
        let transit = Transit::default();
        let before = transit.enter();
        let later = thread::scope(|scope| {
            let waiter = scope.spawn(|| transit.wait(LONG));
            while transit.inside.lock().before == 0 {
                thread::yield_now();
            }
            let later = transit.enter();
            drop(before);
            assert!(waiter.join().expect("no panic"));
            later
        });
        assert!(!transit.wait(Duration::ZERO));
        drop(later);
    }

    #[test]
    fn it_is_waited_for_until_the_last_one_is_through() {
        let transit = Transit::default();
        assert!(transit.wait(Duration::ZERO));
        let crossings = [transit.enter(), transit.enter()];
        assert!(!transit.wait(Duration::from_millis(1)));
        thread::scope(|scope| {
            let waiter = scope.spawn(|| transit.wait(LONG));
            drop(crossings);
            assert!(waiter.join().expect("no panic"));
        });
    }
}
