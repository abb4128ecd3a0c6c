//! Which part of the events and transactions is sent, and the dice that decide it.

use std::fmt;
use std::sync::Arc;

use crate::performance::TracesSampler;
use crate::random;

/// How it is decided which error events are sent.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EventSamplingStrategy {
    /// This part of them, from 0.0 (none) to 1.0 (all). Values out of range count as the nearer end, NaN as all.
    FixedRate(f32),
}

impl Default for EventSamplingStrategy {
    fn default() -> Self {
        Self::FixedRate(1.0)
    }
}

impl EventSamplingStrategy {
    /// Throws the dice. Costs nothing at the rates 0 and 1.
    pub(crate) fn keeps(&self) -> bool {
        let Self::FixedRate(rate) = self;
        decide(*rate, random::unit)
    }
}

/// How it is decided which transactions are sampled.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum TracesSamplingStrategy {
    /// This part of those that begin a trace here, from 0.0 (none) to 1.0 (all); others as the head of their trace
    /// decided.
    FixedRate(f32),
    /// The rate this function returns for each.
    Function(Arc<TracesSampler>),
    /// None; and it is not said that none is: who continues the trace decides.
    #[default]
    Disabled,
}

impl fmt::Debug for TracesSamplingStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FixedRate(rate) => f.debug_tuple("FixedRate").field(rate).finish(),
            Self::Function(_) => f.write_str("Function"),
            Self::Disabled => f.write_str("Disabled"),
        }
    }
}

/// Throws dice for any rate.
pub(crate) fn sample(rate: f32) -> bool {
    EventSamplingStrategy::FixedRate(rate).keeps()
}

/// Whether something is kept at `rate`: the number drawn must be below it (spec CFG-10).
pub(crate) fn decide(rate: f32, draw: impl FnOnce() -> f64) -> bool {
    if rate >= 1.0 || rate.is_nan() {
        true
    } else if rate <= 0.0 {
        false
    } else {
        draw() < f64::from(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_draw_must_be_below_the_rate() {
        for (rate, draw, kept) in [
            (0.5, 0.499, true),
            (0.5, 0.5, false),
            (0.25, 0.0, true),
            (1.0, 0.999_999, true),
            (0.0, 0.0, false),
            (-1.0, 0.0, false),
            (7.0, 0.9, true),
            (f32::NAN, 0.9, true),
        ] {
            assert_eq!(decide(rate, || draw), kept, "rate {rate}, draw {draw}");
        }
    }

    #[test]
    fn the_ends_draw_nothing() {
        for rate in [0.0, 1.0] {
            decide(rate, || panic!("no dice needed"));
        }
    }
}
