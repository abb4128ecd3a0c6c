//! Threads, tasks and jobs that take the current hub along: with real `tokio`, `rayon` and `std::thread`, at the socket.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "clippy.toml exempts test functions, not the helpers they call; and bare threads are compared with"
)]

#[path = "../../support/mod.rs"]
mod support;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rayon::prelude::*;
use sentry::integrations::tokio::JoinSetExt;
use sentry::integrations::{rayon as jobs, thread as threads, tokio as tasks};
use sentry::{Breadcrumb, Client, ClientOptions, Hub, Level, SentryFutureExt, TransactionContext, User};
use serde_json::{Value, json};
use support::{Gate, Receiver};
use tokio::runtime::{Builder, Runtime};

/// A client, a hub with data and a span, and a server.
struct Sentry {
    receiver: Receiver,
    client: Arc<Client>,
    hub: Arc<Hub>,
}

impl Sentry {
    fn start() -> Self {
        let receiver = Receiver::start();
        let options = ClientOptions::new().dsn(&receiver.dsn()).environment("test").release("it@1.0.0");
        let client = Arc::new(Client::with_options(sentry::apply_defaults(options.traces_sample_rate(1.0))));
        let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
        Self { receiver, client, hub }
    }

    /// Runs `work` on the hub, where data was set and a span is open, and returns the events.
    fn run(&self, work: impl FnOnce()) -> Vec<Value> {
        Hub::run(Arc::clone(&self.hub), || {
            sentry::configure_scope(|scope| {
                scope.set_tag("before", "1");
                scope.set_user(Some(User { id: Some("7".into()), ..User::default() }));
            });
            crumb("before");
            let transaction = sentry::start_transaction(TransactionContext::new("outer", "test"));
            sentry::configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
            work();
            sentry::capture_message("outside", Level::Error);
            transaction.finish();
        });
        self.close()
    }

    fn close(&self) -> Vec<Value> {
        // Symbols of panics take their time on a busy machine.
        assert!(self.client.close(Some(Duration::from_secs(30))));
        for row in self.client.stats().categories() {
            assert_eq!(row.captured, row.delivered + row.lost_in_all(), "{row:?}");
        }
        self.receiver.events()
    }
}

fn crumb(message: &str) {
    sentry::add_breadcrumb(Breadcrumb { message: Some(message.to_owned()), ..Breadcrumb::default() });
}

fn tag(key: &str, value: impl ToString) {
    sentry::configure_scope(|scope| scope.set_tag(key, value));
}

/// What each piece of work does: sets something of its own, and reports.
fn work(name: &str) {
    tag("inside", name);
    crumb(name);
    sentry::capture_message(name, Level::Error);
}

fn event<'a>(events: &'a [Value], message: &str) -> &'a Value {
    let found = events.iter().find(|event| event["logentry"]["formatted"] == message);
    found.unwrap_or_else(|| panic!("no event {message} in {events:#?}"))
}

fn crumbs(event: &Value) -> Vec<&str> {
    let values = event["breadcrumbs"]["values"].as_array().map(Vec::as_slice).unwrap_or_default();
    values.iter().map(|crumb| crumb["message"].as_str().expect("a message")).collect()
}

/// The event continues the work outside, and has its own; outside, nothing of it is seen.
#[track_caller]
fn assert_forked(events: &[Value], names: &[&str]) {
    let outside = event(events, "outside");
    assert_eq!((&outside["tags"], crumbs(outside)), (&json!({"before": "1"}), vec!["before"]));
    for name in names {
        let event = event(events, name);
        assert_eq!(event["tags"], json!({"before": "1", "inside": name}), "{event:#}");
        assert_eq!(event["user"]["id"], "7");
        assert_eq!(crumbs(event), ["before", name]);
        assert_eq!(event["contexts"]["trace"], outside["contexts"]["trace"]);
    }
    assert_eq!(events.len(), names.len() + 1);
}

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().build().expect("a runtime"),
        Builder::new_multi_thread().worker_threads(2).build().expect("a runtime"),
    ]
}

