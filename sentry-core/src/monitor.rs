//! Jobs that Sentry waits for: each run says that it begins, and then how it ended and after how long (spec §24).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project_lite::pin_project;

use crate::hub::Hub;
use crate::protocol::{MonitorCheckIn, MonitorCheckInStatus, MonitorConfig};
use crate::{clock, random};

/// A job whose runs are watched.
///
/// Each run makes two check-ins with one id, on the hub that was current when it began: `in_progress` at its start, and
/// `ok` or `error` at its end, with the time it took; both with the [config](Self::config) if there is one. A run that
/// panics, or whose future is dropped before its end, ends in `error`; the panic goes on. The job itself is not
/// touched: what it returns is returned, whatever becomes of the check-ins.
///
/// ```
/// use sentry_core::Monitor;
/// use sentry_core::protocol::{MonitorConfig, MonitorSchedule};
///
/// let nightly = Monitor::new("nightly-report").config(MonitorConfig {
///     schedule: MonitorSchedule::from_crontab("0 2 * * *")?,
///     checkin_margin: Some(5),
///     max_runtime: Some(30),
///     timezone: Some("Europe/Vienna".to_owned()),
///     failure_issue_threshold: None,
///     recovery_threshold: None,
/// });
/// let rows = nightly.run(|| 42);
/// let parsed = nightly.run_result(|| "forty-two".parse::<u8>());
/// # assert_eq!((rows, parsed.is_err()), (42, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a monitor watches what is run with it"]
pub struct Monitor {
    slug: String,
    config: Option<MonitorConfig>,
}

impl Monitor {
    /// The monitor with this slug: the name that Sentry knows it by.
    pub fn new(slug: impl Into<String>) -> Self {
        Self { slug: slug.into(), config: None }
    }

    /// Creates the monitor in Sentry, or changes it to this, with each run. Without one, the monitor must be there.
    pub fn config(mut self, config: MonitorConfig) -> Self {
        self.config = Some(config);
        self
    }

    /// Runs `job`; its end is `ok` unless it panics.
    pub fn run<R>(&self, job: impl FnOnce() -> R) -> R {
        self.run_judged(job, |_| true)
    }

    /// Runs `job`; its end is `ok` or `error` as its result is.
    ///
    /// # Errors
    ///
    /// Those of the job.
    pub fn run_result<T, E>(&self, job: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.run_judged(job, Result::is_ok)
    }

    /// Watches `future`, from when it is first polled; its end is `ok` unless it panics or is dropped before.
    ///
    /// ```
    /// let watched = sentry_core::Monitor::new("sync").watch(async { 42 });
    /// # drop(watched);
    /// ```
    pub fn watch<F: Future>(&self, future: F) -> Watched<F> {
        Watched { future, state: Some(State::Waits(self.clone())), is_ok: |_| true }
    }

    /// Watches `future`, from when it is first polled; its end is `ok` or `error` as its result is, and `error` if it
    /// panics or is dropped before.
    pub fn watch_result<F, T, E>(&self, future: F) -> Watched<F>
    where
        F: Future<Output = Result<T, E>>,
    {
        Watched { future, state: Some(State::Waits(self.clone())), is_ok: Result::is_ok }
    }

    fn run_judged<R>(&self, job: impl FnOnce() -> R, is_ok: impl FnOnce(&R) -> bool) -> R {
        let run = Run::begin(self);
        let result = job();
        run.end(is_ok(&result));
        result
    }
}

pin_project! {
    /// A future whose run is watched, see [`Monitor::watch`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Watched<F: Future> {
        // Dropped before the run: what it does by then is a part of it.
        #[pin]
        future: F,
        // `None` once it has ended.
        state: Option<State>,
        is_ok: fn(&F::Output) -> bool,
    }
}

enum State {
    Waits(Monitor),
    Runs(Run),
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let run = match this.state.take() {
            Some(State::Waits(monitor)) => Some(Run::begin(&monitor)),
            Some(State::Runs(run)) => Some(run),
            None => None,
        };
        // A panic in here drops the run, which reports it.
        match this.future.poll(cx) {
            Poll::Pending => {
                *this.state = run.map(State::Runs);
                Poll::Pending
            }
            Poll::Ready(output) => {
                if let Some(run) = run {
                    run.end((this.is_ok)(&output));
                }
                Poll::Ready(output)
            }
        }
    }
}

/// A run that has begun. Dropped without an end, it has failed.
struct Run {
    hub: Arc<Hub>,
    check_in: Option<MonitorCheckIn>,
    began: Instant,
}

impl Run {
    fn begin(monitor: &Monitor) -> Self {
        let check_in = MonitorCheckIn {
            check_in_id: random::uuid(),
            monitor_slug: monitor.slug.clone(),
            status: MonitorCheckInStatus::InProgress,
            environment: None,
            duration: None,
            // With the end too: that may be the first to arrive.
            monitor_config: monitor.config.clone(),
        };
        let hub = Hub::current();
        hub.capture_check_in(check_in.clone());
        Self { hub, check_in: Some(check_in), began: clock::now() }
    }

    fn end(mut self, is_ok: bool) {
        self.report(if is_ok { MonitorCheckInStatus::Ok } else { MonitorCheckInStatus::Error });
    }

