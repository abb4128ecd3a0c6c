//! Metrics: numbers that Sentry adds up, averages and charts, linked to the trace they were recorded in.
//!
//! ```
//! use sentry_core::metrics;
//! use sentry_core::protocol::Unit;
//!
//! metrics::counter("orders", 1).attribute("shop", "berlin").capture();
//! metrics::gauge("queue.depth", 42).capture();
//! metrics::distribution("query.duration", 12.5).unit(Unit::Millisecond).attribute("table", "users").capture();
//! ```
//!
//! Each call of `capture` is one value on the wire; what adds them up is Sentry. It costs some copies on the calling
//! thread; a load and a branch, beside making the metric, when nobody listens. Metrics wait for each other, at most 5
//! seconds or until there are 100 of them.
//!
//! Sentry takes at most 2 KiB for a metric with its attributes. One that is larger, or whose value is not a finite
//! number, is dropped and counted.

mod record;
#[cfg(all(test, feature = "metrics"))]
mod tests;

use std::borrow::Cow;

use crate::hub::{Hub, activity};
use crate::protocol::{LogAttribute, MetricType, Unit};

pub(crate) use self::record::{MetricRecord, PackedMetrics};
pub(crate) use self::sealed::Draft as MetricDraft;
use self::sealed::{Draft, IntoProtocolMetricImpl};

/// Something that counts: its values are added up.
pub fn counter<N, V>(name: N, value: V) -> CounterMetric
where
    N: Into<Cow<'static, str>>,
    V: Into<f64>,
{
    CounterMetric(Draft::new(MetricType::Counter, name.into(), value.into()))
}

/// Something that has a value at each time: of several, the latest counts.
pub fn gauge<N, V>(name: N, value: V) -> GaugeMetric
where
    N: Into<Cow<'static, str>>,
    V: Into<f64>,
{
    GaugeMetric(Draft::new(MetricType::Gauge, name.into(), value.into()))
}

/// Something that is measured again and again: its values have a mean and percentiles.
pub fn distribution<N, V>(name: N, value: V) -> DistributionMetric
where
    N: Into<Cow<'static, str>>,
    V: Into<f64>,
{
    DistributionMetric(Draft::new(MetricType::Distribution, name.into(), value.into()))
}

/// A value of a [`counter`].
#[derive(Debug, Clone)]
#[must_use = "nothing is recorded before `capture`"]
pub struct CounterMetric(Draft);

/// A value of a [`gauge`].
#[derive(Debug, Clone)]
#[must_use = "nothing is recorded before `capture`"]
pub struct GaugeMetric(Draft);

/// A value of a [`distribution`].
#[derive(Debug, Clone)]
#[must_use = "nothing is recorded before `capture`"]
pub struct DistributionMetric(Draft);

/// What can be captured as a metric: the three kinds that this module makes.
pub trait IntoProtocolMetric: IntoProtocolMetricImpl {}

macro_rules! metric {
    ($metric:ident) => {
        impl $metric {
            /// Adds an attribute, by which the values can be told apart.
            pub fn attribute<K, V>(mut self, key: K, value: V) -> Self
            where
                K: Into<Cow<'static, str>>,
                V: Into<LogAttribute>,
            {
                self.0.attributes.push((key.into(), value.into()));
                self
            }

            /// Captures it on the current hub, see [`Hub::capture_metric`].
            pub fn capture(self) {
                if activity::any_open() {
                    Hub::capture_metric_on_current(self.0);
                }
            }
        }

        impl IntoProtocolMetric for $metric {}

        impl IntoProtocolMetricImpl for $metric {
            fn into_draft(self) -> Draft {
                self.0
            }
        }
    };
}

macro_rules! unit {
    ($metric:ident) => {
        impl $metric {
            /// Says what the value is in: one of [`Unit`]'s, or a name of your own.
            pub fn unit<U: Into<Unit>>(mut self, unit: U) -> Self {
                self.0.unit = Some(unit.into());
                self
            }
        }
    };
}

metric!(CounterMetric);
metric!(GaugeMetric);
metric!(DistributionMetric);
unit!(GaugeMetric);
unit!(DistributionMetric);

mod sealed {
    use std::borrow::Cow;

    use crate::protocol::{LogAttribute, MetricType, Unit};

    /// A metric as the program gives it.
    #[derive(Debug, Clone)]
    pub struct Draft {
        pub(super) r#type: MetricType,
        pub(super) name: Cow<'static, str>,
        pub(super) value: f64,
        pub(super) unit: Option<Unit>,
        /// A list, not a map: the caller pays for it.
        pub(super) attributes: Vec<(Cow<'static, str>, LogAttribute)>,
    }

    impl Draft {
        pub(super) fn new(r#type: MetricType, name: Cow<'static, str>, value: f64) -> Self {
            Self { r#type, name, value, unit: None, attributes: Vec::new() }
        }
    }

    /// Keeps [`IntoProtocolMetric`](super::IntoProtocolMetric) from being implemented elsewhere.
    pub trait IntoProtocolMetricImpl {
        /// The metric as the program gives it.
        fn into_draft(self) -> Draft;
    }
}
