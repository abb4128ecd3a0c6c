//! The queue and the shutdown under many schedules: what `flush` and `shutdown` promise, whoever is fast or slow.
//!
//! ```sh
//! RUSTFLAGS="--cfg shuttle" cargo test -p sentry-transport --lib schedules
//! ```
//!
//! In a patient world nothing takes time but what says so: what is done by then was not rescued by a timer.

#![allow(clippy::expect_used, reason = "tests, which clippy does not know for such behind two conditions")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sentry_core::client_report::Recorder;
use sentry_core::protocol::client_report::Category;
use sentry_core::protocol::{Envelope, Event, Level, MonitorCheckIn, MonitorCheckInStatus, Uuid};
use sentry_core::{
    BatchSource, Client, ClientOptions, Diagnostics, PendingEnvelope, Recovery, SpoolOptions, Transport,
    TransportFactory, TransportOptions,
};

use crate::delivery::{Delivery, Parts};
use crate::encode::Body;
use crate::reply::{Answer, Failure, FailureKind, Reply};
use crate::sender::Post;
use crate::spool::Spool;
use crate::spool::model::Model;
use crate::world::model::{Pace, elapsed, explore, sleep, wait_for_others};
use crate::world::{bounded, spawn};

#[test]
fn everything_accepted_before_a_flush_has_a_verdict_after_it() {
    explore(|pace| {
        let world = World::new(|_| answer());
        let pushers = world.push_from_threads(2, 2);
        let accepted = world.accepted();
        let is_settled = world.delivery.flush(LONG);
        assert!(!is_settled || world.delivered() >= accepted, "the books are not complete");
        if pace == Pace::Patient {
            assert!(is_settled);
            assert_eq!(elapsed(), Duration::ZERO, "a wake-up was lost");
        }
        pushers.wait();
        let is_settled = world.shut_down(LONG, pace, 4);
        assert!(!is_settled || world.lost() == 0);
    });
}

#[test]
fn what_is_pushed_during_a_shutdown_is_delivered_or_counted() {
    explore(|pace| {
        let world = World::new(|_| answer());
        let pushers = world.push_from_threads(2, 2);
        let accepted = world.accepted();
        let is_settled = world.delivery.shutdown(LONG);
        assert!(!is_settled || world.delivered() >= accepted, "the books are not complete");
        if pace == Pace::Patient {
            assert!(is_settled);
            assert_eq!(elapsed(), Duration::ZERO, "a wake-up was lost");
        }
        pushers.wait();
        world.shut_down(LONG, pace, 4);
        assert!(pace == Pace::Hasty || elapsed() == Duration::ZERO, "a thread stayed behind");
    });
}

#[test]
fn a_sender_that_goes_leaves_nothing_behind() {
    explore(|pace| {
        let world = World::new(|_| answer());
        world.push();
        let _ = world.delivery.flush(LONG);
        // Just when it looks whether it has been idle for long enough.
        sleep(crate::sender::IDLE);
        let before = elapsed();
        world.push();
        let is_settled = world.delivery.flush(LONG);
        if pace == Pace::Patient {
            assert!(is_settled);
            assert_eq!(elapsed(), before, "a wake-up was lost");
        }
        world.shut_down(LONG, pace, 2);
    });
}

#[test]
fn each_of_several_shutdowns_returns_with_complete_books() {
    explore(|pace| {
        let world = World::new(|_| answer());
        (0..3).for_each(|_| world.push());
        let (delivery, recorder) = (Arc::clone(&world.delivery), world.recorder.clone());
        let flushing = in_thread(move || delivery.flush(LONG));
        let delivery = Arc::clone(&world.delivery);
        let closing = in_thread(move || {
            delivery.shutdown(LONG);
            delivered(&recorder) + lost(&recorder)
        });
        world.shut_down(LONG, pace, 3);
        assert!(flushing.recv().is_ok());
        let counted = closing.recv().expect("a shutdown that ends");
        assert!(pace == Pace::Hasty || counted == 3, "{counted}");
    });
}

#[test]
fn a_shutdown_returns_at_its_deadline() {
    explore(|pace| {
        let world = World::new(|_| {
            sleep(Duration::from_secs(10));
            answer()
        });
        (0..3).for_each(|_| world.push());
        world.shut_down(SHORT, pace, 3);
        if pace == Pace::Patient {
            assert_eq!((world.delivered(), world.lost()), (0, 3));
        }
    });
}

#[test]
fn an_outage_loses_nothing_before_the_end() {
    explore(|pace| {
        let calls = AtomicUsize::new(0);
        let world = World::new(move |_| match calls.fetch_add(1, Ordering::AcqRel) {
            0..3 => unreachable(),
            _ => answer(),
        });
        (0..3).for_each(|_| world.push());
        let _ = world.delivery.flush(LONG);
        assert_eq!(world.lost(), 0);
        sleep(Duration::from_secs(60));
        let is_settled = world.shut_down(LONG, pace, 3);
        if pace == Pace::Patient {
            assert!(is_settled);
            assert_eq!(world.delivered(), 3);
        }
    });
}

