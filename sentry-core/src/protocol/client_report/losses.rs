//! What is lost when something is lost: each kind of data knows its categories and quantities.

use serde::Deserialize;

use super::{Category, Reason, Report};
use crate::protocol::{
    Attachment, Envelope, EnvelopeItem, Event, ItemContainer, Log, LogAttribute, Metric, MonitorCheckIn,
    SessionAggregates, SessionUpdate, Span, Transaction, Value,
};

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
            Self::Feedback(_) => ([Some(ItemLoss::new(Category::Feedback, 1)), None], None),
            Self::Transaction(transaction) => (transaction_losses(transaction.spans.len()).map(Some), None),
            Self::SessionUpdate(_) => ([Some(SESSION), None], None),
            Self::SessionAggregates(sums) => ([Some(ItemLoss::new(Category::Session, sessions_in(sums))), None], None),
            Self::MonitorCheckIn(_) => ([Some(CHECK_IN), None], None),
            Self::ItemContainer(container) => (container_losses(container).map(Some), None),
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

impl LossSource for Transaction<'_> {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        transaction_losses(self.spans.len()).into_iter()
    }
}

impl LossSource for Span {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        std::iter::once(ItemLoss::new(Category::Span, 1))
    }
}

impl LossSource for SessionUpdate<'_> {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        std::iter::once(SESSION)
    }
}

impl LossSource for SessionAggregates<'_> {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        std::iter::once(ItemLoss::new(Category::Session, sessions_in(self)))
    }
}

impl LossSource for MonitorCheckIn {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        std::iter::once(CHECK_IN)
    }
}

impl LossSource for ItemContainer {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        container_losses(self).into_iter()
    }
}

impl LossSource for Log {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        [ItemLoss::new(Category::LogItem, 1), ItemLoss::new(Category::LogByte, log_length(self))].into_iter()
    }
}

impl LossSource for Metric {
    fn losses(&self) -> impl Iterator<Item = ItemLoss> + '_ {
        [ItemLoss::new(Category::TraceMetric, 1), ItemLoss::new(Category::TraceMetricByte, metric_length(self))]
            .into_iter()
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

/// A transaction, its spans, and the one it is itself (spec CRP-30).
fn transaction_losses(spans: usize) -> [ItemLoss; 2] {
    [ItemLoss::new(Category::Transaction, 1), ItemLoss::new(Category::Span, number(spans).saturating_add(1))]
}

fn sessions_in(sums: &SessionAggregates<'_>) -> u64 {
    let counts = sums.aggregates.iter().flat_map(|sum| [sum.exited, sum.errored, sum.abnormal, sum.crashed]);
    counts.map(u64::from).sum()
}

/// How many, and their bytes: about what their JSON takes, one by one (spec CRP-33, CRP-34).
fn container_losses(container: &ItemContainer) -> [ItemLoss; 2] {
    let (items, category, bytes) = match container {
        ItemContainer::Logs(logs) => (Category::LogItem, Category::LogByte, logs.iter().map(log_length).sum()),
        ItemContainer::Metrics(metrics) => {
            (Category::TraceMetric, Category::TraceMetricByte, metrics.iter().map(metric_length).sum())
        }
    };
    [ItemLoss::new(items, number(container.len())), ItemLoss::new(category, bytes)]
}

/// It is asked for several times on the way of each log: adding up costs far less than writing it would.
fn log_length(log: &Log) -> u64 {
    let attributes = log.attributes.iter().map(|(key, value)| attribute_length(key, value));
    number(FIXED_LENGTH + log.body.len() + attributes.sum::<usize>())
}

fn metric_length(metric: &Metric) -> u64 {
    let attributes = metric.attributes.iter().map(|(key, value)| attribute_length(key, value));
    number(FIXED_LENGTH + metric.name.len() + attributes.sum::<usize>())
}

/// `"":{"value":"","type":"string"},` with its key and value. Values inside values are as good as absent: the server does
/// not take them (SCP-31).
fn attribute_length(key: &str, attribute: &LogAttribute) -> usize {
    let plain = |value: &Value| if let Value::String(text) = value { text.len() } else { NUMBER_LENGTH };
    let value = match &attribute.0 {
        Value::Array(values) => values.iter().map(|value| plain(value) + NUMBER_LENGTH).sum(),
        value => plain(value),
    };
    ATTRIBUTE_LENGTH + key.len() + value
}

/// Time, ids, level or type, and the names of all fields.
const FIXED_LENGTH: usize = 160;
const ATTRIBUTE_LENGTH: usize = 32;
const NUMBER_LENGTH: usize = 4;

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
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
            let spans = serde_json::from_slice(payload).map_or(0, |counted: Counted| counted.spans.len());
            transaction_losses(spans).map(Some)
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
struct Counted {
    #[serde(default)]
    spans: Vec<serde::de::IgnoredAny>,
}

const EVENT: ItemLoss = ItemLoss::new(Category::Error, 1);
const SESSION: ItemLoss = ItemLoss::new(Category::Session, 1);
const CHECK_IN: ItemLoss = ItemLoss::new(Category::Monitor, 1);

mod private {
    use super::*;

    pub trait Sealed {}

    impl Sealed for Envelope {}
    impl Sealed for EnvelopeItem {}
    impl Sealed for Event<'_> {}
    impl Sealed for Transaction<'_> {}
    impl Sealed for Span {}
    impl Sealed for SessionUpdate<'_> {}
    impl Sealed for SessionAggregates<'_> {}
    impl Sealed for MonitorCheckIn {}
    impl Sealed for ItemContainer {}
    impl Sealed for Log {}
    impl Sealed for Metric {}
    impl Sealed for Attachment {}
    impl Sealed for Report {}
    impl Sealed for [ItemLoss] {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client_report::Item;

    #[test]
    fn the_bytes_of_logs_and_metrics_are_about_what_they_take() {
        let attributes = [
            ("text".to_owned(), "some text of some length".into()),
            ("number".to_owned(), 123_456.into()),
            ("list".to_owned(), LogAttribute(serde_json::json!(["one", "two", "three"]))),
        ];
        let log = Log {
            level: crate::protocol::LogLevel::Info,
            body: "user 7 did something that was worth a line".to_owned(),
            trace_id: Some(crate::protocol::TraceId::default()),
            timestamp: std::time::UNIX_EPOCH,
            severity_number: None,
            attributes: attributes.into(),
        };
        let counted: u64 =
            losses(&log).iter().filter(|loss| loss.category == Category::LogByte).map(|loss| loss.quantity).sum();
        let written = serde_json::to_vec(&log).expect("JSON").len() as u64;
        assert!((written * 7 / 10..written * 13 / 10).contains(&counted), "{counted} for {written}");
    }

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
