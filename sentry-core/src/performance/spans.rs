//! The spans of a transaction, as a table: a few large pieces of memory for all of them, since the program pays for each
//! piece, and the worker gives it back.

use std::time::SystemTime;

use crate::hub::BridgedSite;
use crate::packed::{PackedValue, Text, Texts};
use crate::protocol::{self, Map, SpanId, SpanLink, SpanStatus, TraceId, Value};
use crate::sync::Mutex;
use crate::weight::{text_map, value_bytes, value_map};

/// Spans from their start on. One that was handed over to the worker is not there any more: what is done to it is
/// forgotten, and nothing is known of it.
#[derive(Debug, Default)]
pub(super) struct Spans {
    rows: Vec<Row>,
    /// The texts of all rows, one after the other.
    texts: Texts,
    /// The attributes of all rows, as they came.
    attributes: Vec<Attribute>,
    /// Where those are in the program that another tracing system began, in the order of the rows.
    sites: Vec<(RowId, BridgedSite)>,
    finished: usize,
    /// What the values of the attributes weigh that are no texts.
    value_bytes: usize,
}

/// Which span it is, by the order of their starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowId(usize);

#[derive(Debug)]
struct Row {
    span_id: SpanId,
    parent_span_id: SpanId,
    started: SystemTime,
    ended: Option<SystemTime>,
    op: Text,
    description: Text,
    status: Option<SpanStatus>,
    /// The newest of the row's attributes; each knows the one before it.
    last_attribute: Option<usize>,
    /// What most spans have none of.
    rest: Option<Box<Rest>>,
}

/// Empty tables, to be filled again: memory that the worker would give back and the program take anew.
#[derive(Debug, Default)]
pub(crate) struct SpareSpans(Mutex<Vec<Spans>>);

impl SpareSpans {
    pub(super) fn take(&self) -> Spans {
        self.0.lock().pop().unwrap_or_default()
    }

    pub(super) fn give(&self, empty: Spans) {
        if empty.room() <= MAX_SPARE_BYTES {
            let mut spare = self.0.lock();
            if spare.len() < MAX_SPARE {
                spare.push(empty);
            }
        }
    }
}

#[derive(Debug, Default)]
struct Rest {
    op: Option<String>,
    description: Option<String>,
    tags: Map<String, String>,
    /// Attributes beyond those of the list.
    data: Map<String, Value>,
    links: Vec<SpanLink>,
    /// Something was removed: there is no list any more, and attributes are in the map.
    is_unlisted: bool,
}

#[derive(Debug)]
struct Attribute {
    key: Text,
    value: PackedValue,
    previous: Option<usize>,
}

impl Spans {
    /// Begins one, whose `op` may be given in parts. Without a description, that text is empty.
    pub(super) fn start(
        &mut self,
        (span_id, parent_span_id): (SpanId, SpanId),
        op: &[&str],
        description: &str,
        started: SystemTime,
    ) -> RowId {
        if self.rows.capacity() == 0 {
            self.rows.reserve_exact(ROOM_AT_ONCE);
            self.texts.make_room(ROOM_AT_ONCE * BYTES_OF_A_ROW);
        }
        let start = self.texts.len();
        op.iter().for_each(|part| _ = self.texts.put(part));
        let (op, description) = (self.texts.since(start), self.texts.put(description));
        self.rows.push(Row {
            span_id,
            parent_span_id,
            started,
            ended: None,
            op,
            description,
            status: None,
            last_attribute: None,
            rest: None,
        });
        RowId(self.rows.len().saturating_sub(1))
    }

    /// Ends one. Of several times, the first counts.
    pub(super) fn finish(&mut self, id: RowId, ended: SystemTime) {
        if let Some(row) = self.rows.get_mut(id.0).filter(|row| row.ended.is_none()) {
            row.ended = Some(ended);
            self.finished += 1;
        }
    }

    /// How many have ended.
    pub(super) fn finished(&self) -> usize {
        self.finished
    }

    pub(super) fn set_status(&mut self, id: RowId, status: SpanStatus) {
        if let Some(row) = self.rows.get_mut(id.0) {
            row.status = Some(status);
        }
    }

    pub(super) fn set_op(&mut self, id: RowId, op: String) {
        self.with_rest(id, |rest| rest.op = Some(op));
    }

    pub(super) fn set_description(&mut self, id: RowId, description: String) {
        self.with_rest(id, |rest| rest.description = Some(description));
    }

