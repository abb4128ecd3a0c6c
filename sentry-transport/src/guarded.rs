//! What is queued and goes to disk meanwhile: an error that waits to be finished, and its record.
//!
//! The worker takes it out to finish it; before that, whoever comes to it first writes the record. They share a lock of
//! its own, so that nobody waits for a disk under the lock of all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use sentry_core::protocol::client_report::{Category, Reason};
use sentry_core::sdk_info;
use sentry_core::wire::EncodedEnvelope;
use sentry_core::{Class, PendingEnvelope, clock};

use crate::spool::{FileName, Spool};
use crate::world::{Mutex, MutexGuard};

pub(crate) struct Guarded {
    pub(crate) class: Class,
    pub(crate) category: Category,
    /// Finishing it is no work any more.
    pub(crate) is_finished: bool,
    since: Instant,
    /// Its record is on disk, or cannot be.
    is_looked_after: AtomicBool,
    /// The end came while its record was being written.
    is_abandoned: AtomicBool,
    content: Mutex<Content>,
}

struct Content {
    pending: Option<PendingEnvelope>,
    file: Option<FileName>,
}

impl Guarded {
    pub(crate) fn new(pending: PendingEnvelope, now: Instant) -> Arc<Self> {
        Arc::new(Self {
            class: pending.class(),
            category: pending.category(),
            is_finished: pending.is_finished(),
            since: now,
            is_looked_after: AtomicBool::new(false),
            is_abandoned: AtomicBool::new(false),
            content: Mutex::new(Content { pending: Some(pending), file: None }),
        })
    }

    /// When its record is to be written, unless it was finished by then.
    pub(crate) fn due(&self) -> Instant {
        self.since + RECORD_AFTER
    }

    /// Nobody has to write its record any more.
    pub(crate) fn is_looked_after(&self) -> bool {
        self.is_looked_after.load(Ordering::Acquire)
    }

    /// Writes its record, if it still needs one.
    pub(crate) fn record(&self, spool: &Spool) {
        let mut content = self.content();
        if content.file.is_none() {
            let file = content.pending.as_ref().and_then(|pending| {
                let file = record(pending, self.class, spool)?;
                pending.set_recorded();
                Some(file)
            });
            content.file = file;
        }
        self.is_looked_after.store(true, Ordering::Release);
        drop(content);
        // Whoever gave it up meanwhile did not wait for the lock.
        if self.is_abandoned.load(Ordering::Acquire) {
            self.abandon(spool);
        }
    }

    /// Takes it out, to be finished; with the file of its record.
    pub(crate) fn take(&self) -> Option<(PendingEnvelope, Option<FileName>)> {
        self.is_looked_after.store(true, Ordering::Release);
        let mut content = self.content();
        Some((content.pending.take()?, content.file.take()))
    }

    /// Gives it up at the end: it is left to the disk, if its record is there. It waits for nothing: whoever writes the
    /// record just then does the rest.
    pub(crate) fn abandon(&self, spool: &Spool) {
        self.is_abandoned.store(true, Ordering::Release);
        let mut content = match self.content.try_lock() {
            Ok(content) => content,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let Some(pending) = content.pending.take() else { return };
        let file = content.file.take();
        drop(content);
        match file {
            Some(file) if spool.park(file, pending.losses(), Vec::new(), 0) => pending.leave(),
            _ => pending.discard(Reason::NetworkError),
        }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what is known of an envelope before it is finished.
fn record(pending: &PendingEnvelope, class: Class, spool: &Spool) -> Option<FileName> {
    let record = pending.record()?;
    let event_id = pending.event_id();
    let mut bytes = Vec::new();
    if record.is_finished {
        EncodedEnvelope::encode(record.envelope, &sdk_info()).envelope.write_stored(&mut bytes).ok()?;
    } else {
        // As the types of this version write it, not as servers want it: hooks are to see the same event.
        record.envelope.to_writer(&mut bytes).ok()?;
    }
    spool.keep(class, event_id, !record.is_finished, &bytes, clock::now(), clock::wall())
}

/// Most are finished sooner, and need no record.
const RECORD_AFTER: Duration = Duration::from_millis(20);
