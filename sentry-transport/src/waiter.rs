//! Who waits in `flush` or `shutdown`: until what was accepted before has a verdict and what was lost is reported, or until
//! it is known that there is nobody to wait for.

use std::sync::Arc;
use std::time::Instant;

use crate::delivery::{Shared, State, WATCH, Wants};
use crate::flights::FlightId;
use crate::machine::Phase;
use crate::tickets::Generation;
use crate::world::{Sender, bounded, now};

/// A thread inside `flush` or `shutdown`.
pub(crate) struct Waiter {
    ticket: Generation,
    /// How many attempts had failed when it began to wait: one more, and it knows that there is nobody to wait for.
    failed_attempts: u64,
    report: LastReport,
    done: Sender<()>,
}

/// What was lost meanwhile is reported before a flush ends, in one envelope for all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastReport {
    Wanted,
    Flying(FlightId),
    Over,
}

impl Shared {
    /// To be called when something has been settled: lets go of the waiters it was the last for.
    pub(crate) fn settled(&self, state: &mut State) {
        if state.has_complete_books() {
            for done in state.waiting_for_books.drain(..) {
                let _ = done.try_send(());
            }
        }
        let State { machine, waiters, worker, given_up, .. } = state;
        let mut wakes = machine.phase() != Phase::Open && machine.is_idle();
        // What cannot be sent gets its verdict from the disk.
        let is_kept = self.spool.as_ref().is_some_and(|spool| spool.is_usable(now()));
        for waiter in waiters.iter_mut() {
            if given_up.is_some() || (machine.failed_attempts() > waiter.failed_attempts && !is_kept) {
                waiter.report = LastReport::Over;
            } else if machine.is_settled(waiter.ticket) {
                match waiter.report {
                    LastReport::Wanted if self.recorder.has_report() && machine.may_report(now()) => wakes = true,
                    LastReport::Flying(id) if machine.is_flying(id) => {}
                    _ => waiter.report = LastReport::Over,
                }
            }
            if waiter.report == LastReport::Over {
                let _ = waiter.done.try_send(());
            }
        }
        if wakes {
            worker.wants = Wants::Nothing;
            self.wake_worker();
        }
    }

    pub(crate) fn wait(self: &Arc<Self>, deadline: Instant) -> bool {
        let (done, wait) = bounded(1);
        let mut state = self.lock();
        let ticket = state.machine.ticket();
        let flying = state.last_report.filter(|id| state.machine.is_flying(*id));
        let report = flying.map_or(LastReport::Wanted, LastReport::Flying);
        let failed_attempts = state.machine.failed_attempts();
        state.waiters.push(Waiter { ticket, failed_attempts, report, done: done.clone() });
        state.machine.hurry(now());
        self.settled(&mut state);
        let is_held = state.worker.wants == Wants::Room || state.machine.is_down();
        drop(state);
        if is_held {
            self.wake_worker();
        }
        loop {
            let before = now();
            if wait.recv_deadline(deadline.min(before + WATCH)).is_ok() || deadline <= before {
                break;
            }
            self.watch(now());
        }
        let mut state = self.lock();
        state.waiters.retain(|waiter| !waiter.done.same_channel(&done));
        state.machine.is_settled(ticket)
    }

    /// Waits until everything that was there at the end is in the books: also what a thread had in hand, if it puts it
    /// down by then.
    pub(crate) fn wait_for_books(&self, deadline: Instant) {
        let (done, wait) = bounded(1);
        let mut state = self.lock();
        if state.has_complete_books() {
            return;
        }
        state.waiting_for_books.push(done.clone());
        drop(state);
        let _ = wait.recv_deadline(deadline);
        self.lock().waiting_for_books.retain(|closer| !closer.same_channel(&done));
    }
}

impl State {
    /// Whether somebody waits in `flush` or `shutdown` who was not let go of yet.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.waiters.iter().any(|waiter| waiter.report != LastReport::Over)
    }

    /// Whether a flush waits only for the report of what was lost.
    pub(crate) fn wants_report(&self) -> bool {
        let waits = |waiter: &Waiter| waiter.report == LastReport::Wanted && self.machine.is_settled(waiter.ticket);
        self.waiters.iter().any(waits)
    }

    /// There can be no report now: nobody is to wait for one.
    pub(crate) fn report_fails(&mut self) {
        let Self { machine, waiters, worker, .. } = self;
        machine.reported();
        worker.has_said_goodbye = true;
        let waiting = waiters.iter_mut().filter(|waiter| machine.is_settled(waiter.ticket));
        waiting.for_each(|waiter| waiter.report = LastReport::Over);
    }

    /// The report is on its way, in that flight.
    pub(crate) fn report_leaves(&mut self, id: FlightId) {
        let Self { machine, waiters, worker, last_report, .. } = self;
        *last_report = Some(id);
        machine.reported();
        worker.has_said_goodbye |= machine.phase() != Phase::Open;
        let waiting = waiters.iter_mut().filter(|waiter| machine.is_settled(waiter.ticket));
        waiting
            .filter(|waiter| waiter.report == LastReport::Wanted)
            .for_each(|waiter| waiter.report = LastReport::Flying(id));
    }
}
