//! Bytes that an envelope and its items share instead of copying them.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A range of a buffer. Compared by content.
#[derive(Clone)]
pub(crate) struct SharedBytes {
    buffer: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl SharedBytes {
    pub(crate) fn new(buffer: Vec<u8>) -> Self {
        Self { range: 0..buffer.len(), buffer: Arc::new(buffer) }
    }

    /// A range of these bytes, counted from their start. What lies outside of them is cut off.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        let within = |at: usize| self.range.start.saturating_add(at).min(self.range.end);
        Self { buffer: Arc::clone(&self.buffer), range: within(range.start)..within(range.end) }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.buffer.get(self.range.clone()).unwrap_or_default()
    }

    /// Without copying, if nobody shares the whole buffer.
    pub(crate) fn into_vec(self) -> Vec<u8> {
        if self.range == (0..self.buffer.len()) { Arc::unwrap_or_clone(self.buffer) } else { self.as_slice().to_vec() }
    }
}

impl PartialEq for SharedBytes {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.range.len())
    }
}
