//! What the threads of a delivery meet at: locks, bells, channels, other threads, the time and chance.
//!
//! There are two of it. Programs live in the real one. With `--cfg shuttle`, the tests in `schedules.rs` live in a model in
//! which they try many orders of everything that happens, and time is what they make it.

#[cfg(all(test, shuttle))]
pub(crate) mod model;
#[cfg(not(all(test, shuttle)))]
mod real;

#[cfg(all(test, shuttle))]
pub(crate) use model::{
    Bell, Mutex, MutexGuard, Receiver, Sender, bounded, dice, now, recv_until_over, spawn, thread_local,
};
#[cfg(not(all(test, shuttle)))]
pub(crate) use real::{
    Bell, Mutex, MutexGuard, Receiver, Sender, bounded, dice, now, recv_until_over, spawn, thread_local,
};
