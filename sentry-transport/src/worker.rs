//! `sentry-worker`: finishes events, and decides what leaves when. It sleeps without a timer while there is nothing to do.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::{Category, LossSource, Reason};
use sentry_core::wire::{EncodedEnvelope, EncodedItem, Lane};
use sentry_core::{Class, clock};

use crate::delivery::{Content, Entry, Shared, State, Wants, enter_own_thread};
use crate::destination::Gate;
use crate::flights::Cargo;
use crate::machine::{Due, Phase};
use crate::scribe;
use crate::sender::{self, Job};
use crate::spool::{FileName, Loaded, Spool};
use crate::tickets::Generation;
use crate::world::{self, now};

/// What the worker does next.
enum Task {
    Finish(Entry),
    /// Takes over what other processes left on disk.
    Adopt,
    /// Takes up what waits on disk.
    TakeUp,
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
    world::spawn("sentry-worker", move || run(&shared, epoch))
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
        if let Some(spool) = shared.spool.as_ref().filter(|_| shared.lock().scribe == scribe::Is::Away) {
            scribe::record_due(shared, spool);
        }
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
            Task::Adopt => adopt(shared),
            Task::TakeUp => {
                if !take_up(shared, epoch) {
                    return;
                }
            }
            Task::Report => report(shared),
            Task::Gather => shared.batches.take_due(now(), |batch| shared.push_pending(batch)),
            Task::AddSender => add_sender(shared),
            Task::LookAgain => {}
            Task::Sleep(until) => shared.sleep(until),
            Task::GiveUp => shared.end(),
            Task::End => return,
        }
    }
}

