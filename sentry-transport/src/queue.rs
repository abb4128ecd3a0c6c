//! What waits to be delivered: one lane for each class, bounded in bytes and, if asked for, in number.

use std::collections::VecDeque;

use sentry_core::Class;

/// A queue by class and age. It only decides: victims are handed back, to be counted and dropped outside the lock.
///
/// Crashes and errors share one budget, bulk data has its own and never costs the others anything.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    crash: Lane<T>,
    error: Lane<T>,
    bulk: Lane<T>,
    limits: Limits,
}

/// Bounds of a [`Queue`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of crashes and errors, with the scopes they share.
    pub(crate) upper: usize,
    /// Bytes of everything else, with the scopes it shares.
    pub(crate) bulk: usize,
    /// Entries in all.
    pub(crate) count: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { upper: 16 << 20, bulk: 32 << 20, count: usize::MAX }
    }
}

impl<T> Queue<T> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { crash: Lane::default(), error: Lane::default(), bulk: Lane::default(), limits }
    }

    /// Takes `item` of `bytes`, and returns what does not fit any more, which may be `item` itself.
    ///
    /// `shared` is what those share that are queued in the budget of `class`, `item` included, in bytes. What is alone in its budget always fits: a single large
    /// event can be delivered.
    pub(crate) fn push(&mut self, item: T, class: Class, bytes: usize, shared: usize) -> Vec<T> {
        let mut victims = Vec::new();
        match class {
            Class::Crash => self.push_crash(item, bytes, shared, &mut victims),
            Class::Error => self.push_error(item, bytes, shared, &mut victims),
            Class::Bulk => self.push_bulk(item, bytes, shared, &mut victims),
        }
        victims
    }

    /// Takes out what is to be delivered next; of bulk data, the first that `may_go`, as far as it looks.
    pub(crate) fn pop(&mut self, may_go: impl Fn(&T) -> bool) -> Option<T> {
        self.crash.pop().or_else(|| self.error.pop()).or_else(|| self.bulk.pop_first(may_go))
    }

    pub(crate) fn len(&self) -> usize {
        self.crash.len() + self.error.len() + self.bulk.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A crash makes room at the expense of the newest errors, each of which is taken to give back its part of what
    /// they all share. It is refused when all errors together would not make room.
    fn push_crash(&mut self, item: T, bytes: usize, shared: usize, victims: &mut Vec<T>) {
        let part = shared / (self.crash.len() + self.error.len()).max(1);
        let kept = self.crash.bytes.saturating_add(bytes).saturating_add(part.saturating_mul(self.crash.len()));
        if kept > self.limits.upper && !self.crash.entries.is_empty() {
            return victims.push(item);
        }
        let mut total = self.crash.bytes.saturating_add(self.error.bytes).saturating_add(bytes).saturating_add(shared);
        while total > self.limits.upper {
            let before = self.error.bytes;
            let Some(victim) = self.error.pop_newest() else { break };
            total = total.saturating_sub(before - self.error.bytes).saturating_sub(part);
            victims.push(victim);
        }
        if self.is_full() {
            match self.bulk.pop().or_else(|| self.error.pop_newest()) {
                Some(victim) => victims.push(victim),
                None => return victims.push(item),
            }
        }
        self.crash.push(item, bytes);
    }

    /// An error waits its turn or is refused: the oldest errors tell most about how the trouble began.
    fn push_error(&mut self, item: T, bytes: usize, shared: usize, victims: &mut Vec<T>) {
        let alone = self.crash.entries.is_empty() && self.error.entries.is_empty();
        let total = self.crash.bytes.saturating_add(self.error.bytes).saturating_add(bytes).saturating_add(shared);
        if total > self.limits.upper && !alone {
            return victims.push(item);
        }
        if self.is_full() {
            match self.bulk.pop() {
                Some(victim) => victims.push(victim),
                None => return victims.push(item),
            }
        }
        self.error.push(item, bytes);
    }

    /// Of bulk data, the newest is worth most. Each that goes is taken to give back its part of what they all share.
    fn push_bulk(&mut self, item: T, bytes: usize, mut shared: usize, victims: &mut Vec<T>) {
        if bytes > self.limits.bulk && !self.bulk.entries.is_empty() {
            return victims.push(item);
        }
        let part = shared / (self.bulk.len() + 1);
        while self.is_full() || self.bulk.bytes.saturating_add(bytes).saturating_add(shared) > self.limits.bulk {
            match self.bulk.pop() {
                Some(victim) => {
                    shared = shared.saturating_sub(part);
                    victims.push(victim);
                }
                None if self.is_full() => return victims.push(item),
                None => break,
            }
        }
        self.bulk.push(item, bytes);
    }

    fn is_full(&self) -> bool {
        self.len() >= self.limits.count
    }
}

