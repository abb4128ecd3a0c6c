//! Envelopes in the form that our own transport puts on the socket.
//!
//! [`Envelope::to_writer`] writes what the public types say. Servers want some of it under other names, within limits,
//! and with `sent_at` of the moment: that is made here, once for an envelope; only the header is written anew at each
//! attempt. Items that were read from bytes pass as they were read, and so do whole envelopes of raw bytes.
//!
//! What is over a limit, or cannot be written, is counted as [`Reason::InternalSdkError`]: of the reasons that would fit
//! it is the one known to every server that knows client reports at all; `invalid` is too new to be counted by all
//! (CRP-20).

mod container;
mod depth;
mod event;
mod item;
pub(crate) mod json;
pub(crate) mod limits;
mod shrink;
#[cfg(test)]
mod tests;
mod traced;
mod transaction;

use std::io::{self, Write};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

pub use self::item::{EncodedItem, Lane};
use self::limits::MAX_ENVELOPE_BYTES;
use crate::protocol::client_report::{Category, ItemLoss, LossSource, Reason};
use crate::protocol::envelope::bytes::SharedBytes;
use crate::protocol::envelope::{Parts, Reader, Stored};
use crate::protocol::time::format_rfc3339_millis;
use crate::protocol::{ClientSdkInfo, DynamicSamplingContext, Envelope, EnvelopeHeaders, Map, Uuid, Value};

/// An envelope ready to be sent: items as bytes, a header that is written at each attempt.
///
/// Cloning copies no payload.
#[derive(Clone, Debug)]
pub struct EncodedEnvelope {
    event_id: Option<Uuid>,
    header: Header,
    items: Vec<EncodedItem>,
    /// An envelope of raw bytes, as long as nothing was taken out or added.
    raw: Option<SharedBytes>,
}

#[derive(Clone, Debug)]
enum Header {
    /// The attributes besides `event_id` and `sent_at`, as a JSON object that is not empty.
    Own(Vec<u8>),
    /// The header line of an envelope of raw bytes.
    Raw(SharedBytes),
    /// Of raw bytes that make no sense: they are one item without a header.
    None,
}

/// An encoded envelope, and what had to be left out of it.
#[derive(Debug)]
pub struct Encoded {
    /// What is left. It may be empty.
    pub envelope: EncodedEnvelope,
    /// To be counted: items that are over a limit or cannot be written.
    pub dropped: Vec<(ItemLoss, Reason)>,
}

impl EncodedEnvelope {
    /// Encodes an envelope. Costs what writing its JSON costs; attachments and what was read from bytes are not copied.
    ///
    /// `sdk` is named in the header, unless the envelope names one itself.
    pub fn encode(envelope: Envelope, sdk: &ClientSdkInfo) -> Encoded {
        match envelope.into_parts() {
            Parts::Raw(bytes) => Encoded { envelope: Self::from_raw(bytes), dropped: Vec::new() },
            Parts::Parsed(headers, items) => Self::from_parsed(&headers, items, sdk),
        }
    }

    /// The event the envelope is about.
    pub fn event_id(&self) -> Option<Uuid> {
        self.event_id
    }

    /// The items, in the order they will be sent.
    pub fn items(&self) -> &[EncodedItem] {
        &self.items
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The bytes of all items, without the envelope's header.
    pub fn body_bytes(&self) -> usize {
        self.items.iter().map(EncodedItem::bytes).sum()
    }

    /// What is lost if the envelope does not arrive.
    pub fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        self.items.iter().flat_map(|item| item.losses().iter().copied())
    }

