//! The dynamic sampling context: what the head of a trace knew, passed on unchanged, so that all its parts are kept or
//! dropped alike.

use std::borrow::Cow;
use std::fmt;
use std::num::{ParseFloatError, ParseIntError};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Map, TraceId, Value};

/// The number of an organization at sentry.io.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrganizationId(u64);

impl From<u64> for OrganizationId {
    fn from(id: u64) -> Self {
        Self(id)
    }
}

impl FromStr for OrganizationId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The dice of a trace: a number from 0 up to, but not including, 1. Its text has six decimals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRand(f64);

/// Why a text or number is not a [`SampleRand`].
#[derive(Debug)]
pub enum InvalidSampleRandError {
    /// The text is not a number.
    InvalidFloat(ParseFloatError),
    /// The number is below 0, or 1 or more.
    OutOfRange,
}

impl fmt::Display for InvalidSampleRandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidFloat(error) => write!(f, "sample_rand is not a number like 0.123456: {error}"),
            Self::OutOfRange => f.write_str("sample_rand is out of range: it should be at least 0 and below 1"),
        }
    }
}

impl std::error::Error for InvalidSampleRandError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::InvalidFloat(error) => Some(error),
            Self::OutOfRange => None,
        }
    }
}

impl From<ParseFloatError> for InvalidSampleRandError {
    fn from(error: ParseFloatError) -> Self {
        Self::InvalidFloat(error)
    }
}

impl TryFrom<f64> for SampleRand {
    type Error = InvalidSampleRandError;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        // `abs` for the sign of a negative zero.
        if (0.0..1.0).contains(&number) { Ok(Self(number.abs())) } else { Err(InvalidSampleRandError::OutOfRange) }
    }
}

impl FromStr for SampleRand {
    type Err = InvalidSampleRandError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<f64>()?.try_into()
    }
}

impl SampleRand {
    /// So many millionths, at most 999,999.
    pub(crate) fn from_millionths(millionths: u32) -> Self {
        Self(f64::from(millionths.min(999_999)) / 1e6)
    }

    /// Cut, not rounded, to six decimals: 0.9999996 must not become 1 (TRC-45).
    pub(crate) fn millionths(self) -> u32 {
        let cut = (self.0 * 1e6).floor();
        // The multiplication may have rounded across a whole number; the division below is exact to the last bit.
        let millionths = match cut {
            _ if (cut + 1.0) / 1e6 <= self.0 => cut + 1.0,
            _ if cut / 1e6 > self.0 => cut - 1.0,
            _ => cut,
        };
        millionths as u32
    }
}

impl fmt::Display for SampleRand {
    /// Six decimals, cut and not rounded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0.{:06}", self.millionths())
    }
}

/// Numbers that travel as text are read in either form.
macro_rules! text_on_the_wire {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = scalar(&Value::deserialize(deserializer)?);
                text.ok_or_else(|| de::Error::custom("expected a number"))?.parse().map_err(de::Error::custom)
            }
        }
    };
}

text_on_the_wire!(OrganizationId);
text_on_the_wire!(SampleRand);

/// What travels in the envelope header `trace`, and (with a prefix to each key) in `baggage`.
///
/// On the wire every value is text. Reading skips what cannot be understood and keeps keys that are not known here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DynamicSamplingContext {
    trace_id: Option<TraceId>,
    public_key: Option<String>,
    sample_rate: Option<f32>,
    sample_rand: Option<SampleRand>,
    sampled: Option<bool>,
    release: Option<String>,
    environment: Option<String>,
    transaction: Option<String>,
    org_id: Option<OrganizationId>,
    /// Such as `replay_id`: whoever began the trace put it there for the server.
    other: Map<String, String>,
}

impl DynamicSamplingContext {
    /// An empty context.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the trace it belongs to.
    #[must_use]
    pub fn with_trace_id(mut self, trace_id: TraceId) -> Self {
        self.trace_id = Some(trace_id);
        self
    }

    /// Sets the public key of the DSN of the trace's head.
    #[must_use]
    pub fn with_public_key(mut self, public_key: String) -> Self {
        self.public_key = Some(public_key);
        self
    }

