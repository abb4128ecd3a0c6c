//! What can be wrong with the bytes of an envelope.

use std::{error, fmt, io};

/// Why bytes are not an envelope.
#[derive(Debug)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The bytes end inside an item.
    UnexpectedEof,
    /// There is no envelope header.
    MissingHeader,
    /// An empty line stands where an item header should.
    MissingItemHeader,
    /// An item's `length` is not followed by a line break.
    MissingNewline,
    /// The envelope header cannot be read.
    InvalidHeader(serde_json::Error),
    /// An item header cannot be read.
    InvalidItemHeader(serde_json::Error),
    /// An item cannot be read.
    InvalidItemPayload(serde_json::Error),
    /// The file cannot be read, or is larger than any envelope.
    Unreadable(io::Error),
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedEof => f.write_str("the envelope ends inside an item: its end is missing"),
            Self::MissingHeader => f.write_str("the envelope has no header: its first line should be a JSON object"),
            Self::MissingItemHeader => {
                f.write_str("an item of the envelope has no header: remove the empty line between items")
            }
            Self::MissingNewline => {
                f.write_str("an item of the envelope is not followed by a line break: its `length` is wrong")
            }
            Self::InvalidHeader(error) => write!(f, "the envelope header is not what it should be: {error}"),
            Self::InvalidItemHeader(error) => write!(f, "an item header of the envelope is invalid: {error}"),
            Self::InvalidItemPayload(error) => write!(f, "an item of the envelope is not what its type says: {error}"),
            Self::Unreadable(error) => write!(f, "the envelope's file cannot be read: {error}"),
        }
    }
}

impl error::Error for EnvelopeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::InvalidHeader(error) | Self::InvalidItemHeader(error) | Self::InvalidItemPayload(error) => {
                Some(error)
            }
            Self::Unreadable(error) => Some(error),
            Self::UnexpectedEof | Self::MissingHeader | Self::MissingItemHeader | Self::MissingNewline => None,
        }
    }
}
