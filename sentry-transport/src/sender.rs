//! `sentry-sender`: takes encoded envelopes to the server, one at a time, and sees to what the answers mean.
//!
//! There is one while there is something to send, more while answers are slow, none after some idle seconds. A sender
//! also looks after the worker, which user code may keep.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sentry_core::clock;
use sentry_core::protocol::client_report::{ItemLoss, Reason};
use sentry_core::wire::EncodedEnvelope;

use crate::delivery::{Shared, State, WATCH, Wants, enter_own_thread};
use crate::encode::{Body, Encoder};
use crate::flights::{Cargo, FlightId};
use crate::machine::{Failed, Phase};
use crate::reply::{Answer, Reply, Verdict, judge};
use crate::spool::FileName;
use crate::worker::forget_payload;
use crate::world::{self, dice, now};

/// The way to the server. A call returns within its own bounds of time.
pub(crate) trait Post: Send + Sync + 'static {
    fn post(&self, body: Body<'_>) -> Reply;
}

/// An envelope for the senders.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: FlightId,
    pub(crate) envelope: EncodedEnvelope,
    /// Where it is on disk, too.
    pub(crate) file: Option<FileName>,
}

/// Starts a sender, which the machine has counted in.
pub(crate) fn spawn(shared: &Arc<Shared>) -> io::Result<()> {
    let shared = Arc::clone(shared);
    world::spawn("sentry-sender", move || run(&shared))
}

fn run(shared: &Arc<Shared>) {
    let _mark = enter_own_thread();
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| send(shared))) {
        forget_payload(payload);
        shared.fail();
    }
}

fn send(shared: &Arc<Shared>) {
    let mut encoder = Encoder::default();
    let mut idle_since = now();
    loop {
        if let Some(job) = world::recv_until_over(&shared.jobs.1, &shared.over, WATCH) {
            deliver(shared, job, &mut encoder);
            idle_since = now();
            continue;
        }
        let now = now();
        match ends(shared, idle_since, now) {
            Ends::NotYet => {}
            Ends::Idle => return shared.batches.idle(),
            Ends::Other => return,
        }
        shared.watch(now);
    }
}

/// Whether a sender is not needed any more.
enum Ends {
    NotYet,
    /// It was the last, and nothing is to be sent.
    Idle,
    Other,
}

/// Counts this sender out, if it is not needed any more.
fn ends(shared: &Shared, idle_since: Instant, now: Instant) -> Ends {
    let mut state = shared.lock();
    let is_over = state.machine.phase() == Phase::Closed;
    let is_idle = now.saturating_duration_since(idle_since) >= IDLE;
    // The worker puts jobs into the channel under this lock: none can be missed.
    let ends = shared.jobs.1.is_empty() && (is_over || (is_idle && state.worker.patience_ends.is_none()));
    if !ends {
        return Ends::NotYet;
    }
    state.machine.crew().ended();
    if state.machine.crew().count() == 0 && !is_over { Ends::Idle } else { Ends::Other }
}

fn deliver(shared: &Arc<Shared>, job: Job, encoder: &mut Encoder) {
    let attempt = catch_unwind(AssertUnwindSafe(|| match encoder.encode(&job.envelope, clock::wall()) {
        Ok(body) => shared.post.post(body),
        Err(_) => Reply::Broken,
    }));
    let reply = attempt.unwrap_or_else(|payload| {
        forget_payload(payload);
        *encoder = Encoder::default();
        Reply::Broken
    });
    let (verdict, note) = judge(&reply, &shared.keys);
    let is_the_end = if verdict == Verdict::Unreachable {
        fail(shared, job)
    } else {
        // Before anybody learns of the verdict: who then ends the process is not to send it again.
        let stored = job.file.zip(shared.spool.as_ref()).and_then(|(file, spool)| spool.remove(file));
        land(shared, job.id, stored, verdict, if let Reply::Answer(answer) = &reply { Some(answer) } else { None });
        false
    };
    if let Some(note) = note {
        let message = format_args!("{}", note.text);
        match note.is_fault {
            true => shared.diagnostics.fault(note.problem, message),
            false => shared.diagnostics.remark(note.problem, message),
        }
    }
    if is_the_end {
        shared.end();
    }
}

