//! Collections of bounded size, which count what they had to let go.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque, vec_deque};
use std::hash::Hash;

/// The last so many of a kind, in the order of arrival.
#[derive(Clone, Debug)]
pub(crate) struct Newest<T> {
    items: VecDeque<T>,
    limit: usize,
    dropped: u64,
}

impl<T> Newest<T> {
    pub(crate) const fn of(limit: usize) -> Newest<T> {
        Newest { items: VecDeque::new(), limit, dropped: 0 }
    }

    pub(crate) fn push(&mut self, item: T) {
        if self.items.len() >= self.limit {
            self.items.pop_front();
            self.dropped += 1;
        }
        self.items.push_back(item);
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> vec_deque::Iter<'_, T> {
        self.items.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> vec_deque::IterMut<'_, T> {
        self.items.iter_mut()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// A map that knows which entry has not been touched for the longest time.
#[derive(Clone, Debug)]
pub(crate) struct Recent<K, V> {
    slots: HashMap<K, (u64, V)>,
    /// When each was touched; a counter is the clock.
    order: BTreeMap<u64, K>,
    now: u64,
    dropped: u64,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Recent<K, V> {
        Recent { slots: HashMap::new(), order: BTreeMap::new(), now: 0, dropped: 0 }
    }
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    /// The entry, made where there is none, and now the newest.
    pub(crate) fn touch(&mut self, key: &K, make: impl FnOnce() -> V) -> &mut V {
        self.now += 1;
        self.order.insert(self.now, key.clone());
        match self.slots.entry(key.clone()) {
            Entry::Occupied(slot) => {
                let (touched, value) = slot.into_mut();
                self.order.remove(touched);
                *touched = self.now;
                value
            }
            Entry::Vacant(slot) => &mut slot.insert((self.now, make())).1,
        }
    }

    /// Takes the oldest entry out when there are more than `limit`.
    pub(crate) fn trim(&mut self, limit: usize) -> Option<V> {
        if self.slots.len() <= limit {
            return None;
        }
        let (_, key) = self.order.pop_first()?;
        let (_, value) = self.slots.remove(&key)?;
        self.dropped += 1;
        Some(value)
    }

    /// The one that was touched last, last.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.order.values().filter_map(|key| Some((key, &self.slots.get(key)?.1)))
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_the_others_counted() {
        let mut newest = Newest::of(2);
        (1..=5).for_each(|number| newest.push(number));
        assert_eq!(newest.iter().copied().collect::<Vec<_>>(), [4, 5]);
        assert_eq!(newest.dropped(), 3);
    }

    #[test]
    fn the_longest_untouched_goes_first() {
        let mut recent = Recent::default();
        for key in ["a", "b", "c", "a", "b"] {
            *recent.touch(&key, || 0) += 1;
        }
        assert_eq!(recent.iter().collect::<Vec<_>>(), [(&"c", &1), (&"a", &2), (&"b", &2)]);
        assert_eq!(recent.trim(3), None);
        assert_eq!(recent.trim(2), Some(1));
        assert_eq!(recent.trim(1), Some(2));
        assert_eq!((recent.slots.len(), recent.order.len(), recent.dropped()), (1, 1, 2));
    }
}
