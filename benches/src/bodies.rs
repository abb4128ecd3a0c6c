//! One crate's side: what a child process of the benchmark does. Compiled twice; `super::sdk` is the crate.

use std::error::Error;
use std::fmt;
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::panic::catch_unwind;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use super::sdk as sentry;
use crate::measure::{self, Sample, Summary};
use crate::rows::{Case, Row};

use sentry::protocol::{Context, Map, Value};
use sentry::{
    Breadcrumb, ClientInitGuard, ClientOptions, Envelope, Hub, Level, Scope, TransactionContext, Transport, User,
};

/// Does what the parent's arguments say.
pub fn child(args: &[&str]) {
    match args {
        ["row", name, wire, dsn] => {
            if let Some(row) = Row::named(name) {
                run_row(row, wire, dsn);
            }
        }
        ["burst", messages, dsn] => burst(messages.parse().unwrap_or(0), dsn),
        ["logs", logs, dsn] => log_burst(logs.parse().unwrap_or(0), dsn),
        ["warm", dsn] => warm(dsn),
        ["paced", messages, dsn] => paced(messages.parse().unwrap_or(0), dsn),
        ["silent", call, dsn] => silent(call, dsn),
        ["memory", dsn] => memory(dsn),
        _ => {}
    }
}

/// Measures a round for each `round` line of the parent, and sums up at `report`.
fn run_row(row: &Row, wire: &str, dsn: &str) {
    let client = start(row, wire, dsn);
    let (mut samples, mut firsts) = (Vec::new(), Vec::new());
    for line in std::io::stdin().lock().lines() {
        match line.as_deref() {
            Ok("warm") => round(row, client.as_ref(), &mut Vec::new(), &mut Vec::new()),
            Ok("round") => round(row, client.as_ref(), &mut firsts, &mut samples),
            Ok("report") => say(&Summary::of(&firsts, &samples).to_line()),
            _ => break,
        }
        say("done");
    }
    // Nothing of a row is left to send, and how a crate shuts down is not its subject.
    std::process::exit(0);
}

fn round(row: &Row, client: Option<&ClientInitGuard>, firsts: &mut Vec<Sample>, samples: &mut Vec<Sample>) {
    firsts.push(sample(row.case, row.batch));
    samples.extend((1..row.samples).map(|_| sample(row.case, row.batch)));
    if let Some(client) = client {
        client.flush(Some(Duration::from_secs(20)));
    }
}

fn start(row: &Row, wire: &str, dsn: &str) -> Option<ClientInitGuard> {
    let case = row.case;
    let mut options = ClientOptions::new().dsn(dsn).release("bench@1.0.0");
    if wire == "drop" {
        options = options.transport(|_: &ClientOptions| -> Arc<dyn Transport> { Arc::new(Dropping) });
    }
    match case {
        Case::DisabledMessage | Case::DisabledBreadcrumb => return None,
        Case::SampledOut => options = options.attach_stacktrace(true).sample_rate(0.0),
        Case::MessageStack => options = options.attach_stacktrace(true),
        Case::MessageStackHook => {
            options = options.attach_stacktrace(true).before_send(|mut event| {
                event.tags.insert("hook".to_owned(), "ran".to_owned());
                Some(event)
            });
        }
        Case::Transaction | Case::TracingSpans => options = options.traces_sample_rate(1.0),
        Case::TransactionUnsampled | Case::TracingUnsampled => options = options.traces_sample_rate(0.0),
        _ => {}
    }
    let guard = sentry::init(options);
    match case {
        Case::MessageHeavy | Case::SampledOut | Case::WithScope => fill_scope(),
        Case::Breadcrumb
        | Case::BreadcrumbAfterCapture
        | Case::BreadcrumbAfterFork
        | Case::LogBreadcrumb
        | Case::TracingBreadcrumb => {
            fill_breadcrumbs();
        }
        _ => {}
    }
    if row.name.starts_with("log-") {
        log();
    }
    if row.name.starts_with("tracing") {
        trace();
    }
    Some(guard)
}

/// A logger for which debug records are nothing, infos breadcrumbs, and errors events.
fn log() {
    use sentry::integrations::log::{LogFilter, SentryLogger};

    let logger = SentryLogger::new().filter(|metadata| match metadata.level() {
        log::Level::Error => LogFilter::Event,
        log::Level::Info => LogFilter::Breadcrumb,
        _ => LogFilter::Ignore,
    });
    let _ = log::set_boxed_logger(Box::new(logger));
    log::set_max_level(log::LevelFilter::Trace);
}

/// A subscriber for which debug events are nothing, infos breadcrumbs, and errors events.
#[allow(deprecated, reason = "the layer that both crates have had all the time, and that can do everything")]
fn trace() {
    use sentry::integrations::tracing::EventFilter;
    use tracing_subscriber::prelude::*;

    let layer = sentry::integrations::tracing::layer().event_filter(|metadata| match *metadata.level() {
        tracing::Level::ERROR => EventFilter::Event,
        tracing::Level::INFO => EventFilter::Breadcrumb,
        _ => EventFilter::Ignore,
    });
    tracing_subscriber::registry().with(layer).init();
}

