//! From bytes to an envelope. First the structure, in one pass that copies nothing; then the items with a known type.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::bytes::SharedBytes;
use super::item::UnknownItem;
use super::{EnvelopeError, EnvelopeHeaders, EnvelopeItem, ItemContainer, Stored};
use crate::protocol::{Attachment, AttachmentType};

/// An item header, as far as it is needed to find and name the item.
#[derive(Deserialize)]
pub(crate) struct ItemHeader {
    #[serde(rename = "type")]
    pub(crate) ty: String,
    #[serde(default)]
    pub(crate) length: Option<usize>,
    #[serde(default)]
    pub(crate) item_count: Option<u64>,
    #[serde(default)]
    filename: Option<String>,
    #[serde(default)]
    attachment_type: Option<AttachmentType>,
    #[serde(default)]
    content_type: Option<String>,
    /// Makes serde insist on an object: it would also read the fields from a list.
    #[serde(flatten)]
    _other: BTreeMap<String, IgnoredAny>,
}

/// The items of `source`, behind an envelope header that is parsed, too.
pub(super) fn read(source: &SharedBytes) -> Result<(EnvelopeHeaders, Vec<Stored>), EnvelopeError> {
    let mut reader = Reader::new(source.as_slice());
    let header = reader.header().ok_or(EnvelopeError::MissingHeader)?;
    let headers = reader.json(header).map_err(EnvelopeError::InvalidHeader)?;
    let mut items = Vec::new();
    while let Some(item) = reader.next_item()? {
        items.push(item.read(source)?);
    }
    Ok((headers, items))
}

/// What this version knows and can read. The rest is passed on as it is: a field that another SDK writes in another way
/// must not cost a whole envelope.
fn typed(ty: &str, payload: &[u8]) -> Option<EnvelopeItem> {
    fn read<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
        serde_json::from_slice(payload).ok()
    }
    Some(match ty {
        "transaction" => EnvelopeItem::Transaction(read(payload)?),
        "feedback" => EnvelopeItem::Feedback(read(payload)?),
        "session" => EnvelopeItem::SessionUpdate(read(payload)?),
        "sessions" => EnvelopeItem::SessionAggregates(read(payload)?),
        "check_in" => EnvelopeItem::MonitorCheckIn(read(payload)?),
        _ => EnvelopeItem::ItemContainer(ItemContainer::read(ty, payload)?),
    })
}

/// Walks over the lines of an envelope.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Where an item is.
pub(crate) struct ItemAt {
    pub(crate) header: ItemHeader,
    pub(crate) header_line: Range<usize>,
    pub(crate) payload: Range<usize>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The envelope header's line; `None` if it is empty.
    pub(crate) fn header(&mut self) -> Option<Range<usize>> {
        Some(self.line()).filter(|line| !line.is_empty())
    }

    /// The next item; `None` at the end, where any number of line breaks is accepted.
    pub(crate) fn next_item(&mut self) -> Result<Option<ItemAt>, EnvelopeError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        // Only an empty line makes it worth looking whether everything behind it is empty, too: once, as either the
        // envelope ends here or it is refused.
        if rest.first().is_none_or(|byte| *byte == b'\n') {
            let at_end = rest.iter().all(|byte| *byte == b'\n');
            return if at_end { Ok(None) } else { Err(EnvelopeError::MissingItemHeader) };
        }
        let header_line = self.line();
        let header: ItemHeader = self.json(header_line.clone()).map_err(EnvelopeError::InvalidItemHeader)?;
        let payload = match header.length {
            Some(length) => self.sized(length)?,
            None => self.line(),
        };
        Ok(Some(ItemAt { header, header_line, payload }))
    }

    fn json<T: DeserializeOwned>(&self, range: Range<usize>) -> Result<T, serde_json::Error> {
        serde_json::from_slice(self.bytes.get(range).unwrap_or_default())
    }

    /// Up to the next line break or the end, and past it.
    fn line(&mut self) -> Range<usize> {
        let start = self.at.min(self.bytes.len());
        let rest = self.bytes.get(start..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        self.at = start + length + 1;
        start..start + length
    }

    fn sized(&mut self, length: usize) -> Result<Range<usize>, EnvelopeError> {
        let start = self.at.min(self.bytes.len());
        let end = start.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(EnvelopeError::UnexpectedEof)?;
        if self.bytes.get(end).is_some_and(|byte| *byte != b'\n') {
            return Err(EnvelopeError::MissingNewline);
        }
        self.at = end + 1;
        Ok(start..end)
    }
}

impl ItemAt {
    fn read(self, source: &SharedBytes) -> Result<Stored, EnvelopeError> {
        let (header, payload) = (source.slice(self.header_line), source.slice(self.payload));
        let json = EnvelopeError::InvalidItemPayload;
        let item = match self.header.ty.as_str() {
            "event" => EnvelopeItem::Event(serde_json::from_slice(payload.as_slice()).map_err(json)?),
            "client_report" => EnvelopeItem::ClientReport(serde_json::from_slice(payload.as_slice()).map_err(json)?),
            "attachment" => EnvelopeItem::Attachment(Attachment {
                buffer: payload.as_slice().to_vec(),
                filename: self.header.filename.unwrap_or_default(),
                content_type: self.header.content_type,
                ty: self.header.attachment_type,
            }),
            ty => typed(ty, payload.as_slice()).unwrap_or_else(|| {
                EnvelopeItem::Unknown(UnknownItem {
                    ty: ty.to_owned(),
                    item_count: self.header.item_count,
                    header: header.clone(),
                    payload: payload.clone(),
                })
            }),
        };
        Ok(Stored { item, read: Some((header, payload)) })
    }
}
