//! A log as it waits: what the caller gave, its place in the trace, and nothing that can be added later.

use super::Site;
use crate::clock;
use crate::origin::Origin;
use crate::protocol::{Log, LogAttribute, LogLevel, Map, Value};
use crate::weight::{log_bytes, value_bytes};

/// A log and what is to become attributes of it.
#[derive(Debug)]
pub struct LogRecord {
    pub(crate) log: Log,
    /// The template, if a macro captured it.
    pub(crate) site: Option<&'static Site>,
    /// Those that a macro was given: a list, not a map, since the caller pays for it.
    pub(crate) attributes: Vec<(&'static str, LogAttribute)>,
    pub(crate) parameters: Vec<Value>,
    pub(crate) origin: Option<Origin>,
}

impl LogRecord {
    /// A log that is captured as it is.
    pub(crate) fn new(log: Log) -> Self {
        Self { log, site: None, attributes: Vec::new(), parameters: Vec::new(), origin: None }
    }

    pub(super) fn from_macro(
        level: LogLevel,
        site: &'static Site,
        body: String,
        attributes: Vec<(&'static str, LogAttribute)>,
        parameters: Vec<Value>,
    ) -> Self {
        let timestamp = clock::wall();
        let log = Log { level, body, trace_id: None, timestamp, severity_number: None, attributes: Map::new() };
        Self { log, site: Some(site), attributes, parameters, origin: None }
    }

    /// Puts it into the trace and span it was captured in.
    pub(crate) fn captured_at(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// What it weighs in a queue.
    pub(crate) fn bytes(&self) -> usize {
        let attributes = self.attributes.iter().map(|(_, value)| size_of::<&str>() + value_bytes(&value.0));
        let parameters = self.parameters.iter().map(value_bytes);
        (size_of::<Self>() - size_of::<Log>())
            + log_bytes(&self.log)
            + attributes.sum::<usize>()
            + parameters.sum::<usize>()
    }

    /// About what it would take on the wire.
    pub(crate) fn wire_bytes(&self) -> u64 {
        let template = self.site.map_or(0, |site| site.template.len());
        let keys = self.attributes.iter().map(|(key, _)| key.len()).sum::<usize>();
        u64::try_from(self.bytes() + template + keys).unwrap_or(u64::MAX)
    }
}
