//! The parts of an envelope, and how each is written.

use std::io::{self, Write};

use serde::Serialize;

use super::bytes::SharedBytes;
use super::container::ItemContainer;
use crate::protocol::client_report::{ItemLoss, untyped_losses};
use crate::protocol::{
    Attachment, ClientReport, Event, Log, Metric, MonitorCheckIn, SessionAggregates, SessionUpdate, Transaction, Uuid,
};

/// A part of an envelope.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EnvelopeItem {
    /// An event.
    Event(Box<Event<'static>>),
    /// A file that belongs to the event.
    Attachment(Attachment),
    /// The state of a session.
    SessionUpdate(SessionUpdate<'static>),
    /// Sums of sessions.
    SessionAggregates(SessionAggregates<'static>),
    /// A transaction.
    Transaction(Box<Transaction<'static>>),
    /// How a monitored job is doing.
    MonitorCheckIn(MonitorCheckIn),
    /// Logs or metrics.
    ItemContainer(ItemContainer),
    /// What a user says: an event with the context `feedback`.
    Feedback(Box<Event<'static>>),
    /// Counts of lost data.
    ClientReport(ClientReport),
    /// An item of a type that this version does not know. It is passed on as it was read.
    Unknown(UnknownItem),
    /// Stands for all items of an envelope of raw bytes when it is filtered. Nothing else makes it, and adding it to
    /// an envelope adds nothing.
    Raw,
}

impl From<Event<'static>> for EnvelopeItem {
    fn from(event: Event<'static>) -> Self {
        Self::Event(Box::new(event))
    }
}

impl From<Attachment> for EnvelopeItem {
    fn from(attachment: Attachment) -> Self {
        Self::Attachment(attachment)
    }
}

impl From<ClientReport> for EnvelopeItem {
    fn from(report: ClientReport) -> Self {
        Self::ClientReport(report)
    }
}

impl From<Transaction<'static>> for EnvelopeItem {
    fn from(transaction: Transaction<'static>) -> Self {
        Self::Transaction(Box::new(transaction))
    }
}

/// Where the variant holds what it is made from as it is.
macro_rules! from_content {
    ($($variant:ident($content:ty),)*) => {
        $(impl From<$content> for EnvelopeItem {
            fn from(content: $content) -> Self {
                Self::$variant(content.into())
            }
        })*
    };
}

from_content! {
    SessionUpdate(SessionUpdate<'static>),
    SessionAggregates(SessionAggregates<'static>),
    MonitorCheckIn(MonitorCheckIn),
    ItemContainer(ItemContainer),
    ItemContainer(Vec<Log>),
    ItemContainer(Vec<Metric>),
}

impl EnvelopeItem {
    /// The id that the envelope gets from it.
    pub(super) fn own_id(&self) -> Option<Uuid> {
        match self {
            Self::Event(event) | Self::Feedback(event) => Some(event.event_id),
            Self::Transaction(transaction) => Some(transaction.event_id),
            _ => None,
        }
    }

    /// Whether attachments belong to this item: without it they mean nothing.
    pub(crate) fn is_primary(&self) -> bool {
        match self {
            Self::Event(_) | Self::Transaction(_) | Self::Feedback(_) => true,
            Self::Unknown(item) => matches!(item.ty(), "transaction" | "feedback"),
            _ => false,
        }
    }

    /// Writes header line and payload, each with a line break behind it.
    pub(super) fn to_writer<W: Write>(&self, writer: &mut W) -> io::Result<()> {
        match self {
            Self::Event(event) => write_json("event", event, writer)?,
            Self::Feedback(event) => write_json("feedback", event, writer)?,
            Self::Transaction(transaction) => write_json("transaction", &WithType::new(transaction), writer)?,
            Self::SessionUpdate(update) => write_json("session", update, writer)?,
            Self::SessionAggregates(sums) => write_json("sessions", sums, writer)?,
            Self::MonitorCheckIn(check_in) => write_json("check_in", check_in, writer)?,
            Self::ItemContainer(container) => {
                let payload = container.to_json()?;
                writeln!(writer, "{}", container.header(container.len(), payload.len()))?;
                writer.write_all(&payload)?;
            }
            Self::ClientReport(report) => write_json("client_report", report, writer)?,
            Self::Attachment(attachment) => attachment.to_writer(writer)?,
            Self::Unknown(item) => {
                writer.write_all(item.header())?;
                writer.write_all(b"\n")?;
                writer.write_all(item.payload())?;
            }
            Self::Raw => return Ok(()),
        }
        writer.write_all(b"\n")
    }
}

fn write_json<W: Write>(ty: &'static str, payload: &impl Serialize, writer: &mut W) -> io::Result<()> {
    let payload = serde_json::to_vec(payload)?;
    writeln!(writer, "{{\"type\":\"{ty}\",\"length\":{}}}", payload.len())?;
    writer.write_all(&payload)
}

/// A transaction is an event that says that it is one (spec EVT-11).
#[derive(Serialize)]
struct WithType<'a> {
    #[serde(flatten)]
    transaction: &'a Transaction<'static>,
    #[serde(rename = "type")]
    ty: &'static str,
}

impl<'a> WithType<'a> {
    fn new(transaction: &'a Transaction<'static>) -> Self {
        Self { transaction, ty: "transaction" }
    }
}

/// An item of a type that this version does not know, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownItem {
    pub(super) ty: String,
    pub(super) item_count: Option<u64>,
    pub(super) header: SharedBytes,
    pub(super) payload: SharedBytes,
}

impl UnknownItem {
    /// The item's type, such as `replay_event`.
    pub fn ty(&self) -> &str {
        &self.ty
    }

    /// The item's content.
    pub fn payload(&self) -> &[u8] {
        self.payload.as_slice()
    }

    /// The header line, without its line break.
    pub(crate) fn header(&self) -> &[u8] {
        self.header.as_slice()
    }

    pub(crate) fn losses(&self) -> [Option<ItemLoss>; 2] {
        untyped_losses(&self.ty, self.item_count, self.payload())
    }

    pub(crate) fn into_payload(self) -> SharedBytes {
        self.payload
    }
}