    pub(super) fn set_tag(&mut self, id: RowId, key: String, value: String) {
        self.with_rest(id, |rest| drop(rest.tags.insert(key, value)));
    }

    pub(super) fn change_links(&mut self, id: RowId, change: impl FnOnce(&mut Vec<SpanLink>)) {
        self.with_rest(id, |rest| change(&mut rest.links));
    }

    /// Says where in the program it is; once, and before the next one begins.
    pub(super) fn set_site(&mut self, id: RowId, site: &BridgedSite) {
        if self.sites.capacity() == 0 {
            self.sites.reserve_exact(ROOM_AT_ONCE);
        }
        self.sites.push((id, *site));
    }

    /// Sets an attribute. The first few are listed; of more, there is a map.
    pub(super) fn set_data(&mut self, id: RowId, key: &str, mut value: Value) {
        let Some(row) = self.rows.get_mut(id.0) else { return };
        if let Some(rest) = row.rest.as_mut().filter(|rest| rest.is_unlisted) {
            rest.data.insert(key.to_owned(), value);
            return;
        }
        let mut listed = 0;
        let mut next = row.last_attribute;
        while let Some((at, attribute)) = next.and_then(|at| Some((at, self.attributes.get(at)?))) {
            if self.texts.get(attribute.key) == key {
                self.value_bytes += value_bytes(&value);
                if let Some(attribute) = self.attributes.get_mut(at) {
                    // Not among the texts, which would become more with each change.
                    let before = std::mem::replace(&mut attribute.value, PackedValue::Other(value));
                    self.value_bytes = self.value_bytes.saturating_sub(before.own_bytes());
                }
                return;
            }
            next = attribute.previous;
            listed += 1;
        }
        if listed >= MAX_LISTED {
            return self.with_rest(id, |rest| drop(rest.data.insert(key.to_owned(), value)));
        }
        if self.attributes.capacity() == 0 {
            self.attributes.reserve_exact(ROOM_AT_ONCE);
        }
        let (key, value) = (self.texts.put(key), PackedValue::new(&mut value, &mut self.texts));
        self.value_bytes += value.own_bytes();
        let added = self.attributes.len();
        if let Some(row) = self.rows.get_mut(id.0) {
            self.attributes.push(Attribute { key, value, previous: row.last_attribute.replace(added) });
        }
    }

    /// Removes an attribute.
    pub(super) fn remove_data(&mut self, id: RowId, key: &str) {
        // What is left goes into the map: to take out of the list is not worth having.
        let mut data = self.data(id);
        data.remove(key);
        if let Some(row) = self.rows.get_mut(id.0) {
            row.last_attribute = None;
            let rest = row.rest.get_or_insert_default();
            rest.data = data;
            rest.is_unlisted = true;
        }
    }

    pub(super) fn op(&self, id: RowId) -> Option<&str> {
        self.rows.get(id.0).map(|row| row.op(&self.texts)).filter(|op| !op.is_empty())
    }

    pub(super) fn description(&self, id: RowId) -> Option<&str> {
        self.rows.get(id.0).map(|row| row.description(&self.texts)).filter(|description| !description.is_empty())
    }

    pub(super) fn status(&self, id: RowId) -> Option<SpanStatus> {
        self.rows.get(id.0)?.status
    }

    /// A copy of the attributes.
    pub(super) fn data(&self, id: RowId) -> Map<String, Value> {
        let Some(row) = self.rows.get(id.0) else { return Map::new() };
        let mut data = row.rest.as_ref().map(|rest| rest.data.clone()).unwrap_or_default();
        if let Some((_, site)) =
            self.sites.binary_search_by_key(&id, |(row, _)| *row).ok().and_then(|at| self.sites.get(at))
        {
            site.each_attribute(|key, value| drop(data.insert(key.to_owned(), value)));
        }
        let mut next = row.last_attribute;
        while let Some(attribute) = next.and_then(|at| self.attributes.get(at)) {
            data.insert(self.texts.get(attribute.key).to_owned(), attribute.value.to_value(&self.texts));
            next = attribute.previous;
        }
        data
    }