fn sample(case: Case, batch: usize) -> Sample {
    match case {
        Case::DisabledMessage | Case::MessageEmpty | Case::MessageHeavy => measure::time(batch, message),
        // As a closure: a disabled client need not even make one.
        Case::DisabledBreadcrumb => measure::time(batch, || sentry::add_breadcrumb(crumb)),
        Case::Breadcrumb => measure::time(batch, || sentry::add_breadcrumb(crumb())),
        Case::BreadcrumbAfterCapture => {
            message();
            measure::time(batch, || sentry::add_breadcrumb(crumb()))
        }
        Case::BreadcrumbAfterFork => {
            let fork = Hub::new_from_top(Hub::current());
            let sample = measure::time(batch, || sentry::add_breadcrumb(crumb()));
            drop(fork);
            sample
        }
        Case::SetTag => measure::time(batch, || {
            sentry::configure_scope(|scope| scope.set_tag(black_box("route"), black_box("/checkout")));
        }),
        Case::WithScope => measure::time(batch, || sentry::with_scope(three_tags, || black_box(()))),
        Case::SampledOut | Case::MessageStack | Case::MessageStackHook => {
            let mut sample = Sample::default();
            deeper(30, &mut || sample = measure::time(batch, message));
            sample
        }
        Case::Error => {
            let error = Failure::chain(3);
            measure::time(batch, || {
                black_box(sentry::capture_error(black_box(&error)));
            })
        }
        Case::Transaction | Case::TransactionUnsampled => measure::time(batch, transaction),
        Case::Log => measure::time(batch, || {
            sentry::logger_info!("payment {} failed: {}", black_box(4711), black_box("card declined"));
        }),
        Case::Counter => measure::time(batch, || {
            sentry::metrics::counter("payments", 1).attribute("provider", "acme").capture();
        }),
        Case::Session => measure::time(batch, || {
            sentry::start_session();
            sentry::end_session();
        }),
        Case::LogIgnored => measure::time(batch, || log::debug!("cache hit {}", black_box(7))),
        Case::LogBreadcrumb => measure::time(batch, || log::info!("cache rebuilt {}", black_box(7))),
        Case::LogEvent => measure::time(batch, || log::error!("cache broken {}", black_box(7))),
        Case::TracingIgnored => measure::time(batch, || tracing::debug!(size = black_box(7), "cache hit")),
        Case::TracingBreadcrumb => measure::time(batch, || tracing::info!(size = black_box(7), "cache rebuilt")),
        Case::TracingEvent => measure::time(batch, || tracing::error!(size = black_box(7), "cache broken")),
        Case::TracingUnsampled => measure::time(batch, || {
            let _span = tracing::info_span!("checkout", cart = black_box(7)).entered();
            black_box(());
        }),
        Case::TracingSpans => measure::time(batch, || {
            let _span = tracing::info_span!("checkout", cart = black_box(7)).entered();
            for _ in 0..10 {
                let _child = tracing::info_span!("query", table = black_box("users")).entered();
                black_box(());
            }
        }),
        Case::Panic => {
            let panics = || deeper(30, &mut || panic!("index {} of 3", black_box(7)));
            // Starting the thread is not the SDK's cost.
            let thread = thread::spawn(move || measure::time(batch, || drop(catch_unwind(panics))));
            thread.join().unwrap_or_default()
        }
    }
}

/// Messages with stacks from four threads at once, and a close that waits for them.
fn burst(messages: usize, dsn: &str) {
    let guard = sentry::init(ClientOptions::new().dsn(dsn).release("bench@1.0.0").attach_stacktrace(true));
    let before = measure::process_cpu();
    from_threads(move || deeper(30, &mut || (0..messages / THREADS).for_each(|_| message())));
    guard.close(Some(Duration::from_secs(120)));
    say(&format!("{}", measure::process_cpu() - before));
}

/// Structured logs from four threads at once, and what they cost this process.
fn log_burst(logs: usize, dsn: &str) {
    let guard = sentry::init(ClientOptions::new().dsn(dsn).release("bench@1.0.0"));
    let before = measure::process_cpu();
    from_threads(move || (0..logs / THREADS).for_each(|n| sentry::logger_info!(n = n, "a log line of some length")));
    guard.close(Some(Duration::from_secs(120)));
    say(&format!("{}", measure::process_cpu() - before));
}

/// Runs it on [`THREADS`] threads that begin together.
fn from_threads(work: impl Fn() + Clone + Send + 'static) {
    let barrier = Arc::new(Barrier::new(THREADS));
    let start = |_| {
        let (barrier, work) = (Arc::clone(&barrier), work.clone());
        thread::spawn(move || {
            barrier.wait();
            work();
        })
    };
    let workers: Vec<_> = (0..THREADS).map(start).collect();
    for worker in workers {
        let _ = worker.join();
    }
}

const THREADS: usize = 4;

