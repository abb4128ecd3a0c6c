//! `sentry-worker`: finishes events, and decides what leaves when. It sleeps without a timer while there is nothing to do.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sentry_core::clock;
use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::{Category, Reason};
use sentry_core::wire::{EncodedEnvelope, EncodedItem, Lane};

use crate::delivery::{Content, Entry, Shared, State, Wants, enter_own_thread};
use crate::destination::Gate;
use crate::machine::{Due, Phase};
use crate::sender::{self, Job};
use crate::tickets::Generation;

/// What the worker does next.
enum Task {
    Finish(Entry),
    Report,
    Gather,
    AddSender,
    LookAgain,
    Sleep(Option<Instant>),
    GiveUp,
    End,
}

/// Starts the worker of `epoch`.
pub(crate) fn spawn(shared: &Arc<Shared>, epoch: u64) -> io::Result<()> {
    let shared = Arc::clone(shared);
    crate::delivery::spawn("sentry-worker", move || run(&shared, epoch))
}

/// Starts another worker when user code has kept this one for too long and others wait behind it. Whoever waits for
/// something calls it.
pub(crate) fn take_over_if_stuck(shared: &Arc<Shared>, now: Instant) {
    let mut state = shared.lock();
    let is_stuck = state.worker.patience_ends.is_some_and(|end| end <= now);
    let is_over = state.machine.phase() == Phase::Closed;
    if !is_stuck || is_over || state.queue.is_empty() || state.worker.stuck >= MAX_STUCK {
        return;
    }
    // Under the lock, or the old worker might come back to find that neither is the one. It is rare.
    if spawn(shared, state.worker.epoch + 1).is_err() {
        return;
    }
    state.worker.epoch += 1;
    state.worker.stuck += 1;
    state.worker.patience_ends = None;
    state.worker.wants = Wants::Nothing;
    drop(state);
    let message = format_args!(
        "a hook (before_send, an event processor or an integration) has been running for {} ms; other events are finished \
         on another thread meanwhile",
        PATIENCE.as_millis()
    );
    shared.diagnostics.fault("slow hook", message);
}

fn run(shared: &Arc<Shared>, epoch: u64) {
    let _mark = enter_own_thread();
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| work(shared, epoch))) {
        forget_payload(payload);
        shared.fail();
    }
}

fn work(shared: &Arc<Shared>, epoch: u64) {
    loop {
        let mut limited = Vec::new();
        let task = next_task(shared, epoch, &mut limited);
        if !limited.is_empty() {
            shared.discard_all(limited, Reason::RatelimitBackoff);
        }
        match task {
            Task::Finish(entry) => {
                if !finish(shared, entry, epoch) {
                    return;
                }
            }
            Task::Report => report(shared),
            Task::Gather => shared.batches.take_due(clock::now(), |batch| shared.push_pending(batch)),
            Task::AddSender => add_sender(shared),
            Task::LookAgain => {}
            Task::Sleep(until) => shared.sleep(until),
            Task::GiveUp => {
                let _ = shared.end();
            }
            Task::End => return,
        }
    }
}