#[derive(Debug)]
struct Lane<T> {
    entries: VecDeque<(T, usize)>,
    bytes: usize,
}

impl<T> Lane<T> {
    fn push(&mut self, item: T, bytes: usize) {
        self.entries.push_back((item, bytes));
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn pop(&mut self) -> Option<T> {
        let entry = self.entries.pop_front();
        if self.entries.is_empty() && self.entries.capacity() > ROOM_TO_KEEP {
            // A burst is over: its room goes back.
            self.entries = VecDeque::new();
        }
        self.taken(entry)
    }

    fn pop_first(&mut self, may_go: impl Fn(&T) -> bool) -> Option<T> {
        match self.entries.iter().take(LOOKED_AT).position(|(item, _)| may_go(item))? {
            0 => self.pop(),
            at => {
                let entry = self.entries.remove(at);
                self.taken(entry)
            }
        }
    }

    fn pop_newest(&mut self) -> Option<T> {
        let entry = self.entries.pop_back();
        self.taken(entry)
    }

    fn taken(&mut self, entry: Option<(T, usize)>) -> Option<T> {
        let (item, bytes) = entry?;
        self.bytes = self.bytes.saturating_sub(bytes);
        Some(item)
    }

    fn len(&self) -> usize {
        self.entries.len()
    }
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), bytes: 0 }
    }
}

