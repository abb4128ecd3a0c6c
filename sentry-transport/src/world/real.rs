//! The real world: locks and threads of std, channels of crossbeam, the clock of core.

use std::io;
use std::sync::{Condvar, PoisonError};
pub(crate) use std::sync::{Mutex, MutexGuard};
use std::thread;
pub(crate) use std::thread_local;
use std::time::{Duration, Instant};

use crossbeam_channel::select_biased;
pub(crate) use crossbeam_channel::{Receiver, Sender, bounded};
pub(crate) use sentry_core::clock::now;

/// Starts a named thread of ours.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

/// Wakes a thread, or keeps it from falling asleep once. Unlike a channel, it costs who waits no time of the processor.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    has_rung: Mutex<bool>,
    rings: Condvar,
}

impl Bell {
    pub(crate) fn ring(&self) {
        let rang_before = std::mem::replace(&mut *self.lock(), true);
        if !rang_before {
            self.rings.notify_one();
        }
    }

    /// Sleeps until it rings, or `until`.
    pub(crate) fn wait(&self, until: Option<Instant>) {
        let mut has_rung = self.lock();
        while !*has_rung {
            has_rung = match until.map(|until| until.saturating_duration_since(now())) {
                Some(Duration::ZERO) => return,
                Some(rest) => self.rings.wait_timeout(has_rung, rest).unwrap_or_else(PoisonError::into_inner).0,
                None => self.rings.wait(has_rung).unwrap_or_else(PoisonError::into_inner),
            };
        }
        *has_rung = false;
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.has_rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes what comes within the `timeout`; nothing comes once `over` is disconnected.
pub(crate) fn recv_until_over<T>(jobs: &Receiver<T>, over: &Receiver<()>, timeout: Duration) -> Option<T> {
    select_biased! {
        recv(jobs) -> job => job.ok(),
        recv(over) -> _ => None,
        default(timeout) => None,
    }
}

/// From 0 to 1, another each time.
pub(crate) fn dice() -> f64 {
    let (high, _) = sentry_core::types::random_uuid().as_u64_pair();
    f64::from((high >> 32) as u32) / f64::from(u32::MAX)
}
