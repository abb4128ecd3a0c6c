//! What the tests of the payload types share.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Asserts that `value` is written as exactly `json` (line breaks and indentation aside) and reads back equal.
#[track_caller]
pub(crate) fn assert_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, json: &str) {
    let json: String = json.lines().map(str::trim_start).collect();
    assert_eq!(serde_json::to_string(value).unwrap(), json);
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
}

/// Reads JSON that must be readable.
#[track_caller]
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> T {
    match serde_json::from_str(json) {
        Ok(value) => value,
        Err(error) => panic!("{error}: {json}"),
    }
}