#[test]
fn threads_go_on_with_the_work() {
    let sentry = Sentry::start();
    let events = sentry.run(|| {
        threads::spawn(|| work("spawn")).join().expect("no panic");
        let builder = thread::Builder::new().name("named".to_owned());
        let named = threads::spawn_with(builder, || {
            assert_eq!(thread::current().name(), Some("named"));
            work("builder");
        });
        named.expect("a thread").join().expect("no panic");
        let borrowed = String::from("scoped");
        thread::scope(|scope| {
            threads::spawn_scoped(scope, || work(&borrowed));
            let builder = thread::Builder::new();
            threads::spawn_scoped_with(builder, scope, || work("scoped builder")).expect("a thread");
        });
        thread::spawn(sentry::forked(|| work("forked"))).join().expect("no panic");
    });
    assert_forked(&events, &["spawn", "builder", "scoped", "scoped builder", "forked"]);
}

#[test]
fn a_bare_thread_takes_nothing_along() {
    let sentry = Sentry::start();
    let client = Arc::clone(&sentry.client);
    let events = sentry.run(|| {
        let bare = thread::spawn(move || {
            Hub::current().bind_client(Some(client));
            work("bare");
        });
        bare.join().expect("no panic");
    });
    let bare = event(&events, "bare");
    assert_eq!(bare["tags"], json!({"inside": "bare"}));
    assert!(bare["user"].is_null());
    assert_ne!(bare["contexts"]["trace"], event(&events, "outside")["contexts"]["trace"]);
}

#[test]
fn tasks_go_on_with_the_work() {
    for runtime in runtimes() {
        let sentry = Sentry::start();
        let events = sentry.run(|| {
            runtime.block_on(async {
                let later = |name: &'static str| async move {
                    tag("inside", name);
                    tokio::task::yield_now().await;
                    crumb(name);
                    sentry::capture_message(name, Level::Error);
                };
                tasks::spawn(later("spawn")).await.expect("no panic");
                tokio::spawn(later("in fork").in_fork()).await.expect("no panic");
                tasks::spawn_blocking(|| work("blocking")).await.expect("no panic");
                let mut set = tokio::task::JoinSet::new();
                set.spawn_forked(later("set"));
                set.spawn_blocking_forked(|| work("set blocking"));
                let local = tokio::task::LocalSet::new();
                let on_it = async {
                    tasks::spawn_local(later("local")).await.expect("no panic");
                    set.spawn_local_forked(later("set local"));
                    while let Some(done) = set.join_next().await {
                        done.expect("no panic");
                    }
                };
                local.run_until(on_it).await;
            });
        });
        let all = ["spawn", "in fork", "blocking", "set", "set blocking", "local", "set local"];
        assert_forked(&events, &all);
    }
}

#[test]
fn jobs_go_on_with_the_work() {
    let sentry = Sentry::start();
    let events = sentry.run(|| {
        let (done, finished) = std::sync::mpsc::channel();
        jobs::spawn(move || {
            work("spawn");
            done.send(()).expect("the test waits");
        });
        finished.recv().expect("the job ends");
        jobs::join(|| work("left"), || work("right"));
        let borrowed = String::from("scoped");
        jobs::scope(|scope| {
            jobs::spawn_scoped(scope, |scope| {
                jobs::spawn_scoped(scope, |_| work("nested"));
                work(&borrowed);
            });
        });
    });
    assert_forked(&events, &["spawn", "left", "right", "scoped", "nested"]);
}

#[test]
fn parts_share_the_hub() {
    let sentry = Sentry::start();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().expect("a pool");
    let events = sentry.run(|| {
        let part = sentry::within_current(|number: u32| {
            crumb(&format!("part {number}"));
            sentry::capture_message(&format!("event {number}"), Level::Error);
        });
        pool.install(|| (0..50).into_par_iter().for_each(part));
    });
    assert_eq!(crumbs(event(&events, "outside")).len(), 51);
    for number in 0..50 {
        let event = event(&events, &format!("event {number}"));
        assert_eq!(event["tags"], json!({"before": "1"}));
        assert!(crumbs(event).contains(&format!("part {number}").as_str()));
    }
}

