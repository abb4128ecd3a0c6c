//! `sentry-spool`: writes the records of events that the worker does not come to finish in time, because a hook keeps it
//! or there are too many. There is one while there is something to watch, none after some idle seconds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sentry_core::PendingEnvelope;

use crate::delivery::{Shared, State, enter_own_thread};
use crate::guarded::Guarded;
use crate::machine::Phase;
use crate::spool::Spool;
use crate::world::{bounded, now, spawn};

/// Where the scribe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Is {
    /// There is none.
    Away,
    /// It sleeps, with nothing to watch.
    Idle,
    Watching,
}

/// Has somebody watch over what is not recorded yet.
pub(crate) fn call(shared: &Arc<Shared>, state: &mut State) {
    if shared.spool.is_none() || state.unrecorded.is_empty() {
        return;
    }
    match state.scribe {
        Is::Watching => {}
        Is::Idle => state.scribe = Is::Watching,
        Is::Away => {
            let own = Arc::clone(shared);
            // Without a thread, the worker does it when it comes to it.
            if spawn("sentry-spool", move || run(&own)).is_ok() {
                state.scribe = Is::Watching;
            }
        }
    }
    shared.scribe.ring();
}

/// Writes the records that are due: all of them when the end is near. Returns when the next is due.
pub(crate) fn record_due(shared: &Shared, spool: &Spool) -> Option<Instant> {
    loop {
        let (guarded, next) = next_due(&mut shared.lock(), now());
        match guarded {
            Some(guarded) => guarded.record(spool),
            None => return next,
        }
    }
}

fn next_due(state: &mut State, now: Instant) -> (Option<Arc<Guarded>>, Option<Instant>) {
    let is_near = state.machine.phase() != Phase::Open;
    while let Some(first) = state.unrecorded.front() {
        if first.is_looked_after() {
            state.unrecorded.pop_front();
        } else if is_near || first.due() <= now {
            return (state.unrecorded.pop_front(), None);
        } else {
            return (None, Some(first.due()));
        }
    }
    (None, None)
}

fn run(shared: &Arc<Shared>) {
    let _mark = enter_own_thread();
    let Some(spool) = &shared.spool else { return };
    let mut idle_since = now();
    loop {
        let next = record_due(shared, spool);
        let now = now();
        let mut state = shared.lock();
        if state.machine.phase() == Phase::Closed {
            state.scribe = Is::Away;
            return;
        }
        let until = match next {
            Some(next) => next,
            // What comes while the worker is busy wakes nobody.
            None if state.worker.patience_ends.is_some() => now + LOOK,
            None if now.saturating_duration_since(idle_since) >= IDLE => {
                state.scribe = Is::Away;
                return;
            }
            None => {
                state.scribe = Is::Idle;
                idle_since + IDLE
            }
        };
        if state.scribe == Is::Watching {
            idle_since = now;
        }
        drop(state);
        shared.scribe.wait(Some(until));
    }
}

/// Takes a crash, and waits until it is on disk, at most [`CRASH`]: on a thread of its own, since neither the worker nor
/// the disk may have time.
pub(crate) fn send_crash(shared: &Arc<Shared>, pending: PendingEnvelope) {
    let own = Arc::clone(shared);
    let (done, wait) = bounded(1);
    let (hand_over, taken) = bounded(1);
    let writer = move || {
        let _mark = enter_own_thread();
        if let Ok(pending) = taken.recv() {
            own.push_pending(pending);
        }
        let _ = done.send(());
    };
    match spawn("sentry-crash", writer) {
        Ok(()) => {
            let _ = hand_over.send(pending);
            let _ = wait.recv_timeout(CRASH);
        }
        // Without a thread, this one does it, for as long as it takes.
        Err(_) => shared.push_pending(pending),
    }
}

const IDLE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);
const CRASH: Duration = Duration::from_millis(250);
