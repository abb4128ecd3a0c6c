//! Sessions on the wire: how runs of a program, or requests to it, went.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::{lenient, time};
use crate::clock;

/// How a session is going, or ended.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SessionStatus {
    /// It goes on.
    #[default]
    Ok,
    /// It ran to its end, with errors or without.
    Exited,
    /// The process died.
    Crashed,
    /// Nobody knows how it ended.
    Abnormal,
    /// An error that nobody handled happened, and the process survived it (spec SES-12).
    Unhandled,
}

/// The text is no [`SessionStatus`].
#[derive(Debug)]
pub struct ParseSessionStatusError;

impl fmt::Display for ParseSessionStatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid session status: it should be ok, exited, crashed, abnormal or unhandled")
    }
}

impl Error for ParseSessionStatusError {}

impl FromStr for SessionStatus {
    type Err = ParseSessionStatusError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "ok" => Ok(Self::Ok),
            "exited" => Ok(Self::Exited),
            "crashed" => Ok(Self::Crashed),
            "abnormal" => Ok(Self::Abnormal),
            "unhandled" => Ok(Self::Unhandled),
            _ => Err(ParseSessionStatusError),
        }
    }
}

impl fmt::Display for SessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Exited => "exited",
            Self::Crashed => "crashed",
            Self::Abnormal => "abnormal",
            Self::Unhandled => "unhandled",
        })
    }
}

impl Serialize for SessionStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        lenient::from_text(deserializer)
    }
}

/// What the sessions of a program have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionAttributes<'a> {
    /// The release of the program.
    pub release: Cow<'a, str>,
    /// The environment, such as `production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Cow<'a, str>>,
    /// Where the user is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<IpAddr>,
    /// What the user comes with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// The state of one session: whole, each time it is sent (spec SES-02).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionUpdate<'a> {
    /// Which session it is.
    #[serde(rename = "sid", default = "crate::random::uuid")]
    pub session_id: Uuid,
    /// Whose it is.
    #[serde(rename = "did", default, skip_serializing_if = "Option::is_none")]
    pub distinct_id: Option<String>,
    /// The order of updates: a later one has a larger number.
    #[serde(rename = "seq", default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// When it was in this state.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::rfc3339_opt")]
    pub timestamp: Option<SystemTime>,
    /// When it began.
    #[serde(default = "clock::wall", with = "time::rfc3339")]
    pub started: SystemTime,
    /// Whether this is the first update of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub init: bool,
    /// How long it took, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// How it is going.
    #[serde(default)]
    pub status: SessionStatus,
    /// How many errors happened in it.
    #[serde(default)]
    pub errors: u64,
    /// What it has in common with others.
    #[serde(rename = "attrs")]
    pub attributes: SessionAttributes<'a>,
}

/// Sums of the sessions of one user that began in the same minute.
///
/// There is no sum for sessions with an unhandled error, which were survived: the SDK counts them as `errored`, since
/// `crashed` is for processes that died. Sums of others that have such a field do not read as this type, so that no
/// count is lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionAggregateItem {
    /// When they began, to the minute.
    #[serde(with = "time::rfc3339")]
    pub started: SystemTime,
    /// Whose they are.
    #[serde(rename = "did", default, skip_serializing_if = "Option::is_none")]
    pub distinct_id: Option<String>,
    /// How many ended without an error.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub exited: u32,
    /// How many ended with errors.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub errored: u32,
    /// How many ended nobody knows how.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub abnormal: u32,
    /// How many died.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub crashed: u32,
}

/// Sums of sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionAggregates<'a> {
    /// The sums, at most 100.
    #[serde(default)]
    pub aggregates: Vec<SessionAggregateItem>,
    /// What all of them have in common.
    #[serde(rename = "attrs")]
    pub attributes: SessionAttributes<'a>,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_json;
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn attributes() -> SessionAttributes<'static> {
        SessionAttributes {
            release: "app@1".into(),
            environment: Some("prod".into()),
            ip_address: None,
            user_agent: None,
        }
    }

    #[test]
    fn an_update_in_wire_names() {
        let update = SessionUpdate {
            session_id: Uuid::from_u128(0xab),
            distinct_id: Some("jane".into()),
            sequence: Some(3),
            timestamp: Some(UNIX_EPOCH + Duration::from_millis(2_500)),
            started: UNIX_EPOCH + Duration::from_secs(1),
            init: true,
            duration: Some(1.5),
            status: SessionStatus::Unhandled,
            errors: 2,
            attributes: attributes(),
        };
        // SES-40.
        assert_json(
            &update,
            r#"{"sid":"00000000-0000-0000-0000-0000000000ab","did":"jane","seq":3,"timestamp":"1970-01-01T00:00:02.5Z",
            "started":"1970-01-01T00:00:01Z","init":true,"duration":1.5,"status":"unhandled","errors":2,
            "attrs":{"release":"app@1","environment":"prod"}}"#,
        );
    }

    #[test]
    fn sums_leave_out_zeros() {
        let item = SessionAggregateItem {
            started: UNIX_EPOCH + Duration::from_secs(60),
            distinct_id: None,
            exited: 2,
            errored: 0,
            abnormal: 0,
            crashed: 1,
        };
        // SES-41.
        assert_json(
            &SessionAggregates { aggregates: vec![item], attributes: attributes() },
            r#"{"aggregates":[{"started":"1970-01-01T00:01:00Z","exited":2,"crashed":1}],
            "attrs":{"release":"app@1","environment":"prod"}}"#,
        );
    }

    #[test]
    fn statuses_are_words() {
        for status in ["ok", "exited", "crashed", "abnormal", "unhandled"] {
            assert_eq!(status.parse::<SessionStatus>().unwrap().to_string(), status);
        }
        assert!("Ok".parse::<SessionStatus>().unwrap_err().to_string().contains("exited"));
    }
}
