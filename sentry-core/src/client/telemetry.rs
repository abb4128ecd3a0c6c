//! Capturing what waits for company: logs and metrics.

use super::Client;
use crate::logs::LogRecord;
#[cfg(feature = "metrics")]
use crate::metrics::IntoProtocolMetric;
use crate::metrics::MetricRecord;
use crate::origin::Origin;
#[cfg(feature = "logs")]
use crate::protocol::Log;
use crate::scope::Scope;

impl Client {
    /// Captures `log` with the trace of `scope`. See [`Hub::capture_log`](crate::Hub::capture_log).
    #[cfg(feature = "logs")]
    pub fn capture_log(&self, log: Log, scope: &Scope) {
        if self.is_listening() && self.options().enable_logs {
            self.push_log(LogRecord::new(log, self.origin(scope)));
        }
    }

    /// Captures `metric` with the trace of `scope`. See [`Hub::capture_metric`](crate::Hub::capture_metric).
    #[cfg(feature = "metrics")]
    pub fn capture_metric<M: IntoProtocolMetric>(&self, metric: M, scope: &Scope) {
        if self.is_listening() && self.options().enable_metrics {
            let origin = self.origin(scope);
            self.push_metric(MetricRecord::new(metric.into_draft(), origin));
        }
    }

    fn origin(&self, scope: &Scope) -> Origin {
        Origin::of(&scope.settled(), self.options().send_default_pii)
    }

    /// Lets a log wait for others.
    pub(crate) fn push_log(&self, record: LogRecord) {
        self.inner.pipeline.push_log(record);
    }

    /// Lets a metric wait for others.
    pub(crate) fn push_metric(&self, record: MetricRecord) {
        self.inner.pipeline.push_metric(record);
    }
}
