//! Everything that is not an issue: takes items apart and files them, and remembers in which order they came.

use serde_json::Value;

use crate::feedback::Feedback;
use crate::json;
use crate::kept::Newest;
use crate::log::Log;
use crate::metric::{Metrics, Sample};
use crate::monitor::{Monitors, Run};
use crate::session::{ReleaseKey, Releases, Update};
use crate::trace::{Traces, Transaction};

/// All kinds, each bounded by itself; of logs the last 5,000 are kept, of feedback the last 500.
#[derive(Clone, Debug)]
pub(crate) struct Telemetry {
    pub(crate) traces: Traces,
    pub(crate) logs: Newest<Log>,
    pub(crate) metrics: Metrics,
    pub(crate) releases: Releases,
    pub(crate) monitors: Monitors,
    pub(crate) feedback: Newest<Feedback>,
    /// Items, or entries of them, that are not what their type says.
    pub(crate) unreadable: u64,
}

/// What one item said, for who watches items come.
#[derive(Clone, Debug)]
pub(crate) enum News {
    Transaction(Box<Transaction>),
    Log(Box<Log>),
    Metric(Box<Sample>),
    Session(Box<Update>),
    Sessions(ReleaseKey, u64),
    CheckIn(String, Run),
    Feedback(Box<Feedback>),
}

impl Default for Telemetry {
    fn default() -> Telemetry {
        Telemetry {
            traces: Traces::default(),
            logs: Newest::of(MAX_LOGS),
            metrics: Metrics::default(),
            releases: Releases::default(),
            monitors: Monitors::default(),
            feedback: Newest::of(MAX_FEEDBACK),
            unreadable: 0,
        }
    }
}

impl Telemetry {
    /// Files one item and tells `news` what was in it. Items of a type that is not shown are ignored.
    pub(crate) fn file(&mut self, ty: &str, payload: &Value, news: &mut impl FnMut(News)) {
        let one = match ty {
            "log" => return self.entries(payload, Telemetry::log, news),
            "trace_metric" => return self.entries(payload, Telemetry::metric, news),
            "transaction" => self.traces.file_transaction(payload).map(|read| News::Transaction(Box::new(read))),
            "session" => self.releases.file_update(payload).map(|update| News::Session(Box::new(update))),
            "sessions" => self.releases.file_aggregates(payload).map(|(key, count)| News::Sessions(key, count)),
            "check_in" => self.monitors.file(payload).map(|(slug, run)| News::CheckIn(slug, run)),
            "feedback" => self.feedback(payload),
            _ => return,
        };
        match one {
            Some(one) => news(one),
            None => self.unreadable += 1,
        }
    }

    fn entries(
        &mut self,
        payload: &Value,
        file: fn(&mut Telemetry, &Value) -> Option<News>,
        news: &mut impl FnMut(News),
    ) {
        let Some(entries) = json::items(payload) else {
            self.unreadable += 1;
            return;
        };
        for entry in entries {
            match file(self, entry) {
                Some(one) => news(one),
                None => self.unreadable += 1,
            }
        }
    }

    fn log(&mut self, entry: &Value) -> Option<News> {
        let log = Log::read(entry)?;
        self.logs.push(log.clone());
        Some(News::Log(Box::new(log)))
    }

    fn metric(&mut self, entry: &Value) -> Option<News> {
        let sample = Sample::read(entry)?;
        self.metrics.file(&sample);
        Some(News::Metric(Box::new(sample)))
    }

    fn feedback(&mut self, payload: &Value) -> Option<News> {
        let feedback = Feedback::read(payload)?;
        self.feedback.push(feedback.clone());
        Some(News::Feedback(Box::new(feedback)))
    }
}

const MAX_LOGS: usize = 5000;
const MAX_FEEDBACK: usize = 500;
