//! Monitors: the last runs of each scheduled job, as its check-ins tell.

use std::time::Duration;

use serde_json::Value;

use crate::json;
use crate::kept::{Newest, Recent};

/// The last 200 monitors by slug.
#[derive(Clone, Debug, Default)]
pub(crate) struct Monitors {
    monitors: Recent<String, Monitor>,
}

/// One job.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    pub(crate) schedule: Option<Schedule>,
    pub(crate) runs: u64,
    /// The last 20.
    pub(crate) last: Newest<Run>,
}

/// When a job should run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Schedule {
    Crontab(String),
    Interval(u64, String),
}

/// One run, as its last check-in has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) id: u128,
    pub(crate) status: String,
    pub(crate) duration: Option<Duration>,
}

impl Monitors {
    /// The slug and what the check-in says of its run; `None` without a slug.
    pub(crate) fn file(&mut self, payload: &Value) -> Option<(String, Run)> {
        let slug = json::text(payload, "monitor_slug")?;
        let run = Run {
            id: json::id(payload, "check_in_id").unwrap_or_default(),
            status: json::text(payload, "status").unwrap_or_else(|| "unknown".to_owned()),
            duration: json::duration(payload, "duration"),
        };
        let monitor = self.monitors.touch(&slug, Monitor::new);
        let schedule = payload.get("monitor_config").and_then(|config| Schedule::read(config.get("schedule")?));
        monitor.schedule = schedule.or(monitor.schedule.take());
        monitor.note(run.clone());
        self.monitors.trim(MAX_MONITORS);
        Some((slug, run))
    }

    /// In the order of slugs.
    pub(crate) fn sorted(&self) -> Vec<(&String, &Monitor)> {
        let mut all: Vec<_> = self.monitors.iter().collect();
        all.sort_by_key(|(slug, _)| *slug);
        all
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.monitors.dropped()
    }
}

impl Monitor {
    fn new() -> Monitor {
        Monitor { schedule: None, runs: 0, last: Newest::of(MAX_RUNS) }
    }

    fn note(&mut self, run: Run) {
        // The id of zeros means the run that is under way.
        let is_same = |known: &&mut Run| match run.id {
            0 => known.status == "in_progress",
            id => known.id == id,
        };
        match self.last.iter_mut().rev().find(is_same) {
            Some(known) => *known = Run { id: known.id, duration: run.duration.or(known.duration), ..run },
            None => {
                self.runs += 1;
                self.last.push(run);
            }
        }
    }
}

impl Schedule {
    fn read(value: &Value) -> Option<Schedule> {
        match value.get("type")?.as_str()? {
            "crontab" => json::text(value, "value").map(Schedule::Crontab),
            "interval" => Some(Schedule::Interval(value.get("value")?.as_u64()?, json::text(value, "unit")?)),
            _ => None,
        }
    }
}

const MAX_MONITORS: usize = 200;
const MAX_RUNS: usize = 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn runs(payloads: &[Value]) -> (u64, Vec<String>) {
        let mut monitors = Monitors::default();
        payloads.iter().for_each(|payload| drop(monitors.file(payload)));
        let (_, monitor) = monitors.sorted()[0];
        (monitor.runs, monitor.last.iter().map(|run| run.status.clone()).collect())
    }

    #[test]
    fn check_ins_of_one_run_are_one_run() {
        let check_in = |id: &str, status: &str| json!({"monitor_slug": "m", "check_in_id": id, "status": status});
        let nil = "00000000000000000000000000000000";
        let table = [
            (vec![check_in("a", "in_progress"), check_in("a", "ok")], (1, vec!["ok"])),
            (vec![check_in("a", "in_progress"), check_in("b", "error")], (2, vec!["in_progress", "error"])),
            (vec![check_in("a", "in_progress"), check_in(nil, "ok")], (1, vec!["ok"])),
            (vec![check_in("a", "ok"), check_in(nil, "in_progress"), check_in(nil, "error")], (2, vec!["ok", "error"])),
        ];
        for (payloads, (count, statuses)) in table {
            assert_eq!(runs(&payloads), (count, statuses.into_iter().map(str::to_owned).collect()), "{payloads:?}");
        }
    }

    #[test]
    fn runs_and_monitors_have_a_limit() {
        let payloads: Vec<Value> =
            (1..=25).map(|n| json!({"monitor_slug": "m", "check_in_id": format!("{n:x}"), "status": "ok"})).collect();
        let (count, statuses) = runs(&payloads);
        assert_eq!((count, statuses.len()), (25, 20));
        let mut monitors = Monitors::default();
        (0..201).for_each(|n| drop(monitors.file(&json!({"monitor_slug": format!("m{n}")}))));
        assert_eq!((monitors.sorted().len(), monitors.dropped()), (200, 1));
    }
}