    /// What they weigh in a queue, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let rest = self.rows.iter().filter_map(|row| row.rest.as_ref());
        self.rows.len() * size_of::<Row>()
            + self.attributes.len() * size_of::<Attribute>()
            + self.sites.len() * size_of::<BridgedSite>()
            + self.texts.len()
            + self.value_bytes
            + rest.map(|rest| rest.bytes()).sum::<usize>()
    }

    /// Takes out those that have ended, as they are on the wire. The rest is forgotten, but the memory stays.
    pub(super) fn take_protocol(&mut self, trace_id: TraceId) -> Vec<protocol::Span> {
        let Self { rows, texts, attributes, sites, .. } = self;
        let mut sites_left = sites.iter().peekable();
        let mut spans = Vec::with_capacity(self.finished);
        for (at, row) in rows.drain(..).enumerate() {
            let site = sites_left.next_if(|(row, _)| row.0 == at).map(|(_, site)| site);
            if row.ended.is_some() {
                spans.push(row.into_protocol(trace_id, texts, attributes, site));
            }
        }
        texts.clear();
        attributes.clear();
        sites.clear();
        (self.finished, self.value_bytes) = (0, 0);
        spans
    }

    /// How much memory it has, in bytes.
    fn room(&self) -> usize {
        self.rows.capacity() * size_of::<Row>()
            + self.attributes.capacity() * size_of::<Attribute>()
            + self.sites.capacity() * size_of::<(RowId, BridgedSite)>()
            + self.texts.room()
    }

    fn with_rest(&mut self, id: RowId, change: impl FnOnce(&mut Rest)) {
        if let Some(row) = self.rows.get_mut(id.0) {
            change(row.rest.get_or_insert_default());
        }
    }
}

impl Row {
    fn op<'a>(&'a self, texts: &'a Texts) -> &'a str {
        self.rest.as_ref().and_then(|rest| rest.op.as_deref()).unwrap_or_else(|| texts.get(self.op))
    }

    fn description<'a>(&'a self, texts: &'a Texts) -> &'a str {
        self.rest.as_ref().and_then(|rest| rest.description.as_deref()).unwrap_or_else(|| texts.get(self.description))
    }

    fn into_protocol(
        mut self,
        trace_id: TraceId,
        texts: &Texts,
        attributes: &mut [Attribute],
        site: Option<&BridgedSite>,
    ) -> protocol::Span {
        let text = |text: &str| Some(text).filter(|text| !text.is_empty()).map(str::to_owned);
        let (op, description) = (text(self.op(texts)), text(self.description(texts)));
        let Rest { tags, mut data, links, .. } = self.rest.take().map(|rest| *rest).unwrap_or_default();
        if let Some(site) = site {
            site.each_attribute(|key, value| _ = data.entry(key.to_owned()).or_insert(value));
        }
        let mut next = self.last_attribute;
        while let Some(attribute) = next.and_then(|at| attributes.get_mut(at)) {
            data.insert(texts.get(attribute.key).to_owned(), attribute.value.taken().unpacked(texts));
            next = attribute.previous;
        }
        protocol::Span {
            span_id: self.span_id,
            trace_id,
            parent_span_id: Some(self.parent_span_id),
            same_process_as_parent: None,
            op,
            description,
            timestamp: self.ended,
            start_timestamp: self.started,
            status: self.status,
            tags,
            data,
            links,
        }
    }
}

impl Rest {
    fn bytes(&self) -> usize {
        let texts = [&self.op, &self.description].into_iter().flatten().map(String::len).sum::<usize>();
        let links = self.links.len() * size_of::<SpanLink>();
        size_of::<Self>() + texts + text_map(&self.tags) + value_map(&self.data) + links
    }
}

