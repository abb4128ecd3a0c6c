//! The model of the world, by `shuttle`: at each lock and channel another thread may go on, and time passes when all of
//! them wait.
//!
//! So a wake-up that gets lost shows: either nobody ever goes on, which shuttle reports as a deadlock, or somebody does
//! only because time passed, which [`elapsed`] tells. In a [`Pace::Hasty`] world timers also go off early, as they do for
//! threads that were not given a processor for that long.

#![allow(clippy::expect_used, reason = "tests, which clippy does not know for such behind two conditions")]

use std::collections::VecDeque;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};
use shuttle::rand::Rng;
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::sync::{self, Condvar};
pub(crate) use shuttle::thread_local;
use shuttle::{Config, Runner};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Whatever can happen happens before time passes.
    Patient,
    /// Now and then a timer goes off early.
    Hasty,
}

/// Runs the scenario under many schedules at both paces. At its end all threads must end by themselves.
pub(crate) fn explore(scenario: impl Fn(Pace) + Send + Sync + 'static) {
    let scenario = Arc::new(scenario);
    for pace in [Pace::Patient, Pace::Hasty] {
        for systematic in [false, true] {
            let scenario = Arc::clone(&scenario);
            let run = move || {
                WORLD.is_hasty.store(pace == Pace::Hasty, Ordering::Relaxed);
                scenario(pace);
                wait_for_others();
            };
            let mut config = Config::new();
            config.stack_size = 1 << 20;
            config.silence_warnings = true;
            match systematic {
                false => Runner::new(RandomScheduler::new(schedules()), config).run(run),
                true => Runner::new(PctScheduler::new(PREEMPTIONS, schedules()), config).run(run),
            };
        }
    }
}

/// How much time passed since the beginning.
pub(crate) fn elapsed() -> Duration {
    now() - WORLD.start
}

/// Waits until this thread is the last.
pub(crate) fn wait_for_others() {
    let _ = wait(None, || (WORLD.threads.load(Ordering::Relaxed) == 1).then_some(()));
}

/// What it takes a while to do.
pub(crate) fn sleep(duration: Duration) {
    let until = now() + duration;
    let _ = wait(Some(until), || None::<()>);
}

pub(crate) fn now() -> Instant {
    WORLD.start + Duration::from_micros(WORLD.micros.load(Ordering::Relaxed) as u64)
}

pub(crate) fn dice() -> f64 {
    shuttle::rand::thread_rng().gen_range(0.0..1.0)
}

pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    WORLD.threads.fetch_add(1, Ordering::Relaxed);
    let run = move || {
        run();
        change(|| WORLD.threads.fetch_sub(1, Ordering::Relaxed));
    };
    shuttle::thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

pub(crate) fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let queue = std::sync::Mutex::new(VecDeque::new());
    let channel = Arc::new(Channel { queue, capacity, senders: AtomicUsize::new(1) });
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

pub(crate) fn recv_until_over<T>(jobs: &Receiver<T>, over: &Receiver<()>, timeout: Duration) -> Option<T> {
    let next = || match jobs.0.take() {
        Ok(job) => Some(Some(job)),
        Err(TryRecvError::Disconnected) => Some(None),
        Err(TryRecvError::Empty) => (over.0.senders.load(Ordering::Relaxed) == 0).then_some(None),
    };
    wait(Some(now() + timeout), next).flatten()
}

/// Unlike shuttle's, one that is waited for like everything else: time passes for whoever holds it.
#[derive(Default)]
pub(crate) struct Mutex<T> {
    is_locked: AtomicBool,
    value: std::sync::Mutex<T>,
}

pub(crate) struct MutexGuard<'a, T> {
    /// Always there, but for the end.
    value: Option<std::sync::MutexGuard<'a, T>>,
    is_locked: &'a AtomicBool,
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { is_locked: AtomicBool::new(false), value: std::sync::Mutex::new(value) }
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let _ = wait(None, || (!self.is_locked.swap(true, Ordering::Relaxed)).then_some(()));
        Ok(self.guard())
    }

    pub(crate) fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        match change(|| self.is_locked.swap(true, Ordering::Relaxed)) {
            true => Err(TryLockError::WouldBlock),
            false => Ok(self.guard()),
        }
    }

    fn guard(&self) -> MutexGuard<'_, T> {
        let value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        MutexGuard { value: Some(value), is_locked: &self.is_locked }
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("not dropped yet")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("not dropped yet")
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.value = None;
        change(|| self.is_locked.store(false, Ordering::Relaxed));
    }
}

pub(crate) struct Bell(Sender<()>, Receiver<()>);

impl Default for Bell {
    fn default() -> Self {
        let (sender, receiver) = bounded(1);
        Self(sender, receiver)
    }
}

impl Bell {
    pub(crate) fn ring(&self) {
        let _ = self.0.try_send(());
    }

