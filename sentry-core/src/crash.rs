//! How an event leaves a panicking thread: without running a hook, a lookup of symbols or a request on it.
//!
//! A hook might want a lock that the panicking thread holds, or panic itself, which inside a panic hook ends the
//! process. A deferring transport just queues the event. Any other would finish it on the spot: it is held back
//! there, and finished on a short-lived thread that is waited for within a limit.

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::pending::PendingEnvelope;
use crate::transport::Transport;

enum Hold {
    No,
    Armed,
    Held(PendingEnvelope),
}

thread_local! {
    static HOLD: RefCell<Hold> = const { RefCell::new(Hold::No) };
}

thread_local! {
    static UNDER_WAY: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as panicking until the guard is dropped: whatever leaves with the event, such as a session or a batch
/// that is full, is no more sent on the spot than the event is.
pub(crate) fn enter() -> UnderWay {
    UnderWay { before: UNDER_WAY.replace(true) }
}

pub(crate) fn is_under_way() -> bool {
    UNDER_WAY.get()
}

#[must_use]
pub(crate) struct UnderWay {
    before: bool,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.set(self.before);
    }
}

/// Sends `pending` from a panicking thread.
pub(crate) fn send(transport: Arc<dyn Transport>, pending: PendingEnvelope, limit: Duration) {
    if HOLD.try_with(|hold| hold.replace(Hold::Armed)).is_err() {
        // The thread is being torn down and cannot hold anything back: another one sends it.
        return finish_elsewhere(transport, pending, limit);
    }
    transport.send_deferred(pending);
    if let Ok(Hold::Held(pending)) = HOLD.try_with(|hold| hold.replace(Hold::No)) {
        finish_elsewhere(transport, pending, limit);
    }
}

/// Called by the default `send_deferred`: keeps `pending` for [`send`] if this thread is in it.
pub(crate) fn hold_back(pending: PendingEnvelope) -> Option<PendingEnvelope> {
    let mut pending = Some(pending);
    let _ = HOLD.try_with(|hold| {
        let mut hold = hold.borrow_mut();
        if matches!(*hold, Hold::Armed) {
            if let Some(held) = pending.take() {
                *hold = Hold::Held(held);
            }
        }
    });
    pending
}

fn finish_elsewhere(transport: Arc<dyn Transport>, pending: PendingEnvelope, limit: Duration) {
    // Where no thread is to be had, `pending` is dropped with the closure and counts itself.
    let _ = elsewhere(limit, move || transport.send_deferred(pending));
}

/// Runs `run` on a short-lived thread and waits for it, at most `limit`: `None` when it takes longer, or panics.
pub(crate) fn elsewhere<R: Send + 'static>(
    limit: Duration,
    run: impl FnOnce() -> R + Send + 'static,
) -> io::Result<Option<R>> {
    let (done, result) = mpsc::sync_channel(1);
    thread::Builder::new().name("sentry-crash".to_owned()).spawn(move || _ = done.send(run()))?;
    Ok(result.recv_timeout(limit).ok())
}
