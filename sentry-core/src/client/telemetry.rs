//! Capturing what waits for company: logs and metrics.

use std::sync::Arc;

use super::Client;
use crate::batch::Pushed;
use crate::logs::LogRecord;
#[cfg(feature = "metrics")]
use crate::metrics::IntoProtocolMetric;
use crate::metrics::MetricRecord;
use crate::origin::Origin;
use crate::pending::PendingEnvelope;
use crate::pipeline::Batched;
#[cfg(feature = "logs")]
use crate::protocol::Log;
use crate::protocol::client_report::Reason;
use crate::scope::Scope;

impl Client {
    /// Captures `log` with the trace of `scope`. See [`Hub::capture_log`](crate::Hub::capture_log).
    #[cfg(feature = "logs")]
    pub fn capture_log(&self, log: Log, scope: &Scope) {
        if self.is_listening() && self.options().enable_logs {
            let origin = self.origin(scope);
            self.push_log(LogRecord::new(log).captured_at(origin));
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
        let pushed = self.inner.pipeline.push_log(record);
        self.see_off(pushed);
    }

    /// Lets a metric wait for others.
    pub(crate) fn push_metric(&self, record: MetricRecord) {
        let pushed = self.inner.pipeline.push_metric(record);
        self.see_off(pushed);
    }

    /// Looks after a batch that something was added to just now.
    #[inline]
    fn see_off<T>(&self, pushed: Pushed<T>)
    where
        Vec<T>: Batched + 'static,
    {
        match pushed {
            Pushed::Waits => {}
            Pushed::First(due) => {
                if let Some(transport) = self.transport() {
                    transport.wake_at(due);
                }
            }
            Pushed::Leaves(items) => {
                let pending = PendingEnvelope::batch(items, Arc::clone(&self.inner.pipeline));
                match self.transport() {
                    Some(transport) => self.inner.hand_over(&*transport, pending),
                    None => pending.discard(Reason::QueueOverflow),
                }
            }
        }
        if self.is_closed() {
            // Closed meanwhile: nobody will look again at what has been added since.
            self.inner.pipeline.take_batches(None).into_iter().for_each(|late| late.discard(Reason::QueueOverflow));
        }
    }
}
