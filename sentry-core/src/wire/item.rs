//! An item as bytes: its header line, its payload, and what is lost with it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::value::{Map, Value};

use super::json::{self, Json};
use super::limits::{
    MAX_ATTACHMENT_BYTES, MAX_CHECK_IN_BYTES, MAX_CLIENT_REPORT_BYTES, MAX_CLIENT_REPORT_ROWS, MAX_ENVELOPE_BYTES,
    MAX_EVENT_BYTES,
};
use super::{container, event, transaction};
use crate::protocol::client_report::{Category, ItemLoss, LossSource, item_category, untyped_losses};
use crate::protocol::envelope::bytes::SharedBytes;
use crate::protocol::envelope::{ItemAt, ItemHeader, Stored, raw_losses};
use crate::protocol::{Attachment, ClientReport, EnvelopeItem, SessionAttributes, Uuid};

/// An item ready to be sent. Cloning copies no payload.
#[derive(Clone, Debug)]
pub struct EncodedItem {
    ty: String,
    category: Category,
    lane: Option<Lane>,
    losses: Vec<ItemLoss>,
    /// Empty for raw bytes that make no sense: then the payload is all there is.
    header: Vec<u8>,
    payload: SharedBytes,
}

/// What must reach the server in the order in which it was said: the updates of one session, the check-ins of one id, the
/// batches of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The session of that id.
    Session(u128),
    /// The sums of sessions.
    Sessions,
    /// The check-in of that id.
    CheckIn(u128),
    /// Structured logs.
    Logs,
    /// Metrics.
    Metrics,
}

impl Lane {
    /// That of batches of `category`, if they have one.
    #[must_use]
    pub fn of_batches(category: Category) -> Option<Self> {
        match category {
            Category::LogItem => Some(Self::Logs),
            Category::TraceMetric => Some(Self::Metrics),
            _ => None,
        }
    }

    fn of(item: &EnvelopeItem) -> Option<Self> {
        match item {
            EnvelopeItem::SessionUpdate(update) => Some(Self::Session(update.session_id.as_u128())),
            EnvelopeItem::SessionAggregates(_) => Some(Self::Sessions),
            EnvelopeItem::MonitorCheckIn(check_in) => Some(Self::CheckIn(check_in.check_in_id.as_u128())),
            EnvelopeItem::ItemContainer(container) => Self::of_batches(item_category(container.ty())),
            _ => None,
        }
    }
}

impl EncodedItem {
    /// A client report, to travel with whatever is sent next. It should have at most 40 rows, or servers may find it
    /// too large; [`client_reports`](EncodedItem::client_reports) splits longer ones.
    pub fn client_report(report: &ClientReport) -> EncodedItem {
        let payload = serde_json::to_vec(report).unwrap_or_else(|_| b"{}".to_vec());
        Self {
            ty: "client_report".to_owned(),
            category: Category::Internal,
            lane: None,
            losses: report.losses().collect(),
            header: format!("{{\"type\":\"client_report\",\"length\":{}}}", payload.len()).into_bytes(),
            payload: SharedBytes::new(payload),
        }
    }

    /// A client report, split where it is longer than servers accept (4 KiB). Nothing for an empty one.
    pub fn client_reports(report: &ClientReport) -> Vec<EncodedItem> {
        let chunks = report.items().chunks(MAX_CLIENT_REPORT_ROWS);
        chunks.map(|rows| Self::client_report(&report.with_items(rows))).collect()
    }

    /// The item's type on the wire, such as `event`.
    pub fn ty(&self) -> &str {
        &self.ty
    }

    /// The category whose rate limit applies to the item.
    pub fn category(&self) -> Category {
        self.category
    }

    /// Behind what else it has to arrive.
    pub fn lane(&self) -> Option<Lane> {
        self.lane
    }

    /// What is lost if the item does not arrive.
    pub fn losses(&self) -> &[ItemLoss] {
        &self.losses
    }

    /// What the item adds to the envelope.
    pub fn bytes(&self) -> usize {
        self.header.len() + self.payload.as_slice().len() + 2
    }

