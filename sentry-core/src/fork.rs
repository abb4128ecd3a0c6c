//! What a process that was forked without `exec` starts anew with (reliability §3.7).
//!
//! It has one thread, and memory as it was just then: locks that other threads held stay locked for ever, and what was
//! queued is the parent's to send. So what has locks, queues or threads is left as it is, and replaced on its first use.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

static GENERATION: AtomicU32 = AtomicU32::new(0);

/// How many forks lie between the first process and this one. One load.
#[inline]
#[must_use]
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// To be called in the child, before anything else happens there. It only changes atomics: more is not allowed there.
pub fn forked() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    crate::weight::forget();
    crate::hub::forget_look_ups();
}

/// A value of which each process has its own.
#[derive(Debug)]
pub struct PerProcess<T> {
    generation: u32,
    value: T,
    /// That of a process that was forked.
    next: OnceLock<Box<PerProcess<T>>>,
}

/// Something that a forked process has anew.
pub trait Heir {
    /// The value for the child. It must not wait for a lock of `self`.
    #[must_use]
    fn heir(&self) -> Self;
}

/// What is made on its first use: another thread may be at it when the process is forked, and never come to an end in the child.
impl<T> Heir for OnceLock<T> {
    fn heir(&self) -> Self {
        Self::new()
    }
}

impl<T> PerProcess<T> {
    /// With the value of the first process.
    pub const fn new(value: T) -> Self {
        Self { generation: 0, value, next: OnceLock::new() }
    }

    /// With the value of this process, whatever it is.
    pub fn of_now(value: T) -> Self {
        Self { generation: generation(), value, next: OnceLock::new() }
    }
}

impl<T: Heir> PerProcess<T> {
    /// The value of this process. One load, but for the first time after a fork.
    #[inline]
    pub fn get(&self) -> &T {
        if self.generation == generation() { &self.value } else { self.inherited() }
    }

    #[cold]
    fn inherited(&self) -> &T {
        let next = self.next.get_or_init(|| Box::new(Self::of_now(self.value.heir())));
        next.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counted(u32);

    impl Heir for Counted {
        fn heir(&self) -> Self {
            Self(self.0 + 1)
        }
    }

    #[test]
    fn what_is_made_once_is_made_again_in_a_child() {
        let made = OnceLock::from(1);
        assert_eq!(*made.heir().get_or_init(|| 2), 2);
    }

    #[test]
    fn each_process_has_its_own() {
        // Other tests of this process do not mind: nothing of theirs is kept by then.
        let value = PerProcess::of_now(Counted(0));
        assert_eq!(value.get().0, 0);
        let later = PerProcess { generation: generation().wrapping_sub(1), value: Counted(7), next: OnceLock::new() };
        assert_eq!((later.get().0, later.get().0), (8, 8));
    }
}
