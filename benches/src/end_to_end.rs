//! The second table: whole programs, and what arrives.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::server::{Mode, Server};
use crate::{CRATES, Plan};

/// Prints the table, line by line as it is measured.
pub fn table(plan: &Plan) {
    let rows = [
        Row { name: "e2e-burst", run: burst },
        Row { name: "e2e-logs", run: logs },
        Row { name: "e2e-late-300", run: late },
        Row { name: "e2e-outage-300", run: outage },
        Row { name: "e2e-silent-server", run: silent },
        Row { name: "e2e-thousandth", run: thousandth },
        Row { name: "e2e-memory", run: memory },
    ];
    let wanted: Vec<&Row> = rows.iter().filter(|row| plan.wants(row.name)).collect();
    if wanted.is_empty() {
        return;
    }
    println!("End to end over loopback HTTP\n");
    println!("{:<50}{:>12} {:>12} {:>8} {:>9}  verdict", "row", "official", "ours", "ratio", "goal");
    for row in wanted {
        (row.run)(plan);
    }
    println!();
}

struct Row {
    name: &'static str,
    run: fn(&Plan),
}

/// Messages with stacks from four threads at once: what arrives, and what each of those cost.
fn burst(plan: &Plan) {
    let messages = if plan.quick { 1_000 } else { 10_000 };
    let [official, ours] = rounds(plan, |crate_name| {
        let server = Server::start(Mode::Keep);
        let cpu = Running::start(crate_name, &["burst", &messages.to_string(), &server.dsn()]).number(BURST_LIMIT);
        let received = server.received();
        let events = received.events as f64;
        [100.0 * events / messages as f64, cpu.unwrap_or(f64::NAN) / 1e6 / events, received.bytes as f64 / events]
    });
    let name = |what: &str| format!("e2e-burst {messages} stacks: {what}");
    line(&name("delivered"), "%", official[0], ours[0], Goal::AtLeast(100.0));
    line(&name("CPU of each"), "ms", official[1], ours[1], Goal::Ratio(0.2));
    line(&name("bytes of each"), "B", official[2], ours[2], Goal::Ratio(0.18));
}

/// Structured logs from four threads at once. All of them fit into the bytes that may be queued: none may be lost.
fn logs(plan: &Plan) {
    let count = if plan.quick { 10_000 } else { 100_000 };
    let [official, ours] = rounds(plan, |crate_name| {
        let server = Server::start(Mode::Keep);
        let cpu = Running::start(crate_name, &["logs", &count.to_string(), &server.dsn()]).number(BURST_LIMIT);
        let delivered = server.received().logs as f64;
        [100.0 * delivered / f64::from(count), cpu.unwrap_or(f64::NAN) / 1e3 / delivered]
    });
    line(&format!("e2e-logs {count}: delivered"), "%", official[0], ours[0], Goal::AtLeast(100.0));
    line(&format!("e2e-logs {count}: CPU of each"), "us", official[1], ours[1], Goal::Ratio(1.0));
}

/// A steady load on a server that is slower than one request at a time can bear.
fn late(plan: &Plan) {
    paced(plan, Mode::KeepLate, "e2e-late-300 at 100/s, answers 50 ms: delivered");
}

/// A steady load while a proxy has nothing to pass it on to.
fn outage(plan: &Plan) {
    paced(plan, Mode::KeepAfterOutage, "e2e-outage-300 at 100/s, 2 s of 503: delivered");
}

fn paced(plan: &Plan, mode: Mode, name: &str) {
    let events = 300;
    let [official, ours] = rounds(plan, |crate_name| {
        let server = Server::start(mode);
        Running::start(crate_name, &["paced", &events.to_string(), &server.dsn()]).time_to_exit(LATE_LIMIT);
        [100.0 * server.received().events as f64 / f64::from(events)]
    });
    line(name, "%", official[0], ours[0], Goal::AtLeast(100.0));
}

