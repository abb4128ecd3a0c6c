//! The queue and the shutdown under many schedules: what `flush` and `shutdown` promise, whoever is fast or slow.
//!
//! ```sh
//! RUSTFLAGS="--cfg shuttle" cargo test -p sentry-transport --lib schedules
//! ```
//!
//! In a patient world nothing takes time but what says so: what is done by then was not rescued by a timer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sentry_core::client_report::Recorder;
use sentry_core::protocol::client_report::Category;
use sentry_core::protocol::{Envelope, Event, MonitorCheckIn, MonitorCheckInStatus, Uuid};
use sentry_core::{
    BatchSource, Client, ClientOptions, Diagnostics, PendingEnvelope, Recovery, Transport, TransportFactory,
    TransportOptions,
};

use crate::delivery::{Delivery, Parts};
use crate::encode::Body;
use crate::reply::{Answer, Failure, FailureKind, Reply};
use crate::sender::Post;
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
        let (pending, recorder) = captured(3, move |event| {
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
        let parts = Parts {
            recorder: recorder.clone(),
            diagnostics: Diagnostics::new(false, Some(Arc::new(|_| {}))),
            batches: BatchSource::default(),
            recovery: Recovery::default(),
            spool: None,
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
            assert_eq!(self.delivered() + self.lost(), events, "{:?}", self.recorder.stats());
        }
        wait_for_others();
        assert_eq!(self.delivered() + self.lost(), events, "{:?}", self.recorder.stats());
        is_settled
    }

    /// How many were certainly handed over by now.
    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Acquire)
    }

    fn delivered(&self) -> usize {
        delivered(&self.recorder)
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

/// So many captured events that are not finished, and the books of their client.
fn captured(
    count: usize,
    hook: impl Fn(Event<'static>) -> Option<Event<'static>> + Send + Sync + 'static,
) -> (Vec<PendingEnvelope>, Recorder) {
    let kept = Arc::new(Kept::default());
    let own = Arc::clone(&kept);
    let factory = move |options: TransportOptions| {
        *own.recorder.lock().unwrap_or_else(PoisonError::into_inner) = Some(options.client_report_recorder.clone());
        Arc::clone(&own) as Arc<dyn Transport>
    };
    let options =
        ClientOptions::new().dsn("https://public@sentry.invalid/1").before_send(hook).transport(Factory(factory));
    let client = Client::from_config(options);
    for _ in 0..count {
        let _ = client.capture_event(Event::default(), None);
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

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);
const MOMENT: Duration = Duration::from_millis(50);
