//! The project a DSN points at: a string of the server's choosing, never a number (DSN-03).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a project id.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParseProjectIdError {
    /// The text is empty.
    EmptyValue,
}

impl fmt::Display for ParseProjectIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyValue => f.write_str("the project id is empty: copy it from the end of the project's DSN"),
        }
    }
}

impl std::error::Error for ParseProjectIdError {}

/// The project id of a DSN, as it stands in the DSN.
#[derive(Clone, Debug, PartialEq, Eq, Ord, PartialOrd, Hash, Deserialize, Serialize)]
pub struct ProjectId(String);

impl ProjectId {
    /// Takes any text. To have the empty one refused, parse it.
    #[inline]
    pub fn new(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// The id as text.
    #[inline]
    pub fn value(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ProjectId {
    type Err = ParseProjectIdError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        if id.is_empty() { Err(ParseProjectIdError::EmptyValue) } else { Ok(Self::new(id)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_but_the_empty_one_is_an_id() {
        assert_eq!("".parse::<ProjectId>(), Err(ParseProjectIdError::EmptyValue));
        for text in ["42", "0042", "my-project", "18446744073709551616"] {
            let id: ProjectId = text.parse().unwrap();
            assert_eq!(id.value(), text);
            assert_eq!(id.to_string(), text);
            assert_eq!(serde_json::to_string(&id).unwrap(), format!("{text:?}"));
        }
    }
}
