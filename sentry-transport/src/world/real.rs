//! The real world: locks and threads of std, channels of crossbeam, the clock of core.

use std::io;
pub(crate) use std::sync::{Mutex, MutexGuard};
use std::thread;
pub(crate) use std::thread_local;
use std::time::Duration;

use crossbeam_channel::select_biased;
pub(crate) use crossbeam_channel::{Receiver, Sender, bounded};
pub(crate) use sentry_core::clock::now;

/// Starts a named thread of ours.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
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