const ROOM_TO_KEEP: usize = 256;
/// How far back something is looked for that may go.
const LOOKED_AT: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Class::{Bulk, Crash, Error};

    fn queue(upper: usize, bulk: usize, count: usize) -> Queue<&'static str> {
        Queue::new(Limits { upper, bulk, count })
    }

    fn rest<T>(mut queue: Queue<T>) -> Vec<T> {
        std::iter::from_fn(|| queue.pop(|_| true)).collect()
    }

    #[test]
    fn classes_first_and_age_within_a_class() {
        let mut queue = queue(100, 100, 100);
        for (item, class) in [("b1", Bulk), ("e1", Error), ("c1", Crash), ("e2", Error), ("c2", Crash), ("b2", Bulk)] {
            assert!(queue.push(item, class, 10, 0).is_empty());
        }
        assert_eq!(rest(queue), ["c1", "c2", "e1", "e2", "b1", "b2"]);
    }

    #[test]
    fn an_error_too_many_is_refused() {
        let mut queue = queue(100, 100, 100);
        assert!(queue.push("e1", Error, 60, 0).is_empty());
        assert_eq!(queue.push("e2", Error, 41, 0), ["e2"]);
        assert!(queue.push("e3", Error, 40, 0).is_empty());
        assert_eq!(queue.push("e4", Error, 0, 1), ["e4"], "what they share counts");
        assert_eq!(rest(queue), ["e1", "e3"]);
    }

    #[test]
    fn a_crash_evicts_the_newest_errors_and_never_more_than_needed() {
        let mut queue = queue(100, 100, 100);
        for item in ["e1", "e2", "e3", "e4"] {
            assert!(queue.push(item, Error, 25, 0).is_empty());
        }
        assert_eq!(queue.push("c1", Crash, 30, 0), ["e4", "e3"]);
        assert_eq!(queue.push("c2", Crash, 71, 0), ["c2"], "crashes alone would not fit: no error pays for nothing");
        assert_eq!(rest(queue), ["c1", "e1", "e2"]);
    }

    #[test]
    fn what_events_share_counts_for_crashes_too() {
        let mut queue = queue(100, 100, 100);
        for item in ["e1", "e2", "e3", "e4"] {
            assert!(queue.push(item, Error, 5, 0).is_empty());
        }
        // 20 of their own, 80 shared by four: each that goes gives back 5 + 20.
        assert_eq!(queue.push("c1", Crash, 20, 80), ["e4"]);
        assert_eq!(queue.push("c2", Crash, 10, 400), ["c2"], "the crash before it shares a quarter of that");
        assert_eq!(rest(queue), ["c1", "e1", "e2", "e3"]);
    }

    #[test]
    fn bulk_evicts_the_oldest_bulk_and_nothing_else() {
        let mut queue = queue(100, 100, 100);
        assert!(queue.push("e1", Error, 100, 0).is_empty());
        for item in ["b1", "b2", "b3"] {
            assert!(queue.push(item, Bulk, 30, 0).is_empty());
        }
        assert_eq!(queue.push("b4", Bulk, 50, 0), ["b1", "b2"]);
        assert_eq!(queue.push("b5", Bulk, 101, 0), ["b5"]);
        assert_eq!(rest(queue), ["e1", "b3", "b4"]);
    }

    #[test]
    fn what_bulk_shares_counts_for_bulk_alone() {
        let mut queue = queue(100, 100, 100);
        assert!(queue.push("e1", Error, 100, 0).is_empty());
        for item in ["b1", "b2", "b3"] {
            assert!(queue.push(item, Bulk, 10, 0).is_empty());
        }
        // 40 of their own, 80 shared by four: the oldest gives back 10 + 20.
        assert_eq!(queue.push("b4", Bulk, 10, 80), ["b1"]);
        assert_eq!(rest(queue), ["e1", "b2", "b3", "b4"]);
    }

    #[test]
    fn what_is_alone_fits_whatever_its_size() {
        for class in [Crash, Error, Bulk] {
            let mut queue = queue(100, 100, 100);
            assert!(queue.push("giant", class, 1_000, 1_000).is_empty());
            assert_eq!(rest(queue), ["giant"]);
        }
    }

    #[test]
    fn the_count_is_bounded_at_the_expense_of_the_least_important() {
        let mut queue = queue(100, 100, 2);
        assert!(queue.push("b1", Bulk, 1, 0).is_empty());
        assert!(queue.push("b2", Bulk, 1, 0).is_empty());
        assert_eq!(queue.push("b3", Bulk, 1, 0), ["b1"]);
        assert_eq!(queue.push("e1", Error, 1, 0), ["b2"]);
        assert_eq!(queue.push("e2", Error, 1, 0), ["b3"]);
        assert_eq!(queue.push("e3", Error, 1, 0), ["e3"]);
        assert_eq!(queue.push("b4", Bulk, 1, 0), ["b4"]);
        assert_eq!(queue.push("c1", Crash, 1, 0), ["e2"]);
        assert_eq!(queue.push("c2", Crash, 1, 0), ["e1"]);
        assert_eq!(queue.push("c3", Crash, 1, 0), ["c3"]);
        assert_eq!(rest(queue), ["c1", "c2"]);
    }

    proptest! {
        #[test]
        fn bounds_hold_and_nothing_disappears(
            pushes in prop::collection::vec((0u8..3, 0usize..60, 0usize..30, any::<bool>()), 0..200),
            count in 1usize..30,
        ) {
            let mut queue = Queue::new(Limits { upper: 100, bulk: 100, count });
            let mut inside = 0usize;
            for (class, bytes, shared, pop) in pushes {
                let class = [Crash, Error, Bulk][usize::from(class)];
                let upper_before = queue.crash.len() + queue.error.len();
                let victims = queue.push((class, bytes), class, bytes, shared);
                inside = inside + 1 - victims.len();
                prop_assert_eq!(queue.len(), inside);
                prop_assert!(queue.len() <= count);
                prop_assert!(queue.crash.bytes + queue.error.bytes <= 100);
                prop_assert!(queue.bulk.bytes <= 100);
                for lane in [&queue.crash, &queue.error, &queue.bulk] {
                    prop_assert_eq!(lane.bytes, lane.entries.iter().map(|(_, bytes)| bytes).sum::<usize>());
                }
                if class == Bulk {
                    prop_assert_eq!(queue.crash.len() + queue.error.len(), upper_before, "bulk costs the others nothing");
                }
                if pop && queue.pop(|_| true).is_some() {
                    inside -= 1;
                }
            }
            prop_assert_eq!(rest(queue).len(), inside);
        }
    }
}
