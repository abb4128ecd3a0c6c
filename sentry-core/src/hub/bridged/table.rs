//! The table of bridged spans: a row for each that is open, by its key, in a few shards with a short lock each.
//!
//! Nothing is dropped under a lock but numbers: rows hold hubs, and those may hold things of the program's.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::Hub;
use super::super::current::Around;
use crate::performance::{Transaction, TransactionOrSpan};
use crate::protocol::{SpanId, TraceId};
use crate::random::mix;
use crate::sync::{Mutex, MutexGuard};

/// Which span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpanKey {
    pub(super) system: u32,
    pub(super) id: u64,
}

pub(super) struct Row {
    /// What it began in.
    pub(super) around: Around,
    /// Its own hub, once it needed one.
    pub(super) own: Option<Arc<Hub>>,
    pub(super) state: State,
    /// Whether breadcrumbs are not passed on to what is around it.
    pub(super) keeps_breadcrumbs: bool,
}

pub(super) enum State {
    /// It is not traced.
    Off,
    /// It is below one that is not sampled.
    Below(Unsampled),
    /// A transaction that is not sampled, and was not begun.
    Lost(Lost),
    Live(TransactionOrSpan),
}

#[derive(Clone)]
pub(super) enum Unsampled {
    /// The row of one that was not begun when its child was.
    Lost(SpanKey),
    Live(TransactionOrSpan),
}

#[derive(Clone, Copy)]
pub(super) struct Lost {
    pub(super) trace_id: TraceId,
    pub(super) children: u64,
    pub(super) name: &'static str,
    pub(super) target: &'static str,
}

impl Lost {
    /// As random as the trace's, of which it is made.
    pub(super) fn span_id(&self) -> SpanId {
        let half = self.trace_id.to_bytes().into_iter().take(8).fold(0, |half, byte| half << 8 | u64::from(byte));
        SpanId::from(mix(half).max(1).to_be_bytes())
    }
}

/// A number for a system of spans.
pub(super) fn new_system() -> u32 {
    static SYSTEMS: AtomicU32 = AtomicU32::new(1);
    SYSTEMS.fetch_add(1, Ordering::Relaxed)
}

/// Returns what was there.
pub(super) fn insert(key: SpanKey, row: Row) -> Option<Row> {
    shard(key).insert(key, row)
}

pub(super) fn remove(key: SpanKey) -> Option<Row> {
    shard(key).remove(&key)
}

/// Takes out all of a system.
pub(super) fn remove_all(system: u32) -> Vec<Row> {
    let all = SHARDS.iter().flat_map(|shard| {
        let mut rows = shard.lock();
        rows.extract_if_system(system)
    });
    all.collect()
}

/// Lets `look` at a row, for a few copies.
pub(super) fn with<R>(key: SpanKey, look: impl FnOnce(&mut Row) -> R) -> Option<R> {
    shard(key).get_mut(&key).map(look)
}

pub(crate) fn is_open(key: SpanKey) -> bool {
    shard(key).contains_key(&key)
}

/// The Sentry span that it stands for.
pub(super) fn live(key: SpanKey) -> Option<TransactionOrSpan> {
    with(key, |row| match &row.state {
        State::Live(span) => Some(span.clone()),
        _ => None,
    })?
}

/// Counts a child of a transaction that was not begun; or returns that, if it was by now.
pub(super) fn count_child(root: SpanKey) -> Option<Transaction> {
    with(root, |row| match &mut row.state {
        State::Lost(lost) => {
            lost.children = lost.children.saturating_add(1);
            None
        }
        State::Live(span) => Some(span.transaction()),
        State::Off | State::Below(_) => None,
    })?
}

type Rows = HashMap<SpanKey, Row, BuildHasherDefault<Spread>>;

trait ExtractSystem {
    fn extract_if_system(&mut self, system: u32) -> Vec<Row>;
}

impl ExtractSystem for Rows {
    fn extract_if_system(&mut self, system: u32) -> Vec<Row> {
        let keys: Vec<SpanKey> = self.keys().filter(|key| key.system == system).copied().collect();
        keys.iter().filter_map(|key| self.remove(key)).collect()
    }
}

fn shard(key: SpanKey) -> MutexGuard<'static, Rows> {
    // The high bits: the map goes by the low ones.
    let at = usize::try_from(key.spread() >> 60).unwrap_or_default();
    SHARDS.get(at).unwrap_or(&SHARDS[0]).lock()
}

static SHARDS: [Mutex<Rows>; 16] = [const { Mutex::new(HashMap::with_hasher(BuildHasherDefault::new())) }; 16];

impl SpanKey {
    fn spread(self) -> u64 {
        mix(self.id ^ (u64::from(self.system) << 48))
    }
}

impl Hash for SpanKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.spread());
    }
}

/// Takes keys as spread as they are.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
