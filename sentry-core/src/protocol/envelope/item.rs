//! The parts of an envelope, and how each is written.

use std::io::{self, Write};

use serde::Serialize;

use super::bytes::SharedBytes;
use crate::protocol::client_report::{ItemLoss, untyped_losses};
use crate::protocol::{Attachment, ClientReport, Event};

/// A part of an envelope.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EnvelopeItem {
    /// An event.
    Event(Box<Event<'static>>),
    /// A file that belongs to the event.
    Attachment(Attachment),
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

impl EnvelopeItem {
    /// Whether attachments belong to this item: without it they mean nothing.
    pub(super) fn is_primary(&self) -> bool {
        match self {
            Self::Event(_) => true,
            Self::Unknown(item) => matches!(item.ty(), "transaction" | "feedback"),
            Self::Attachment(_) | Self::ClientReport(_) | Self::Raw => false,
        }
    }

    /// Writes header line and payload, each with a line break behind it.
    pub(super) fn to_writer<W: Write>(&self, writer: &mut W) -> io::Result<()> {
        match self {
            Self::Event(event) => write_json("event", event, writer)?,
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
