//! A log as it waits: what the caller gave, its place in the trace, and nothing that can be added later.

use std::borrow::Cow;
use std::ops::Range;
use std::time::SystemTime;

use super::{Parameters, Site};
use crate::batch::{ROOM_AT_ONCE, Store};
use crate::clock;
use crate::origin::Origin;
use crate::packed::{Packed, Text};
use crate::protocol::{Log, LogAttribute, LogLevel, Map, Value};
use crate::weight::{log_bytes, value_bytes};

/// A log as the caller gives it.
#[derive(Debug)]
pub struct LogRecord {
    /// `None` once it was taken.
    given: Option<Given>,
    /// Lists, not a map, since the caller pays for it.
    attributes: Vec<(Cow<'static, str>, LogAttribute)>,
    parameters: Parameters,
    origin: Option<Origin>,
}

#[derive(Debug)]
enum Given {
    Whole(Box<Log>),
    /// By a macro, with the time. The body is among the parameters.
    Parts(LogLevel, SystemTime, &'static Site),
}

impl LogRecord {
    /// A log that is captured as it is.
    pub(crate) fn new(log: Log, origin: Origin) -> Self {
        Self {
            given: Some(Given::Whole(Box::new(log))),
            attributes: Vec::new(),
            parameters: Parameters::none(),
            origin: Some(origin),
        }
    }

    pub(super) fn from_macro(
        level: LogLevel,
        site: &'static Site,
        attributes: Vec<(Cow<'static, str>, LogAttribute)>,
        parameters: Parameters,
    ) -> Self {
        Self { given: Some(Given::Parts(level, clock::wall(), site)), attributes, parameters, origin: None }
    }

    /// Puts it into the trace and span it was captured in.
    pub(crate) fn set_origin(&mut self, origin: Origin) {
        self.origin = Some(origin);
    }

    /// What it weighs in a queue, and about what more it would take on the wire.
    fn bytes(&self) -> (usize, usize) {
        let attributes = self.attributes.iter().map(|(_, value)| size_of::<&str>() + value_bytes(&value.0));
        let parameters = self.parameters.values.iter().map(|value| size_of::<Value>() + value.own_bytes());
        let texts = self.parameters.texts.len();
        let bytes = size_of::<Row>() + texts + attributes.sum::<usize>() + parameters.sum::<usize>();
        match &self.given {
            Some(Given::Whole(log)) => (bytes + log_bytes(log), 0),
            Some(Given::Parts(_, _, site)) => {
                let keys = self.attributes.iter().map(|(key, _)| key.len()).sum::<usize>();
                (bytes, site.template.len() + keys)
            }
            None => (bytes, 0),
        }
    }
}

/// A log as it is finished.
#[derive(Debug)]
pub(crate) struct LogParts {
    pub(crate) log: Log,
    /// The template, if a macro captured it, and the values of its parameters.
    pub(crate) site: Option<&'static Site>,
    pub(crate) parameters: Vec<Value>,
    pub(crate) attributes: Vec<(Cow<'static, str>, LogAttribute)>,
    pub(crate) origin: Option<Origin>,
    /// About what it would take on the wire.
    pub(crate) wire_bytes: u64,
}

/// Logs that wait for each other.
#[derive(Debug, Default)]
pub(crate) struct PackedLogs {
    rows: Vec<Row>,
    packed: Packed,
    bytes: usize,
}

#[derive(Debug)]
struct Row {
    given: Given,
    body: Text,
    attributes: Range<usize>,
    parameters: Range<usize>,
    origin: Option<Origin>,
    wire_bytes: usize,
}

impl PackedLogs {
    /// What they weigh in a queue.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// About what each would take on the wire.
    pub(crate) fn wire_bytes(&self) -> impl Iterator<Item = u64> {
        self.rows.iter().map(Row::wire_bytes)
    }

    pub(crate) fn into_parts(self) -> impl Iterator<Item = LogParts> {
        let Self { rows, mut packed, .. } = self;
        rows.into_iter().map(move |row| row.into_parts(&mut packed))
    }
}

impl Row {
    fn wire_bytes(&self) -> u64 {
        u64::try_from(self.wire_bytes).unwrap_or(u64::MAX)
    }

    fn into_parts(self, packed: &mut Packed) -> LogParts {
        let wire_bytes = self.wire_bytes();
        let (log, site) = match self.given {
            Given::Whole(log) => (*log, None),
            Given::Parts(level, timestamp, site) => {
                let body = packed.texts.get(self.body).to_owned();
                let attributes = Map::new();
                (Log { level, body, trace_id: None, timestamp, severity_number: None, attributes }, Some(site))
            }
        };
        LogParts {
            log,
            site,
            parameters: packed.take_values(self.parameters),
            attributes: packed.take_entries(self.attributes).map(|(key, value)| (key, LogAttribute(value))).collect(),
            origin: self.origin,
            wire_bytes,
        }
    }
}

impl Store for PackedLogs {
    type Item = LogRecord;

    fn push(&mut self, record: &mut LogRecord) -> usize {
        let (bytes, more) = record.bytes();
        let LogRecord { given, attributes, parameters, origin } = record;
        let Some(given) = given.take() else { return 0 };
        if self.rows.capacity() == 0 {
            self.rows.reserve_exact(ROOM_AT_ONCE);
            self.packed.texts.make_room(ROOM_AT_ONCE * BYTES_OF_A_LOG);
        }
        let by = self.packed.texts.append(&parameters.texts);
        self.rows.push(Row {
            given,
            body: parameters.body.moved(by),
            attributes: self.packed.put_entries(attributes.iter_mut().map(|(key, value)| (&*key, &mut value.0))),
            parameters: self.packed.move_values(&mut parameters.values, by),
            origin: origin.take(),
            wire_bytes: bytes.saturating_add(more),
        });
        self.bytes = self.bytes.saturating_add(bytes);
        bytes
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn shrink(&mut self) {
        self.rows.shrink_to_fit();
        self.packed.shrink();
    }
}

const BYTES_OF_A_LOG: usize = 64;