/// Decides what is next. `limited` gets what came up meanwhile and must not be sent now.
fn next_task(shared: &Shared, epoch: u64, limited: &mut Vec<Entry>) -> Task {
    let mut state = shared.lock();
    let now = clock::now();
    if state.worker.epoch != epoch || state.machine.phase() == Phase::Closed {
        return Task::End;
    }
    state.worker.wants = Wants::Nothing;
    if state.machine.is_past_deadline(now) {
        return Task::GiveUp;
    }
    // Asked for under the lock: who adds to a batch from now on finds this thread asleep, and wakes it.
    let batch_due = shared.batches.next_due();
    if batch_due.is_some_and(|due| due <= now) {
        return Task::Gather;
    }
    match state.machine.gate(now) {
        Gate::Open => {}
        gate => {
            // Nothing is finished meanwhile: it waits as it is, and within its bounds.
            state.worker.wants = Wants::Room;
            let retry_at = if let Gate::Until(retry_at) = gate { Some(retry_at) } else { None };
            return sleep(&mut state, [retry_at, batch_due]);
        }
    }
    if !state.has_next_kept() && !state.machine.has_room() {
        state.worker.wants = Wants::Room;
        return match state.machine.sender_due(shared.jobs.1.len(), now) {
            Due::Now => {
                state.machine.sender_started();
                Task::AddSender
            }
            Due::At(due) => sleep(&mut state, [Some(due), batch_due]),
            Due::Not => sleep(&mut state, [None, batch_due]),
        };
    }
    let has_report = shared.recorder.has_report();
    let due = state.machine.report_due(has_report, now);
    let is_waited_for = has_report && state.machine.may_report(now) && (state.wants_report() || says_goodbye(&state));
    let reports = due == Due::Now || is_waited_for;
    if state.machine.senders() == 0 && (reports || !state.kept.is_empty() || !state.queue.is_empty()) {
        // Nothing is finished without someone to send it, who also watches over this thread meanwhile.
        match state.machine.sender_due(0, now) {
            Due::Now => {
                state.machine.sender_started();
                return Task::AddSender;
            }
            Due::At(due) => return sleep(&mut state, [Some(due), batch_due]),
            Due::Not => {}
        }
    }
    let takes_new = state.machine.prefers_new() && !state.queue.is_empty();
    if !takes_new && send_next_kept(shared, &mut state) {
        return Task::LookAgain;
    }
    while let Some(entry) = pop(&mut state) {
        if is_limited(&state, &entry, now) {
            limited.push(entry);
            if limited.len() >= AT_ONCE {
                return Task::LookAgain;
            }
            continue;
        }
        if matches!(entry.content, Content::Pending(_)) {
            state.worker.patience_ends = Some(now + PATIENCE_WITH_SYMBOLS);
        }
        return Task::Finish(entry);
    }
    if !limited.is_empty() || send_next_kept(shared, &mut state) {
        return Task::LookAgain;
    }
    if reports {
        return Task::Report;
    }
    if state.machine.phase() != Phase::Open && state.machine.is_idle() {
        return Task::GiveUp;
    }
    state.worker.wants = Wants::Work;
    sleep(&mut state, [if let Due::At(due) = due { Some(due) } else { None }, batch_due])
}

/// Finishes an envelope and launches it. `false` when another worker took over meanwhile.
fn finish(shared: &Shared, entry: Entry, epoch: u64) -> bool {
    let Entry { content, generation } = entry;
    let (is_pending, envelope) = match content {
        Content::Encoded(envelope) => (false, Some(envelope)),
        Content::Pending(mut pending) => {
            let category = pending.category();
            let resolved = catch_unwind(AssertUnwindSafe(|| pending.resolve_stacks()));
            resolved.unwrap_or_else(forget_payload);
            shared.lock().expect_finish(epoch, clock::now() + PATIENCE);
            let finished = catch_unwind(AssertUnwindSafe(|| pending.finish().map(|envelope| shared.encode(envelope))));
            let envelope = finished.unwrap_or_else(|payload| {
                shared.recorder.record_loss(category, Reason::InternalSdkError, 1);
                forget_payload(payload);
                None
            });
            (true, envelope)
        }
    };
    let mut state = shared.lock();
    let is_the_one = state.worker.epoch == epoch;
    if !is_the_one {
        state.worker.stuck = state.worker.stuck.saturating_sub(1);
    } else if is_pending {
        state.worker.patience_ends = None;
    }
    match envelope {
        Some(envelope) => depart(shared, &mut state, envelope, Some(generation)),
        None => {
            state.machine.settle(generation);
            shared.settled(&mut state);
        }
    }
    is_the_one
}

/// Sends a client report alone.
fn report(shared: &Shared) {
    // Taken and launched under one lock: whoever begins to wait finds the report either here or on its way.
    let mut state = shared.lock();
    let Some(report) = shared.recorder.take_report() else {
        state.report_fails();
        return shared.settled(&mut state);
    };
    let mut envelope = EncodedEnvelope::encode(Envelope::new(), &sentry_core::sdk_info()).envelope;
    EncodedItem::client_reports(&report).into_iter().for_each(|item| envelope.push(item));
    depart(shared, &mut state, envelope, None);
}