#[test]
fn nothing_is_left_for_the_next_task_on_the_same_thread() {
    let runtime = Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let sentry = Sentry::start();
    let client = Arc::clone(&sentry.client);
    let events = sentry.run(|| {
        runtime.block_on(async move {
            for number in 0..3 {
                tasks::spawn(async move { work(&format!("task {number}")) }).await.expect("no panic");
            }
            let bare = tokio::spawn(async move {
                Hub::current().bind_client(Some(client));
                sentry::capture_message("bare", Level::Error);
            });
            bare.await.expect("no panic");
        });
    });
    for number in 0..3 {
        let name = format!("task {number}");
        assert_eq!(crumbs(event(&events, &name)), ["before", &name]);
    }
    let bare = event(&events, "bare");
    assert!(bare["tags"].is_null() && bare["breadcrumbs"].is_null(), "{bare:#}");
}

/// Reports when it is dropped.
struct Reports(&'static str);

impl Drop for Reports {
    fn drop(&mut self) {
        sentry::capture_message(self.0, Level::Error);
    }
}

#[test]
fn what_an_aborted_task_drops_reports_to_its_hub() {
    for runtime in runtimes() {
        let sentry = Sentry::start();
        let events = sentry.run(|| {
            runtime.block_on(async {
                let inside = Gate::new();
                let mark = inside.clone();
                let started = async move {
                    let _reports = Reports("aborted");
                    tag("inside", "aborted");
                    mark.mark();
                    std::future::pending::<()>().await;
                };
                let task = tasks::spawn(started);
                while inside.started() == 0 {
                    tokio::task::yield_now().await;
                }
                task.abort();
                assert!(task.await.expect_err("aborted").is_cancelled());
            });
        });
        assert_eq!(event(&events, "aborted")["tags"], json!({"before": "1", "inside": "aborted"}));
        assert_eq!(event(&events, "outside")["tags"], json!({"before": "1"}));
    }
}

#[test]
fn a_panic_is_reported_with_the_tasks_data() {
    let sentry = Sentry::start();
    let events = sentry.run(|| {
        let [current, multi] = runtimes();
        for (runtime, name) in [(current, "current"), (multi, "multi")] {
            let task = async move {
                tag("inside", name);
                tokio::task::yield_now().await;
                panic!("{name}");
            };
            let ended: Result<(), _> = runtime.block_on(async { tasks::spawn(task).await });
            assert!(ended.expect_err("it panicked").is_panic());
        }
        let thread = threads::spawn(|| {
            tag("inside", "thread");
            panic!("thread");
        });
        let ended: thread::Result<()> = thread.join();
        assert!(ended.is_err());
    });
    let panics: Vec<_> = events.iter().filter(|event| event["exception"].is_object()).collect();
    assert_eq!(panics.len(), 3);
    for panic in panics {
        let text = &panic["exception"]["values"][0]["value"];
        assert_eq!(panic["tags"], json!({"before": "1", "inside": text}), "{panic:#}");
    }
}

#[test]
fn two_hundred_tasks_each_keep_their_own() {
    for runtime in runtimes() {
        let sentry = Sentry::start();
        let events = sentry.run(|| {
            runtime.block_on(async {
                let mut set = tokio::task::JoinSet::new();
                for number in 0..200 {
                    set.spawn_forked(async move {
                        tag("number", number);
                        crumb(&number.to_string());
                        for _ in 0..=number % 5 {
                            tokio::task::yield_now().await;
                        }
                        sentry::capture_message(&number.to_string(), Level::Error);
                    });
                }
                set.join_all().await;
            });
        });
        assert_eq!(events.len(), 201);
        for number in 0..200 {
            let name = number.to_string();
            let event = event(&events, &name);
            assert_eq!(event["tags"], json!({"before": "1", "number": name}));
            assert_eq!(crumbs(event), ["before", &name]);
        }
    }
}
