//! JSON in bounded memory: what turns out too long is measured but not stored.

use std::io::{self, Write};

use serde::Serialize;

/// What became of writing a value.
pub(super) enum Json {
    Fits(Vec<u8>),
    /// With the length it would have had.
    TooLong(usize),
    Unwritable,
}

/// Writes `value`, if that takes at most `max` bytes.
pub(super) fn at_most(max: usize, value: &impl Serialize) -> Json {
    let mut out = Bounded { bytes: Vec::new(), length: 0, max };
    match serde_json::to_writer(&mut out, value) {
        Err(_) => Json::Unwritable,
        Ok(()) if out.length > max => Json::TooLong(out.length),
        Ok(()) => Json::Fits(out.bytes),
    }
}

/// The length of `value` as JSON.
pub(crate) fn length(value: &impl Serialize) -> usize {
    match at_most(0, value) {
        Json::TooLong(length) => length,
        Json::Fits(_) | Json::Unwritable => 0,
    }
}

struct Bounded {
    bytes: Vec<u8>,
    length: usize,
    max: usize,
}

impl Write for Bounded {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.length = self.length.saturating_add(bytes.len());
        if self.length <= self.max {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_measured_and_not_stored() {
        assert!(matches!(at_most(5, &"abc"), Json::Fits(bytes) if bytes == b"\"abc\""));
        assert!(matches!(at_most(4, &"abc"), Json::TooLong(5)));
        assert!(matches!(at_most(99, &std::collections::HashMap::from([((), 1)])), Json::Unwritable));
        assert_eq!(length(&"é"), 4);
    }
}