    pub(crate) fn wait(&self, until: Option<Instant>) {
        let _ = self.1.recv_by(until);
    }
}

pub(crate) struct Sender<T>(Arc<Channel<T>>);

pub(crate) struct Receiver<T>(Arc<Channel<T>>);

struct Channel<T> {
    /// Never locked across a step of the model.
    queue: std::sync::Mutex<VecDeque<T>>,
    capacity: usize,
    senders: AtomicUsize,
}

impl<T> Sender<T> {
    pub(crate) fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        change(|| self.0.put(item)).map_err(TrySendError::Full)
    }

    pub(crate) fn send(&self, item: T) -> Result<(), SendError<T>> {
        let mut item = Some(item);
        let _ = wait(None, || {
            item = item.take().and_then(|item| self.0.put(item).err());
            item.is_none().then_some(())
        });
        change(|| Ok(()))
    }

    pub(crate) fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.senders.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.0.senders.fetch_sub(1, Ordering::Relaxed) == 1 {
            change(|| ());
        }
    }
}

impl<T> Receiver<T> {
    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        change(|| self.0.take())
    }

    pub(crate) fn recv(&self) -> Result<T, RecvError> {
        self.recv_by(None).map_err(|_| RecvError)
    }

    pub(crate) fn recv_deadline(&self, until: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_by(Some(until))
    }

    pub(crate) fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_by(Some(now() + timeout))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.queue().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn recv_by(&self, until: Option<Instant>) -> Result<T, RecvTimeoutError> {
        let next = || match self.0.take() {
            Ok(item) => Some(Ok(item)),
            Err(TryRecvError::Disconnected) => Some(Err(RecvTimeoutError::Disconnected)),
            Err(TryRecvError::Empty) => None,
        };
        wait(until, next).unwrap_or(Err(RecvTimeoutError::Timeout))
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Channel<T> {
    fn put(&self, item: T) -> Result<(), T> {
        let mut queue = self.queue();
        if queue.len() >= self.capacity {
            return Err(item);
        }
        queue.push_back(item);
        Ok(())
    }

    fn take(&self) -> Result<T, TryRecvError> {
        let is_over = self.senders.load(Ordering::Relaxed) == 0;
        self.queue().pop_front().ok_or(if is_over { TryRecvError::Disconnected } else { TryRecvError::Empty })
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

shuttle::lazy_static! {
    /// That of one execution.
    static ref WORLD: World = World {
        start: sentry_core::clock::now(),
        micros: AtomicUsize::new(0),
        threads: AtomicUsize::new(1),
        is_hasty: AtomicBool::new(false),
        waiting: sync::Mutex::new(Vec::new()),
        changed: Condvar::new(),
    };
}

struct World {
    start: Instant,
    micros: AtomicUsize,
    /// How many have not ended.
    threads: AtomicUsize,
    is_hasty: AtomicBool,
    /// Until when each thread waits for a change.
    waiting: sync::Mutex<Vec<Option<Instant>>>,
    changed: Condvar,
}

/// Changes something that others may wait for.
fn change<R>(what: impl FnOnce() -> R) -> R {
    let mut waiting = WORLD.waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let result = what();
    waiting.clear();
    WORLD.changed.notify_all();
    result
}

/// Waits until something is there, or until the time has come.
fn wait<R>(until: Option<Instant>, mut what: impl FnMut() -> Option<R>) -> Option<R> {
    let mut waiting = WORLD.waiting.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(result) = what() {
            return Some(result);
        }
        let until = match until {
            Some(until) if until <= now() => return None,
            until => until,
        };
        let goes_off = WORLD.is_hasty.load(Ordering::Relaxed) && shuttle::rand::thread_rng().gen_ratio(1, EARLY);
        waiting.push(until);
        let next = if waiting.len() == WORLD.threads.load(Ordering::Relaxed) {
            // Nobody else will do anything.
            waiting.iter().flatten().min().copied()
        } else {
            until.filter(|_| goes_off)
        };
        match next {
            Some(next) => {
                let passed = next.saturating_duration_since(WORLD.start).as_nanos().div_ceil(1_000);
                WORLD.micros.fetch_max(usize::try_from(passed).unwrap_or(usize::MAX), Ordering::Relaxed);
                waiting.clear();
                WORLD.changed.notify_all();
            }
            None => waiting = WORLD.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// How many schedules of each kind. `SENTRY_TEST_SCHEDULES=10000` is the long run.
#[expect(clippy::disallowed_methods, reason = "a test asks how long it may take")]
fn schedules() -> usize {
    std::env::var("SENTRY_TEST_SCHEDULES").map_or(200, |count| count.parse().expect("a number"))
}

const PREEMPTIONS: usize = 3;
/// One in so many timers goes off early, each time something happens.
const EARLY: u32 = 8;