/// Takes from an envelope what is limited now, gives it the report of losses to take along, and hands it to the senders.
fn depart(shared: &Shared, state: &mut State, mut envelope: EncodedEnvelope, generation: Option<Generation>) {
    if state.machine.phase() == Phase::Closed {
        return shared.recorder.record_losses(envelope.losses(), Reason::NetworkError);
    }
    let now = clock::now();
    let mut limited = envelope.retain(|item| !state.machine.is_limited(item.category(), now));
    if limited.iter().any(|item| matches!(item.ty(), "event" | "transaction" | "feedback")) {
        // They mean nothing without it.
        limited.extend(envelope.retain(|item| item.category() != Category::Attachment));
    }
    for item in &limited {
        shared.recorder.record_losses(item.losses().iter().copied(), Reason::RatelimitBackoff);
    }
    if envelope.is_empty() {
        if let Some(generation) = generation {
            state.machine.settle(generation);
        }
        return shared.settled(state);
    }
    let takes_report = generation.is_some() && state.machine.may_report(now);
    if let Some(report) = takes_report.then(|| shared.recorder.take_report()).flatten() {
        EncodedItem::client_reports(&report).into_iter().for_each(|item| envelope.push(item));
        state.machine.reported();
    }
    let (id, goes) = state.machine.launch(envelope.losses().collect(), generation, envelope.lanes().collect());
    if generation.is_none() {
        state.report_leaves(id);
    }
    if !goes {
        return state.kept.push_back(Job { id, envelope });
    }
    if let Err(refused) = shared.jobs.0.try_send(Job { id, envelope }) {
        // There is room for all that can be ahead of the wire; if there is not, it is not silent.
        sender::account(shared, state, refused.into_inner().id, Reason::InternalSdkError);
    }
}

/// Hands the first of those kept that may go to the senders. `false` if there is none.
fn send_next_kept(shared: &Shared, state: &mut State) -> bool {
    let Some(job) = state.next_kept() else { return false };
    state.machine.relaunch(job.id);
    if let Err(refused) = shared.jobs.0.try_send(job) {
        sender::account(shared, state, refused.into_inner().id, Reason::InternalSdkError);
    }
    true
}

/// Takes out what is next. A batch does not overtake one of its kind, and is not finished only to wait for it.
fn pop(state: &mut State) -> Option<Entry> {
    let State { queue, machine, .. } = state;
    queue.pop(|entry| match &entry.content {
        Content::Pending(pending) => Lane::of_batches(pending.category()).is_none_or(|lane| !machine.is_taken(lane)),
        Content::Encoded(_) => true,
    })
}

/// Starts a sender that the machine has counted in. Where there is no thread to be had, events wait in the queue until
/// it is tried again.
fn add_sender(shared: &Arc<Shared>) {
    if let Err(error) = sender::spawn(shared) {
        shared.diagnostics.fault("sender thread", format_args!("cannot start a thread to send with: {error}"));
        shared.lock().machine.sender_failed(clock::now());
    }
}

fn is_limited(state: &State, entry: &Entry, now: Instant) -> bool {
    match &entry.content {
        Content::Pending(pending) if !pending.is_finished() => state.machine.is_limited(pending.category(), now),
        // Its items are looked at one by one.
        Content::Pending(_) | Content::Encoded(_) => false,
    }
}

/// Whether all is done but for the last report.
fn says_goodbye(state: &State) -> bool {
    let is_closing = state.machine.phase() != Phase::Open;
    is_closing && !state.worker.has_said_goodbye && state.machine.is_idle()
}

/// Sleeps until something is `due` at the latest, or to the end of a transport that closes.
fn sleep(state: &mut State, due: [Option<Instant>; 2]) -> Task {
    let end = if let Phase::Closing { deadline } = state.machine.phase() { Some(deadline) } else { None };
    let until = due.into_iter().chain([end]).flatten().min();
    state.worker.sleeps_until = until;
    Task::Sleep(until)
}

/// Dropping a payload runs the destructor of somebody's type, which may panic in its turn.
pub(crate) fn forget_payload(payload: Box<dyn std::any::Any + Send>) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
}

/// How long user code may keep the worker.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long looking up symbols may: the first time, a lot of debug information is read.
const PATIENCE_WITH_SYMBOLS: Duration = Duration::from_secs(10);
/// How many hooks may be stuck at once before envelopes wait in the queue.
pub(crate) const MAX_STUCK: usize = 4;
/// How many limited envelopes are dropped before callers get the lock again.
const AT_ONCE: usize = 64;
