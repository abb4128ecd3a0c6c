//! Dynamic sampling contexts come with envelopes and with requests: whoever calls a service chooses their text.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use sentry_core::protocol::{DynamicSamplingContext, OrganizationId, SampleRand, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

fuzz_target!(|text: &str| {
    check::<OrganizationId>(text);
    check::<SampleRand>(text);
    if let Ok(rand) = text.parse::<SampleRand>() {
        let cut: f64 = rand.to_string().parse().expect("a number");
        assert!((0.0..1.0).contains(&cut), "{rand} is no dice");
    }

    let quoted = serde_json::to_string(text).expect("a string");
    check_context(text);
    for key in KEYS {
        check_context(&format!("{{\"{key}\":{quoted}}}"));
    }
});

/// Text, JSON text and JSON mean the same, and what is written is a fixed point.
fn check<T>(text: &str)
where
    T: FromStr + Display + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let parsed = text.parse::<T>().ok();
    let quoted = serde_json::to_string(text).expect("a string");
    assert_eq!(serde_json::from_str::<T>(&quoted).ok(), parsed);
    for value in [parsed, serde_json::from_str(text).ok()].into_iter().flatten() {
        let written = value.to_string();
        let again = written.parse::<T>().unwrap_or_else(|_| panic!("{written:?} from {text:?}"));
        assert_eq!(again.to_string(), written);
        assert_eq!(serde_json::to_value(&value).ok(), Some(Value::String(written)));
    }
}

fn check_context(json: &str) {
    let Ok(context) = serde_json::from_str::<DynamicSamplingContext>(json) else { return };
    let written = serde_json::to_string(&context).expect("text");
    let again: DynamicSamplingContext =
        serde_json::from_str(&written).unwrap_or_else(|error| panic!("{error} in {written}"));
    assert_eq!(serde_json::to_string(&again).expect("text"), written);
    // On the wire every value is text.
    let Ok(Value::Object(entries)) = serde_json::from_str(&written) else { panic!("{written} is no object") };
    assert!(entries.values().all(Value::is_string), "{written}");
}

const KEYS: [&str; 10] = [
    "trace_id",
    "public_key",
    "sample_rate",
    "sample_rand",
    "sampled",
    "release",
    "environment",
    "transaction",
    "org_id",
    "replay_id",
];
