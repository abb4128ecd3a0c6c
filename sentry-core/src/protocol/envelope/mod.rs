//! Envelopes: what is sent at once. A header line, then items of a header line and a payload each.
//!
//! An envelope is built from typed items, or read from bytes. One that was read keeps those bytes beside the typed
//! items: they are what is written again, so that nothing is lost that this version does not know. The bytes are
//! shared between the envelope and its items; beside them only the typed items take memory.

pub(crate) mod bytes;
mod container;
mod error;
mod filter;
mod headers;
mod item;
mod reader;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use self::bytes::SharedBytes;
pub use self::container::ItemContainer;
pub use self::error::EnvelopeError;
pub use self::filter::{EnvelopeFilter, EnvelopeFilterCallbacks};
pub use self::headers::EnvelopeHeaders;
pub use self::item::{EnvelopeItem, UnknownItem};
pub(crate) use self::reader::{ItemAt, ItemHeader, Reader};
use super::client_report::{Category, ItemLoss, LossSource, Report, untyped_losses};
use super::{Event, Uuid};
use crate::wire::limits;

/// What is sent at once: headers and items.
///
/// Two envelopes are equal if their headers and items are, however they came about.
#[derive(Clone, Default, Debug)]
pub struct Envelope {
    headers: EnvelopeHeaders,
    items: Items,
    /// The bytes this envelope was read from, as long as nothing has changed.
    untouched: Option<SharedBytes>,
}

#[derive(Clone, Debug)]
enum Items {
    Parsed(Vec<Stored>),
    /// The whole envelope, its header included.
    Raw(SharedBytes),
}

/// An item, and the header line and payload it was read from.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) item: EnvelopeItem,
    pub(crate) read: Option<(SharedBytes, SharedBytes)>,
}

/// An envelope taken apart, for [`wire`](crate::wire).
pub(crate) enum Parts {
    Parsed(Box<EnvelopeHeaders>, Vec<Stored>),
    Raw(SharedBytes),
}

impl Envelope {
    /// An empty envelope.
    pub fn new() -> Envelope {
        Self::default()
    }

    /// Adds an item. The first event, transaction or feedback of an envelope without an event id gives it its own.
    pub fn add_item<I>(&mut self, item: I)
    where
        I: Into<EnvelopeItem>,
    {
        let item = item.into();
        self.untouched = None;
        match &mut self.items {
            Items::Parsed(items) => {
                self.headers.event_id = self.headers.event_id.or_else(|| item.own_id());
                if item != EnvelopeItem::Raw {
                    items.push(Stored { item, read: None });
                }
            }
            Items::Raw(raw) => {
                let mut bytes = std::mem::replace(raw, SharedBytes::new(Vec::new())).into_vec();
                if !bytes.ends_with(b"\n") {
                    bytes.push(b'\n');
                }
                // Writing to memory fails only for an item that cannot be written at all.
                let whole = bytes.len();
                if item.to_writer(&mut bytes).is_err() {
                    bytes.truncate(whole);
                }
                *raw = SharedBytes::new(bytes);
            }
        }
    }

