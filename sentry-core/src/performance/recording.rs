//! What a sampled transaction records, of itself and of its spans.

use std::time::SystemTime;

use crate::protocol::{Map, Measurement, Request, Value};
use crate::weight;

use super::spans::Spans;

#[derive(Default)]
pub(super) struct Recording {
    pub(super) started: Option<SystemTime>,
    pub(super) data: Map<String, Value>,
    pub(super) extra: Map<String, Value>,
    pub(super) tags: Map<String, String>,
    pub(super) request: Option<Box<Request>>,
    pub(super) origin: Option<String>,
    pub(super) measurements: Map<String, Measurement>,
    pub(super) spans: Spans,
    /// The transaction was finished: nothing changes any more.
    pub(super) is_closed: bool,
}

impl Recording {
    pub(super) fn begin(started: SystemTime, spans: Spans) -> Self {
        Self { started: Some(started), spans, ..Self::default() }
    }

    /// Ends it, and tells how many spans there are, and what all of it weighs in a queue.
    pub(super) fn close(&mut self) -> (usize, usize) {
        self.is_closed = true;
        (self.spans.finished(), self.bytes())
    }

    fn bytes(&self) -> usize {
        weight::value_map(&self.data)
            + weight::value_map(&self.extra)
            + weight::text_map(&self.tags)
            + self.request.as_deref().map_or(0, weight::request_bytes)
            + weight::measurements_bytes(&self.measurements)
            + self.spans.bytes()
    }
}
