//! Capturing logs and metrics on a hub, with no more of its scope than they take along.

use std::sync::Arc;

use super::stack::Wanted;
use super::{Hub, current};
use crate::client::Client;
use crate::logs::LogRecord;
#[cfg(feature = "metrics")]
use crate::metrics::IntoProtocolMetric;
use crate::metrics::{MetricDraft, MetricRecord};
use crate::origin::Origin;
#[cfg(feature = "logs")]
use crate::protocol::Log;
use crate::suppress;

impl Hub {
    /// Captures a structured log; programs mostly do so by the macros, such as [`logger_info!`](crate::logger_info).
    ///
    /// It belongs to the scope's trace, and to its span if one is active. It waits for others, at most 5 seconds or
    /// until there are 100 of them: then the worker adds the attributes that all logs have and runs
    /// [`before_send_log`](field@crate::ClientOptions::before_send_log).
    #[cfg(feature = "logs")]
    pub fn capture_log(&self, log: Log) {
        if let Some((client, origin)) = self.listener(Wanted::Logs) {
            client.push_log(LogRecord::new(log, origin));
        }
    }

    /// Captures a metric; programs mostly do so by its own `capture`, see [`metrics`](crate::metrics).
    ///
    /// It belongs to the scope's trace, and to its span if one is active. It waits for others, at most 5 seconds or
    /// until there are 100 of them: then the worker adds the attributes that all metrics have and runs
    /// [`before_send_metric`](field@crate::ClientOptions::before_send_metric).
    #[cfg(feature = "metrics")]
    pub fn capture_metric<M: IntoProtocolMetric>(&self, metric: M) {
        if let Some((client, origin)) = self.listener(Wanted::Metrics) {
            client.push_metric(MetricRecord::new(metric.into_draft(), origin));
        }
    }

    /// Whether a log captured here would be sent.
    #[doc(hidden)]
    #[must_use]
    pub fn wants_logs_here() -> bool {
        Self::current_wants_logs()
    }

    /// Whether the client that would get what is captured here denies to collect what is under `name`.
    #[doc(hidden)]
    #[must_use]
    pub fn denies_here(name: &str) -> bool {
        current::with(|hub| hub.stack.lock().client().is_some_and(|known| known.deny_list.denies(name)))
    }

    /// Whether a log captured on the current hub would be sent.
    #[inline]
    pub(crate) fn current_wants_logs() -> bool {
        current::with(|hub| hub.stack.wants(Wanted::Logs)) && !suppress::is_active()
    }

    /// As [`capture_log`](Self::capture_log) on the current hub, without counting as a user of it.
    pub(crate) fn capture_log_on_current(mut record: LogRecord) {
        if let Some((client, origin)) = listener_here(Wanted::Logs) {
            record.set_origin(origin);
            client.push_log(record);
        }
    }

    /// As [`capture_log`](Self::capture_log) on the current hub. Inside a span of another tracing system that has no hub of
    /// its own, none is made.
    #[doc(hidden)]
    #[cfg(feature = "logs")]
    pub fn capture_log_here(log: Log) {
        if let Some((client, origin)) = listener_here(Wanted::Logs) {
            client.push_log(LogRecord::new(log, origin));
        }
    }

    /// As [`capture_metric`](Self::capture_metric) on the current hub, without counting as a user of it.
    pub(crate) fn capture_metric_on_current(draft: MetricDraft) {
        if let Some((client, origin)) = listener_here(Wanted::Metrics) {
            client.push_metric(MetricRecord::new(draft, origin));
        }
    }

    /// Who is to get what is captured now, and where it is captured.
    fn listener(&self, wanted: Wanted) -> Option<(Arc<Client>, Origin)> {
        if suppress::is_active() || !self.stack.wants(wanted) {
            return None;
        }
        let mut levels = self.stack.lock();
        let client = levels.client()?.client.upgrade()?;
        let origin = Origin::of(&levels.top.scope, client.options().send_default_pii);
        Some((client, origin))
    }
}

/// The current hub's, with the place in the trace where that is a span's that has no hub.
fn listener_here(wanted: Wanted) -> Option<(Arc<Client>, Origin)> {
    current::here(|here| {
        let (client, origin) = here.hub.listener(wanted)?;
        Some((client, origin.placed(here.span)))
    })
}
