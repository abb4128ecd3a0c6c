//! What is lost when something is lost: each kind of data knows its categories and quantities.

use serde::Deserialize;

use super::{Category, Reason, Report};
use crate::protocol::{Attachment, Envelope, EnvelopeItem, Event};

/// An amount of data, for the case that it does not arrive.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ItemLoss {
    /// What it is.
    pub category: Category,
    /// How much it is: a number of items, for byte categories one of bytes.
    pub quantity: u64,
    /// Only inside client reports: why it was lost before.
    pub reason: Option<Reason>,
}

impl ItemLoss {
    /// An amount of data that is not lost yet.
    pub const fn new(category: Category, quantity: u64) -> Self {
        Self { category, quantity, reason: None }
    }
}

/// Data whose loss is counted. Sealed.
pub trait LossSource: private::Sealed {
    /// What to count if this is lost. For a client report: what it reported.
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_;
}

impl LossSource for Envelope {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        self.items().flat_map(LossSource::losses).chain(self.raw_losses())
    }
}

impl LossSource for EnvelopeItem {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        let (own, report) = match self {
            Self::Event(_) => ([Some(EVENT), None], None),
            Self::Attachment(attachment) => ([Some(attachment_loss(attachment.buffer.len())), None], None),
            Self::ClientReport(report) => ([None, None], Some(report)),
            Self::Unknown(item) => (item.losses(), None),
            // Stands for an envelope that counts its items itself.
            Self::Raw => ([None, None], None),
        };
        own.into_iter().flatten().chain(report.into_iter().flat_map(LossSource::losses))
    }
}

impl LossSource for Event<'_> {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        std::iter::once(EVENT)
    }
}

impl LossSource for Attachment {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        std::iter::once(attachment_loss(self.buffer.len()))
    }
}

impl LossSource for Report {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        self.items().iter().map(|item| ItemLoss {
            category: item.category(),
            quantity: item.quantity(),
            reason: Some(item.reason()),
        })
    }
}

impl LossSource for [ItemLoss] {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        self.iter().copied()
    }
}

/// The losses of an item of which only the type and the bytes are known. Client reports, which have their own, are
/// not for this function.
pub(crate) fn untyped_losses(ty: &str, item_count: Option<u64>, payload: &[u8]) -> [Option<ItemLoss>; 2] {
    let one = |category| [Some(ItemLoss::new(category, 1)), None];
    let bytes = u64::try_from(payload.len()).unwrap_or(u64::MAX);
    let batch = |items, bytes_category| {
        [Some(ItemLoss::new(items, item_count.unwrap_or(1))), Some(ItemLoss::new(bytes_category, bytes))]
    };
    match (item_category(ty), ty) {
        (Category::Attachment, _) => [Some(attachment_loss(payload.len())), None],
        (Category::Transaction, _) => {
            // CRP-30: its spans, and the one it is itself.
            let spans = serde_json::from_slice(payload).map_or(0, |transaction: Transaction| transaction.spans.len());
            let spans = u64::try_from(spans).unwrap_or(u64::MAX).saturating_add(1);
            [Some(ItemLoss::new(Category::Transaction, 1)), Some(ItemLoss::new(Category::Span, spans))]
        }
        (Category::LogItem, _) => batch(Category::LogItem, Category::LogByte),
        (Category::TraceMetric, _) => batch(Category::TraceMetric, Category::TraceMetricByte),
        (Category::Span, _) => [Some(ItemLoss::new(Category::Span, item_count.unwrap_or(1))), None],
        (category, _) => one(category),
    }
}

/// The rate limit category of an item type (RTL-31).
pub(crate) fn item_category(ty: &str) -> Category {
    match ty {
        "event" => Category::Error,
        "transaction" => Category::Transaction,
        "attachment" => Category::Attachment,
        "session" | "sessions" => Category::Session,
        "client_report" => Category::Internal,
        "check_in" => Category::Monitor,
        "log" | "otel_log" => Category::LogItem,
        "trace_metric" => Category::TraceMetric,
        "span" => Category::Span,
        "feedback" => Category::Feedback,
        "profile" => Category::Profile,
        "profile_chunk" => Category::ProfileChunk,
        "replay_event" | "replay_recording" => Category::Replay,
        _ => Category::Default,
    }
}

