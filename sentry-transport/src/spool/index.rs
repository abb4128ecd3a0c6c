//! What is in the spool, kept in memory: nothing has to be listed to know what is next, or how full it is.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use sentry_core::Class;
use sentry_core::protocol::client_report::ItemLoss;
use sentry_core::wire::Lane;

use super::name::FileName;

#[derive(Debug, Default)]
pub(super) struct Index {
    files: BTreeMap<FileName, Kept>,
    bytes: u64,
    waiting: usize,
    /// What other processes have, as of then.
    others: (u64, usize),
    looked_at: Option<Instant>,
    full_until: Option<Instant>,
}

/// What is known of a file besides its name.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    /// It is on disk alone, to be sent in its turn; otherwise somebody has it in memory.
    pub(super) is_waiting: bool,
    /// What is lost with it; `None` if another process wrote it, until it is read.
    pub(super) losses: Option<Vec<ItemLoss>>,
    /// Behind what else it has to arrive.
    pub(super) lanes: Vec<Lane>,
    /// How many others had succeeded when it failed last.
    pub(super) successes: u64,
}

impl Index {
    pub(super) fn insert(&mut self, name: FileName, kept: Kept) {
        self.bytes = self.bytes.saturating_add(name.length);
        self.waiting += usize::from(kept.is_waiting);
        if self.files.insert(name, kept).is_some() {
            // Names are not used twice; were one, it would not be counted twice.
            self.bytes = self.bytes.saturating_sub(name.length);
        }
    }

    pub(super) fn remove(&mut self, name: &FileName) -> Option<Kept> {
        let kept = self.files.remove(name)?;
        self.bytes = self.bytes.saturating_sub(name.length);
        self.waiting -= usize::from(kept.is_waiting);
        Some(kept)
    }

    pub(super) fn get(&self, name: &FileName) -> Option<&Kept> {
        self.files.get(name)
    }

    pub(super) fn rename(&mut self, from: FileName, to: FileName) {
        if let Some(kept) = self.remove(&from) {
            self.insert(to, kept);
        }
    }

    pub(super) fn has_lane(&self, lane: Lane) -> bool {
        self.files.values().any(|kept| kept.is_waiting && kept.lanes.contains(&lane))
    }

    pub(super) fn has_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// The first of those that wait is in use from now on. Also returns what was known of it.
    pub(super) fn take_waiting(&mut self) -> Option<(FileName, Kept)> {
        if self.waiting == 0 {
            return None;
        }
        let (name, kept) = self.files.iter_mut().find(|(_, kept)| kept.is_waiting)?;
        let before = kept.clone();
        kept.is_waiting = false;
        self.waiting -= 1;
        Some((*name, before))
    }

    /// Takes out the oldest file that goes for one of `class`: the least urgent first.
    pub(super) fn take_oldest_from(&mut self, class: Class) -> Option<(FileName, Kept)> {
        let classes = [Class::Bulk, Class::Error, Class::Crash].into_iter().take_while(|victim| *victim >= class);
        let oldest = classes.into_iter().find_map(|victim| self.oldest_waiting(victim))?;
        self.remove(&oldest).map(|kept| (oldest, kept))
    }

    /// The same, for any class less urgent than `class`.
    pub(super) fn take_oldest_below(&mut self, class: Class) -> Option<(FileName, Kept)> {
        let classes = [Class::Bulk, Class::Error, Class::Crash].into_iter().take_while(|victim| *victim > class);
        let oldest = classes.into_iter().find_map(|victim| self.oldest_waiting(victim))?;
        self.remove(&oldest).map(|kept| (oldest, kept))
    }

    fn oldest_waiting(&self, class: Class) -> Option<FileName> {
        self.files.iter().find(|(name, kept)| name.class == class && kept.is_waiting).map(|(name, _)| *name)
    }

    /// Records of events that are there finished, too.
    pub(super) fn superseded(&self) -> Vec<FileName> {
        let names = || self.files.keys().filter(|name| !name.event_id.is_nil());
        let finished: HashSet<_> = names().filter(|name| !name.is_raw).map(|name| name.event_id).collect();
        names().filter(|name| name.is_raw && finished.contains(&name.event_id)).copied().collect()
    }

    pub(super) fn others_have(&mut self, bytes: u64, files: usize, now: Instant) {
        self.others = (bytes, files);
        self.looked_at = Some(now);
    }

    /// Whether it was long ago that anybody looked what the others have.
    pub(super) fn is_stale(&self, now: Instant) -> bool {
        self.looked_at.is_none_or(|at| now.saturating_duration_since(at) > FRESH)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn files(&self) -> usize {
        self.files.len()
    }

    pub(super) fn bytes_in_all(&self) -> u64 {
        self.bytes.saturating_add(self.others.0)
    }

    pub(super) fn files_in_all(&self) -> usize {
        self.files.len().saturating_add(self.others.1)
    }

    pub(super) fn is_full_until(&mut self, until: Instant) {
        self.full_until = Some(until);
    }

    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.full_until.is_some_and(|until| now < until)
    }
}

const FRESH: Duration = Duration::from_secs(10);