#[test]
fn who_knows_that_there_is_nobody_has_nobody_asked_again() {
    explore(|pace| {
        let posts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&posts);
        let world = World::new(move |_| {
            counted.fetch_add(1, Ordering::AcqRel);
            unreachable()
        });
        world.push();
        assert!(!world.delivery.flush(LONG));
        // One before the flush began to wait, and one for it.
        let asked = posts.load(Ordering::Acquire);
        assert!(pace == Pace::Hasty || asked <= 2, "{asked}");
        world.shut_down(SHORT, pace, 1);
    });
}

#[test]
fn a_sender_that_panics_costs_one_envelope() {
    explore(|pace| {
        let calls = AtomicUsize::new(0);
        let world = World::new(move |_| match calls.fetch_add(1, Ordering::AcqRel) {
            0 => std::panic::resume_unwind(Box::new("a bug")),
            _ => answer(),
        });
        (0..3).for_each(|_| world.push());
        let is_settled = world.shut_down(LONG, pace, 3);
        assert!(!is_settled || (world.delivered(), world.lost()) == (2, 1));
    });
}

#[test]
fn a_failure_of_ours_hangs_nobody() {
    explore(|pace| {
        let world = World::new(|_| answer());
        world.push();
        let delivery = Arc::clone(&world.delivery);
        let failing = in_thread(move || delivery.shared.fail());
        world.push();
        let _ = world.delivery.flush(LONG);
        world.shut_down(LONG, pace, 2);
        assert!(pace == Pace::Hasty || elapsed() == Duration::ZERO, "nobody was told that the books are complete");
        assert!(failing.recv().is_ok());
    });
}

#[test]
fn what_was_lost_is_reported_before_the_end() {
    explore(|pace| {
        let posts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&posts);
        let world = World::new(move |_| {
            counted.fetch_add(1, Ordering::AcqRel);
            limiting("60:error:org")
        });
        world.push();
        let _ = world.delivery.flush(LONG);
        world.push();
        let is_settled = world.shut_down(LONG, pace, 2);
        if pace == Pace::Patient {
            assert!(is_settled);
            assert_eq!(posts.load(Ordering::Acquire), 2);
        }
    });
}

#[test]
fn check_ins_of_one_run_arrive_in_their_order() {
    explore(|pace| {
        let order = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&order);
        let world = World::new(move |bytes| {
            sleep(Duration::from_secs(1));
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
            answer()
        });
        for length in [1, 60, 600] {
            let mut envelope = Envelope::new();
            envelope.add_item(MonitorCheckIn {
                check_in_id: Uuid::nil(),
                // What is packed well would not be longer.
                monitor_slug: (0..length).map(|n: u32| char::from(b'a' + (n * n * 7 % 26) as u8)).collect(),
                status: MonitorCheckInStatus::InProgress,
                environment: None,
                duration: None,
                monitor_config: None,
            });
            world.delivery.send_envelope(envelope);
        }
        world.shut_down(LONG, pace, 0);
        let order = order.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(order.is_sorted(), "{order:?}");
    });
}

#[test]
fn a_transport_that_is_dropped_ends_its_threads() {
    explore(|_| {
        let world = World::new(|_| answer());
        (0..2).for_each(|_| world.push());
        let recorder = world.recorder.clone();
        drop(world);
        wait_for_others();
        assert_eq!(delivered(&recorder) + lost(&recorder), 2);
    });
}

#[test]
fn a_slow_hook_holds_up_nobody_but_its_event() {
    explore(|pace| {
        let calls = Arc::new(AtomicUsize::new(0));
        let (pending, recorder) = captured(&[Level::Error; 3], move |event| {
            // Only the first takes long.
            if calls.fetch_add(1, Ordering::AcqRel) == 0 {
                sleep(Duration::from_secs(5));
            }
            Some(event)
        });
        let world = World::with(recorder, |_| answer());
        pending.into_iter().for_each(|pending| world.delivery.send_deferred(pending));
        let _ = world.delivery.flush(Duration::from_secs(2));
        if pace == Pace::Patient {
            assert_eq!(world.delivered(), 2, "those behind it");
        }
        let is_settled = world.shut_down(LONG, pace, 3);
        if pace == Pace::Patient {
            assert!(is_settled && world.delivered() == 3);
        }
    });
}

