//! A small sorted map for one layer of a scope: a few keys, one allocation, cheap to make and to replace values in.

use super::key::Key;

/// Values by key; within a layer, a value of `None` says that the key was removed.
#[derive(Debug, Clone)]
pub(super) struct SmallMap<V>(Vec<(Key, V)>);

impl<V> SmallMap<V> {
    /// Puts `value` in and leaves what was there in its place, so that the caller decides where it is dropped.
    pub(super) fn swap(&mut self, key: &Key, value: &mut V)
    where
        V: Default,
    {
        match self.0.binary_search_by(|(there, _)| there.cmp(key)) {
            Ok(at) => {
                if let Some((_, there)) = self.0.get_mut(at) {
                    std::mem::swap(there, value);
                }
            }
            Err(at) => self.0.insert(at, (key.clone(), std::mem::take(value))),
        }
    }

    /// Adds those of `other` that are not there.
    pub(super) fn fill(&mut self, other: &Self)
    where
        V: Clone,
    {
        for (key, value) in &other.0 {
            if let Err(at) = self.0.binary_search_by(|(there, _)| there.cmp(key)) {
                self.0.insert(at, (key.clone(), value.clone()));
            }
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<&V> {
        let at = self.0.binary_search_by(|(there, _)| there.cmp(key)).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V> Default for SmallMap<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}
