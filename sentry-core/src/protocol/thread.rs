//! Threads of the process at the time of the event.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Stacktrace, lenient};

/// A thread of the process.
#[derive(Serialize, Deserialize, Debug, Default, Clone, PartialEq)]
#[serde(default)]
pub struct Thread {
    /// What exceptions refer to it by; unique in the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ThreadId>,
    /// The thread's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is. Left out for the thread an exception belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stacktrace: Option<Stacktrace>,
    /// The stack trace before it was processed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_stacktrace: Option<Stacktrace>,
    /// Whether the event is about a crash of this thread.
    #[serde(skip_serializing_if = "std::ops::Not::not", deserialize_with = "lenient::or_default")]
    pub crashed: bool,
    /// Whether the event was captured on this thread.
    #[serde(skip_serializing_if = "std::ops::Not::not", deserialize_with = "lenient::or_default")]
    pub current: bool,
}

/// The id of a thread: a number or text. The default is number 0.
#[derive(Serialize, Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(untagged)]
pub enum ThreadId {
    /// A number, as systems give it.
    Int(u64),
    /// Text.
    String(String),
}

impl Default for ThreadId {
    fn default() -> Self {
        ThreadId::Int(0)
    }
}

impl<'a> From<&'a str> for ThreadId {
    fn from(id: &'a str) -> Self {
        ThreadId::String(id.to_owned())
    }
}

impl From<String> for ThreadId {
    fn from(id: String) -> Self {
        ThreadId::String(id)
    }
}

impl From<i64> for ThreadId {
    fn from(id: i64) -> Self {
        ThreadId::Int(id as u64)
    }
}

impl From<i32> for ThreadId {
    fn from(id: i32) -> Self {
        ThreadId::Int(id as u64)
    }
}

impl From<u32> for ThreadId {
    fn from(id: u32) -> Self {
        ThreadId::Int(id.into())
    }
}

impl From<u16> for ThreadId {
    fn from(id: u16) -> Self {
        ThreadId::Int(id.into())
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ThreadId::Int(id) => fmt::Display::fmt(id, f),
            ThreadId::String(id) => fmt::Display::fmt(id, f),
        }
    }
}

impl<'de> Deserialize<'de> for ThreadId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ThreadIdVisitor)
    }
}

struct ThreadIdVisitor;

impl Visitor<'_> for ThreadIdVisitor {
    type Value = ThreadId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a thread id")
    }

    fn visit_u64<E: de::Error>(self, id: u64) -> Result<ThreadId, E> {
        Ok(ThreadId::Int(id))
    }

    /// Only negative numbers come this way. As text they stay what they are.
    fn visit_i64<E: de::Error>(self, id: i64) -> Result<ThreadId, E> {
        Ok(ThreadId::String(id.to_string()))
    }

    fn visit_str<E: de::Error>(self, id: &str) -> Result<ThreadId, E> {
        Ok(id.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_json, read};
    use super::*;

    #[test]
    fn a_full_thread_is_written_in_wire_names() {
        let thread = Thread {
            id: Some(7.into()),
            name: Some("main".into()),
            stacktrace: Some(Stacktrace::default()),
            raw_stacktrace: Some(Stacktrace::default()),
            crashed: true,
            current: true,
        };
        assert_json(
            &thread,
            r#"{"id":7,"name":"main","stacktrace":{"frames":[]},"raw_stacktrace":{"frames":[]},
            "crashed":true,"current":true}"#,
        );
        assert_json(&Thread::default(), "{}");
        assert_eq!(read::<Thread>(r#"{"id":null,"crashed":null,"main":true}"#), Thread::default());
    }

    #[test]
    fn ids_are_numbers_or_text() {
        assert_json(&ThreadId::Int(u64::MAX), "18446744073709551615");
        assert_json(&ThreadId::from("0x1f"), "\"0x1f\"");
        assert_eq!(read::<ThreadId>("-1"), ThreadId::from("-1"));
        assert!(serde_json::from_str::<ThreadId>("1.5").is_err());
        assert_eq!(ThreadId::from(7i64).to_string(), "7");
        assert_eq!(ThreadId::from("main".to_owned()).to_string(), "main");
        assert_eq!((ThreadId::from(7u32), ThreadId::from(0u16)), (ThreadId::Int(7), ThreadId::default()));
    }
}