#[test]
fn what_a_shutdown_cannot_send_is_on_disk() {
    explore(|pace| {
        let (pending, recorder) = captured(&[Level::Error; 3], Some);
        let disk = Model::default();
        let world = World::with_spool(recorder, &disk, |_| {
            sleep(Duration::from_millis(40));
            unreachable()
        });
        let delivery = Arc::clone(&world.delivery);
        let pushing = in_thread(move || pending.into_iter().for_each(|pending| delivery.send_deferred(pending)));
        if pace == Pace::Patient {
            // Else it may come after the end.
            assert!(pushing.recv().is_ok());
        }
        world.delivery.shutdown(SHORT);
        if pace == Pace::Patient {
            assert_eq!((world.stored(), world.lost()), (3, 0), "{:?}", world.recorder.stats());
        }
        wait_for_others();
        assert_eq!(world.stored() + world.lost(), 3, "{:?}", world.recorder.stats());
        assert_eq!(events_on(&disk), world.stored(), "{pace:?} {:?} {:?}", world.recorder.stats(), disk.files());
    });
}

#[test]
fn a_crash_is_on_disk_before_its_thread_goes_on() {
    explore(|pace| {
        let calls = Arc::new(AtomicUsize::new(0));
        let (mut pending, recorder) = captured(&[Level::Fatal; 2], move |event| {
            if calls.fetch_add(1, Ordering::AcqRel) == 0 {
                sleep(Duration::from_secs(5));
            }
            Some(event)
        });
        let disk = Model::default();
        let world = World::with_spool(recorder, &disk, |_| answer());
        let delivery = Arc::clone(&world.delivery);
        let first = pending.pop().expect("two");
        let other = in_thread(move || delivery.send_deferred(first));
        pending.into_iter().for_each(|pending| world.delivery.send_deferred(pending));
        if pace == Pace::Patient {
            assert!(world.delivered() + events_on(&disk) >= 1, "{:?}", world.recorder.stats());
        }
        assert!(other.recv().is_ok());
        world.shut_down(LONG, pace, 2);
        assert_eq!(events_on(&disk), world.stored(), "{pace:?} {:?} {:?}", world.recorder.stats(), disk.files());
    });
}

/// Row 53 of the catalogue.
#[test]
fn a_slow_disk_keeps_nobody_but_our_own_threads() {
    explore(|pace| {
        let (mut pending, recorder) = captured(&[Level::Error, Level::Error, Level::Fatal], Some);
        let disk = Model::slow(Duration::from_secs(2));
        let world = World::with_spool(recorder, &disk, |_| unreachable());
        let crash = pending.pop().expect("three");
        for pending in pending {
            world.delivery.send_deferred(pending);
        }
        if pace == Pace::Patient {
            assert_eq!(elapsed(), Duration::ZERO, "a capture waits for no disk");
        }
        world.delivery.send_deferred(crash);
        if pace == Pace::Patient {
            assert_eq!(elapsed(), Duration::from_millis(250), "a crash waits that long");
        }
        let before = elapsed();
        let _ = world.delivery.flush(SHORT);
        world.delivery.shutdown(SHORT);
        if pace == Pace::Patient {
            let took = elapsed() - before;
            assert!(took <= SHORT * 2 + MOMENT, "it took {took:?}");
        }
    });
}

/// A delivery whose posts are scripted.
struct World {
    delivery: Arc<Delivery>,
    recorder: Recorder,
    accepted: Arc<AtomicUsize>,
}

impl World {
    fn new(post: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(Recorder::default(), post)
    }

    fn with(recorder: Recorder, post: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(recorder, None, post)
    }

    fn with_spool(recorder: Recorder, disk: &Model, post: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let dsn = DSN.parse().expect("a DSN");
        let (store, books) = (Box::new(disk.clone()), recorder.clone());
        let spool = Spool::new(Path::new("/spool"), &dsn, SpoolOptions::default(), store, books, quiet());
        Self::start(recorder, Some(spool), post)
    }

    fn start(recorder: Recorder, spool: Option<Spool>, post: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let parts = Parts {
            recorder: recorder.clone(),
            diagnostics: quiet(),
            batches: BatchSource::default(),
            recovery: Recovery::default(),
            spool,
            spotlight: None,
            keys: Vec::new(),
            capacity: None,
            max_senders: 2,
        };
        let delivery = Arc::new(Delivery::start(Box::new(Scripted(post)), parts));
        Self { delivery, recorder, accepted: Arc::default() }
    }

    fn push(&self) {
        self.delivery.send_envelope(Event::default().into());
    }

    /// Pushes so many events from each of so many threads.
    fn push_from_threads(&self, threads: usize, events: usize) -> Pushers {
        let start = |_| {
            let (delivery, accepted) = (Arc::clone(&self.delivery), Arc::clone(&self.accepted));
            in_thread(move || {
                for _ in 0..events {
                    delivery.send_envelope(Event::default().into());
                    accepted.fetch_add(1, Ordering::AcqRel);
                }
            })
        };
        Pushers((0..threads).map(start).collect())
    }

