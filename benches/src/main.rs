//! What the SDK costs its host, beside the official crate `sentry` 0.49.5: the tables of DESIGN.md section 6.
//!
//! ```sh
//! cargo run --release --manifest-path benches/Cargo.toml                  # everything, a few minutes
//! cargo run --release --manifest-path benches/Cargo.toml -- --quick       # fewer samples, to see that it runs
//! cargo run --release --manifest-path benches/Cargo.toml -- message e2e   # only rows whose name contains a word
//! ```
//!
//! The official side is built with `ureq` and `rustls` rather than its default, `reqwest` and `native-tls`: ours sends
//! with the same two, so the figures compare the crates and not their HTTP clients.
//!
//! # How to read it
//!
//! The first table is the time a call takes *on the caller's thread*. Both crates run the same source
//! (`bodies.rs`, a module of each side), each in a child process of its own for each row, so that neither meets the other's
//! threads and panic hook. The parent lets them work in turn, in many short rounds: what the machine does besides hits
//! both alike. Rows that send stop between rounds until everything is delivered, outside the measured time: the official
//! crate drops what does not fit into its queue of 30, which would make its calls look cheap.
//!
//! * `p50`, `min`, `p99`: nanoseconds of wall time for one call, over all rounds. A sample of a cheap row is the mean of
//!   a batch of calls. The cost of reading the clocks is taken off.
//! * `first`: the median of the first sample of each round, which counts for nothing else: it finds the SDK's threads asleep
//!   and the processor's caches as the other crate left them. All other figures are of an SDK that is at work.
//! * `cpu`: mean CPU time of the calling thread for one call. Where `p99` is high and `cpu` is not, the thread waited.
//! * `ratio`: p50 of ours over p50 of the official crate. `goal` is the design's: a ratio at most (`x0.25`), or
//!   nanoseconds at most. `MISS` names what was missed: the goal, or the design's bound on `p99`.
//!
//! `http` rows use the built-in transport with a loopback server in the parent that answers 200 at once. `drop` rows use a
//! transport that throws envelopes away. With such a transport of the user's own, ours does not defer: it shows what
//! finishing an event costs, and there are no goals for it.
//!
//! The second table is end to end: each crate in a child process, the server in the parent. CPU and bytes are for each
//! *delivered* message or log. `e2e-late-300` is 300 events at 100/s, by absolute times, to a server that takes 50 ms an
//! answer on each connection, `e2e-outage-300` the same to a proxy that answers 503 for the first 2 s; the program ends by
//! dropping the guard, with the default timeout. `never` means that the child had to be killed after 5 s.
//!
//! Absolute figures compare only on one machine and in one run. Let nothing else run meanwhile. The release profile is
//! cargo's own; `CARGO_PROFILE_RELEASE_DEBUG=line-tables-only` shows the cost for programs that are shipped with line
//! numbers: symbols take about twice the time and the memory then.

#![allow(clippy::disallowed_methods, reason = "a program of its own: the real clock is the point")]

mod caller;
mod end_to_end;
mod measure;
mod official_side;
#[allow(clippy::duplicate_mod, reason = "the point: one source, two crates")]
mod ours_side;
mod rows;
mod server;

#[path = "../../tests/support/http.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod http;

use std::env;
use std::process::{Command, ExitCode, Stdio};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [CHILD, crate_name, rest @ ..] => {
            // A panic's message is not what is measured.
            std::panic::set_hook(Box::new(|_| {}));
            match *crate_name {
                "official" => official_side::bodies::child(rest),
                _ => ours_side::bodies::child(rest),
            }
            ExitCode::SUCCESS
        }
        _ => run(&words),
    }
}

fn run(words: &[&str]) -> ExitCode {
    let (flags, filter): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.starts_with('-'));
    let plan = Plan { quick: flags.contains(&"--quick"), filter: filter.into_iter().map(str::to_owned).collect() };
    if let Some(unknown) = flags.iter().find(|flag| **flag != "--quick") {
        eprintln!("{unknown}: the arguments are [--quick] [words of row names]");
        return ExitCode::FAILURE;
    }
    if cfg!(debug_assertions) {
        println!("This is a debug build: the figures mean nothing. Use --release.\n");
    }
    caller::table(&plan);
    end_to_end::table(&plan);
    ExitCode::SUCCESS
}

/// What to run, from the command line.
struct Plan {
    quick: bool,
    filter: Vec<String>,
}

impl Plan {
    fn wants(&self, row: &str) -> bool {
        self.filter.is_empty() || self.filter.iter().any(|word| row.contains(word.as_str()))
    }
}

/// This program again, as one crate's side of a row, in an environment that configures nothing.
fn child(crate_name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env::current_exe().expect("the path of this program"));
    for (key, _) in env::vars_os() {
        let name = key.to_string_lossy().to_ascii_uppercase();
        if name.starts_with("SENTRY_") || name.ends_with("_PROXY") || name == "SSL_VERIFY" {
            command.env_remove(key);
        }
    }
    command.args([CHILD, crate_name]).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

const CHILD: &str = "__child";
/// The columns, in the order of the tables.
const CRATES: [&str; 2] = ["official", "ours"];