/// What an event with a stack of 40 frames costs this process, all threads, once a thousand were sent.
fn warm(dsn: &str) {
    let guard = sentry::init(ClientOptions::new().dsn(dsn).release("bench@1.0.0").attach_stacktrace(true));
    // No more than the official crate's queue holds.
    let ten = || {
        deeper(40, &mut || (0..10).for_each(|_| message()));
        guard.flush(Some(Duration::from_secs(20)));
    };
    // One loop, since each place that captures has a stack of its own, which is looked up the first time.
    let mut before = 0.0;
    for round in 0..120 {
        if round == 100 {
            before = measure::process_cpu();
        }
        ten();
    }
    say(&format!("{}", (measure::process_cpu() - before) / 200.0));
}

/// One message each 10 ms, whatever the one before took, and the end of a program that sets nothing.
fn paced(messages: u32, dsn: &str) {
    let guard = sentry::init(ClientOptions::new().dsn(dsn).release("bench@1.0.0"));
    let start = Instant::now();
    for index in 0..messages {
        let due = start + Duration::from_millis(10) * index;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        message();
    }
    drop(guard);
}

/// A deadline against a server that never answers.
fn silent(call: &str, dsn: &str) {
    let guard = sentry::init(ClientOptions::new().dsn(dsn).release("bench@1.0.0"));
    // More than the official crate's queue holds: there a full one is what blocks. The pause lets the sending thread
    // take the first, so that the queue is full at the call every time.
    (0..50).for_each(|_| message());
    thread::sleep(Duration::from_millis(200));
    (0..10).for_each(|_| message());
    let limit = Some(Duration::from_millis(100));
    let start = Instant::now();
    let _in_time = if call == "flush" { guard.flush(limit) } else { guard.close(limit) };
    say(&format!("{}", start.elapsed().as_nanos()));
    // The flush row ends here; the other goes on as a program does, to show what its exit costs.
    if call == "flush" {
        std::process::exit(0);
    }
    drop(guard);
}

/// Captures some stacks and tells how much memory that took at most.
fn memory(dsn: &str) {
    let guard = sentry::init(ClientOptions::new().dsn(dsn).release("bench@1.0.0").attach_stacktrace(true));
    for _ in 0..10 {
        deeper(30, &mut || (0..20).for_each(|_| message()));
        guard.flush(Some(Duration::from_secs(20)));
    }
    say(&format!("{}", measure::peak_memory()));
}

fn message() {
    black_box(sentry::capture_message(black_box("payment 4711 failed: card declined"), Level::Error));
}

/// Ten spans, each with an attribute.
fn transaction() {
    let transaction = sentry::start_transaction(TransactionContext::new("GET /api/items", "http.server"));
    for _ in 0..10 {
        let span = transaction.start_child("db.query", "SELECT name FROM items WHERE id = ?");
        span.set_data("db.rows", Value::from(7));
        span.finish();
    }
    transaction.finish();
}

fn crumb() -> Breadcrumb {
    Breadcrumb {
        category: Some("http".to_owned()),
        message: Some("GET /api/items/4711 answered 200".to_owned()),
        ..Breadcrumb::default()
    }
}

fn three_tags(scope: &mut Scope) {
    scope.set_tag("job", "nightly");
    scope.set_tag("shard", "eu-3");
    scope.set_tag("attempt", "2");
}

fn fill_breadcrumbs() {
    (0..100).for_each(|_| sentry::add_breadcrumb(crumb()));
}

/// What a busy service has on its scope: 20 tags, 100 breadcrumbs, a user, 5 contexts.
fn fill_scope() {
    fill_breadcrumbs();
    sentry::configure_scope(|scope| {
        for index in 0..20 {
            scope.set_tag(&format!("tag.{index}"), format!("value of tag {index}"));
        }
        for index in 0..5 {
            let fields = (0..5).map(|field| (format!("field{field}"), Value::from("a value")));
            scope.set_context(&format!("context{index}"), Context::Other(fields.collect::<Map<_, _>>()));
        }
        scope.set_user(Some(User {
            id: Some("4711".to_owned()),
            email: Some("jane@example.com".to_owned()),
            username: Some("jane".to_owned()),
            ..User::default()
        }));
    });
}

/// Calls with that many more frames on the stack.
#[inline(never)]
fn deeper(frames: usize, call: &mut dyn FnMut()) {
    if black_box(frames) == 0 {
        call();
    } else {
        deeper(frames - 1, call);
    }
    // Work after the call, or it becomes a jump and leaves no frame.
    black_box(frames);
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

struct Dropping;

impl Transport for Dropping {
    fn send_envelope(&self, envelope: Envelope) {
        drop(envelope);
    }
}

#[derive(Debug)]
struct Failure {
    depth: usize,
    source: Option<Box<Failure>>,
}

impl Failure {
    /// An error with that many links, itself included.
    fn chain(links: usize) -> Failure {
        Failure { depth: links, source: (links > 1).then(|| Box::new(Failure::chain(links - 1))) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {} failed", self.depth)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
