//! Stack traces that were read lately, whole: what a program captures again and again costs a comparison and a copy.

use std::collections::VecDeque;
use std::sync::Arc;

use sentry_core::ClientOptions;
use sentry_core::protocol::Stacktrace;

use super::trim::Origin;

/// The few that were read last.
#[derive(Default)]
pub(super) struct Memo {
    entries: VecDeque<(Key, Arc<Stacktrace>)>,
}

/// What a stack trace is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    addresses: Box<[usize]>,
    origin: Origin,
    frame_context_lines: usize,
}

impl Key {
    /// `None` for what is not worth remembering: very deep stacks, and clients with rules of their own.
    pub(super) fn of(addresses: &[usize], origin: Origin, options: &ClientOptions) -> Option<Self> {
        let has_rules = !options.in_app_include.is_empty() || !options.in_app_exclude.is_empty();
        (addresses.len() <= DEEPEST && !has_rules).then(|| Self {
            addresses: addresses.into(),
            origin,
            frame_context_lines: options.frame_context_lines,
        })
    }
}

impl Memo {
    pub(super) fn get(&mut self, key: &Key) -> Option<Arc<Stacktrace>> {
        let at = self.entries.iter().position(|(known, _)| known == key)?;
        if at > 0 {
            // The last ones used stay.
            let entry = self.entries.remove(at)?;
            self.entries.push_front(entry);
        }
        self.entries.front().map(|(_, trace)| Arc::clone(trace))
    }

    /// Returns what had to go, to be dropped outside the lock.
    pub(super) fn put(&mut self, key: Key, trace: Arc<Stacktrace>) -> Option<(Key, Arc<Stacktrace>)> {
        let displaced = if self.entries.len() >= MOST { self.entries.pop_back() } else { None };
        self.entries.push_front((key, trace));
        displaced
    }
}

const MOST: usize = 64;
const DEEPEST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_used_are_remembered() {
        let options = ClientOptions::new();
        let key = |n: usize| Key::of(&[n, 1, 2], Origin::Call, &options).unwrap();
        let mut memo = Memo::default();
        let trace = Arc::new(Stacktrace::default());
        for n in 0..MOST {
            assert!(memo.put(key(n), Arc::clone(&trace)).is_none());
        }
        assert!(memo.get(&key(0)).is_some());
        assert_eq!(memo.put(key(100), Arc::clone(&trace)).map(|(key, _)| key), Some(key(1)));
        assert!(memo.get(&key(0)).is_some() && memo.get(&key(1)).is_none());
    }

    #[test]
    fn what_makes_a_difference_is_part_of_the_key() {
        let options = ClientOptions::new().frame_context_lines(3);
        let key = |options: &ClientOptions| Key::of(&[1], Origin::Call, options);
        assert_ne!(key(&options), key(&ClientOptions::new().frame_context_lines(4)));
        assert_ne!(key(&options), Key::of(&[1], Origin::Panic, &options));
        assert_eq!(key(&ClientOptions::new().in_app_include(["shop"])), None);
        assert_eq!(Key::of(&[1; DEEPEST + 1], Origin::Call, &options), None);
    }
}