    fn report(&mut self, status: MonitorCheckInStatus) {
        if let Some(check_in) = self.check_in.take() {
            let duration = clock::now().saturating_duration_since(self.began).as_secs_f64();
            self.hub.capture_check_in(MonitorCheckIn { status, duration: Some(duration), ..check_in });
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.report(MonitorCheckInStatus::Error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClientOptions;
    use crate::protocol::{EnvelopeItem, MonitorSchedule};
    use crate::test::{with_captured_envelopes, with_captured_envelopes_options};
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::task::Waker;

    fn check_ins(f: impl FnOnce()) -> Vec<MonitorCheckIn> {
        let items = with_captured_envelopes(f).into_iter().flat_map(crate::Envelope::into_items);
        items
            .filter_map(|item| if let EnvelopeItem::MonitorCheckIn(check_in) = item { Some(check_in) } else { None })
            .collect()
    }

    /// How a run ends, if both check-ins are of one run.
    fn end_of(f: impl FnOnce()) -> MonitorCheckInStatus {
        let check_ins = check_ins(f);
        let [start, end] = &check_ins[..] else { panic!("two check-ins, not {check_ins:?}") };
        assert_eq!((start.status, start.duration), (MonitorCheckInStatus::InProgress, None));
        assert_eq!((&start.monitor_slug, start.check_in_id), (&end.monitor_slug, end.check_in_id));
        assert!(end.duration.is_some_and(|seconds| (0.0..60.0).contains(&seconds)), "{end:?}");
        end.status
    }

    fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn the_end_of_a_job_is_that_of_its_run() {
        let monitor = Monitor::new("job");
        assert_eq!(end_of(|| assert_eq!(monitor.run(|| 7), 7)), MonitorCheckInStatus::Ok);
        assert_eq!(end_of(|| assert_eq!(monitor.run_result(|| Ok::<_, ()>(7)), Ok(7))), MonitorCheckInStatus::Ok);
        assert_eq!(end_of(|| assert_eq!(monitor.run_result(|| Err::<(), _>(7)), Err(7))), MonitorCheckInStatus::Error);
    }

    #[test]
    fn a_panic_is_an_error_and_goes_on() {
        let status = end_of(|| {
            let job = || Monitor::new("job").run(|| resume_unwind(Box::new("why")));
            let payload = catch_unwind(AssertUnwindSafe(job)).map(|()| "none").expect_err("it goes on");
            assert_eq!(payload.downcast_ref(), Some(&"why"));
        });
        assert_eq!(status, MonitorCheckInStatus::Error);
    }

    #[test]
    fn a_future_runs_from_its_first_poll_to_its_end() {
        let mut polls = 0;
        let twice = || {
            std::future::poll_fn(move |_| {
                polls += 1;
                if polls == 1 { Poll::Pending } else { Poll::Ready(Err::<(), _>("no")) }
            })
        };
        for (is_result, status) in [(false, MonitorCheckInStatus::Ok), (true, MonitorCheckInStatus::Error)] {
            let monitor = Monitor::new("job");
            let mut future = Box::pin(if is_result { monitor.watch_result(twice()) } else { monitor.watch(twice()) });
            let ended = end_of(|| {
                assert!(poll(&mut future).is_pending());
                assert_eq!(poll(&mut future), Poll::Ready(Err("no")));
            });
            assert_eq!(ended, status);
        }
    }

    #[test]
    fn a_future_that_is_dropped_or_panics_has_failed() {
        let dropped = end_of(|| {
            let mut future = Box::pin(Monitor::new("job").watch(std::future::pending::<()>()));
            assert!(poll(&mut future).is_pending());
        });
        assert_eq!(dropped, MonitorCheckInStatus::Error);
        let panicked = end_of(|| {
            let mut future = Box::pin(Monitor::new("job").watch(async { resume_unwind(Box::new(())) }));
            assert!(catch_unwind(AssertUnwindSafe(|| poll::<Watched<_>>(&mut future))).is_err());
            // It has been reported when it happened, and is not again.
            std::mem::forget(future);
        });
        assert_eq!(panicked, MonitorCheckInStatus::Error);
        assert!(check_ins(|| drop(Monitor::new("job").watch(async {}))).is_empty(), "it never ran");
    }

    #[test]
    fn the_config_goes_with_both() {
        let config = MonitorConfig {
            schedule: MonitorSchedule::from_crontab("* * * * *").expect("valid"),
            checkin_margin: None,
            max_runtime: None,
            timezone: None,
            failure_issue_threshold: None,
            recovery_threshold: None,
        };
        let check_ins = check_ins(|| Monitor::new("job").config(config.clone()).run(|| ()));
        let configs: Vec<_> = check_ins.into_iter().map(|check_in| check_in.monitor_config).collect();
        assert_eq!(configs, [Some(config.clone()), Some(config)]);
    }

    #[test]
    fn the_hook_may_change_and_drop_but_not_rename() {
        let options = ClientOptions::new().environment("test").before_send_check_in(|mut check_in| {
            check_in.check_in_id = crate::random::uuid();
            check_in.monitor_slug.push_str(check_in.environment.as_deref().unwrap_or_default());
            (check_in.status == MonitorCheckInStatus::InProgress).then_some(check_in)
        });
        let mut ids = Vec::new();
        let envelopes = with_captured_envelopes_options(
            || {
                for status in [MonitorCheckInStatus::InProgress, MonitorCheckInStatus::Ok] {
                    let check_in = MonitorCheckIn {
                        check_in_id: crate::random::uuid(),
                        monitor_slug: "job-".to_owned(),
                        status,
                        environment: None,
                        duration: None,
                        monitor_config: None,
                    };
                    ids.push((check_in.check_in_id, crate::capture_check_in(check_in)));
                }
            },
            options,
        );
        let [envelope] = &envelopes[..] else { panic!("one envelope") };
        let Some(EnvelopeItem::MonitorCheckIn(sent)) = envelope.items().next() else { panic!("a check-in") };
        assert_eq!((sent.monitor_slug.as_str(), sent.check_in_id), ("job-test", ids[0].0));
        assert_eq!((ids[0].0, ids[1].1), (ids[0].1, crate::protocol::Uuid::nil()), "nil for what was dropped");
    }
}