/// The server counts empty attachments as one byte.
fn attachment_loss(bytes: usize) -> ItemLoss {
    ItemLoss::new(Category::Attachment, u64::try_from(bytes).unwrap_or(u64::MAX).max(1))
}

/// Of a transaction, only what is counted.
#[derive(Deserialize)]
struct Transaction {
    #[serde(default)]
    spans: Vec<serde::de::IgnoredAny>,
}

const EVENT: ItemLoss = ItemLoss::new(Category::Error, 1);

mod private {
    use super::*;

    pub trait Sealed {}

    impl Sealed for Envelope {}
    impl Sealed for EnvelopeItem {}
    impl Sealed for Event<'_> {}
    impl Sealed for Attachment {}
    impl Sealed for Report {}
    impl Sealed for [ItemLoss] {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client_report::Item;

    fn losses<L: LossSource + ?Sized>(data: &L) -> Vec<ItemLoss> {
        data.losses().collect()
    }

    #[test]
    fn each_kind_of_data_has_its_losses() {
        let attachment = |bytes: usize| Attachment { buffer: vec![0; bytes], ..Default::default() };
        assert_eq!(losses(&Event::default()), [EVENT]);
        assert_eq!(losses(&attachment(7)), [ItemLoss::new(Category::Attachment, 7)]);
        assert_eq!(losses(&attachment(0)), [ItemLoss::new(Category::Attachment, 1)]);
        let report = Report::new([Item::new(Category::Span, Reason::SampleRate, 5)]);
        let reported = ItemLoss { category: Category::Span, quantity: 5, reason: Some(Reason::SampleRate) };
        assert_eq!(losses(&report), [reported]);
        let mut envelope: Envelope = Event::default().into();
        envelope.add_item(attachment(7));
        envelope.add_item(report);
        assert_eq!(losses(&envelope), [EVENT, ItemLoss::new(Category::Attachment, 7), reported]);
        assert_eq!(losses(losses(&envelope).as_slice()), losses(&envelope));
    }

    #[test]
    fn items_of_unknown_type_are_counted_by_their_name_and_bytes() {
        let envelope = concat!(
            "{}\n",
            "{\"type\":\"transaction\"}\n{\"spans\":[{},{}]}\n",
            "{\"type\":\"log\",\"item_count\":3,\"length\":4}\n1234\n",
            "{\"type\":\"span\",\"item_count\":2}\n{}\n",
            "{\"type\":\"check_in\"}\n{}\n",
            "{\"type\":\"brand_new\"}\n{}\n",
            "{\"type\":\"attachment\",\"length\":2}\nab\n",
            "{\"type\":\"client_report\"}\n{\"discarded_events\":[{\"reason\":\"send_error\",\"category\":\"error\",\"quantity\":9}]}\n",
        );
        let expected = [
            ItemLoss::new(Category::Transaction, 1),
            ItemLoss::new(Category::Span, 3),
            ItemLoss::new(Category::LogItem, 3),
            ItemLoss::new(Category::LogByte, 4),
            ItemLoss::new(Category::Span, 2),
            ItemLoss::new(Category::Monitor, 1),
            ItemLoss::new(Category::Default, 1),
            ItemLoss::new(Category::Attachment, 2),
            ItemLoss { category: Category::Error, quantity: 9, reason: Some(Reason::SendError) },
        ];
        assert_eq!(losses(&Envelope::from_slice(envelope.as_bytes()).unwrap()), expected);
        assert_eq!(losses(&Envelope::from_bytes_raw(envelope.into()).unwrap()), expected);
    }
}
