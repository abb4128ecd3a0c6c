//! Spans that stand for those of another tracing system: begun with what that knows of them.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::shared::Shared;
use super::spans::{RowId, Spans};
use super::{Span, Transaction, TransactionOrSpan};
use crate::clock;
use crate::hub::{BridgedSite, Hub};
use crate::protocol::{SpanLink, Value};
use crate::scope::ScopeData;

/// What the fields of a bridged span say of it.
#[derive(Debug, Default)]
pub struct Described {
    /// Its name, if that is not the site's.
    pub name: Option<String>,
    /// The kind of work it is, if that is not told by the site.
    pub op: Option<String>,
    /// The header `sentry-trace` of the trace it continues, if it is a root.
    pub sentry_trace: Option<String>,
    /// Tags.
    pub tags: Vec<(String, String)>,
    /// Attributes.
    pub data: Vec<(Cow<'static, str>, Value)>,
}

impl TransactionOrSpan {
    /// Starts a child of one that is recorded.
    pub(crate) fn start_bridged(&self, site: &BridgedSite, described: Described) -> Span {
        let (shared, parent) = match self {
            Self::Transaction(transaction) => (&transaction.shared, transaction.shared.span_id),
            Self::Span(span) => (&span.shared, span.span_id),
        };
        let (span_id, is_recorded) = shared.admit_child();
        let started = clock::wall();
        let start = |spans: &mut Spans| {
            let name = described.name.as_deref().unwrap_or(site.name);
            let row = match &described.op {
                Some(op) => spans.start((span_id, parent), &[op], name, started),
                None => spans.start((span_id, parent), &[site.target, "::", site.name], name, started),
            };
            spans.set_site(row, site);
            add(spans, row, described.data, described.tags);
            row
        };
        let row = if is_recorded { shared.record(|recording| start(&mut recording.spans)) } else { None };
        Span::at(shared, (span_id, parent), row)
    }

    /// Whether what is given to it is kept.
    pub(crate) fn is_recorded(&self) -> bool {
        self.shared().is_recorded()
    }

    /// Whether its transaction was finished.
    pub(crate) fn has_ended(&self) -> bool {
        self.shared().is_finished()
    }

    /// Counts a child that is not begun.
    pub(crate) fn count_child(&self) {
        self.shared().admit_child();
    }

    /// Adds to what is known of it.
    pub(crate) fn describe(&self, described: Described) {
        if !self.is_recorded() {
            return;
        }
        let Described { name, op, tags, data, .. } = described;
        if let Some(name) = name {
            self.set_name(&name);
        }
        if let Some(op) = op {
            self.set_op(&op);
        }
        match self {
            Self::Transaction(transaction) => transaction.add(data, tags),
            Self::Span(span) => span.record(|spans, row| add(spans, row, data, tags)),
        }
    }

    /// Links it to another span, which caused it without being its parent.
    pub(crate) fn add_link(&self, other: &Self) {
        let (trace_id, span_id) = other.trace_ids();
        let link = SpanLink { trace_id, span_id, sampled: other.shared().decision.sampled, ..SpanLink::default() };
        match self {
            Self::Transaction(transaction) => {
                transaction.shared.record(|recording| add_link(&mut recording.links, link));
            }
            Self::Span(span) => span.record(|spans, row| spans.change_links(row, |links| add_link(links, link))),
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        match self {
            Self::Transaction(transaction) => &transaction.shared,
            Self::Span(span) => &span.shared,
        }
    }
}

impl Span {
    /// Keeps what was set on the scope inside of it: it is part of what the transaction is about.
    pub(crate) fn note_inside(&self, inside: ScopeData) {
        self.shared.record(|recording| {
            let before = std::mem::take(&mut recording.inside);
            // The outer span and the later one win: they end last.
            recording.inside = inside.on_top_of(before);
        });
    }
}

impl Transaction {
    /// Describes a root as what it stands for.
    pub(crate) fn describe_bridged(&self, site: &BridgedSite, described: Described) {
        if !self.shared.is_recorded() {
            return;
        }
        self.set_origin("auto.tracing");
        site.each_attribute(|key, value| self.set_data(key, value));
        self.add(described.data, described.tags);
    }

    /// Counts a child that is not begun.
    pub(crate) fn count_child(&self) {
        self.count_children(1);
    }

    pub(crate) fn count_children(&self, children: u64) {
        self.shared.children.fetch_add(usize::try_from(children).unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    /// Makes it end with the data of `hub`.
    pub(crate) fn move_home(&self, hub: &Hub) {
        let home = hub.home();
        let before = self.shared.record(|recording| recording.home.replace(home));
        drop(before);
    }

    fn add(&self, data: Vec<(Cow<'static, str>, Value)>, tags: Vec<(String, String)>) {
        self.shared.record(|recording| {
            recording.data.extend(data.into_iter().map(|(key, value)| (key.into_owned(), value)));
            recording.tags.extend(tags);
        });
    }
}

impl BridgedSite {
    /// Where in the program it is, as attributes.
    pub(crate) fn each_attribute(&self, mut visit: impl FnMut(&'static str, Value)) {
        visit("sentry.tracing.target", self.target.into());
        let places = [("code.module.name", self.module), ("code.file.path", self.file)];
        for (key, place) in places {
            if let Some(place) = place {
                visit(key, place.into());
            }
        }
        if let Some(line) = self.line {
            visit("code.line.number", line.into());
        }
    }
}

fn add(spans: &mut Spans, row: RowId, data: Vec<(Cow<'static, str>, Value)>, tags: Vec<(String, String)>) {
    for (key, value) in data {
        spans.set_data(row, &key, value);
    }
    for (key, value) in tags {
        spans.set_tag(row, key, value);
    }
}

fn add_link(links: &mut Vec<SpanLink>, link: SpanLink) {
    if links.len() < MAX_LINKS {
        links.push(link);
    }
}

/// As many as OpenTelemetry keeps.
const MAX_LINKS: usize = 128;
