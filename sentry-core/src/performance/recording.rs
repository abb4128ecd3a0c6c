//! What a sampled transaction records, of itself and of its spans.

use std::time::SystemTime;

use crate::hub::Home;
use crate::protocol::{Map, Measurement, Request, SpanLink, Value};
use crate::scope::ScopeData;
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
    pub(super) links: Vec<SpanLink>,
    pub(super) spans: Spans,
    /// The hub whose data it ends with, and the scope as it was at the start, should that hub be gone.
    pub(super) home: Option<(Home, ScopeData)>,
    /// What was set on the scope inside of its spans: it has that where it has nothing else.
    pub(super) inside: ScopeData,
    /// The transaction was finished: nothing changes any more.
    pub(super) is_closed: bool,
}

impl Recording {
    pub(super) fn begin(started: SystemTime, spans: Spans, home: (Home, ScopeData)) -> Self {
        Self { started: Some(started), spans, home: Some(home), ..Self::default() }
    }

    /// Ends it, and tells how many spans there are, what all of it weighs in a queue, and where it is at home.
    pub(super) fn close(&mut self) -> (usize, usize, Option<(Home, ScopeData)>) {
        self.is_closed = true;
        (self.spans.finished(), self.bytes(), self.home.take())
    }

    fn bytes(&self) -> usize {
        weight::value_map(&self.data)
            + weight::value_map(&self.extra)
            + weight::text_map(&self.tags)
            + self.request.as_deref().map_or(0, weight::request_bytes)
            + weight::measurements_bytes(&self.measurements)
            + self.links.len() * size_of::<SpanLink>()
            + self.inside.layer().map_or(0, |layer| layer.bytes())
            + self.spans.bytes()
    }
}
