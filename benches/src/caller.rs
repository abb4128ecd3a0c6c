//! The first table: what a call costs the thread that makes it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout};

use crate::measure::Summary;
use crate::rows::{Goal, ROWS, Row};
use crate::server::{Mode, Server};
use crate::{CRATES, Plan};

/// Prints the table, line by line as it is measured.
pub fn table(plan: &Plan) {
    let wanted: Vec<&Row> = ROWS.iter().filter(|row| plan.wants(row.name)).collect();
    if wanted.is_empty() {
        return;
    }
    let server = Server::start(Mode::Answer);
    println!("Caller's cost of one call in ns: official crate, ours\n");
    println!(
        "{:<30}{:>10} {:>9} {:>8} {:>7}  {:>19} {:>19} {:>19} {:>19}  verdict",
        "row", "official", "ours", "ratio", "goal", "min", "p99", "first", "cpu"
    );
    for wire in ["http", "drop"] {
        for row in &wanted {
            if wire == "http" || row.sends() {
                line(row, wire, measure(row, wire, &server.dsn(), plan));
            }
        }
    }
    println!();
}

fn measure(row: &Row, wire: &str, dsn: &str, plan: &Plan) -> Option<[Summary; 2]> {
    let mut sides = CRATES.map(|name| Side::start(name, row, wire, dsn));
    let rounds = if plan.quick { 5 } else { 40 };
    for side in &mut sides {
        side.ask("warm")?;
    }
    for round in 0..rounds {
        // Neither is always the one that finds the caches as the other left them.
        for turn in [round % 2, (round + 1) % 2] {
            sides[turn].ask("round")?;
        }
    }
    let [official, ours] = sides.each_mut().map(|side| side.report());
    Some([official?, ours?])
}

fn line(row: &Row, wire: &str, summaries: Option<[Summary; 2]>) {
    let name = format!("{wire} {}", row.name);
    let Some([official, ours]) = summaries else {
        println!("{name:<30} a child process ended early");
        return;
    };
    let ratio = ours.p50 / official.p50;
    let pair = |value: fn(&Summary) -> f64| format!("{} {:>9}", figure(value(&official)), figure(value(&ours)));
    let (goal, verdict) = match wire {
        "http" => (goal(row.goal), verdict(row.goal, ratio, &ours)),
        _ => (String::new(), ""),
    };
    println!(
        "{name:<30}{:>10} {:>9} {:>8} {goal:>7}  {:>19} {:>19} {:>19} {:>19}  {verdict}",
        figure(official.p50),
        figure(ours.p50),
        format!("x{ratio:.4}"),
        pair(|summary| summary.min),
        pair(|summary| summary.p99),
        pair(|summary| summary.first),
        pair(|summary| summary.cpu),
    );
}

fn goal(goal: Goal) -> String {
    match goal {
        Goal::Ratio(ratio) | Goal::RatioAndP99(ratio, _) => format!("x{ratio}"),
        Goal::Nanoseconds(most) => format!("{most} ns"),
    }
}

fn verdict(goal: Goal, ratio: f64, ours: &Summary) -> &'static str {
    match goal {
        Goal::Ratio(most) if ratio <= most => "ok",
        Goal::Nanoseconds(most) if ours.p50 <= most => "ok",
        Goal::RatioAndP99(most, p99) if ratio <= most && ours.p99 <= p99 => "ok",
        Goal::RatioAndP99(most, _) if ratio <= most => "MISS p99",
        _ => "MISS",
    }
}

/// Nanoseconds: one decimal while it says something.
fn figure(nanoseconds: f64) -> String {
    if nanoseconds < 100.0 { format!("{nanoseconds:.1}") } else { format!("{nanoseconds:.0}") }
}

/// One crate's child process for one row.
struct Side {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Side {
    fn start(crate_name: &str, row: &Row, wire: &str, dsn: &str) -> Side {
        let mut child = crate::child(crate_name, &["row", row.name, wire, dsn]).spawn().expect("a child process");
        let commands = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Side { child, commands, answers }
    }

    /// Sends a command and returns what was said before `done`; `None` when the child is gone.
    fn ask(&mut self, command: &str) -> Option<String> {
        writeln!(self.commands, "{command}").ok()?;
        let mut said = String::new();
        loop {
            let start = said.len();
            if self.answers.read_line(&mut said).ok()? == 0 {
                return None;
            }
            if said.get(start..) == Some("done\n") {
                said.truncate(start);
                return Some(said);
            }
        }
    }

    fn report(&mut self) -> Option<Summary> {
        Summary::parse(&self.ask("report")?)
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