    /// Behind what else it has to arrive.
    pub fn lanes(&self) -> impl Iterator<Item = Lane> + '_ {
        self.items.iter().filter_map(EncodedItem::lane)
    }

    /// Takes out the items that `keep` does not want, and returns them.
    pub fn retain(&mut self, mut keep: impl FnMut(&EncodedItem) -> bool) -> Vec<EncodedItem> {
        let (kept, removed) = std::mem::take(&mut self.items).into_iter().partition(|item| keep(item));
        self.items = kept;
        if !removed.is_empty() {
            self.raw = None;
        }
        removed
    }

    /// Adds an item behind the others.
    pub fn push(&mut self, item: EncodedItem) {
        self.raw = None;
        self.items.push(item);
    }

    /// Writes the envelope. Raw bytes are written as they are; all else says that it was sent at `sent_at`.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write(&self, sent_at: SystemTime, out: &mut impl Write) -> io::Result<()> {
        if let Some(raw) = &self.raw {
            return out.write_all(raw.as_slice());
        }
        match &self.header {
            Header::Own(attributes) => {
                out.write_all(b"{")?;
                if let Some(event_id) = self.event_id {
                    write!(out, "\"event_id\":\"{}\",", event_id.as_simple())?;
                }
                write!(out, "\"sent_at\":\"{}\",", format_rfc3339_millis(sent_at))?;
                out.write_all(attributes.get(1..).unwrap_or_default())?;
                out.write_all(b"\n")?;
            }
            Header::Raw(line) => {
                out.write_all(line.as_slice())?;
                out.write_all(b"\n")?;
            }
            Header::None => {}
        }
        self.items.iter().try_for_each(|item| item.write(out))
    }

    /// Writes the envelope as [`from_stored`](Self::from_stored) reads it: when it will be sent is not known yet.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_stored(&self, out: &mut impl Write) -> io::Result<()> {
        let (Header::Own(attributes), None) = (&self.header, &self.raw) else {
            return self.write(SystemTime::UNIX_EPOCH, out);
        };
        out.write_all(b"{")?;
        if let Some(event_id) = self.event_id {
            write!(out, "\"event_id\":\"{}\",", event_id.as_simple())?;
        }
        out.write_all(attributes.get(1..).unwrap_or_default())?;
        out.write_all(b"\n")?;
        self.items.iter().try_for_each(|item| item.write(out))
    }

    /// An envelope that was stored, by this process or another. What cannot be read is one opaque item.
    #[must_use]
    pub fn from_stored(bytes: Vec<u8>) -> Self {
        let mut envelope = Self::from_raw(SharedBytes::new(bytes));
        if let Header::Raw(line) = &envelope.header {
            envelope.header = Header::stored(line.as_slice());
            envelope.raw = None;
            envelope.items.iter_mut().for_each(EncodedItem::find_lane);
        }
        envelope
    }

    fn from_parsed(headers: &EnvelopeHeaders, stored: Vec<Stored>, sdk: &ClientSdkInfo) -> Encoded {
        let mut items = Vec::with_capacity(stored.len());
        let mut dropped = Vec::new();
        let mut dropped_event = false;
        for stored in stored {
            let is_event = stored.item.is_primary();
            let losses: Vec<ItemLoss> = stored.item.losses().collect();
            match EncodedItem::encode(stored, headers.event_id, &mut dropped) {
                Some(encoded) => items.extend(encoded),
                None => {
                    dropped_event |= is_event;
                    dropped.extend(losses);
                }
            }
        }
        let envelope = Self { event_id: headers.event_id, header: Header::own(headers, sdk), items, raw: None };
        let mut encoded = Encoded { envelope, dropped: Vec::new() };
        if dropped_event {
            // They mean nothing without it.
            encoded.drop_attachments_until(|_| false);
        }
        encoded.drop_what_exceeds_the_limit();
        encoded.dropped.extend(dropped.into_iter().map(|loss| (loss, Reason::InternalSdkError)));
        encoded
    }

    fn from_raw(bytes: SharedBytes) -> Self {
        let mut reader = Reader::new(bytes.as_slice());
        let header = reader.header();
        let mut items = Vec::new();
        let well_formed = loop {
            match reader.next_item() {
                Ok(Some(item)) => items.push(EncodedItem::raw(&bytes, item)),
                end => break end.is_ok(),
            }
        };
        match header {
            Some(line) if well_formed => {
                let line = bytes.slice(line);
                let header: Option<EventId> = serde_json::from_slice(line.as_slice()).ok();
                let event_id = header.and_then(|header| header.event_id);
                Self { event_id, header: Header::Raw(line), items, raw: Some(bytes) }
            }
            _ => {
                let item = EncodedItem::opaque(bytes.clone());
                Self { event_id: None, header: Header::None, items: vec![item], raw: Some(bytes) }
            }
        }
    }
}

impl Encoded {
    fn drop_what_exceeds_the_limit(&mut self) {
        self.drop_attachments_until(|envelope| envelope.body_bytes() <= MAX_ENVELOPE_BYTES);
    }

    /// Drops attachments from the last to the first until `enough`.
    fn drop_attachments_until(&mut self, enough: impl Fn(&EncodedEnvelope) -> bool) {
        while !enough(&self.envelope) {
            let items = &mut self.envelope.items;
            let Some(last) = items.iter().rposition(|item| item.category() == Category::Attachment) else {
                return;
            };
            let losses = items.remove(last).losses().to_vec();
            self.dropped.extend(losses.into_iter().map(|loss| (loss, Reason::InternalSdkError)));
        }
    }
}

impl Header {
    fn own(headers: &EnvelopeHeaders, sdk: &ClientSdkInfo) -> Self {
        let EnvelopeHeaders { sdk: named, trace, other, .. } = headers;
        let short = SdkName { name: &sdk.name, version: &sdk.version };
        let sdk = named.as_ref().map_or(Sdk::Own(short), Sdk::Foreign);
        let attributes = Attributes { sdk, trace: trace.as_ref(), other };
        // Text and JSON values: this cannot fail.
        Self::Own(serde_json::to_vec(&attributes).unwrap_or_else(|_| NO_ATTRIBUTES.to_vec()))
    }

    /// What another attempt repeats of a header.
    fn stored(line: &[u8]) -> Self {
        let mut attributes: Map<String, Value> = serde_json::from_slice(line).unwrap_or_default();
        // Where an envelope goes is never read from a file (reliability row 114).
        attributes.retain(|name, _| !matches!(name.as_str(), "event_id" | "sent_at" | "dsn"));
        let written = Some(attributes).filter(|attributes| !attributes.is_empty());
        let written = written.and_then(|attributes| serde_json::to_vec(&attributes).ok());
        Self::Own(written.unwrap_or_else(|| NO_ATTRIBUTES.to_vec()))
    }
}

const NO_ATTRIBUTES: &[u8] = b"{\"sdk\":{}}";

/// Of a header of raw bytes, all that is of interest here.
#[derive(Deserialize)]
struct EventId {
    #[serde(default)]
    event_id: Option<Uuid>,
}

/// What the header says besides `event_id` and `sent_at`. There is no `dsn`: requests are authenticated by a header.
#[derive(Serialize)]
struct Attributes<'a> {
    sdk: Sdk<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a DynamicSamplingContext>,
    #[serde(flatten)]
    other: &'a Map<String, Value>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Sdk<'a> {
    Own(SdkName<'a>),
    Foreign(&'a ClientSdkInfo),
}

/// Integrations and packages are in the event; here they would only cost bytes.
#[derive(Serialize)]
struct SdkName<'a> {
    name: &'a str,
    version: &'a str,
}
