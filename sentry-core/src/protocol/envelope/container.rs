//! Items that hold many small things of one kind.

use serde::{Deserialize, Serialize};

use crate::protocol::{Log, Metric};

/// Many small things of one kind in one item.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ItemContainer {
    /// Structured logs, at most 100.
    Logs(Vec<Log>),
    /// Metrics.
    Metrics(Vec<Metric>),
}

impl ItemContainer {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Logs(logs) => logs.len(),
            Self::Metrics(metrics) => metrics.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item's type on the wire.
    pub fn ty(&self) -> &'static str {
        match self {
            Self::Logs(_) => "log",
            Self::Metrics(_) => "trace_metric",
        }
    }

    /// The content type in the item's header.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Logs(_) => "application/vnd.sentry.items.log+json",
            Self::Metrics(_) => "application/vnd.sentry.items.trace-metric+json",
        }
    }

    /// The item's header line for a payload of this length.
    pub(crate) fn header(&self, count: usize, length: usize) -> String {
        let (ty, content_type) = (self.ty(), self.content_type());
        format!(r#"{{"type":"{ty}","item_count":{count},"content_type":"{content_type}","length":{length}}}"#)
    }

    /// The payload, as the types say.
    pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::Logs(items) => serde_json::to_vec(&Items { items }),
            Self::Metrics(items) => serde_json::to_vec(&Items { items }),
        }
    }

    /// Reads the payload of an item of type `ty`; `None` if it is of another type, or cannot be read.
    pub(crate) fn read(ty: &str, payload: &[u8]) -> Option<Self> {
        match ty {
            "log" => read_items(payload).map(Self::Logs),
            "trace_metric" => read_items(payload).map(Self::Metrics),
            _ => None,
        }
    }
}

impl From<Vec<Log>> for ItemContainer {
    fn from(logs: Vec<Log>) -> Self {
        Self::Logs(logs)
    }
}

impl From<Vec<Metric>> for ItemContainer {
    fn from(metrics: Vec<Metric>) -> Self {
        Self::Metrics(metrics)
    }
}

#[derive(Serialize)]
struct Items<'a, T> {
    items: &'a [T],
}

fn read_items<T: for<'de> Deserialize<'de>>(payload: &[u8]) -> Option<Vec<T>> {
    #[derive(Deserialize)]
    struct Owned<T> {
        items: Vec<T>,
    }
    serde_json::from_slice::<Owned<T>>(payload).ok().map(|owned| owned.items)
}