/// Decides what is next. `limited` gets what came up meanwhile and must not be sent now.
fn next_task(shared: &Arc<Shared>, epoch: u64, limited: &mut Vec<Entry>) -> Task {
    let mut state = shared.lock();
    let now = now();
    if state.worker.epoch != epoch || state.machine.phase() == Phase::Closed {
        return Task::End;
    }
    state.worker.wants = Wants::Nothing;
    scribe::call(shared, &mut state);
    if state.gives_up_at().is_some_and(|at| at <= now) {
        return Task::GiveUp;
    }
    // Asked for under the lock: who adds to a batch from now on finds this thread asleep, and wakes it.
    let batch_due = shared.batches.next_due();
    if batch_due.is_some_and(|due| due <= now) {
        return Task::Gather;
    }
    if state.worker.adopts_at.is_some_and(|at| at <= now) {
        // Not by a timer: while there is nothing to do here, others may take it over.
        state.worker.adopts_at = Some(now + BETWEEN_ADOPTIONS);
        return Task::Adopt;
    }
    match state.machine.gate(now) {
        Gate::Open => {}
        gate => {
            let retry_at = if let Gate::Until(retry_at) = gate { Some(retry_at) } else { None };
            if let Some(task) = finish_for_the_disk(shared, &mut state, now, limited) {
                return task;
            }
            // Nothing is finished meanwhile: it waits as it is, and within its bounds.
            state.worker.wants = if goes_to_disk(shared, &state, now) { Wants::Work } else { Wants::Room };
            return sleep(&mut state, [retry_at, batch_due]);
        }
    }
    let is_full = !state.has_next_kept() && !state.machine.has_room();
    if is_full && state.machine.phase() != Phase::Open {
        if let Some(task) = finish_for_the_disk(shared, &mut state, now, limited) {
            return task;
        }
    }
    let mut sender_due = None;
    match state.machine.sender_due(shared.jobs.1.len(), is_full, now) {
        Due::Now => {
            state.machine.crew().started();
            return Task::AddSender;
        }
        Due::At(due) => sender_due = Some(due),
        Due::Not => {}
    }
    if is_full {
        state.worker.wants = Wants::Room;
        return sleep(&mut state, [sender_due, batch_due]);
    }
    let has_report = shared.recorder.has_report();
    let due = state.machine.report_due(has_report, now);
    let is_waited_for = has_report && state.machine.may_report(now) && (state.wants_report() || says_goodbye(&state));
    let reports = due == Due::Now || is_waited_for;
    let has_stored = shared.spool.as_ref().is_some_and(Spool::has_waiting) && state.machine.phase() == Phase::Open;
    let has_unsent = !state.kept.is_empty() || !state.queue.is_empty() || !shared.jobs.1.is_empty();
    if state.machine.crew().count() == 0 && (reports || has_stored || has_unsent) {
        // Nothing is finished without someone to send it, who also watches over this thread meanwhile.
        match state.machine.crew().due(0, now) {
            Due::Now => {
                state.machine.crew().started();
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
    // What is new and what waits on disk take turns.
    let mut stored_due = None;
    if has_stored {
        match state.machine.stored_due(now) {
            Due::Now if state.queue.is_empty() || !state.worker.took_stored => {
                state.worker.took_stored = true;
                state.worker.patience_ends = Some(now + PATIENCE_WITH_SYMBOLS);
                return Task::TakeUp;
            }
            Due::Now => {}
            Due::At(at) => stored_due = Some(at),
            Due::Not => {}
        }
    }
    state.worker.took_stored = false;
    if let Some(task) = next_finish(&mut state, now, limited) {
        return task;
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
    sleep(&mut state, [if let Due::At(due) = due { Some(due) } else { None }, batch_due, stored_due, sender_due])
}

/// Takes out what is to be finished next. What must not be sent now is put aside.
fn next_finish(state: &mut State, now: Instant, limited: &mut Vec<Entry>) -> Option<Task> {
    while let Some(entry) = pop(state) {
        if is_limited(state, &entry, now) {
            limited.push(entry);
            if limited.len() >= AT_ONCE {
                return Some(Task::LookAgain);
            }
            continue;
        }
        if !matches!(entry.content, Content::Encoded(_)) {
            state.worker.patience_ends = Some(now + PATIENCE_WITH_SYMBOLS);
        }
        return Some(Task::Finish(entry));
    }
    None
}

/// Takes out what is to be finished although it cannot be sent: it is left to the disk.
fn finish_for_the_disk(
    shared: &Arc<Shared>,
    state: &mut State,
    now: Instant,
    limited: &mut Vec<Entry>,
) -> Option<Task> {
    if !goes_to_disk(shared, state, now) {
        return None;
    }
    let task = next_finish(state, now, limited);
    task.or_else(|| (!limited.is_empty()).then_some(Task::LookAgain))
}

/// Whether what is finished now is left to the disk.
fn goes_to_disk(shared: &Shared, state: &State, now: Instant) -> bool {
    let is_waiting = state.machine.is_down() || state.machine.phase() != Phase::Open;
    is_waiting && shared.spool.as_ref().is_some_and(|spool| spool.is_usable(now))
}

/// Finishes an envelope and launches it. `false` when another worker took over meanwhile.
fn finish(shared: &Shared, entry: Entry, epoch: u64) -> bool {
    let Entry { content, class, generation } = entry;
    let (pending, encoded, record) = match content {
        Content::Encoded(envelope) => (None, Some(envelope), None),
        Content::Pending(pending) => (Some(pending), None, None),
        Content::Guarded(guarded) => match guarded.take() {
            Some((pending, record)) => (Some(pending), None, record),
            None => (None, None, None),
        },
    };
    let is_pending = pending.is_some();
    let envelope = match pending {
        None => encoded,
        Some(mut pending) => {
            let category = pending.category();
            let resolved = catch_unwind(AssertUnwindSafe(|| pending.resolve_stacks()));
            resolved.unwrap_or_else(forget_payload);
            shared.lock().expect_finish(epoch, now() + PATIENCE);
            let finished = catch_unwind(AssertUnwindSafe(|| pending.finish().map(|envelope| shared.encode(envelope))));
            finished.unwrap_or_else(|payload| {
                shared.recorder.record_loss(category, Reason::InternalSdkError, 1);
                forget_payload(payload);
                None
            })
        }
    };
    if let (Some(envelope), Some(spotlight)) = (&envelope, &shared.spotlight) {
        spotlight.show(envelope);
    }
    let cargo = Cargo { generation: Some(generation), ..Cargo::default() };
    let load = envelope.map(|envelope| store(shared, class, envelope, record, cargo));
    if let (None, Some(record), Some(spool)) = (&load, record, &shared.spool) {
        // It was dropped, which is counted.
        spool.remove(record);
    }
    let mut state = shared.lock();
    let is_the_one = if is_pending { state.is_back(epoch) } else { state.worker.epoch == epoch };
    let removed = match load {
        Some(load) => depart(shared, &mut state, load),
        None => {
            state.machine.settle(generation);
            shared.settled(&mut state);
            None
        }
    };
    drop(state);
    remove(shared, removed);
    is_the_one
}

/// An envelope that is ready to leave.
struct Load {
    envelope: EncodedEnvelope,
    /// Without losses and lanes: what is limited is not known yet.
    cargo: Cargo,
    is_report: bool,
}

/// Writes a finished envelope to disk, in the place of its record: errors always, the rest when it cannot be sent now.
fn store(shared: &Shared, class: Class, envelope: EncodedEnvelope, record: Option<FileName>, cargo: Cargo) -> Load {
    let file = shared.spool.as_ref().and_then(|spool| {
        if let Some(record) = record.filter(|record| !record.is_raw) {
            // It was finished when it came.
            return Some(record);
        }
        let now = now();
        let is_wanted = !envelope.is_empty() && (class != Class::Bulk || goes_to_disk(shared, &shared.lock(), now));
        let mut bytes = Vec::new();
        let written = is_wanted && envelope.write_stored(&mut bytes).is_ok();
        let file = written.then(|| spool.keep(class, envelope.event_id(), false, &bytes, now, clock::wall())).flatten();
        match (file, record) {
            (Some(file), Some(record)) => {
                spool.remove(record);
                Some(file)
            }
            // Better the record than nothing: it is removed with the envelope.
            (file, record) => file.or(record),
        }
    });
    Load { envelope, cargo: Cargo { file, ..cargo }, is_report: false }
}

fn adopt(shared: &Shared) {
    if let Some(spool) = &shared.spool {
        spool.adopt(now());
    }
}

/// Sends the first of what waits on disk. `false` when another worker took over meanwhile.
fn take_up(shared: &Arc<Shared>, epoch: u64) -> bool {
    let Some(spool) = &shared.spool else { return true };
    let taken = spool.take_up(clock::wall());
    let is_last = !spool.has_waiting();
    let load = match taken {
        Some((file, Some((Loaded::Finished(envelope), successes)))) => {
            let history = Some((u32::from(file.tries), successes));
            Some(Load { envelope, cargo: Cargo { file: Some(file), history, ..Cargo::default() }, is_report: false })
        }
        Some((file, Some((Loaded::Raw(bytes), _)))) => recover(shared, spool, file, bytes),
        _ => None,
    };
    let mut state = shared.lock();
    let is_the_one = state.is_back(epoch);
    if load.is_some() {
        state.machine.took_stored(is_last, now());
    }
    let removed = load.and_then(|mut load| {
        // Who begins to wait from now on waits for it, too.
        load.cargo.generation = state.machine.accept();
        depart(shared, &mut state, load)
    });
    drop(state);
    remove(shared, removed);
    is_the_one
}

/// Finishes what was recorded and not finished: by a process that died, or when there was no room for it in memory. That
/// is begun three times at most, should it be what ends processes.
fn recover(shared: &Shared, spool: &Spool, file: FileName, bytes: Vec<u8>) -> Option<Load> {
    let file = spool.try_again(file, MAX_RECOVERIES)?;
    let finished = Envelope::from_slice(&bytes).ok().and_then(|record| {
        let category = record.losses().next().map_or(Category::Error, |loss| loss.category);
        let recovered = catch_unwind(AssertUnwindSafe(|| shared.recovery.finish(record)));
        recovered.unwrap_or_else(|payload| {
            shared.recorder.record_loss(category, Reason::InternalSdkError, 1);
            forget_payload(payload);
            None
        })
    });
    match finished.map(|envelope| shared.encode(envelope)) {
        Some(envelope) => Some(store(shared, file.class, envelope, Some(file), Cargo::default())),
        None => {
            spool.remove(file);
            None
        }
    }
}

/// Removes the file of an envelope that did not leave.
fn remove(shared: &Shared, file: Option<FileName>) {
    if let Some((file, spool)) = file.zip(shared.spool.as_ref()) {
        spool.remove(file);
    }
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
    let load = Load { envelope, cargo: Cargo::default(), is_report: true };
    let _ = depart(shared, &mut state, load);
}

/// Takes from an envelope what is limited now, gives it the report of losses to take along, and hands it to the senders; or
/// leaves it to the disk, while nothing can be sent. Returns the file of an envelope of which nothing is left.
fn depart(shared: &Shared, state: &mut State, load: Load) -> Option<FileName> {
    let Load { mut envelope, mut cargo, is_report } = load;
    if state.machine.phase() == Phase::Closed {
        if !park(shared, &envelope, &cargo) {
            shared.recorder.record_losses(envelope.losses(), Reason::NetworkError);
        }
        settle(shared, state, cargo.generation);
        return None;
    }
    let now = now();
    let mut limited = envelope.retain(|item| !state.machine.is_limited(item.category(), now));
    if limited.iter().any(|item| matches!(item.ty(), "event" | "transaction" | "feedback")) {
        // They mean nothing without it.
        limited.extend(envelope.retain(|item| item.category() != Category::Attachment));
    }
    for item in &limited {
        shared.recorder.record_losses(item.losses().iter().copied(), Reason::RatelimitBackoff);
    }
    if envelope.is_empty() {
        settle(shared, state, cargo.generation);
        return cargo.file;
    }
    let is_probe = state.machine.gate(now) == Gate::Open && state.machine.has_room();
    let is_behind = shared.spool.as_ref().is_some_and(|spool| spool.is_before(envelope.lanes()));
    if (!is_probe || (is_behind && cargo.history.is_none())) && park(shared, &envelope, &cargo) {
        settle(shared, state, cargo.generation);
        return None;
    }
    let takes_report = !is_report && state.machine.may_report(now);
    if let Some(report) = takes_report.then(|| shared.recorder.take_report()).flatten() {
        EncodedItem::client_reports(&report).into_iter().for_each(|item| envelope.push(item));
        state.machine.reported();
    }
    cargo.losses = envelope.losses().collect();
    cargo.lanes = envelope.lanes().collect();
    let file = cargo.file;
    let (id, goes) = state.machine.launch(cargo);
    if is_report {
        state.report_leaves(id);
    }
    let job = Job { id, envelope, file };
    if !goes {
        state.kept.push_back(job);
    } else if let Err(refused) = shared.jobs.0.try_send(job) {
        // There is room for all that can be ahead of the wire; if there is not, it is not silent.
        sender::account(shared, state, refused.into_inner().id, Reason::InternalSdkError);
    }
    None
}

/// Leaves an envelope to the disk, if it is there.
fn park(shared: &Shared, envelope: &EncodedEnvelope, cargo: &Cargo) -> bool {
    cargo.file.zip(shared.spool.as_ref()).is_some_and(|(file, spool)| {
        let successes = cargo.history.map_or(0, |(_, successes)| successes);
        spool.park(file, envelope.losses().collect(), envelope.lanes().collect(), successes)
    })
}

fn settle(shared: &Shared, state: &mut State, generation: Option<Generation>) {
    if let Some(generation) = generation {
        state.machine.settle(generation);
    }
    shared.settled(state);
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
        Content::Guarded(_) | Content::Encoded(_) => true,
    })
}

/// Starts a sender that the machine has counted in. Where there is no thread to be had, events wait in the queue until
/// it is tried again.
fn add_sender(shared: &Arc<Shared>) {
    if let Err(error) = sender::spawn(shared) {
        shared.diagnostics.fault("sender thread", format_args!("cannot start a thread to send with: {error}"));
        shared.lock().machine.crew().failed(now());
    }
}

fn is_limited(state: &State, entry: &Entry, now: Instant) -> bool {
    match &entry.content {
        Content::Pending(pending) if !pending.is_finished() => state.machine.is_limited(pending.category(), now),
        Content::Guarded(guarded) if !guarded.is_finished => state.machine.is_limited(guarded.category, now),
        // Its items are looked at one by one.
        Content::Pending(_) | Content::Guarded(_) | Content::Encoded(_) => false,
    }
}

/// Whether all is done but for the last report.
fn says_goodbye(state: &State) -> bool {
    let is_closing = state.machine.phase() != Phase::Open;
    is_closing && !state.worker.has_said_goodbye && state.machine.is_idle()
}

/// Sleeps until something is `due` at the latest, or to the end of a transport that closes.
fn sleep(state: &mut State, due: impl IntoIterator<Item = Option<Instant>>) -> Task {
    let until = due.into_iter().chain([state.gives_up_at()]).flatten().min();
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
const BETWEEN_ADOPTIONS: Duration = Duration::from_secs(10 * 60);
/// How often finishing what another process left is begun.
const MAX_RECOVERIES: u8 = 3;
/// How many limited envelopes are dropped before callers get the lock again.
const AT_ONCE: usize = 64;