/// Most transactions have no more spans, and then need no larger pieces of memory.
const ROOM_AT_ONCE: usize = 16;
const BYTES_OF_A_ROW: usize = 64;
const MAX_SPARE: usize = 8;
const MAX_SPARE_BYTES: usize = 16 << 10;
/// A list is looked through at each change.
const MAX_LISTED: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spans_with(count: usize) -> (Spans, Vec<RowId>) {
        let mut spans = Spans::default();
        let ids = |_| (SpanId::default(), SpanId::default());
        let rows = (0..count).map(|n| spans.start(ids(n), &["op"], &n.to_string(), SystemTime::UNIX_EPOCH)).collect();
        (spans, rows)
    }

    #[test]
    fn those_that_ended_become_spans_in_the_order_of_their_starts() {
        let (mut spans, rows) = spans_with(4);
        let at = |seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        spans.finish(rows[3], at(1));
        spans.finish(rows[0], at(2));
        spans.finish(rows[0], at(9));
        spans.set_status(rows[0], SpanStatus::Aborted);
        spans.set_op(rows[3], "other".to_owned());
        spans.set_description(rows[3], String::new());
        spans.set_tag(rows[3], "key".to_owned(), "value".to_owned());
        assert_eq!((spans.finished(), spans.op(rows[3]), spans.op(rows[1])), (2, Some("other"), Some("op")));
        assert_eq!((spans.description(rows[3]), spans.status(rows[0])), (None, Some(SpanStatus::Aborted)));
        let trace_id = TraceId::default();
        let spans = spans.take_protocol(trace_id);
        let [first, second] = &spans[..] else { panic!("two spans: {spans:?}") };
        assert_eq!((first.description.as_deref(), first.timestamp, first.trace_id), (Some("0"), Some(at(2)), trace_id));
        assert_eq!((second.op.as_deref(), second.description.as_deref()), (Some("other"), None));
        assert_eq!(second.tags, Map::from([("key".to_owned(), "value".to_owned())]));
    }

    #[test]
    fn tables_are_used_again_unless_they_are_many_or_large() {
        let spare = SpareSpans::default();
        let (mut used, rows) = spans_with(3);
        used.set_data(rows[0], "key", 1.into());
        used.finish(rows[0], SystemTime::UNIX_EPOCH);
        let room = used.room();
        assert_eq!(used.take_protocol(TraceId::default()).len(), 1);
        assert_eq!((used.finished(), used.bytes(), used.room()), (0, 0, room));
        spare.give(used);
        assert_eq!((spare.take().room(), spare.take().room()), (room, 0));
        let (mut large, _) = spans_with(1_000);
        large.take_protocol(TraceId::default());
        spare.give(large);
        (0..20).for_each(|_| spare.give(Spans::default()));
        assert_eq!(spare.take().room(), 0);
        assert_eq!(spare.0.lock().len(), MAX_SPARE - 1);
    }

    #[test]
    fn what_is_done_to_spans_that_are_gone_is_forgotten() {
        let (mut spans, rows) = spans_with(2);
        drop(std::mem::take(&mut spans));
        spans.finish(rows[1], SystemTime::UNIX_EPOCH);
        spans.set_data(rows[1], "key", Value::Null);
        spans.remove_data(rows[1], "key");
        spans.set_tag(rows[1], String::new(), String::new());
        assert_eq!((spans.finished(), spans.bytes(), spans.data(rows[1]).len()), (0, 0, 0));
    }

    #[test]
    fn changing_an_attribute_for_ever_takes_no_more_memory() {
        let (mut spans, rows) = spans_with(1);
        spans.set_data(rows[0], "key", "x".repeat(100).into());
        let bytes = spans.bytes();
        for _ in 0..1_000 {
            spans.set_data(rows[0], "key", "x".repeat(100).into());
        }
        // The first text stays, beside the last.
        assert!(spans.bytes() <= bytes + 200);
        assert_eq!((spans.texts.len(), spans.attributes.len()), ("op0key".len() + 100, 1));
        for _ in 0..1_000 {
            spans.remove_data(rows[0], "key");
            spans.set_data(rows[0], "key", "x".repeat(100).into());
        }
        assert_eq!((spans.texts.len(), spans.attributes.len()), ("op0key".len() + 100, 1));
    }

    proptest! {
        #[test]
        fn attributes_are_those_of_a_map(
            changes in prop::collection::vec((0usize..3, 0u8..40, prop::option::weighted(0.9, any::<u8>())), 0..200)
        ) {
            let (mut spans, rows) = spans_with(3);
            let mut model = vec![Map::<String, Value>::new(); 3];
            for (row, key, value) in changes {
                let key = key.to_string();
                match value {
                    Some(value) => {
                        spans.set_data(rows[row], &key, value.into());
                        model[row].insert(key, value.into());
                    }
                    None => {
                        spans.remove_data(rows[row], &key);
                        model[row].remove(&key);
                    }
                }
                prop_assert_eq!(&spans.data(rows[row]), &model[row]);
            }
            rows.iter().for_each(|row| spans.finish(*row, SystemTime::UNIX_EPOCH));
            let sent: Vec<_> = spans.take_protocol(TraceId::default()).into_iter().map(|span| span.data).collect();
            prop_assert_eq!(sent, model);
        }
    }
}