    /// Sets the rate the head sampled with, from 0 to 1. What is not a number is left out, other values are clamped.
    #[must_use]
    pub fn with_sample_rate(mut self, sample_rate: f32) -> Self {
        self.sample_rate = rate(sample_rate);
        self
    }

    /// Sets the dice of the trace.
    #[must_use]
    pub fn with_sample_rand(mut self, sample_rand: SampleRand) -> Self {
        self.sample_rand = Some(sample_rand);
        self
    }

    /// Sets what the head decided.
    #[must_use]
    pub fn with_sampled(mut self, sampled: bool) -> Self {
        self.sampled = Some(sampled);
        self
    }

    /// Sets the release of the trace's head.
    #[must_use]
    pub fn with_release(mut self, release: String) -> Self {
        self.release = Some(release);
        self
    }

    /// Sets the environment of the trace's head.
    #[must_use]
    pub fn with_environment(mut self, environment: String) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Sets the name of the head's transaction; only names without identifiers in them belong here.
    #[must_use]
    pub fn with_transaction(mut self, transaction: String) -> Self {
        self.transaction = Some(transaction);
        self
    }

    /// Sets the organization of the trace's head.
    #[must_use]
    pub fn with_org_id(mut self, org_id: OrganizationId) -> Self {
        self.org_id = Some(org_id);
        self
    }

    #[allow(dead_code, reason = "transactions, which use it, are written at the same time")]
    pub(crate) fn trace_id(&self) -> Option<TraceId> {
        self.trace_id
    }

    pub(crate) fn sample_rate(&self) -> Option<f32> {
        self.sample_rate
    }

    pub(crate) fn sample_rand(&self) -> Option<SampleRand> {
        self.sample_rand
    }

    #[allow(dead_code, reason = "transactions, which use it, are written at the same time")]
    pub(crate) fn sampled(&self) -> Option<bool> {
        self.sampled
    }

    pub(crate) fn org_id(&self) -> Option<OrganizationId> {
        self.org_id
    }

    /// What there is, as keys and texts: the same in the envelope header and, with a prefix, in `baggage` (TRC-51).
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        let known = [
            ("trace_id", self.trace_id.map(|id| id.to_string().into())),
            ("public_key", self.public_key.as_deref().map(Cow::Borrowed)),
            // `{:?}` keeps a decimal point: "1.0" (X-08).
            ("sample_rate", self.sample_rate.map(|rate| format!("{rate:?}").into())),
            ("sample_rand", self.sample_rand.map(|number| number.to_string().into())),
            ("sampled", self.sampled.map(|sampled| sampled.to_string().into())),
            ("release", self.release.as_deref().map(Cow::Borrowed)),
            ("environment", self.environment.as_deref().map(Cow::Borrowed)),
            ("transaction", self.transaction.as_deref().map(Cow::Borrowed)),
            ("org_id", self.org_id.map(|id| id.to_string().into())),
        ];
        let other = self.other.iter().map(|(key, value)| (&**key, Cow::Borrowed(&**value)));
        known.into_iter().filter_map(|(key, value)| Some((key, value?))).chain(other)
    }

    /// Sets what `key` stands for, from its text: to nothing if that cannot be understood.
    pub(crate) fn set(&mut self, key: String, value: String) {
        match key.as_str() {
            "trace_id" => self.trace_id = value.parse().ok(),
            "public_key" => self.public_key = Some(value),
            "sample_rate" => self.sample_rate = value.parse().ok().and_then(rate),
            "sample_rand" => self.sample_rand = value.parse().ok(),
            "sampled" => self.sampled = value.parse().ok(),
            "release" => self.release = Some(value),
            "environment" => self.environment = Some(value),
            "transaction" => self.transaction = Some(value),
            "org_id" => self.org_id = value.parse().ok(),
            _ => {
                self.other.insert(key, value);
            }
        }
    }
}

impl Serialize for DynamicSamplingContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.members())
    }
}

impl<'de> Deserialize<'de> for DynamicSamplingContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut context = Self::default();
        for (key, value) in Map::<String, Value>::deserialize(deserializer)? {
            if let Some(value) = scalar(&value) {
                context.set(key, value);
            }
        }
        Ok(context)
    }
}

