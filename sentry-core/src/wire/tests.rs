//! Whole envelopes on the wire, read back by the reader of the public API.

use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use serde_json::json;

use super::limits::{MAX_ATTACHMENT_BYTES, MAX_CLIENT_REPORT_BYTES, MAX_EVENT_BYTES};
use super::*;
use crate::indexed_enum::IndexedEnum;
use crate::protocol::client_report::Item;
use crate::protocol::{Attachment, ClientReport, Event};

const ID: &str = "22d00b3fd1b14b5d8d2049d138cd8a9c";

fn sdk() -> ClientSdkInfo {
    ClientSdkInfo { name: "n".into(), version: "1".into(), integrations: vec!["x".into()], packages: vec![] }
}

fn event() -> Event<'static> {
    Event { event_id: ID.parse().unwrap(), timestamp: UNIX_EPOCH, message: Some("m".into()), ..Event::default() }
}

fn attachment(bytes: usize) -> Attachment {
    Attachment { buffer: vec![b'a'; bytes], filename: "f".into(), ..Attachment::default() }
}

fn encode(envelope: impl Into<Envelope>) -> Encoded {
    EncodedEnvelope::encode(envelope.into(), &sdk())
}

fn written(envelope: &EncodedEnvelope) -> String {
    let mut out = Vec::new();
    envelope.write(UNIX_EPOCH + Duration::from_millis(1250), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

const EVENT_LINES: &str = concat!(
    "{\"type\":\"event\",\"length\":110,\"content_type\":\"application/json\"}\n",
    "{\"event_id\":\"22d00b3fd1b14b5d8d2049d138cd8a9c\",\"platform\":\"native\",\"timestamp\":0,\"logentry\":{\"formatted\":\"m\"}}\n",
);

#[test]
fn an_envelope_on_the_wire() {
    let mut envelope: Envelope = event().into();
    envelope.add_item(Attachment {
        buffer: b"a\n".to_vec(),
        filename: "C:\\dir/\"f\".txt".into(),
        content_type: Some("text/plain".into()),
        ty: None,
    });
    envelope.add_item(Attachment { filename: "dir/".into(), ..Attachment::default() });
    let mut encoded = encode(envelope);
    assert!(encoded.dropped.is_empty());
    let report = ClientReport::at(UNIX_EPOCH, vec![Item::new(Category::Error, Reason::SampleRate, 2)]);
    encoded.envelope.push(EncodedItem::client_report(&report));
    let body = [
        EVENT_LINES,
        "{\"type\":\"attachment\",\"length\":2,\"filename\":\"\\\"f\\\".txt\",\"attachment_type\":\"event.attachment\",",
        "\"content_type\":\"text/plain\"}\na\n\n",
        "{\"type\":\"attachment\",\"length\":0,\"filename\":\"unnamed\",\"attachment_type\":\"event.attachment\",",
        "\"content_type\":\"application/octet-stream\"}\n\n",
        "{\"type\":\"client_report\",\"length\":93}\n",
        "{\"timestamp\":0,\"discarded_events\":[{\"reason\":\"sample_rate\",\"category\":\"error\",\"quantity\":2}]}\n",
    ]
    .concat();
    let header = concat!(
        "{\"event_id\":\"22d00b3fd1b14b5d8d2049d138cd8a9c\",\"sent_at\":\"1970-01-01T00:00:01.25Z\",",
        "\"sdk\":{\"name\":\"n\",\"version\":\"1\"}}\n"
    );
    assert_eq!(written(&encoded.envelope), format!("{header}{body}"));
    assert_eq!(encoded.envelope.body_bytes(), body.len());
    assert_eq!(encoded.envelope.event_id(), Some(ID.parse().unwrap()));
}

#[test]
fn the_header_says_what_it_should_and_sent_at_once() {
    let headers = EnvelopeHeaders::new()
        .with_event_id(ID.parse().unwrap())
        .with_dsn("https://k@h/1".parse().unwrap())
        .with_sent_at(UNIX_EPOCH)
        .with_sdk(sdk())
        .with_trace(DynamicSamplingContext::new().with_sample_rate(0.5));
    let text =
        format!("{}\n{{\"type\":\"x\"}}\n1", serde_json::to_string(&headers).unwrap().replacen('{', "{\"y\":[],", 1));
    let encoded = encode(Envelope::from_slice(text.as_bytes()).unwrap());
    assert_eq!(
        written(&encoded.envelope),
        concat!(
            "{\"event_id\":\"22d00b3fd1b14b5d8d2049d138cd8a9c\",\"sent_at\":\"1970-01-01T00:00:01.25Z\",",
            "\"sdk\":{\"name\":\"n\",\"version\":\"1\",\"integrations\":[\"x\"]},\"trace\":{\"sample_rate\":\"0.5\"},\"y\":[]}\n",
            "{\"length\":1,\"type\":\"x\"}\n1\n"
        )
    );
}

#[test]
fn the_header_s_event_id_wins() {
    let other = Uuid::from_u128(7);
    let envelope = Envelope::from(event()).with_headers(EnvelopeHeaders::new().with_event_id(other));
    let written = written(&encode(envelope).envelope);
    assert_eq!(written.matches(&other.as_simple().to_string()).count(), 2);
    assert!(!written.contains(ID));
}

#[test]
fn what_was_read_is_sent_as_it_was_read() {
    let text = concat!(
        "{\"event_id\":\"22d00b3f-d1b1-4b5d-8d20-49d138cd8a9c\"}\n",
        "{\"type\":\"event\",\"a\":1,\"length\":26}\n{\"b\":2, \"message\": \"text\"}\n",
        "{\"type\":\"client_report\"}\n{\"discarded_events\":[], \"c\":3}\n",
        "{\"type\":\"attachment\",\"length\":1,\"d\":4}\nx\n",
    );
    let encoded = encode(Envelope::from_slice(text.as_bytes()).unwrap());
    let written = written(&encoded.envelope);
    let (_, items) = written.split_once('\n').unwrap();
    let (_, read) = text.split_once('\n').unwrap();
    assert_eq!(items, read.replace("{\"type\":\"client_report\"}", "{\"length\":30,\"type\":\"client_report\"}"));
}

#[test]
fn losses_and_categories_of_items() {
    let mut envelope: Envelope = event().into();
    envelope.add_item(attachment(5));
    envelope.add_item(ClientReport::new([Item::new(Category::Span, Reason::Ignored, 3)]));
    let envelope = encode(envelope).envelope;
    let table: Vec<_> =
        envelope.items().iter().map(|item| (item.ty(), item.category(), item.losses()[0].quantity)).collect();
    assert_eq!(
        table,
        [
            ("event", Category::Error, 1),
            ("attachment", Category::Attachment, 5),
            ("client_report", Category::Internal, 3)
        ]
    );
    let reasons: Vec<_> = envelope.losses().map(|loss| loss.reason).collect();
    assert_eq!(reasons, [None, None, Some(Reason::Ignored)]);
}

#[test]
fn retain_hands_back_what_goes() {
    let mut envelope: Envelope = event().into();
    envelope.add_item(attachment(5));
    let mut encoded = encode(envelope).envelope;
    let removed = encoded.retain(|item| item.category() != Category::Attachment);
    assert_eq!((removed.len(), removed[0].losses()), (1, [ItemLoss::new(Category::Attachment, 5)].as_slice()));
    assert!(written(&encoded).ends_with(EVENT_LINES));
    assert!(encoded.retain(|_| true).is_empty() && !encoded.is_empty());
    assert_eq!(encoded.retain(|_| false).len(), 1);
    assert!(encoded.is_empty() && encoded.body_bytes() == 0);
}

#[test]
fn attachments_over_the_limit_are_dropped_and_counted() {
    let mut envelope: Envelope = event().into();
    envelope.add_item(attachment(MAX_ATTACHMENT_BYTES));
    envelope.add_item(attachment(MAX_ATTACHMENT_BYTES + 1));
    let encoded = encode(envelope);
    assert_eq!(encoded.envelope.items().len(), 2);
    let loss = ItemLoss::new(Category::Attachment, (MAX_ATTACHMENT_BYTES + 1) as u64);
    assert_eq!(encoded.dropped, [(loss, Reason::InternalSdkError)]);
}

#[test]
fn an_envelope_over_the_limit_loses_its_last_attachments() {
    let one = |bytes| encode(attachment(bytes)).envelope.items()[0].clone();
    let (large, small) = (one(MAX_ATTACHMENT_BYTES), one(5));
    let mut encoded = encode(event());
    // Clones share their bytes: this test does not take 200 MiB.
    for _ in 0..9 {
        encoded.envelope.push(large.clone());
    }
    encoded.envelope.push(small.clone());
    encoded.drop_what_exceeds_the_limit();
    assert_eq!((encoded.envelope.items().len(), encoded.dropped.len()), (11, 0));
    encoded.envelope.push(large);
    encoded.envelope.push(small);
    encoded.drop_what_exceeds_the_limit();
    let left: Vec<_> = encoded.envelope.losses().map(|loss| loss.quantity).collect();
    assert_eq!((left.len(), left[0], left[10]), (11, 1, 5));
    let dropped: Vec<_> = encoded.dropped.iter().map(|(loss, reason)| (loss.quantity, *reason)).collect();
    assert_eq!(dropped, [5, MAX_ATTACHMENT_BYTES as u64].map(|bytes| (bytes, Reason::InternalSdkError)));
}

#[test]
fn an_event_that_cannot_be_sent_takes_its_attachments_along() {
    let tags = (0..10_000).map(|n| (n.to_string(), "v".repeat(200))).collect();
    let mut envelope: Envelope = Event { tags, ..event() }.into();
    envelope.add_item(attachment(3));
    envelope.add_item(ClientReport::new([Item::new(Category::Span, Reason::Ignored, 3)]));
    let encoded = encode(envelope);
    assert_eq!(encoded.envelope.items().iter().map(EncodedItem::ty).collect::<Vec<_>>(), ["client_report"]);
    let reason = Reason::InternalSdkError;
    let losses = [(ItemLoss::new(Category::Attachment, 3), reason), (ItemLoss::new(Category::Error, 1), reason)];
    assert_eq!(encoded.dropped, losses);
}

#[test]
fn an_event_that_was_read_and_is_too_large_is_made_to_fit() {
    let extra = format!("{{\"extra\":{{\"a\":\"{}\"}},\"message\":\"m\"}}", "x".repeat(MAX_EVENT_BYTES));
    let text = format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{extra}\n");
    let encoded = encode(Envelope::from_slice(text.as_bytes()).unwrap());
    assert!(encoded.dropped.is_empty() && encoded.envelope.body_bytes() < 1000);
    assert!(written(&encoded.envelope).contains("\"formatted\":\"m\""));
}

#[test]
fn long_client_reports_are_split_and_none_is_empty() {
    let pairs =
        Category::VARIANTS.iter().flat_map(|category| Reason::VARIANTS.iter().map(|reason| (*category, *reason)));
    let rows: Vec<Item> = pairs.map(|(category, reason)| Item::new(category, reason, u64::MAX)).collect();
    let report = ClientReport::at(UNIX_EPOCH + Duration::from_nanos(1_596_068_935_123_456_789), rows.clone());
    let reports = EncodedItem::client_reports(&report);
    assert!(reports.iter().all(|item| item.bytes() <= MAX_CLIENT_REPORT_BYTES));
    let losses: Vec<_> = reports.iter().flat_map(|item| item.losses().iter().copied()).collect();
    assert_eq!(losses, report.losses().collect::<Vec<_>>());
    // The longest names, as many as fit into one item.
    let longest = vec![Item::new(Category::TraceMetricByte, Reason::InternalSdkError, u64::MAX); 40];
    let reports = EncodedItem::client_reports(&ClientReport::at(UNIX_EPOCH - Duration::new(1, 1), longest));
    assert_eq!(reports.len(), 1);
    assert!(reports[0].bytes() <= MAX_CLIENT_REPORT_BYTES);
    assert!(EncodedItem::client_reports(&ClientReport::new([] as [Item; 0])).is_empty());
    assert_eq!(encode(ClientReport::new(rows)).envelope.items().len(), reports_of(17 * 14));
}

fn reports_of(rows: usize) -> usize {
    rows.div_ceil(40)
}

#[test]
fn raw_envelopes_pass_unchanged() {
    let text = format!(
        "{{\"event_id\":\"{ID}\",\"sent_at\":\"x\"}}\n{{\"type\":\"attachment\", \"length\":3}}\nabc\n{{\"type\":\"x\"}}\n1"
    );
    let raw = || encode(Envelope::from_bytes_raw(text.clone().into()).unwrap()).envelope;
    assert_eq!(written(&raw()), text);
    assert_eq!((raw().event_id(), raw().items().len()), (Some(ID.parse().unwrap()), 2));
    let expected = [ItemLoss::new(Category::Attachment, 3), ItemLoss::new(Category::Default, 1)];
    assert_eq!(raw().losses().collect::<Vec<_>>(), expected);

    let mut fewer = raw();
    assert_eq!(fewer.retain(|item| item.ty() != "attachment").len(), 1);
    let header = text.split('\n').next().unwrap();
    assert_eq!(written(&fewer), format!("{header}\n{{\"length\":1,\"type\":\"x\"}}\n1\n"));
}

#[test]
fn raw_bytes_that_make_no_sense_pass_too_and_are_counted() {
    for bytes in [b"".as_slice(), b"\n", b"{}\n{\"type\":\"x\",\"length\":9}\n1", b"\xff\xfe"] {
        let encoded = encode(Envelope::from_bytes_raw(bytes.to_vec()).unwrap()).envelope;
        let mut out = Vec::new();
        encoded.write(UNIX_EPOCH, &mut out).unwrap();
        assert_eq!(out, bytes);
        assert!(encoded.event_id().is_none());
    }
    let mut nonsense = encode(Envelope::from_bytes_raw(b"x\ny".to_vec()).unwrap()).envelope;
    assert_eq!(nonsense.losses().collect::<Vec<_>>(), [ItemLoss::new(Category::Default, 1)]);
    nonsense.push(EncodedItem::client_report(&ClientReport::at(UNIX_EPOCH, vec![])));
    assert!(written(&nonsense).starts_with("x\ny\n{\"type\":\"client_report\","));
    assert_eq!(nonsense.retain(|_| false).len(), 2);
}

#[test]
fn an_empty_envelope_is_empty() {
    let encoded = encode(Envelope::new());
    assert!(encoded.envelope.is_empty() && encoded.dropped.is_empty());
    assert_eq!(encoded.envelope.event_id(), None);
}

proptest! {
    #[test]
    fn no_text_breaks_a_line(
        text in "\\PC{0,20}[\\x00-\\x20\u{7f}\u{85}\u{2028}\u{202e}\u{feff}]{0,9}\\PC{0,9}",
        length in 1usize..400,
    ) {
        let text: String = text.chars().cycle().take(if text.is_empty() { 0 } else { length }).collect();
        let some = || Some(text.clone().into());
        let event = Event {
            message: Some(text.clone()),
            release: some(),
            environment: some(),
            dist: some(),
            server_name: some(),
            tags: [(text.clone(), text.clone())].into_iter().collect(),
            extra: [(text.clone(), json!(text))].into_iter().collect(),
            ..event()
        };
        let mut envelope: Envelope = event.into();
        envelope.add_item(Attachment { filename: text.clone(), content_type: Some(text.clone()), ..attachment(3) });
        let headers = envelope.headers().clone().with_trace(DynamicSamplingContext::new().with_release(text.clone()));
        let named = ClientSdkInfo { name: text.clone(), ..sdk() };
        let encoded = EncodedEnvelope::encode(envelope.with_headers(headers), &named);
        prop_assert!(encoded.dropped.is_empty());
        let written = written(&encoded.envelope);
        let read = Envelope::from_slice(written.as_bytes()).unwrap();
        prop_assert_eq!(read.items().count(), 2);
        let read_event = read.event().unwrap();
        prop_assert_eq!(&read_event.logentry.as_ref().unwrap().formatted, &Some(text.clone()));
        prop_assert_eq!(&read_event.extra[&text], &json!(text));
        for name in [&read_event.release, &read_event.environment, &read_event.dist].into_iter().flatten() {
            prop_assert!(!name.contains(char::is_control) && !name.is_empty());
        }
        // Reading and sending again changes no item.
        let again = self::written(&encode(read).envelope);
        prop_assert_eq!(again.split_once('\n').unwrap().1, written.split_once('\n').unwrap().1);
    }

    #[test]
    fn no_raw_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let encoded = encode(Envelope::from_bytes_raw(bytes.clone()).unwrap()).envelope;
        let mut out = Vec::new();
        encoded.write(UNIX_EPOCH, &mut out).unwrap();
        prop_assert_eq!(out, bytes);
    }
}

#[test]
fn sessions_have_a_release_that_servers_take_or_do_not_leave() {
    let session = |release: &str| {
        let text = format!(
            "{{}}\n{{\"type\":\"session\"}}\n{{\"sid\":\"{ID}\",\"started\":\"1970-01-01T00:00:01Z\",\"init\":true,\
             \"status\":\"exited\",\"attrs\":{{\"release\":{release:?}}}}}\n"
        );
        let [item] = &Envelope::from_slice(text.as_bytes()).unwrap().into_items().collect::<Vec<_>>()[..] else {
            panic!("one item")
        };
        encode(Envelope::from(item.clone()))
    };
    let clean = session(" app@1\n");
    assert!(written(&clean.envelope).contains(r#""attrs":{"release":"app@1"}"#) && clean.dropped.is_empty());
    let empty = session(" \n");
    assert!(empty.envelope.is_empty());
    assert_eq!(empty.dropped[0].0, ItemLoss::new(Category::Session, 1));
}

proptest! {
    /// What is encoded is sent or counted, never both and never neither.
    #[test]
    fn what_containers_lose_is_counted_to_the_last_byte(
        sizes in proptest::collection::vec(0usize..4_000, 0..130),
        is_log: bool,
    ) {
        use crate::protocol::{ItemContainer, Log, LogLevel, Map, Metric, MetricType, TraceId};
        let text = |size: usize| "é".repeat(size / 2);
        let container: ItemContainer = if is_log {
            let log = |size: &usize| Log {
                level: LogLevel::Info,
                body: text(*size),
                trace_id: None,
                timestamp: UNIX_EPOCH,
                severity_number: None,
                attributes: Map::new(),
            };
            sizes.iter().map(log).collect::<Vec<_>>().into()
        } else {
            let metric = |size: &usize| Metric {
                r#type: MetricType::Gauge,
                name: text(*size).into(),
                value: if size % 7 == 0 { f64::NAN } else { 1.0 },
                timestamp: UNIX_EPOCH,
                trace_id: TraceId::default(),
                span_id: None,
                unit: None,
                attributes: Map::new(),
            };
            sizes.iter().map(metric).collect::<Vec<_>>().into()
        };
        let sum = |losses: Vec<ItemLoss>| {
            Category::VARIANTS.iter().map(|category| {
                losses.iter().filter(|loss| loss.category == *category).map(|loss| loss.quantity).sum::<u64>()
            }).collect::<Vec<_>>()
        };
        let before = sum(container.losses().collect());
        let encoded = encode(Envelope::from(container));
        let dropped = encoded.dropped.iter().map(|(loss, _)| *loss);
        prop_assert_eq!(sum(encoded.envelope.losses().chain(dropped).collect()), before);
    }
}
