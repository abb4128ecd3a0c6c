//! How a unit of traced work ended.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::lenient;

/// How a span or transaction ended, in the words of gRPC.
#[derive(Debug, Copy, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpanStatus {
    /// It succeeded.
    Ok,
    /// Its time was up before it was done.
    DeadlineExceeded,
    /// The caller did not say who it is.
    Unauthenticated,
    /// The caller may not do this.
    PermissionDenied,
    /// What it was about does not exist.
    NotFound,
    /// A quota or rate limit was reached.
    ResourceExhausted,
    /// The caller asked for something that makes no sense.
    InvalidArgument,
    /// This operation does not exist.
    Unimplemented,
    /// The service is down or overloaded; trying again may help.
    Unavailable,
    /// Something broke.
    InternalError,
    /// It failed in another way.
    UnknownError,
    /// The caller gave up.
    Cancelled,
    /// What should have been created was there already.
    AlreadyExists,
    /// The system was not in the state this needs.
    FailedPrecondition,
    /// It collided with something else that ran at the same time.
    Aborted,
    /// It went past the end of the valid range.
    OutOfRange,
    /// Data is lost or damaged beyond repair.
    DataLoss,
}

impl SpanStatus {
    fn as_str(self) -> &'static str {
        match self {
            SpanStatus::Ok => "ok",
            SpanStatus::DeadlineExceeded => "deadline_exceeded",
            SpanStatus::Unauthenticated => "unauthenticated",
            SpanStatus::PermissionDenied => "permission_denied",
            SpanStatus::NotFound => "not_found",
            SpanStatus::ResourceExhausted => "resource_exhausted",
            SpanStatus::InvalidArgument => "invalid_argument",
            SpanStatus::Unimplemented => "unimplemented",
            SpanStatus::Unavailable => "unavailable",
            SpanStatus::InternalError => "internal_error",
            SpanStatus::UnknownError => "unknown_error",
            SpanStatus::Cancelled => "cancelled",
            SpanStatus::AlreadyExists => "already_exists",
            SpanStatus::FailedPrecondition => "failed_precondition",
            SpanStatus::Aborted => "aborted",
            SpanStatus::OutOfRange => "out_of_range",
            SpanStatus::DataLoss => "data_loss",
        }
    }
}

impl FromStr for SpanStatus {
    type Err = ParseStatusError;

    fn from_str(text: &str) -> Result<Self, ParseStatusError> {
        match text {
            "unknown" => Ok(SpanStatus::UnknownError),
            "canceled" => Ok(SpanStatus::Cancelled),
            _ => ALL.into_iter().find(|status| status.as_str() == text).ok_or(ParseStatusError),
        }
    }
}

impl fmt::Display for SpanStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for SpanStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SpanStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        lenient::from_text(deserializer)
    }
}

/// The text names no [`SpanStatus`].
#[derive(Debug)]
pub struct ParseStatusError;

impl fmt::Display for ParseStatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid status")
    }
}

impl Error for ParseStatusError {}

const ALL: [SpanStatus; 17] = [
    SpanStatus::Ok,
    SpanStatus::DeadlineExceeded,
    SpanStatus::Unauthenticated,
    SpanStatus::PermissionDenied,
    SpanStatus::NotFound,
    SpanStatus::ResourceExhausted,
    SpanStatus::InvalidArgument,
    SpanStatus::Unimplemented,
    SpanStatus::Unavailable,
    SpanStatus::InternalError,
    SpanStatus::UnknownError,
    SpanStatus::Cancelled,
    SpanStatus::AlreadyExists,
    SpanStatus::FailedPrecondition,
    SpanStatus::Aborted,
    SpanStatus::OutOfRange,
    SpanStatus::DataLoss,
];

#[cfg(test)]
mod tests {
    use super::super::testing::assert_json;
    use super::*;

    #[test]
    fn each_name_is_the_variant_in_snake_case() {
        for status in ALL {
            let mut name = String::new();
            for (index, letter) in format!("{status:?}").char_indices() {
                if index > 0 && letter.is_uppercase() {
                    name.push('_');
                }
                name.push(letter.to_ascii_lowercase());
            }
            assert_eq!(status.to_string(), name);
            assert_json(&status, &format!("{name:?}"));
        }
    }

    #[test]
    fn other_names_in_use_are_read() {
        assert_eq!("unknown".parse::<SpanStatus>().unwrap(), SpanStatus::UnknownError);
        assert_eq!("canceled".parse::<SpanStatus>().unwrap(), SpanStatus::Cancelled);
        for refused in ["", "OK", "failure"] {
            assert!(refused.parse::<SpanStatus>().is_err(), "{refused}");
        }
    }
}