/// Text, numbers and booleans as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn rate(rate: f32) -> Option<f32> {
    (!rate.is_nan()).then(|| rate.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_values_are_text_on_the_wire() {
        let context = DynamicSamplingContext::new()
            .with_trace_id("771a43a4192642f0b136d5159a501700".parse().unwrap())
            .with_public_key("abc".into())
            .with_sample_rate(0.1)
            .with_sample_rand(SampleRand::try_from(0.5).unwrap())
            .with_sampled(true)
            .with_release("a@1".into())
            .with_environment("prod".into())
            .with_transaction("/users/{id}".into())
            .with_org_id(42.into());
        let text = r#"{"trace_id":"771a43a4192642f0b136d5159a501700","public_key":"abc","sample_rate":"0.1","sample_rand":"0.500000","sampled":"true","release":"a@1","environment":"prod","transaction":"/users/{id}","org_id":"42"}"#;
        assert_eq!(serde_json::to_string(&context).unwrap(), text);
        assert_eq!(serde_json::from_str::<DynamicSamplingContext>(text).unwrap(), context);
        assert_eq!(serde_json::to_string(&DynamicSamplingContext::new()).unwrap(), "{}");
    }

    #[test]
    fn reading_is_tolerant_and_keeps_unknown_keys() {
        let text = r#"{"sample_rate":1,"sample_rand":0.25,"sampled":false,"org_id":7,"trace_id":"x","release":null,"environment":{},"replay_id":"r","user":{"id":1}}"#;
        let read: DynamicSamplingContext = serde_json::from_str(text).unwrap();
        assert_eq!(
            serde_json::to_string(&read).unwrap(),
            r#"{"sample_rate":"1.0","sample_rand":"0.250000","sampled":"false","org_id":"7","replay_id":"r"}"#
        );
        assert!(serde_json::from_str::<DynamicSamplingContext>("[]").is_err());
    }

    #[test]
    fn odd_sample_rates() {
        let written = |rate| serde_json::to_string(&DynamicSamplingContext::new().with_sample_rate(rate)).unwrap();
        assert_eq!(written(f32::NAN), "{}");
        assert_eq!(written(f32::INFINITY), r#"{"sample_rate":"1.0"}"#);
        assert_eq!(written(-1.0), r#"{"sample_rate":"0.0"}"#);
    }

    #[test]
    fn sample_rand_is_cut_to_six_decimals() {
        for (number, text) in [
            (0.0, "0.000000"),
            (-0.0, "0.000000"),
            (1e-300, "0.000000"),
            (0.000_000_999, "0.000000"),
            (0.000_003, "0.000003"),
            (0.123_456_7, "0.123456"),
            (0.999_999_6, "0.999999"),
            (1.0 - f64::EPSILON / 2.0, "0.999999"),
        ] {
            assert_eq!(SampleRand::try_from(number).unwrap().to_string(), text);
        }
        for number in [-1e-9, 1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(SampleRand::try_from(number), Err(InvalidSampleRandError::OutOfRange)), "{number}");
        }
        assert!(matches!("x".parse::<SampleRand>(), Err(InvalidSampleRandError::InvalidFloat(_))));
        assert!(matches!("1.0".parse::<SampleRand>(), Err(InvalidSampleRandError::OutOfRange)));
    }

    #[test]
    fn ids_and_dice_are_read_as_number_or_text() {
        assert_eq!(serde_json::from_str::<OrganizationId>("\"12\"").unwrap(), OrganizationId(12));
        assert_eq!(serde_json::from_str::<OrganizationId>("12").unwrap(), OrganizationId(12));
        assert_eq!(serde_json::from_str::<SampleRand>("0.5").unwrap(), SampleRand(0.5));
        assert!(serde_json::from_str::<SampleRand>("[]").is_err());
        assert_eq!(serde_json::to_string(&OrganizationId(12)).unwrap(), "\"12\"");
    }

    proptest! {
        #[test]
        fn the_text_of_sample_rand_is_stable_and_never_larger(millionths in 0u32..1_000_000, number in 0.0..1.0f64) {
            let text = format!("0.{millionths:06}");
            prop_assert_eq!(text.parse::<SampleRand>().unwrap().to_string(), text);
            let cut: SampleRand = SampleRand(number).to_string().parse().unwrap();
            prop_assert!(cut.0 <= number && number - cut.0 < 1.000_001e-6);
        }
    }
}