    /// Shuts down, and looks whether all of `events` are in the books: when it returns in a world where threads get on, in
    /// the end anywhere.
    fn shut_down(&self, timeout: Duration, pace: Pace, events: usize) -> bool {
        let before = elapsed();
        let is_settled = self.delivery.shutdown(timeout);
        if pace == Pace::Patient {
            let took = elapsed() - before;
            assert!(took <= timeout + MOMENT, "it took {took:?}");
            assert_eq!(self.delivered() + self.stored() + self.lost(), events, "{:?}", self.recorder.stats());
        }
        wait_for_others();
        assert_eq!(self.delivered() + self.stored() + self.lost(), events, "{:?}", self.recorder.stats());
        is_settled
    }

    /// How many were certainly handed over by now.
    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Acquire)
    }

    fn delivered(&self) -> usize {
        delivered(&self.recorder)
    }

    fn stored(&self) -> usize {
        self.recorder.stats().of(Category::Error).stored as usize
    }

    fn lost(&self) -> usize {
        lost(&self.recorder)
    }
}

struct Pushers(Vec<crate::world::Receiver<()>>);

impl Pushers {
    fn wait(self) {
        assert!(self.0.into_iter().all(|pusher| pusher.recv().is_ok()));
    }
}

/// Runs it in a thread of its own, which tells the result.
fn in_thread<R: Send + 'static>(run: impl FnOnce() -> R + Send + 'static) -> crate::world::Receiver<R> {
    let (done, wait) = bounded(1);
    spawn("test", move || drop(done.send(run()))).expect("a thread of the model");
    wait
}

fn delivered(recorder: &Recorder) -> usize {
    recorder.stats().of(Category::Error).delivered as usize
}

fn lost(recorder: &Recorder) -> usize {
    recorder.stats().of(Category::Error).lost_in_all() as usize
}

/// Captured events of these levels that are not finished, and the books of their client.
fn captured(
    levels: &[Level],
    hook: impl Fn(Event<'static>) -> Option<Event<'static>> + Send + Sync + 'static,
) -> (Vec<PendingEnvelope>, Recorder) {
    let kept = Arc::new(Kept::default());
    let own = Arc::clone(&kept);
    let factory = move |options: TransportOptions| {
        *own.recorder.lock().unwrap_or_else(PoisonError::into_inner) = Some(options.client_report_recorder.clone());
        Arc::clone(&own) as Arc<dyn Transport>
    };
    let options = ClientOptions::new().dsn(DSN).before_send(hook).transport(Factory(factory));
    let client = Client::from_config(options);
    for level in levels {
        let _ = client.capture_event(Event { level: *level, ..Event::default() }, None);
    }
    let pending = std::mem::take(&mut *kept.pending.lock().unwrap_or_else(PoisonError::into_inner));
    let recorder = kept.recorder.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (pending, recorder.expect("a client"))
}

/// A transport that only collects.
#[derive(Default)]
struct Kept {
    pending: Mutex<Vec<PendingEnvelope>>,
    recorder: Mutex<Option<Recorder>>,
}

impl Transport for Kept {
    fn send_envelope(&self, _: Envelope) {}

    fn send_deferred(&self, pending: PendingEnvelope) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).push(pending);
    }
}

struct Factory<F>(F);

impl<F: Fn(TransportOptions) -> Arc<dyn Transport> + Send + Sync> TransportFactory for Factory<F> {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        (self.0)(options)
    }
}

struct Scripted<F>(F);

impl<F: Fn(usize) -> Reply + Send + Sync + 'static> Post for Scripted<F> {
    fn post(&self, body: Body<'_>) -> Reply {
        (self.0)(body.bytes.len())
    }
}

fn answer() -> Reply {
    Reply::Answer(Answer { status: 200, ..Answer::default() })
}

fn unreachable() -> Reply {
    Reply::Failure(Failure { kind: FailureKind::Network, text: "refused".to_owned() })
}

fn limiting(rate_limits: &str) -> Reply {
    Reply::Answer(Answer { status: 200, rate_limits: Some(rate_limits.to_owned()), ..Answer::default() })
}

/// How many files of errors and crashes there are; a report of what was lost is one of class C.
fn events_on(disk: &Model) -> usize {
    let name = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    disk.files().iter().filter(|path| !name(path).starts_with('c')).count()
}

/// Nothing is printed.
fn quiet() -> Diagnostics {
    Diagnostics::new(false, Some(Arc::new(|_| {})))
}

const DSN: &str = "https://public@sentry.invalid/1";
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);
const MOMENT: Duration = Duration::from_millis(50);
