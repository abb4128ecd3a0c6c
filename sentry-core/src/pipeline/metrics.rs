//! How a batch of metrics becomes an envelope: default attributes, then `before_send_metric` (spec MET-05).

use std::sync::Arc;

use super::attributes::add_defaults;
use super::{Batched, Pipeline};
use crate::batch::Store;
use crate::hub::{Hub, SwitchGuard};
use crate::metrics::PackedMetrics;
use crate::protocol::Envelope;
use crate::protocol::client_report::{Category, Reason};
use crate::scope::{ScopeData, ScopeSnapshot};
use crate::suppress;

impl Batched for PackedMetrics {
    fn category(&self) -> Category {
        Category::TraceMetric
    }

    fn bytes(&self) -> usize {
        self.bytes()
    }

    fn finish(self: Box<Self>, pipeline: &Pipeline) -> Option<Envelope> {
        let _mark = suppress::enter();
        // Each item has a scope of its own: hooks find themselves in none.
        let scopes = ScopeSnapshot::new(ScopeData::default());
        let _switch = SwitchGuard::new(Arc::new(Hub::of_snapshot(&scopes)));
        let user = scopes.global.user().filter(|_| pipeline.options.send_default_pii);
        let defaults = pipeline.default_attributes();
        let mut metrics = Vec::with_capacity(self.len());
        for record in self.into_records() {
            let wire_bytes = record.wire_bytes();
            let (mut metric, origin) = record.into_protocol();
            origin.describe_user(&mut metric.attributes, user);
            add_defaults(&mut metric.attributes, &defaults);
            let kept = match &pipeline.options.before_send_metric {
                Some(before_send) => pipeline.guarded("before_send_metric", || before_send(metric)).ok().flatten(),
                None => Some(metric),
            };
            match kept {
                Some(metric) if metric.value.is_finite() => metrics.push(metric),
                Some(_) => count_lost(pipeline, wire_bytes, NOT_FINITE),
                None => count_lost(pipeline, wire_bytes, Reason::BeforeSend),
            }
        }
        pipeline.container(metrics.into(), Category::TraceMetricByte)
    }

    fn count_lost(&self, pipeline: &Pipeline, reason: Reason) {
        self.wire_bytes().for_each(|wire_bytes| count_lost(pipeline, wire_bytes, reason));
    }
}

/// Counts a metric that never had its final size.
fn count_lost(pipeline: &Pipeline, wire_bytes: u64, reason: Reason) {
    pipeline.recorder.record_loss(Category::TraceMetric, reason, 1);
    pipeline.count_lost_bytes(Category::TraceMetricByte, wire_bytes, reason);
}

/// Why a value that JSON cannot carry is lost, be it the program's or a hook's; see `wire` for why it is this reason.
const NOT_FINITE: Reason = Reason::InternalSdkError;
