//! The dice of a trace, and what they decide: sampled if and only if they are below the rate (spec TRC-40 to TRC-46).

use crate::protocol::{DynamicSamplingContext, SampleRand, TraceId};
use crate::random::mix;

/// The dice of the trace `trace_id`, where nobody told of any: all who derive them find the same (TRC-41). A whole number
/// of millionths, so that the text that travels says all of it.
pub(crate) fn of(trace_id: TraceId) -> SampleRand {
    between(0, MILLION, unit(trace_id))
}

/// The dice of a trace that came in with `context` and a decision: those of its head; or, if the head did not tell
/// them, such as could have led to what it decided (TRC-43).
pub(crate) fn of_incoming(trace_id: TraceId, context: &DynamicSamplingContext, decision: Option<bool>) -> SampleRand {
    match (context.sample_rand(), context.sample_rate(), decision) {
        (Some(sample_rand), ..) => sample_rand,
        (None, Some(rate), Some(sampled)) => back_fill(rate, sampled, unit(trace_id)),
        (None, ..) => of(trace_id),
    }
}

/// A number from 0 to 1 that is as random as the id is.
fn unit(trace_id: TraceId) -> f64 {
    let id = u128::from_be_bytes(trace_id.to_bytes());
    let (high, low) = ((id >> 64) as u64, id as u64);
    let mixed = mix(mix(high) ^ low);
    // 53 bits are what an f64 can tell apart in [0, 1).
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

/// Whether a trace is sampled at `rate`. The texts of both, which others decide with, are in the same relation: the
/// dice count as they are printed, cut to six decimals, and are compared with the precision of the rate.
pub(crate) fn decides(sample_rand: SampleRand, rate: f32) -> bool {
    below(sample_rand.millionths(), rate)
}

const MILLION: u32 = 1_000_000;

fn below(millionths: u32, rate: f32) -> bool {
    ((f64::from(millionths) / f64::from(MILLION)) as f32) < rate
}

/// Dice that decide as `sampled` says at `rate`. Where none do, as for what was sampled at rate 0, the nearest ones.
fn back_fill(rate: f32, sampled: bool, unit: f64) -> SampleRand {
    let near = (f64::from(rate) * f64::from(MILLION)).round() as u32;
    // How many dice are below the rate: `near` may be the last of them, or the first that is not.
    let count = near.saturating_add(u32::from(below(near, rate))).min(MILLION);
    if sampled { between(0, count, unit) } else { between(count, MILLION, unit) }
}

/// A number of millionths from `start` up to, but not including, `end`, for a `unit` from 0 to 1.
fn between(start: u32, end: u32, unit: f64) -> SampleRand {
    let drawn = (f64::from(end.saturating_sub(start)) * unit) as u32;
    SampleRand::from_millionths(start.saturating_add(drawn).min(end.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What somebody decides who has only the texts.
    fn decided_by_texts(sample_rand: SampleRand, rate: f32) -> bool {
        sample_rand.to_string().parse::<f64>().unwrap() < format!("{rate:?}").parse::<f64>().unwrap()
    }

    #[test]
    fn dice_are_those_of_the_id_and_evenly_spread() {
        let ids: Vec<TraceId> = (0..10_000).map(|_| TraceId::default()).collect();
        assert!(ids.iter().all(|id| of(*id).to_string().parse::<SampleRand>().unwrap() == of(*id)));
        assert!(ids.iter().all(|id| of(*id) == of(*id)));
        for tenth in 1..10_u32 {
            let below = ids.iter().filter(|id| of(**id).millionths() < tenth * MILLION / 10).count();
            // Six standard deviations.
            assert!(below.abs_diff(1_000 * tenth as usize) < 300, "{below} of 10,000 below 0.{tenth}");
        }
        // One bit of an id turns half of those of its dice.
        let near = |n: u8| of([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, n].into()).millionths();
        assert!((0..100).filter(|n| near(*n).abs_diff(near(n + 1)) > MILLION / 10).count() > 60);
    }

    #[test]
    fn dice_decide_below_the_rate() {
        for (dice, rate, sampled) in [
            ("0", 0.0, false),
            ("0", 1e-9, true),
            ("0.1", 0.1, false),
            ("0.099999", 0.1, true),
            ("0.0999999", 0.1, true),
            ("0.1000009", 0.100_001, true),
            ("0.999999", 1.0, true),
            ("0.99999999999", 1.0, true),
            ("0.5", f32::NAN, false),
            ("0.5", -1.0, false),
            ("0.5", f32::INFINITY, true),
        ] {
            assert_eq!(decides(dice.parse().unwrap(), rate), sampled, "{dice} {rate}");
        }
    }

    #[test]
    fn dice_that_are_missing_fit_the_decision() {
        for (rate, sampled, unit, dice) in [
            (0.1, true, 0.0, "0.000000"),
            (0.1, true, 0.999_999_999, "0.099999"),
            (0.1, false, 0.0, "0.100000"),
            (0.1, false, 0.999_999_999, "0.999999"),
            (1.0, true, 0.999_999_999, "0.999999"),
            (0.0, false, 0.0, "0.000000"),
            (1e-7, true, 0.999_999_999, "0.000000"),
            (1e-7, false, 0.0, "0.000001"),
            // Nothing fits: such a sender contradicts itself.
            (0.0, true, 0.5, "0.000000"),
            (1.0, false, 0.5, "0.999999"),
            (f32::NAN, true, 0.5, "0.000000"),
            (f32::INFINITY, false, 0.5, "0.999999"),
            (-1.0, true, 0.5, "0.000000"),
        ] {
            assert_eq!(back_fill(rate, sampled, unit).to_string(), dice, "{rate} {sampled} {unit}");
        }
    }

    #[test]
    fn dice_of_the_head_are_kept() {
        let id = TraceId::default();
        let context = DynamicSamplingContext::new().with_sample_rate(0.000_001);
        assert_eq!(of_incoming(id, &context, Some(true)).to_string(), "0.000000");
        assert_ne!(of_incoming(id, &context, Some(false)).to_string(), "0.000000");
        assert_eq!(of_incoming(id, &context, None), of(id));
        let kept = context.with_sample_rand("0.75".parse().unwrap());
        assert_eq!(of_incoming(id, &kept, Some(true)).to_string(), "0.750000");
    }

    /// Rates as people write them, near the dice, and any.
    fn rates() -> impl Strategy<Value = f32> {
        prop_oneof![
            (0..=MILLION).prop_map(|millionths| (f64::from(millionths) / 1e6) as f32),
            (0..=1000u32).prop_map(|thousandths| thousandths as f32 / 1000.0),
            (0..=f32::to_bits(1.0)).prop_map(f32::from_bits),
            0.0..=1.0f32,
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

        #[test]
        fn the_texts_decide_alike(rate in rates(), number in 0.0..1.0f64, millionths in 0..MILLION) {
            let near = (f64::from(rate) * 1e6) as u32;
            let others = [millionths, near, near + 1, near.saturating_sub(1)].map(SampleRand::from_millionths);
            let beside = [number, f64::from(rate) - 1e-12, f64::from(rate), f64::from(rate) + 1e-12];
            for dice in others.into_iter().chain(beside.into_iter().filter_map(|number| number.try_into().ok())) {
                prop_assert_eq!(decides(dice, rate), decided_by_texts(dice, rate), "{} {:?}", dice, rate);
            }
        }

        #[test]
        fn what_is_filled_in_decides_as_the_sender_did(rate in rates(), sampled: bool, unit in 0.0..1.0f64) {
            let possible = if sampled { rate > 0.0 } else { !below(MILLION - 1, rate) };
            let dice = back_fill(rate, sampled, unit);
            prop_assert!(!possible || decided_by_texts(dice, rate) == sampled, "{} {:?} {}", dice, rate, sampled);
        }
    }
}