    pub(super) fn new(ty: &str, losses: Vec<ItemLoss>, header: Vec<u8>, payload: SharedBytes) -> Self {
        Self { ty: ty.to_owned(), category: item_category(ty), lane: None, losses, header, payload }
    }

    /// The item on the wire, which may be several; `None` if it cannot be sent.
    /// `dropped` gets what had to be left out of an item that can be sent without it.
    pub(super) fn encode(
        stored: Stored,
        envelope_id: Option<Uuid>,
        dropped: &mut Vec<ItemLoss>,
    ) -> Option<Vec<EncodedItem>> {
        let lane = Lane::of(&stored.item);
        let mut items = Self::encode_payload(stored, envelope_id, dropped)?;
        items.iter_mut().for_each(|item| item.lane = lane);
        Some(items)
    }

    fn encode_payload(
        stored: Stored,
        envelope_id: Option<Uuid>,
        dropped: &mut Vec<ItemLoss>,
    ) -> Option<Vec<EncodedItem>> {
        let mut losses: Vec<ItemLoss> = stored.item.losses().collect();
        let (ty, limit) = match &stored.item {
            EnvelopeItem::Event(_) => ("event".to_owned(), MAX_EVENT_BYTES),
            EnvelopeItem::Feedback(_) => ("feedback".to_owned(), MAX_EVENT_BYTES),
            EnvelopeItem::Transaction(_) => ("transaction".to_owned(), MAX_EVENT_BYTES),
            EnvelopeItem::SessionUpdate(_) => ("session".to_owned(), MAX_EVENT_BYTES),
            EnvelopeItem::SessionAggregates(_) => ("sessions".to_owned(), MAX_EVENT_BYTES),
            EnvelopeItem::MonitorCheckIn(_) => ("check_in".to_owned(), MAX_CHECK_IN_BYTES),
            EnvelopeItem::ItemContainer(container) => (container.ty().to_owned(), MAX_ENVELOPE_BYTES),
            EnvelopeItem::Attachment(_) => ("attachment".to_owned(), MAX_ATTACHMENT_BYTES),
            EnvelopeItem::ClientReport(_) => ("client_report".to_owned(), MAX_CLIENT_REPORT_BYTES),
            EnvelopeItem::Unknown(item) => (item.ty().to_owned(), usize::MAX),
            EnvelopeItem::Raw => return Some(Vec::new()),
        };
        let item = |header: Vec<u8>, payload: SharedBytes, losses| Self::new(&ty, losses, header, payload);
        let json = |payload: Vec<u8>, losses| {
            let length = payload.len();
            let header = format!("{{\"type\":\"{ty}\",\"length\":{length},\"content_type\":\"application/json\"}}");
            Some(vec![item(header.into_bytes(), SharedBytes::new(payload), losses)])
        };
        match (stored.item, stored.read) {
            (_, Some((header, payload))) if payload.as_slice().len() <= limit => {
                Some(vec![item(with_length(header.as_slice(), payload.as_slice().len()), payload, losses)])
            }
            (EnvelopeItem::Event(event) | EnvelopeItem::Feedback(event), _) => {
                json(event::encode(*event, envelope_id)?, losses)
            }
            (EnvelopeItem::Transaction(transaction), _) => {
                let written = transaction::encode(*transaction, envelope_id)?;
                let left_out = u64::try_from(written.spans_left_out).unwrap_or(u64::MAX);
                if left_out > 0 {
                    dropped.push(ItemLoss::new(Category::Span, left_out));
                    let spans = losses.iter_mut().filter(|loss| loss.category == Category::Span);
                    spans.for_each(|loss| loss.quantity = loss.quantity.saturating_sub(left_out));
                }
                json(written.payload, losses)
            }
            (EnvelopeItem::SessionUpdate(mut update), _) => {
                clean(&mut update.attributes)?;
                json(fitting(limit, &update)?, losses)
            }
            (EnvelopeItem::SessionAggregates(mut sums), _) => {
                clean(&mut sums.attributes)?;
                json(fitting(limit, &sums)?, losses)
            }
            (EnvelopeItem::MonitorCheckIn(check_in), _) => json(fitting(limit, &check_in)?, losses),
            (EnvelopeItem::ItemContainer(container), _) => {
                Some(container::encode(container, dropped).into_iter().collect())
            }
            (EnvelopeItem::Attachment(attachment), _) if attachment.buffer.len() <= limit => {
                let header = attachment_header(&attachment);
                Some(vec![item(header, SharedBytes::new(attachment.buffer), losses)])
            }
            (EnvelopeItem::Attachment(_) | EnvelopeItem::Raw, _) => None,
            (EnvelopeItem::ClientReport(report), _) => Some(Self::client_reports(&report)),
            (EnvelopeItem::Unknown(unknown), _) => {
                let header = with_length(unknown.header(), unknown.payload().len());
                Some(vec![item(header, unknown.into_payload(), losses)])
            }
        }
    }

