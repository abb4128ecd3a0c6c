//! The end of a delivery: what has no verdict by then is counted, or left to the disk, and the threads end.

use std::sync::Arc;
use std::time::Instant;

use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::Reason;
use sentry_core::wire::{EncodedEnvelope, EncodedItem};
use sentry_core::{Class, clock, sdk_info};

use crate::delivery::{Content, Entry, Shared, State, enter_own_thread};
use crate::flights::Cargo;
use crate::machine::Phase;
use crate::scribe;
use crate::spool::Spool;
use crate::world::{now, spawn};

impl Shared {
    pub(crate) fn begin_close(self: &Arc<Self>, deadline: Instant) {
        let mut state = self.lock();
        state.machine.begin_close(now(), deadline);
        // What is not finished in time is to be on disk.
        scribe::call(self, &mut state);
        drop(state);
        self.wake_worker();
    }

    /// We failed where we must not: everything is counted, and refused from now on, but nothing hangs.
    pub(crate) fn fail(self: &Arc<Self>) {
        self.lock().refused_as = Reason::InternalSdkError;
        self.end();
    }

    /// The end: everything without a verdict is counted, and the threads end when they look up. What they have in hand
    /// they count themselves.
    pub(crate) fn end(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.machine.phase() == Phase::Closed {
            return;
        }
        let flights = state.machine.give_up();
        let mut waiting = std::mem::take(&mut state.kept);
        let entries: Vec<Entry> = std::iter::from_fn(|| state.queue.pop(|_| true)).collect();
        let unrecorded = std::mem::take(&mut state.unrecorded);
        state.machine.close();
        state.running = None;
        drop(state);
        drop(unrecorded);
        // Their flights are counted.
        waiting.extend(std::iter::from_fn(|| self.jobs.1.try_recv().ok()));
        drop(waiting);
        let given_up = entries.len() + flights.iter().filter(|flight| flight.cargo.generation.is_some()).count();
        for flight in flights {
            let Cargo { losses, lanes, file, .. } = flight.cargo;
            let is_left =
                file.zip(self.spool.as_ref()).is_some_and(|(file, spool)| spool.park(file, losses.clone(), lanes, 0));
            if !is_left {
                self.recorder.record_losses(losses, Reason::NetworkError);
            }
        }
        for entry in entries {
            match (&self.spool, entry.content) {
                (Some(spool), Content::Guarded(guarded)) => guarded.abandon(spool),
                (_, content) => self.discard(content, Reason::NetworkError),
            }
        }
        let own = Arc::clone(self);
        let close_spool = move || {
            let _mark = enter_own_thread();
            own.close_spool();
            own.is_counted(given_up);
        };
        // Whoever closes has no time for a slow disk.
        if self.spool.is_some() && spawn("sentry-spool", close_spool).is_ok() {
            return;
        }
        self.close_spool();
        self.is_counted(given_up);
    }

    fn close_spool(&self) {
        if let Some(spool) = &self.spool {
            self.store_report(spool);
            spool.close();
        }
    }

    /// Everything is in the books but for what is in the hands of threads.
    fn is_counted(&self, given_up: usize) {
        let mut state = self.lock();
        state.given_up = Some(given_up);
        self.settled(&mut state);
        drop(state);
        self.wake_worker();
    }

    /// Writes down what was lost and could not be told.
    fn store_report(&self, spool: &Spool) {
        let now = now();
        let report = spool.is_usable(now).then(|| self.recorder.take_report()).flatten();
        let Some(report) = report else { return };
        let mut envelope = EncodedEnvelope::encode(Envelope::new(), &sdk_info()).envelope;
        EncodedItem::client_reports(&report).into_iter().for_each(|item| envelope.push(item));
        let mut bytes = Vec::new();
        let written = envelope.write_stored(&mut bytes);
        let kept = written.ok().and_then(|()| spool.keep(Class::Bulk, None, false, &bytes, now, clock::wall()));
        if kept.is_none() {
            self.recorder.record_losses(envelope.losses(), Reason::NetworkError);
        }
    }
}

impl State {
    /// Whether everything that was there at the end is in the books.
    pub(crate) fn has_complete_books(&self) -> bool {
        self.given_up.is_some_and(|given_up| self.machine.outstanding() <= given_up)
    }

    /// When what is left is given up by whoever is there.
    pub(crate) fn gives_up_at(&self) -> Option<Instant> {
        self.machine.gives_up_at(self.closers > 0)
    }
}
