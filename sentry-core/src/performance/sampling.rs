//! Whether a transaction is sampled: decided once, at its start, with the dice of its trace (spec §18.5, TXN-02).

use crate::client::Client;
use crate::options::TracesSamplingStrategy;
use crate::propagation::{decides, sample_rand_of};
use crate::protocol::SampleRand;
use crate::suppress;

use super::TransactionContext;

/// What was decided, and by which numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decision {
    /// What the trace's other parts are told; `None` leaves it to them.
    pub(super) sampled: Option<bool>,
    /// Whether this program records and sends its part.
    pub(super) records: bool,
    /// Whether losing is to be counted: not where tracing is off.
    pub(super) counts: bool,
    pub(super) sample_rate: Option<f32>,
    pub(super) sample_rand: Option<SampleRand>,
}

impl Decision {
    /// Where nobody would send it: what the other side decided is passed on (spec TRC-30).
    pub(super) fn pass_on(context: &TransactionContext) -> Self {
        let sample_rand = Some(dice(context));
        // What the program itself decided is nothing to tell where nothing is sent (spec TRC-32).
        let sampled = context.incoming.as_ref().and_then(|incoming| incoming.sampled());
        Self { sampled, records: false, counts: false, sample_rate: None, sample_rand }
    }
}

/// Decides for `client`. Makes the transaction the head of a trace of its own if the trace it was to continue is not
/// this organization's. The user's sampler runs here, on the caller, outside locks.
pub(super) fn decide(context: &mut TransactionContext, client: &Client) -> Decision {
    if let Some(incoming) = &context.incoming {
        if !client.continues(incoming) {
            context.begin_anew();
        }
    }
    match (&client.options().traces_sampling_strategy, context.is_explicit) {
        (TracesSamplingStrategy::Disabled, _) => Decision::pass_on(context),
        (_, true) => settled(context),
        (TracesSamplingStrategy::Function(sampler), _) => {
            let _mark = suppress::enter();
            let rate = client.pipeline().guarded("traces_sampler", || sampler(context)).ok();
            match rate.filter(|rate| is_rate(*rate)) {
                Some(rate) => thrown(context, rate),
                None => {
                    if let Some(rate) = rate {
                        client.pipeline().diagnostics().fault(
                            "traces_sampler",
                            format_args!("traces_sampler returned {rate}, which is not between 0.0 and 1.0: ignored"),
                        );
                    }
                    // As if there were no sampler (spec HOK-24).
                    if context.sampled().is_some() { settled(context) } else { Decision::pass_on(context) }
                }
            }
        }
        (TracesSamplingStrategy::FixedRate(_), _) if context.sampled().is_some() => settled(context),
        (TracesSamplingStrategy::FixedRate(rate), _) => thrown(context, *rate),
    }
}

fn is_rate(rate: f32) -> bool {
    (0.0..=1.0).contains(&rate)
}

/// By the program or by the head of the trace.
fn settled(context: &TransactionContext) -> Decision {
    let sampled = context.sampled().unwrap_or_default();
    let sample_rate = context.parent_sample_rate().unwrap_or(if sampled { 1.0 } else { 0.0 });
    Decision {
        sampled: Some(sampled),
        records: sampled,
        counts: true,
        sample_rate: Some(sample_rate),
        sample_rand: Some(dice(context)),
    }
}

fn thrown(context: &TransactionContext, rate: f32) -> Decision {
    let sample_rand = dice(context);
    let sampled = decides(sample_rand, rate);
    Decision {
        sampled: Some(sampled),
        records: sampled,
        counts: true,
        sample_rate: Some(rate),
        sample_rand: Some(sample_rand),
    }
}

/// The dice of the trace: those of its head, as far as they are known.
fn dice(context: &TransactionContext) -> SampleRand {
    context.incoming.as_ref().map_or_else(|| sample_rand_of(context.trace_id), |incoming| incoming.sample_rand())
}
