//! A batch: small things that wait for company, bounded in number, bytes and age. It has no thread and no clock.

use std::time::{Duration, Instant};

/// What waits. Whoever pushes looks after its age; between pushes, whoever was told when it is due.
#[derive(Debug)]
pub(crate) struct Batch<S> {
    items: S,
    bytes: usize,
    due: Option<Instant>,
    limits: Limits,
    /// Nothing is taken in any more.
    is_closed: bool,
}

/// When a batch leaves: with the first of these that it reaches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
    /// Counted from the first item on; later ones do not begin it anew (spec TPR-19).
    pub(crate) age: Duration,
}

/// Keeps the items of a batch.
pub(crate) trait Store: Default {
    type Item;

    /// Takes what it needs of `item`, and tells what that weighs, in bytes. What is left of it is the caller's to drop, where
    /// no lock is held.
    fn push(&mut self, item: &mut Self::Item) -> usize;

    fn len(&self) -> usize;

    /// Gives back the room that was made for more.
    fn shrink(&mut self);
}

/// The plain way.
impl<T> Store for Vec<T> {
    type Item = Option<T>;

    fn push(&mut self, item: &mut Option<T>) -> usize {
        if self.capacity() == 0 {
            self.reserve_exact(ROOM_AT_ONCE);
        }
        self.extend(item.take());
        size_of::<T>()
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn shrink(&mut self) {
        self.shrink_to_fit();
    }
}

/// What became of a push.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed<S> {
    /// It waits with others.
    Waits,
    /// It is the first to wait: the batch is due then, and somebody is to be told.
    First(Instant),
    /// The batch is full, or has waited long enough: it leaves.
    Leaves(S),
    /// The batch is closed: nobody would ever look at it. The item is untouched.
    Refused,
}

/// What is taken out of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// What has waited long enough by then.
    Due(Instant),
    /// Everything.
    All,
    /// Everything, and nothing is taken in after that.
    Last,
}

impl<S: Store> Batch<S> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { items: S::default(), bytes: 0, due: None, limits, is_closed: false }
    }

    /// Adds `item`. The time is asked for where it matters: of a batch that fills quickly, its age is not
    /// looked at with each item.
    pub(crate) fn push(&mut self, item: &mut S::Item, mut now: impl FnMut() -> Instant) -> Pushed<S> {
        if self.is_closed {
            return Pushed::Refused;
        }
        self.bytes = self.bytes.saturating_add(self.items.push(item));
        let len = self.items.len();
        let is_full = len >= self.limits.count || self.bytes >= self.limits.bytes;
        let in_a_row = len > CLOCK_EVERY && len % CLOCK_EVERY != 0;
        match self.due {
            _ if is_full => Pushed::Leaves(self.empty()),
            Some(_) if in_a_row => Pushed::Waits,
            Some(due) if due <= now() => Pushed::Leaves(self.empty()),
            Some(_) => Pushed::Waits,
            None => {
                let due = now() + self.limits.age;
                self.due = Some(due);
                Pushed::First(due)
            }
        }
    }

    fn empty(&mut self) -> S {
        self.bytes = 0;
        self.due = None;
        std::mem::take(&mut self.items)
    }

    pub(crate) fn take(&mut self, take: Take) -> S {
        self.is_closed |= take == Take::Last;
        if take.takes(self.due) { self.empty() } else { S::default() }
    }

    /// When it has waited long enough; `None` while it is empty.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }
}

impl Take {
    /// Whether it takes what is due at a time, if it is.
    pub(crate) fn takes(self, due: Option<Instant>) -> bool {
        match self {
            Self::Due(now) => due.is_some_and(|due| due <= now),
            Self::All | Self::Last => true,
        }
    }
}

/// How many items may come between two looks at the clock, once there are as many.
const CLOCK_EVERY: usize = 8;
/// A batch of the usual size is not moved while it grows.
pub(crate) const ROOM_AT_ONCE: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Items with a weight each.
    #[derive(Debug, Default, PartialEq)]
    struct Weighed(Vec<u8>);

    impl Store for Weighed {
        type Item = (u8, usize);

        fn push(&mut self, (item, weight): &mut (u8, usize)) -> usize {
            self.0.push(*item);
            *weight
        }

        fn len(&self) -> usize {
            self.0.len()
        }

        fn shrink(&mut self) {}
    }

    fn batch() -> Batch<Weighed> {
        Batch::new(Limits { count: 3, bytes: 100, age: 5 * SECOND })
    }

    #[test]
    fn it_leaves_when_it_is_full_in_number_or_bytes() {
        let start = crate::clock::now();
        let mut batch = batch();
        assert_eq!(batch.push(&mut (1, 1), || start), Pushed::First(start + 5 * SECOND));
        assert_eq!(batch.push(&mut (2, 1), || start + SECOND), Pushed::Waits);
        assert_eq!(batch.push(&mut (3, 1), || start + SECOND), Pushed::Leaves(Weighed(vec![1, 2, 3])));
        assert_eq!(batch.due(), None);
        assert_eq!(batch.push(&mut (4, 99), || start), Pushed::First(start + 5 * SECOND));
        assert_eq!(batch.push(&mut (5, 1), || start), Pushed::Leaves(Weighed(vec![4, 5])));
        assert_eq!(batch.push(&mut (6, 100), || start), Pushed::Leaves(Weighed(vec![6])), "one that is large alone");
    }

    #[test]
    fn a_batch_that_fills_quickly_looks_at_the_clock_now_and_then() {
        let start = crate::clock::now();
        let mut batch = Batch::<Weighed>::new(Limits { count: 100, bytes: 100, age: 5 * SECOND });
        let mut looks = 0;
        for n in 0..40u8 {
            let pushed = batch.push(&mut (n, 1), || {
                looks += 1;
                start
            });
            assert_eq!(matches!(pushed, Pushed::First(_)), n == 0);
        }
        assert_eq!(looks, 8 + 4);
        let pushes = (0..8u8).map(|n| batch.push(&mut (n, 1), || start + 5 * SECOND));
        assert!(pushes.into_iter().any(|pushed| matches!(pushed, Pushed::Leaves(_))), "soon after it is due");
    }

    #[test]
    fn its_age_is_that_of_the_first() {
        let start = crate::clock::now();
        let mut batch = batch();
        assert_eq!(batch.push(&mut (1, 1), || start), Pushed::First(start + 5 * SECOND));
        assert!(batch.take(Take::Due(start + 4 * SECOND)).0.is_empty());
        assert_eq!(batch.take(Take::Due(start + 5 * SECOND)).0, [1]);
        assert!(batch.take(Take::Due(start + 9 * SECOND)).0.is_empty());
        assert_eq!(batch.push(&mut (2, 1), || start), Pushed::First(start + 5 * SECOND));
        assert_eq!(
            batch.push(&mut (3, 1), || start + 5 * SECOND),
            Pushed::Leaves(Weighed(vec![2, 3])),
            "a push looks at the age too"
        );
        assert_eq!(batch.push(&mut (4, 1), || start), Pushed::First(start + 5 * SECOND));
        assert_eq!(batch.take(Take::All).0, [4], "whatever its age");
    }

    #[test]
    fn after_the_last_time_it_takes_nothing_in() {
        let start = crate::clock::now();
        let mut batch = batch();
        assert_eq!(batch.push(&mut (1, 1), || start), Pushed::First(start + 5 * SECOND));
        assert_eq!(batch.take(Take::Last).0, [1]);
        assert_eq!(batch.push(&mut (2, 1), || start), Pushed::Refused);
        assert_eq!((batch.take(Take::All).len(), batch.due()), (0, None));
    }
}