    /// An item inside an envelope of raw bytes.
    pub(super) fn raw(envelope: &SharedBytes, at: ItemAt) -> Self {
        let payload = envelope.slice(at.payload);
        let ty = at.header.ty;
        let report = (ty == "client_report").then(|| serde_json::from_slice::<ClientReport>(payload.as_slice()).ok());
        let losses = match report.flatten() {
            Some(report) => report.losses().collect(),
            None => untyped_losses(&ty, at.header.item_count, payload.as_slice()).into_iter().flatten().collect(),
        };
        let header = with_length(envelope.slice(at.header_line).as_slice(), payload.as_slice().len());
        Self { category: item_category(&ty), ty, lane: None, losses, header, payload }
    }

    /// Finds out the lane of an item that was read from bytes.
    pub(super) fn find_lane(&mut self) {
        #[derive(Default, serde::Deserialize)]
        #[serde(default)]
        struct Ids {
            sid: Uuid,
            check_in_id: Uuid,
        }
        let ids = || serde_json::from_slice::<Ids>(self.payload.as_slice()).unwrap_or_default();
        self.lane = match self.ty.as_str() {
            "session" => Some(Lane::Session(ids().sid.as_u128())),
            "sessions" => Some(Lane::Sessions),
            "check_in" => Some(Lane::CheckIn(ids().check_in_id.as_u128())),
            _ => Lane::of_batches(self.category),
        };
    }

    /// A whole envelope of raw bytes that make no sense.
    pub(super) fn opaque(envelope: SharedBytes) -> Self {
        let losses = raw_losses(envelope.as_slice());
        Self {
            ty: String::new(),
            category: Category::Default,
            lane: None,
            losses,
            header: Vec::new(),
            payload: envelope,
        }
    }

    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        if !self.header.is_empty() {
            out.write_all(&self.header)?;
            out.write_all(b"\n")?;
        }
        out.write_all(self.payload.as_slice())?;
        out.write_all(b"\n")
    }
}

/// `None` if no release is left, without which a session is about nothing (SES-44).
fn clean(attributes: &mut SessionAttributes<'static>) -> Option<()> {
    attributes.environment = attributes.environment.take().and_then(event::clean_name);
    attributes.release = event::clean_name(std::mem::take(&mut attributes.release))?;
    Some(())
}

/// `None` if it cannot be written, or not within the limit.
fn fitting(limit: usize, value: &impl Serialize) -> Option<Vec<u8>> {
    if let Json::Fits(payload) = json::at_most(limit, value) { Some(payload) } else { None }
}

/// `filename` without a path in front of it (ATT-01).
fn attachment_header(attachment: &Attachment) -> Vec<u8> {
    let name = attachment.filename.rsplit(['/', '\\']).next().unwrap_or("");
    let name = if name.is_empty() { "unnamed" } else { name };
    // Text and numbers: this cannot fail.
    serde_json::to_vec(&attachment.header(name)).unwrap_or_default()
}

/// A header line that declares the payload's length (ENV-13), all else as it was read.
fn with_length(header: &[u8], length: usize) -> Vec<u8> {
    match serde_json::from_slice(header) {
        Ok(ItemHeader { length: None, .. }) => {
            let mut attributes: Map<String, Value> = serde_json::from_slice(header).unwrap_or_default();
            attributes.insert("length".to_owned(), length.into());
            serde_json::to_vec(&attributes).unwrap_or_else(|_| header.to_vec())
        }
        _ => header.to_vec(),
    }
}
