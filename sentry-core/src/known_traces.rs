//! Stack traces that events carry again and again: read once, written once, and hardly ever copied.
//!
//! What a program captures, it mostly captures more than once. A trace that was read is remembered under the addresses it was
//! read from; an event that has the same is lent a copy, which is taken back when the event was written. Whatever the
//! program did to it meanwhile, it compares equal, or it is not taken for the same.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use serde_json::value::{RawValue, to_raw_value};

use crate::fork::PerProcess;
use crate::protocol::{Frame, Stacktrace};
use crate::sync::{Mutex, MutexGuard};

/// A copy of the trace that was [learned](learn) for `key`, if it is remembered. Takes one lock for a moment.
#[must_use]
pub fn lend(key: &[usize]) -> Option<Stacktrace> {
    let mut traces = traces();
    let at = traces.iter().position(|known| *known.key == *key)?;
    if at > 0 {
        // The last ones used stay.
        let known = traces.remove(at)?;
        traces.push_front(known);
    }
    let known = traces.front().map(Arc::clone)?;
    drop(traces);
    let spare = known.spare.lock().take();
    Some(spare.unwrap_or_else(|| known.trace.clone()))
}

/// Remembers a trace for as long as it is among the last 32 and these have no more than 2,048 frames, under a `key` that
/// has everything that makes a difference. What is too long for that is not remembered.
pub fn learn(key: Vec<usize>, trace: &Stacktrace) {
    if key.len() > LONGEST_KEY || trace.frames.len() > LONGEST_TRACE {
        return;
    }
    let known = KnownTrace { key: key.into(), trace: trace.clone(), json: OnceLock::new(), spare: Mutex::default() };
    let mut traces = traces();
    traces.push_front(Arc::new(known));
    let staying = most(traces.iter().map(|known| known.trace.frames.len()));
    let displaced = traces.split_off(staying);
    drop(traces);
    // Outside the lock.
    drop(displaced);
}

/// How many of the traces may stay, the last used first.
fn most(lengths: impl Iterator<Item = usize>) -> usize {
    let frames = lengths.scan(0, |frames, length| {
        *frames += length;
        Some(*frames)
    });
    frames.take(MOST).take_while(|frames| *frames <= MOST_FRAMES).count()
}

/// Forgets all of them: what was at an address may have changed.
pub fn forget() {
    let outdated = std::mem::take(&mut *traces());
    drop(outdated);
}

/// The known trace that is the same as `trace`.
pub(crate) fn find(trace: &Stacktrace) -> Option<Arc<KnownTrace>> {
    let is_alike = |known: &Stacktrace| {
        known.frames.len() == trace.frames.len()
            && known.frames.last().map(place_of) == trace.frames.last().map(place_of)
    };
    let alike: Vec<_> = traces().iter().filter(|known| is_alike(&known.trace)).map(Arc::clone).collect();
    alike.into_iter().find(|known| known.trace == *trace)
}

fn place_of(frame: &Frame) -> Option<u64> {
    frame.instruction_addr.map(u64::from)
}

#[derive(Debug)]
pub(crate) struct KnownTrace {
    key: Box<[usize]>,
    trace: Stacktrace,
    json: OnceLock<Option<Box<RawValue>>>,
    /// A copy that came back.
    spare: Mutex<Option<Stacktrace>>,
}

impl KnownTrace {
    /// The trace as JSON.
    pub(crate) fn json(&self) -> Option<&RawValue> {
        self.json.get_or_init(|| to_raw_value(&self.trace).ok()).as_deref()
    }

    /// Takes back a copy that is [the same](find).
    pub(crate) fn take_back(&self, trace: Stacktrace) {
        let before = self.spare.lock().replace(trace);
        drop(before);
    }

    #[cfg(test)]
    pub(crate) fn has_spare(&self) -> bool {
        self.spare.lock().is_some()
    }
}

fn traces() -> MutexGuard<'static, VecDeque<Arc<KnownTrace>>> {
    static TRACES: PerProcess<OnceLock<Mutex<VecDeque<Arc<KnownTrace>>>>> = PerProcess::new(OnceLock::new());
    TRACES.get().get_or_init(Mutex::default).lock()
}

const MOST: usize = 32;
/// A frame takes about 2 kB here: twice itself, and its JSON.
const MOST_FRAMES: usize = 2048;
const LONGEST_TRACE: usize = 512;
const LONGEST_KEY: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    /// Tests of one process share the traces: each has keys and names of its own.
    fn trace(name: &str) -> Stacktrace {
        let frame =
            |n: u64| Frame { function: Some(name.to_owned()), instruction_addr: Some(n.into()), ..Frame::default() };
        Stacktrace { frames: (0..3).map(frame).collect(), ..Stacktrace::default() }
    }

    #[test]
    fn what_was_learned_is_lent_and_found_while_it_is_the_same() {
        let key = [0xa, 1];
        learn(key.to_vec(), &trace("lent"));
        let mut lent = lend(&key).unwrap();
        assert_eq!(lent, trace("lent"));
        let known = find(&lent).unwrap();
        assert_eq!(known.json().unwrap().get(), serde_json::to_string(&lent).unwrap());
        lent.frames[1].function = Some("by a hook".to_owned());
        assert!(find(&lent).is_none());
        lent.frames.remove(1);
        assert!(find(&lent).is_none());
        assert!(lend(&[0xa, 2]).is_none());
    }

    #[test]
    fn what_comes_back_is_lent_again() {
        let key = [0xb];
        learn(key.to_vec(), &trace("again"));
        let lent = lend(&key).unwrap();
        let known = find(&lent).unwrap();
        assert!(!known.has_spare());
        known.take_back(lent);
        assert!(known.has_spare());
        let [again, another] = [lend(&key).unwrap(), lend(&key).unwrap()];
        assert_eq!((&again, known.has_spare()), (&another, false));
    }

    #[test]
    fn the_last_ones_used_stay_within_the_bounds() {
        let many = |length: usize, count: usize| most(std::iter::repeat_n(length, count));
        assert_eq!([many(1, 32), many(1, 33), many(512, 4), many(512, 5), many(500, 9)], [32, 32, 4, 4, 4]);
    }

    #[test]
    fn what_is_long_is_not_remembered() {
        learn(vec![0xc; LONGEST_KEY + 1], &trace("long"));
        assert!(lend(&[0xc; LONGEST_KEY + 1]).is_none());
        learn(vec![0xd], &Stacktrace { frames: vec![Frame::default(); LONGEST_TRACE + 1], ..Stacktrace::default() });
        assert!(lend(&[0xd]).is_none());
    }
}