    /// The items. An envelope of raw bytes shows none.
    pub fn items(&self) -> EnvelopeItemIter<'_> {
        let items: &[Stored] = match &self.items {
            Items::Parsed(items) => items,
            Items::Raw(_) => &[],
        };
        EnvelopeItemIter { inner: items.iter() }
    }

    /// The items. An envelope of raw bytes has none.
    pub fn into_items(self) -> impl Iterator<Item = EnvelopeItem> {
        let items = match self.items {
            Items::Parsed(items) => items,
            Items::Raw(_) => Vec::new(),
        };
        items.into_iter().map(|stored| stored.item)
    }

    /// The headers. Those of an envelope of raw bytes are not parsed: they appear empty.
    pub fn headers(&self) -> &EnvelopeHeaders {
        &self.headers
    }

    /// Replaces all headers. An envelope of raw bytes keeps those in its bytes.
    #[must_use]
    pub fn with_headers(mut self, headers: EnvelopeHeaders) -> Self {
        self.headers = headers;
        self.untouched = None;
        self
    }

    /// The event id in the headers.
    pub fn uuid(&self) -> Option<&Uuid> {
        self.headers.event_id.as_ref()
    }

    /// The first event.
    pub fn event(&self) -> Option<&Event<'static>> {
        self.items().find_map(|item| match item {
            EnvelopeItem::Event(event) => Some(&**event),
            _ => None,
        })
    }

    /// Keeps the items that `filter` wants, and the headers; `None` if no item stays.
    ///
    /// Attachments do not stay without what they were attached to: they are handed to
    /// [`on_filtered`](EnvelopeFilter::on_filtered), too. An envelope of raw bytes is kept or not as a whole.
    pub fn filter<F>(self, mut filter: F) -> Option<Self>
    where
        F: EnvelopeFilter,
    {
        let items = match self.items {
            Items::Parsed(items) => items,
            Items::Raw(_) if filter.filter(&EnvelopeItem::Raw) => return Some(self),
            Items::Raw(_) => {
                filter.on_filtered(EnvelopeItem::Raw);
                return None;
            }
        };
        let count = items.len();
        let was_attached = items.iter().any(|stored| stored.item.is_primary());
        let (mut kept, removed): (Vec<_>, Vec<_>) = items.into_iter().partition(|stored| filter.filter(&stored.item));
        removed.into_iter().for_each(|stored| filter.on_filtered(stored.item));
        if was_attached && !kept.iter().any(|stored| stored.item.is_primary()) {
            let is_attachment = |stored: &Stored| matches!(stored.item, EnvelopeItem::Attachment(_));
            let (orphans, others) = kept.into_iter().partition(is_attachment);
            let orphans: Vec<Stored> = orphans;
            orphans.into_iter().for_each(|stored| filter.on_filtered(stored.item));
            kept = others;
        }
        if kept.is_empty() {
            return None;
        }
        let untouched = self.untouched.filter(|_| kept.len() == count);
        Some(Self { headers: self.headers, items: Items::Parsed(kept), untouched })
    }

    /// Writes the envelope. One that was read and not changed since is written as it was read.
    ///
    /// # Errors
    ///
    /// Those of the writer, and if an item cannot be written as JSON.
    pub fn to_writer<W>(&self, mut writer: W) -> io::Result<()>
    where
        W: Write,
    {
        let items = match (&self.items, &self.untouched) {
            (Items::Raw(bytes), _) | (_, Some(bytes)) => return writer.write_all(bytes.as_slice()),
            (Items::Parsed(items), None) => items,
        };
        serde_json::to_writer(&mut writer, &self.headers)?;
        writer.write_all(b"\n")?;
        for stored in items {
            match &stored.read {
                Some((header, payload)) => {
                    for part in [header, payload] {
                        writer.write_all(part.as_slice())?;
                        writer.write_all(b"\n")?;
                    }
                }
                None => stored.item.to_writer(&mut writer)?,
            }
        }
        Ok(())
    }

    /// Reads an envelope. Items of unknown types become [`EnvelopeItem::Unknown`].
    ///
    /// Copies `slice` once; attachments are copied once more.
    ///
    /// # Errors
    ///
    /// Says what is malformed, see [`EnvelopeError`].
    pub fn from_slice(slice: &[u8]) -> Result<Envelope, EnvelopeError> {
        Self::from_vec(slice.to_vec())
    }

    /// Takes bytes as an envelope without looking at them. They are sent as they are.
    ///
    /// # Errors
    ///
    /// None: what is wrong with the bytes, the server will say.
    pub fn from_bytes_raw(bytes: Vec<u8>) -> Result<Self, EnvelopeError> {
        let items = Items::Raw(SharedBytes::new(bytes));
        Ok(Self { headers: EnvelopeHeaders::default(), items, untouched: None })
    }

    /// Reads an envelope from a file of at most 200 MiB.
    ///
    /// # Errors
    ///
    /// As for [`from_slice`](Envelope::from_slice), and if the file cannot be read.
    pub fn from_path<P: AsRef<Path>>(path: P) -> Result<Envelope, EnvelopeError> {
        Self::from_vec(read_file(path.as_ref()).map_err(EnvelopeError::Unreadable)?)
    }

    /// Takes the bytes of a file of at most 200 MiB as an envelope without looking at them.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn from_path_raw<P: AsRef<Path>>(path: P) -> Result<Self, EnvelopeError> {
        Self::from_bytes_raw(read_file(path.as_ref()).map_err(EnvelopeError::Unreadable)?)
    }

    fn from_vec(bytes: Vec<u8>) -> Result<Self, EnvelopeError> {
        let bytes = SharedBytes::new(bytes);
        let (headers, items) = reader::read(&bytes)?;
        Ok(Self { headers, items: Items::Parsed(items), untouched: Some(bytes) })
    }

    /// What raw bytes stand for, as far as they can be understood.
    pub(crate) fn raw_losses(&self) -> Vec<ItemLoss> {
        match &self.items {
            Items::Parsed(_) => Vec::new(),
            Items::Raw(bytes) => raw_losses(bytes.as_slice()),
        }
    }

    /// How many bytes of it are raw, not parsed.
    pub(crate) fn raw_bytes(&self) -> usize {
        if let Items::Raw(bytes) = &self.items { bytes.as_slice().len() } else { 0 }
    }

    pub(crate) fn into_parts(self) -> Parts {
        match self.items {
            Items::Parsed(items) => Parts::Parsed(Box::new(self.headers), items),
            Items::Raw(bytes) => Parts::Raw(bytes),
        }
    }
}

