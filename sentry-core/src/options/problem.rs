//! A value that could not be used: which one, why, and what happens instead. It never carries a key.

use std::fmt;

/// What was wrong with one option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionsProblem {
    source: String,
    reason: String,
    consequence: &'static str,
}

impl OptionsProblem {
    /// `source` names the option or variable, `reason` the wrong part and the remedy, `consequence` what happens now.
    #[must_use]
    pub fn new(source: impl Into<String>, reason: impl fmt::Display, consequence: &'static str) -> Self {
        Self { source: source.into(), reason: reason.to_string(), consequence }
    }

    /// The option or environment variable the value came from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Display for OptionsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.source, self.reason, self.consequence)
    }
}

impl std::error::Error for OptionsProblem {}