/// The envelope has a verdict; also one that was counted as `stored` at the end.
fn land(shared: &Shared, id: FlightId, stored: Option<Vec<ItemLoss>>, verdict: Verdict, answer: Option<&Answer>) {
    let mut state = shared.lock();
    let is_news = state.machine.is_down() || !state.machine.knows_the_way();
    let flight = state.machine.land(id, answer, now(), clock::wall());
    if let Some(losses) = flight.as_ref().map(|flight| &flight.cargo.losses).or(stored.as_ref()) {
        let losses = losses.iter().copied();
        match (verdict, verdict.reason()) {
            (_, Some(reason)) => shared.recorder.record_losses(losses, reason),
            (Verdict::LimitedByServer, _) => shared.recorder.record_limited_by_server(losses),
            _ => shared.recorder.record_delivered(losses),
        }
    }
    if let Some(flight) = flight {
        state.machine.settle_flight(&flight);
    }
    // What this sender does not take itself may need another one.
    let is_news = send_kept(shared, &mut state) > 1 || is_news;
    let wakes = match state.worker.wants {
        Wants::Room => is_news || state.machine.runs_low(),
        // Batches wait for one of their kind, and what is on disk for a way.
        Wants::Work => is_news || !state.queue.is_empty(),
        Wants::Nothing => false,
    };
    if wakes {
        state.worker.wants = Wants::Nothing;
    }
    shared.settled(&mut state);
    drop(state);
    if wakes {
        shared.wake_worker();
    }
}

/// What failed or waited goes first, as soon as the way is free. Tells how many.
fn send_kept(shared: &Shared, state: &mut State) -> usize {
    let mut sent = 0;
    while !state.machine.is_down() {
        let Some(job) = state.next_kept() else { break };
        state.machine.relaunch(job.id);
        if let Err(refused) = shared.jobs.0.try_send(job) {
            state.kept.push_front(refused.into_inner());
            break;
        }
        sent += 1;
    }
    sent
}

/// The envelope did not arrive: it is kept, to be tried again, or left to the disk. `true` when there is no time for
/// that.
fn fail(shared: &Shared, mut job: Job) -> bool {
    let mut state = shared.lock();
    let mut is_the_end = false;
    let mut failed = state.machine.fail(job.id, now(), dice());
    if let (Failed::Kept { tries }, Some((file, spool))) = (&failed, job.file.zip(shared.spool.as_ref())) {
        let tries = *tries;
        drop(state);
        // Its name remembers what was charged to it.
        job.file = if u32::from(file.tries) < tries { spool.try_again(file, u8::MAX) } else { Some(file) };
        state = shared.lock();
        if leave(shared, &mut state, &job) {
            failed = Failed::Gone;
        }
    } else if let (Failed::Lost(_), Some((file, spool))) = (&failed, job.file.zip(shared.spool.as_ref())) {
        drop(state);
        spool.remove(file);
        state = shared.lock();
    }
    let is_kept = matches!(failed, Failed::Kept { .. });
    match failed {
        Failed::Kept { .. } => state.kept.push_back(job),
        Failed::Lost(flight) => {
            shared.recorder.record_losses(flight.cargo.losses.iter().copied(), Reason::NetworkError);
            state.machine.settle_flight(&flight);
            send_kept(shared, &mut state);
        }
        Failed::Gone => {}
        Failed::TheEnd => is_the_end = true,
    }
    // Whatever the worker sleeps for, it did not know of this.
    state.worker.wants = Wants::Nothing;
    // First those go who know by now that there is nobody to wait for.
    shared.settled(&mut state);
    if is_kept && state.is_waited_for() {
        state.machine.hurry(now());
    }
    drop(state);
    shared.wake_worker();
    is_the_end
}

/// Leaves an envelope to the disk, if it is there.
fn leave(shared: &Shared, state: &mut State, job: &Job) -> bool {
    let Some((file, spool)) = job.file.zip(shared.spool.as_ref()) else { return false };
    if !spool.holds(&file) {
        return false;
    }
    let Some(flight) = state.machine.leave(job.id) else { return true };
    let Cargo { losses, lanes, .. } = &flight.cargo;
    if !spool.park(file, losses.clone(), lanes.clone(), flight.successes) {
        // Removed just now, by somebody else.
        shared.recorder.record_losses(losses.iter().copied(), Reason::InternalSdkError);
    }
    state.machine.settle_flight(&flight);
    send_kept(shared, state);
    true
}

/// Ends a flight that never left.
pub(crate) fn account(shared: &Shared, state: &mut State, id: FlightId, reason: Reason) {
    if let Some(flight) = state.machine.land(id, None, now(), clock::wall()) {
        shared.recorder.record_losses(flight.cargo.losses.iter().copied(), reason);
        state.machine.settle_flight(&flight);
        send_kept(shared, state);
    }
    shared.settled(state);
}

/// A thread that waits costs memory; starting one costs less than a request.
pub(crate) const IDLE: Duration = Duration::from_secs(5);
