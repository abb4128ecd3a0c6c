//! How serious an event or breadcrumb is.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::lenient;

/// How serious something is, least serious first. The default is [`Level::Error`].
#[derive(Debug, Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Level {
    /// For developers.
    Debug,
    /// Worth knowing.
    Info,
    /// Unexpected, but handled.
    Warning,
    /// Something failed.
    #[default]
    Error,
    /// The program cannot go on.
    Fatal,
}

impl Level {
    /// Whether this is [`Level::Debug`].
    pub fn is_debug(&self) -> bool {
        *self == Level::Debug
    }

    /// Whether this is [`Level::Info`].
    pub fn is_info(&self) -> bool {
        *self == Level::Info
    }

    /// Whether this is [`Level::Warning`].
    pub fn is_warning(&self) -> bool {
        *self == Level::Warning
    }

    /// Whether this is [`Level::Error`].
    pub fn is_error(&self) -> bool {
        *self == Level::Error
    }

    /// Whether this is [`Level::Fatal`].
    pub fn is_fatal(&self) -> bool {
        *self == Level::Fatal
    }

    fn as_str(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }
}

/// Reads the names of the protocol and common others (`warn`, `log`, `critical`), in any case.
impl FromStr for Level {
    type Err = ParseLevelError;

    fn from_str(text: &str) -> Result<Self, ParseLevelError> {
        NAMES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).map(|(_, level)| *level).ok_or(ParseLevelError)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        lenient::from_text(deserializer)
    }
}

/// The text names no [`Level`].
#[derive(Debug)]
pub struct ParseLevelError;

impl fmt::Display for ParseLevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid level")
    }
}

impl Error for ParseLevelError {}

const NAMES: [(&str, Level); 8] = [
    ("debug", Level::Debug),
    ("info", Level::Info),
    ("log", Level::Info),
    ("warning", Level::Warning),
    ("warn", Level::Warning),
    ("error", Level::Error),
    ("fatal", Level::Fatal),
    ("critical", Level::Fatal),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::assert_json;
    use super::*;

    const ALL: [Level; 5] = [Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Fatal];

    #[test]
    fn names_are_those_of_the_protocol() {
        for (level, name) in ALL.into_iter().zip(["debug", "info", "warning", "error", "fatal"]) {
            assert_json(&level, &format!("{name:?}"));
            assert_eq!(level.to_string(), name);
        }
        assert_eq!(Level::default(), Level::Error);
        assert!(ALL.is_sorted());
    }

    #[test]
    fn each_predicate_holds_for_its_level_only() {
        let predicates: [fn(&Level) -> bool; 5] =
            [Level::is_debug, Level::is_info, Level::is_warning, Level::is_error, Level::is_fatal];
        for (index, predicate) in predicates.iter().enumerate() {
            for (other, level) in ALL.iter().enumerate() {
                assert_eq!(predicate(level), index == other);
            }
        }
    }

    #[test]
    fn common_other_names_are_read() {
        for (name, level) in NAMES {
            assert_eq!(name.to_uppercase().parse::<Level>().unwrap(), level);
        }
        for refused in ["", "warnings", " info", "10"] {
            assert!(refused.parse::<Level>().is_err(), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_a_level(text in "[a-z]{0,8}|(?i)(debug|info|warning|error|fatal|warn|log)") {
            if let Ok(level) = text.parse::<Level>() {
                prop_assert_eq!(level.to_string().parse::<Level>().unwrap(), level);
            }
        }
    }
}