impl Default for Items {
    fn default() -> Self {
        Self::Parsed(Vec::new())
    }
}

impl PartialEq for Envelope {
    fn eq(&self, other: &Self) -> bool {
        match (&self.items, &other.items) {
            (Items::Raw(own), Items::Raw(others)) => own == others,
            (Items::Parsed(_), Items::Parsed(_)) => self.headers == other.headers && self.items().eq(other.items()),
            _ => false,
        }
    }
}

impl<T> From<T> for Envelope
where
    T: Into<EnvelopeItem>,
{
    fn from(item: T) -> Self {
        let mut envelope = Self::default();
        envelope.add_item(item);
        envelope
    }
}

/// The items of an [`Envelope`], in order.
#[derive(Clone)]
pub struct EnvelopeItemIter<'s> {
    inner: std::slice::Iter<'s, Stored>,
}

impl<'s> Iterator for EnvelopeItemIter<'s> {
    type Item = &'s EnvelopeItem;

    fn next(&mut self) -> Option<Self::Item> {
        self.inner.next().map(|stored| &stored.item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

/// Counts by type and size what cannot be typed. What follows a malformed item counts as one more.
pub(crate) fn raw_losses(bytes: &[u8]) -> Vec<ItemLoss> {
    let mut reader = Reader::new(bytes);
    let mut losses = Vec::new();
    reader.header();
    loop {
        let item = match reader.next_item() {
            Ok(Some(item)) => item,
            Ok(None) => return losses,
            Err(_) => {
                losses.push(ItemLoss::new(Category::Default, 1));
                return losses;
            }
        };
        let payload = bytes.get(item.payload).unwrap_or_default();
        let ty = item.header.ty.as_str();
        match serde_json::from_slice::<Report>(payload) {
            Ok(report) if ty == "client_report" => losses.extend(report.losses()),
            _ => losses.extend(untyped_losses(ty, item.header.item_count, payload).into_iter().flatten()),
        }
    }
}

/// A file that grows while it is read cannot make this exceed the limit.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE_BYTES) {
        Ok(bytes)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "larger than 200 MiB, which no server takes"))
    }
}

/// No server takes an envelope larger than this (ITM-40).
const MAX_FILE_BYTES: u64 = limits::MAX_ENVELOPE_BYTES as u64;
