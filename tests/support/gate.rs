//! Gates and deadlines: how tests put threads into an order without sleeping.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A place where other threads stop until the test lets them go on. Clones are the same gate.
///
/// ```ignore
/// let gate = Gate::new();
/// let inside = gate.clone();
/// let receiver = Receiver::with(move |_, _| { inside.pass(); Reply::status(200) });
/// gate.wait_started(1); // somebody is inside
/// gate.release();
/// ```
#[derive(Clone, Default)]
pub struct Gate {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    started: usize,
    released: bool,
}

impl Gate {
    pub fn new() -> Gate {
        Gate::default()
    }

    /// Says that this thread is here, and waits for [`Gate::release`]. Panics after a minute.
    #[track_caller]
    pub fn pass(&self) {
        let mut state = self.lock();
        state.started += 1;
        self.inner.changed.notify_all();
        self.wait(state, "a release", |state| state.released);
    }

    /// Says that this thread is here, without stopping.
    pub fn mark(&self) {
        self.lock().started += 1;
        self.inner.changed.notify_all();
    }

    /// Waits until `count` threads have come to [`Gate::pass`] or [`Gate::mark`]. Panics after a minute.
    #[track_caller]
    pub fn wait_started(&self, count: usize) {
        self.wait(self.lock(), "arrivals", |state| state.started >= count);
    }

    /// How many have come so far.
    pub fn started(&self) -> usize {
        self.lock().started
    }

    /// Lets everybody through, now and from now on.
    pub fn release(&self) {
        self.lock().released = true;
        self.inner.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[track_caller]
    fn wait(&self, state: MutexGuard<'_, State>, what: &str, done: impl Fn(&State) -> bool) {
        let (state, _) = self
            .inner
            .changed
            .wait_timeout_while(state, LIMIT, |state| !done(state))
            .unwrap_or_else(PoisonError::into_inner);
        let (ok, started) = (done(&state), state.started);
        drop(state);
        assert!(ok, "gate: waited {LIMIT:?} for {what}, {started} came");
    }
}

/// A point in time until which a test is willing to wait.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(limit: Duration) -> Deadline {
        Deadline(Instant::now() + limit)
    }

    /// What is left, zero when passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub fn has_passed(self) -> bool {
        self.remaining().is_zero()
    }
}

/// Waits for what has no gate (a thread count, a file) by asking again and again. Panics at the limit.
#[track_caller]
pub fn wait_until(mut condition: impl FnMut() -> bool, limit: Duration) {
    let deadline = Deadline::after(limit);
    while !condition() {
        assert!(!deadline.has_passed(), "waited {limit:?} for a condition");
        thread::park_timeout(Duration::from_millis(1));
    }
}

const LIMIT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_gate_holds_until_released() {
        let gate = Gate::new();
        let through = Arc::new(AtomicBool::new(false));
        let (inside, done) = (gate.clone(), Arc::clone(&through));
        let thread = thread::spawn(move || {
            inside.pass();
            done.store(true, Ordering::SeqCst);
        });
        gate.wait_started(1);
        assert!(!through.load(Ordering::SeqCst));
        gate.release();
        thread.join().unwrap();
        assert!(through.load(Ordering::SeqCst));
        gate.pass();
        gate.mark();
        assert_eq!(gate.started(), 3);
    }

    #[test]
    fn waiting_ends_with_the_condition_or_the_limit() {
        let mut asked = 0;
        wait_until(
            || {
                asked += 1;
                asked == 3
            },
            LIMIT,
        );
        assert_eq!(asked, 3);
        let late = std::panic::catch_unwind(|| wait_until(|| false, Duration::from_millis(5)));
        assert!(late.is_err());
        assert!(Deadline::after(Duration::ZERO).has_passed());
        assert!(Deadline::after(LIMIT).remaining() > LIMIT / 2);
    }
}