/// Deadlines against a server that accepts and never answers.
fn silent(plan: &Plan) {
    let server = Server::start(Mode::Silent);
    let [official, ours] = rounds(plan, |crate_name| {
        let start = |call| Running::start(crate_name, &["silent", call, &server.dsn()]);
        let flush = start("flush").number(SILENT_LIMIT);
        let mut closing = start("close");
        let close = closing.number(SILENT_LIMIT);
        let exit = close.and_then(|_| closing.time_to_exit(SILENT_LIMIT));
        [flush, close, exit].map(|time| time.map_or(f64::INFINITY, |nanoseconds| nanoseconds / 1e6))
    });
    for (index, (call, most)) in
        [("flush(100 ms)", 150.0), ("close(100 ms)", 150.0), ("exit after it", EXIT_SLACK)].into_iter().enumerate()
    {
        line(&format!("e2e-silent-server: {call}"), "ms", official[index], ours[index], Goal::AtMost(most));
    }
}

/// The CPU time of one event with a stack, when everything is warm.
fn thousandth(plan: &Plan) {
    let server = Server::start(Mode::Answer);
    let [official, ours] = rounds(plan, |crate_name| {
        let cpu = Running::start(crate_name, &["warm", &server.dsn()]).number(BURST_LIMIT);
        [cpu.unwrap_or(f64::NAN) / 1e3]
    });
    line("e2e-thousandth event, 40 frames: CPU", "us", official[0], ours[0], Goal::Ratio(0.15));
}

/// Peak memory of a program that captured 200 stacks.
fn memory(plan: &Plan) {
    let server = Server::start(Mode::Answer);
    let [official, ours] = rounds(plan, |crate_name| {
        let peak = Running::start(crate_name, &["memory", &server.dsn()]).number(BURST_LIMIT);
        [peak.unwrap_or(f64::NAN) / 1e6]
    });
    line("e2e-memory: peak, 200 stacks captured", "MB", official[0], ours[0], Goal::Ratio(0.6));
}

/// Measures both crates in turn, and takes the medians.
fn rounds<const N: usize>(plan: &Plan, mut measure: impl FnMut(&str) -> [f64; N]) -> [[f64; N]; 2] {
    let count = if plan.quick { 1 } else { 3 };
    let mut results = [Vec::new(), Vec::new()];
    for _ in 0..count {
        for (crate_name, results) in CRATES.iter().zip(&mut results) {
            results.push(measure(crate_name));
        }
    }
    results.map(|rounds| {
        std::array::from_fn(|column| {
            let mut values: Vec<f64> = rounds.iter().map(|values| values[column]).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        })
    })
}

#[derive(Clone, Copy)]
enum Goal {
    /// Of the official figure.
    Ratio(f64),
    AtMost(f64),
    AtLeast(f64),
}

fn line(name: &str, unit: &str, official: f64, ours: f64, goal: Goal) {
    let ratio = ours / official;
    let (text, met) = match goal {
        Goal::Ratio(most) => (format!("x{most}"), ratio <= most),
        Goal::AtMost(most) => (format!("{most} {unit}"), ours <= most),
        Goal::AtLeast(least) => (format!("{least} {unit}"), ours >= least),
    };
    let figure = |value: f64| match value {
        value if value.is_infinite() => "never".to_owned(),
        value => format!("{value:.2} {unit}"),
    };
    let shown = if ratio.is_finite() && ratio > 0.0 { format!("x{ratio:.3}") } else { "-".to_owned() };
    let verdict = if met { "ok" } else { "MISS" };
    println!("{name:<50}{:>12} {:>12} {shown:>8} {text:>9}  {verdict}", figure(official), figure(ours));
}

/// A child process that prints numbers, and is killed when it does not.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(crate_name: &str, args: &[&str]) -> Running {
        let mut child = crate::child(crate_name, args).spawn().expect("a child process");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Running { child, lines }
    }

    /// The number the child prints next, in that time.
    fn number(&mut self, limit: Duration) -> Option<f64> {
        self.lines.recv_timeout(limit).ok()?.trim().parse().ok()
    }

    /// Nanoseconds until the child is gone, when that is within the limit.
    fn time_to_exit(&mut self, limit: Duration) -> Option<f64> {
        let start = Instant::now();
        // Its standard output ends when it does.
        match self.lines.recv_timeout(limit) {
            Err(RecvTimeoutError::Disconnected) => Some(start.elapsed().as_nanos() as f64),
            _ => None,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const BURST_LIMIT: Duration = Duration::from_secs(300);
const LATE_LIMIT: Duration = Duration::from_secs(30);
const SILENT_LIMIT: Duration = Duration::from_secs(5);
/// The goal is none; the end of a process takes a little by itself.
const EXIT_SLACK: f64 = 20.0;
