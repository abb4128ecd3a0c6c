//! Envelopes from bytes and back: every malformed kind, every legal spelling, and nothing lost on the way.

use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::*;
use crate::protocol::client_report::{Item, Reason};
use crate::protocol::{Attachment, AttachmentType, ClientReport, ClientSdkInfo, DynamicSamplingContext, Level, Value};

const ID: &str = "22d00b3fd1b14b5d8d2049d138cd8a9c";

fn event() -> Event<'static> {
    let timestamp = UNIX_EPOCH + Duration::from_millis(1_596_068_935_250);
    Event { event_id: ID.parse().unwrap(), timestamp, message: Some("boom\n".into()), ..Event::default() }
}

fn attachment() -> Attachment {
    let ty = Some(AttachmentType::Minidump);
    Attachment { buffer: b"some\n\0bytes\n".to_vec(), filename: "a\"\n.txt".into(), ty, ..Attachment::default() }
}

fn written(envelope: &Envelope) -> String {
    let mut out = Vec::new();
    envelope.to_writer(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn read(text: &str) -> Envelope {
    Envelope::from_slice(text.as_bytes()).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// Type, payload.
fn items(envelope: &Envelope) -> Vec<(&str, String)> {
    envelope.items().map(show).collect()
}

fn show(item: &EnvelopeItem) -> (&str, String) {
    match item {
        EnvelopeItem::Event(event) => ("event", event.message.clone().unwrap_or_default()),
        EnvelopeItem::Attachment(attachment) => ("attachment", String::from_utf8_lossy(&attachment.buffer).into()),
        EnvelopeItem::ClientReport(report) => ("client_report", report.items().len().to_string()),
        EnvelopeItem::Unknown(item) => (item.ty(), String::from_utf8_lossy(item.payload()).into()),
        EnvelopeItem::Raw => ("raw", String::new()),
        EnvelopeItem::SessionUpdate(update) => ("session", update.status.to_string()),
        EnvelopeItem::SessionAggregates(sums) => ("sessions", sums.aggregates.len().to_string()),
        EnvelopeItem::Transaction(transaction) => ("transaction", transaction.name.clone().unwrap_or_default()),
        EnvelopeItem::MonitorCheckIn(check_in) => ("check_in", check_in.monitor_slug.clone()),
        EnvelopeItem::ItemContainer(container) => (container.ty(), container.len().to_string()),
        EnvelopeItem::Feedback(event) => ("feedback", event.event_id.to_string()),
    }
}

#[test]
fn items_of_all_kinds_are_read_and_written_back() {
    let text = concat!(
        "{\"event_id\":\"22d00b3f-d1b1-4b5d-8d20-49d138cd8a9c\"}\n",
        "{\"type\":\"transaction\"}\n{\"type\":\"transaction\",\"transaction\":\"GET /\",\"start_timestamp\":1,\"spans\":[]}\n",
        "{\"type\":\"session\"}\n{\"sid\":\"22d00b3fd1b14b5d8d2049d138cd8a9c\",\"started\":\"2026-01-01T00:00:00Z\",\"status\":\"exited\",\"attrs\":{\"release\":\"a\"}}\n",
        "{\"type\":\"sessions\"}\n{\"aggregates\":[],\"attrs\":{\"release\":\"a\"}}\n",
        "{\"type\":\"check_in\"}\n{\"check_in_id\":\"22d00b3fd1b14b5d8d2049d138cd8a9c\",\"monitor_slug\":\"nightly\",\"status\":\"ok\"}\n",
        "{\"type\":\"log\"}\n{\"items\":[{\"body\":\"a\",\"timestamp\":1,\"new\":1}]}\n",
        "{\"type\":\"trace_metric\"}\n{\"items\":[{\"type\":\"gauge\",\"name\":\"g\",\"value\":1,\"timestamp\":1,\"trace_id\":\"5e1f0c0c4d9a4b7c8d2e3f4051627384\"}]}\n",
        // What cannot be read is passed on, and costs nothing else.
        "{\"type\":\"session\"}\n{\"attrs\":7}\n",
        "{\"type\":\"log\"}\n[]\n",
    );
    let envelope = read(text);
    let shown = items(&envelope);
    let kinds: Vec<_> = shown.iter().map(|(kind, content)| (*kind, content.as_str())).collect();
    assert_eq!(
        kinds,
        [
            ("transaction", "GET /"),
            ("session", "exited"),
            ("sessions", "0"),
            ("check_in", "nightly"),
            ("log", "1"),
            ("trace_metric", "1"),
            ("session", "{\"attrs\":7}"),
            ("log", "[]"),
        ]
    );
    assert_eq!(written(&envelope), text, "as it was read");
    // Without the bytes it was read from, each typed item is written and reads back the same.
    for item in envelope.into_items().filter(|item| !matches!(item, EnvelopeItem::Unknown(_))) {
        let again = Envelope::from(item);
        assert_eq!(read(&written(&again)), again);
    }
}

#[test]
fn the_first_primary_item_names_the_envelope_and_attachments_need_one() {
    let transaction = crate::protocol::Transaction { event_id: ID.parse().unwrap(), ..Default::default() };
    let mut envelope: Envelope = transaction.into();
    envelope.add_item(attachment());
    assert_eq!(envelope.uuid(), Some(&ID.parse().unwrap()));
    assert!(envelope.filter(|item: &EnvelopeItem| !matches!(item, EnvelopeItem::Transaction(_))).is_none());
}

#[test]
fn a_built_envelope_on_paper() {
    let mut envelope = Envelope::new();
    assert_eq!(written(&envelope), "{}\n");
    envelope.add_item(event());
    envelope.add_item(attachment());
    envelope.add_item(ClientReport::at(UNIX_EPOCH, vec![Item::new(Category::Error, Reason::SendError, 2)]));
    assert_eq!(
        written(&envelope),
        concat!(
            "{\"event_id\":\"22d00b3f-d1b1-4b5d-8d20-49d138cd8a9c\"}\n",
            "{\"type\":\"event\",\"length\":92}\n",
            "{\"event_id\":\"22d00b3fd1b14b5d8d2049d138cd8a9c\",\"message\":\"boom\\n\",\"timestamp\":1596068935.25}\n",
            "{\"type\":\"attachment\",\"length\":12,\"filename\":\"a\\\"\\n.txt\",\"attachment_type\":\"event.minidump\",",
            "\"content_type\":\"application/octet-stream\"}\n",
            "some\n\0bytes\n\n",
            "{\"type\":\"client_report\",\"length\":92}\n",
            "{\"timestamp\":0,\"discarded_events\":[{\"reason\":\"send_error\",\"category\":\"error\",\"quantity\":2}]}\n",
        )
    );
}

#[test]
fn headers_on_paper_and_back() {
    let sdk = ClientSdkInfo { name: "s".into(), version: "1".into(), integrations: vec![], packages: vec![] };
    let headers = EnvelopeHeaders::new()
        .with_event_id(ID.parse().unwrap())
        .with_dsn("https://k@h/1".parse().unwrap())
        .with_sdk(sdk)
        .with_sent_at(UNIX_EPOCH + Duration::from_millis(1_596_068_935_250))
        .with_trace(DynamicSamplingContext::new().with_sampled(true));
    let envelope = Envelope::new().with_headers(headers);
    let text = concat!(
        "{\"event_id\":\"22d00b3f-d1b1-4b5d-8d20-49d138cd8a9c\",\"dsn\":\"https://k@h/1\",",
        "\"sdk\":{\"name\":\"s\",\"version\":\"1\"},\"sent_at\":\"2020-07-30T00:28:55.25Z\",\"trace\":{\"sampled\":\"true\"}}\n"
    );
    assert_eq!(written(&envelope), text);
    assert_eq!(read(text), envelope);
    assert_eq!(envelope.uuid(), Some(&ID.parse().unwrap()));
}

#[test]
fn unknown_attributes_survive_reading_and_changing() {
    let text = concat!(
        "{\"x\":{\"y\":[1]},\"event_id\":\"22d00b3fd1b14b5d8d2049d138cd8a9c\"}\n",
        "{\"z\":1,\"type\":\"client_report\"}\n{\"discarded_events\":[], \"w\":2}\n",
        "{\"type\":\"brand_new\",\"q\":{}}\n???\n"
    );
    let envelope = read(text);
    assert_eq!(envelope.headers.other.get("x"), Some(&serde_json::json!({"y": [1]})));
    assert_eq!(written(&envelope), text);
    let mut changed = envelope.filter(|item: &EnvelopeItem| !matches!(item, EnvelopeItem::ClientReport(_))).unwrap();
    changed.add_item(Attachment::default());
    assert!(written(&changed).starts_with(concat!(
        "{\"event_id\":\"22d00b3f-d1b1-4b5d-8d20-49d138cd8a9c\",\"x\":{\"y\":[1]}}\n",
        "{\"type\":\"brand_new\",\"q\":{}}\n???\n{\"type\":\"attachment\",\"length\":0,"
    )));
    let unknown = changed.into_items().next().unwrap();
    assert_eq!(written(&unknown.into()), "{}\n{\"type\":\"brand_new\",\"q\":{}}\n???\n");
}

#[test]
fn legal_spellings() {
    type Row = (&'static str, &'static [(&'static str, &'static str)]);
    let table: [Row; 19] = [
        ("{}", &[]),
        ("{}\n", &[]),
        ("{}\n\n\n", &[]),
        (" {\"a\": 1}\r\n", &[]),
        ("{}\n{\"type\":\"x\"}", &[("x", "")]),
        ("{}\n{\"type\":\"x\"}\n", &[("x", "")]),
        ("{}\n{\"type\":\"x\",\"length\":0}", &[("x", "")]),
        ("{}\n{\"type\":\"x\",\"length\":0}\n", &[("x", "")]),
        ("{}\n{\"type\":\"x\",\"length\":0}\n\n", &[("x", "")]),
        ("{}\n{\"type\":\"x\",\"length\":null}\nab", &[("x", "ab")]),
        ("{}\n{\"type\":\"x\"}\nab\n", &[("x", "ab")]),
        ("{}\n{\"type\":\"x\"}\nab\r\n", &[("x", "ab\r")]),
        ("{}\n{\"type\":\"x\"}\r\nab\r", &[("x", "ab\r")]),
        ("{}\n{\"type\":\"x\",\"length\":4}\na\r\nb\n\n", &[("x", "a\r\nb")]),
        ("{}\n{\"type\":\"x\",\"length\":2}\n\n\n\n", &[("x", "\n\n")]),
        ("{}\n{\"type\":\"x\"}\n\n{\"type\":\"y\"}\n1\n", &[("x", ""), ("y", "1")]),
        ("{}\n{\"type\":\"event\"}\n{\"message\":\"m\"}", &[("event", "m")]),
        ("{}\n{\"type\":\"attachment\",\"length\":3}\n\0\n\x7f", &[("attachment", "\0\n\x7f")]),
        ("{}\n{\"type\":\"client_report\"}\n{\"discarded_events\":[]}\n", &[("client_report", "0")]),
    ];
    for (text, expected) in table {
        let envelope = read(text);
        let found = items(&envelope);
        let found: Vec<_> = found.iter().map(|(ty, payload)| (*ty, payload.as_str())).collect();
        assert_eq!(found, expected, "{text:?}");
        assert_eq!(written(&envelope), text);
    }
}

#[test]
fn each_malformed_kind_has_its_error() {
    let table = [
        ("", "MissingHeader"),
        ("\n{}", "MissingHeader"),
        ("nonsense", "InvalidHeader"),
        ("[]", "InvalidHeader"),
        ("null", "InvalidHeader"),
        ("{\"a\":1", "InvalidHeader"),
        ("{\n}", "InvalidHeader"),
        ("{\"a\":\"\u{fffd}\"} {}", "InvalidHeader"),
        ("{\"event_id\":\"x\"}", "InvalidHeader"),
        ("{\"sent_at\":\"1970-01-01T00:00:00Z\",\"sent_at\":\"1970-01-01T00:00:00Z\"}", "InvalidHeader"),
        ("{\"dsn\":\"https://h/1\"}", "InvalidHeader"),
        ("{}\n\n{\"type\":\"x\"}\n1", "MissingItemHeader"),
        ("{}\n{\"type\":\"x\",\"length\":1}\n1\n\n{\"type\":\"x\"}\n", "MissingItemHeader"),
        ("{}\nx\n1", "InvalidItemHeader"),
        ("{}\n{}\n1", "InvalidItemHeader"),
        ("{}\n[\"x\"]\n1", "InvalidItemHeader"),
        ("{}\n{\"type\":1}\n1", "InvalidItemHeader"),
        ("{}\n{\"type\":\"x\",\"length\":-1}\n1", "InvalidItemHeader"),
        ("{}\n{\"type\":\"x\",\"length\":\"1\"}\n1", "InvalidItemHeader"),
        ("{}\n{\"type\":\"x\",\"length\":1.5}\n1", "InvalidItemHeader"),
        ("{}\n{\"type\":\"x\",\"length\":2}\n1", "UnexpectedEof"),
        ("{}\n{\"type\":\"x\",\"length\":1}", "UnexpectedEof"),
        ("{}\n{\"type\":\"x\",\"length\":18446744073709551615}\n1", "UnexpectedEof"),
        ("{}\n{\"type\":\"x\",\"length\":1}\n12\n", "MissingNewline"),
        ("{}\n{\"type\":\"x\",\"length\":1}\n1\r\n", "MissingNewline"),
        ("{}\n{\"type\":\"event\"}\n{", "InvalidItemPayload"),
        ("{}\n{\"type\":\"event\",\"length\":0}\n\n", "InvalidItemPayload"),
        ("{}\n{\"type\":\"client_report\"}\n1", "InvalidItemPayload"),
    ];
    for (text, kind) in table {
        let error = Envelope::from_slice(text.as_bytes()).unwrap_err();
        let debug = format!("{error:?}");
        assert_eq!(debug.split('(').next().unwrap(), kind, "{text:?}");
        assert_eq!(debug.contains('('), std::error::Error::source(&error).is_some());
        assert!(error.to_string().contains("envelope"), "{error}");
    }
    let not_utf8 = Envelope::from_slice(b"{\"a\":\"\xff\"}").unwrap_err();
    assert!(matches!(not_utf8, EnvelopeError::InvalidHeader(_)));
}

#[test]
fn cut_at_any_byte_nothing_panics() {
    let mut envelope: Envelope = event().into();
    envelope.add_item(attachment());
    let whole = written(&envelope).into_bytes();
    let complete = (0..=whole.len()).filter(|end| {
        let cut = &whole[..*end];
        Envelope::from_slice(cut).is_ok_and(|read| {
            let mut out = Vec::new();
            read.to_writer(&mut out).unwrap();
            assert_eq!(out, cut);
            true
        })
    });
    // The header alone, with and without a line break; the event, likewise; all of it, likewise.
    assert_eq!(complete.count(), 6);
}

#[test]
fn filtering_keeps_headers_and_takes_attachments_along() {
    let mut envelope: Envelope = event().into();
    envelope =
        envelope.with_headers(EnvelopeHeaders::new().with_event_id(ID.parse().unwrap()).with_sent_at(UNIX_EPOCH));
    envelope.add_item(attachment());
    envelope.add_item(ClientReport::new([] as [Item; 0]));
    assert_eq!(envelope.clone().filter(|_: &EnvelopeItem| true), Some(envelope.clone()));
    assert_eq!(envelope.clone().filter(|_: &EnvelopeItem| false), None);

    let mut removed = Vec::new();
    let no_events = |item: &EnvelopeItem| !matches!(item, EnvelopeItem::Event(_));
    let filter = EnvelopeFilterCallbacks::new(no_events, |item| removed.push(item));
    let left = envelope.clone().filter(filter).unwrap();
    assert_eq!(items(&left), [("client_report", "0".to_owned())]);
    assert_eq!(left.headers(), envelope.headers());
    assert_eq!(removed, [event().into(), attachment().into()]);

    // Where there was no event, attachments are not orphans.
    let lone: Envelope = attachment().into();
    assert_eq!(lone.clone().filter(|_: &EnvelopeItem| true), Some(lone));
}

#[test]
fn raw_bytes_are_passed_through_whatever_they_are() {
    let bytes = b"{}\n{\"type\":\"x\"}\n\xff".to_vec();
    let envelope = Envelope::from_bytes_raw(bytes.clone()).unwrap();
    assert_eq!((envelope.items().count(), envelope.uuid(), envelope.event().is_none()), (0, None, true));
    let kept = envelope.clone().filter(|item: &EnvelopeItem| *item == EnvelopeItem::Raw).unwrap();
    let mut out = Vec::new();
    kept.to_writer(&mut out).unwrap();
    assert_eq!(out, bytes);
    let mut removed = Vec::new();
    let filter = EnvelopeFilterCallbacks::new(|_: &EnvelopeItem| false, |item| removed.push(item));
    assert!(envelope.filter(filter).is_none());
    assert_eq!(removed, [EnvelopeItem::Raw]);

    let mut longer = Envelope::from_bytes_raw(b"{\"a\":1}".to_vec()).unwrap();
    longer.add_item(Attachment::default());
    assert!(written(&longer).starts_with("{\"a\":1}\n{\"type\":\"attachment\","));
    assert_eq!(longer.clone().with_headers(EnvelopeHeaders::new()), longer);
}

#[test]
fn files() {
    let path = std::env::temp_dir().join(format!("sentry-envelope-{}", crate::random::uuid()));
    std::fs::write(&path, "{}\n{\"type\":\"x\"}\n1").unwrap();
    assert_eq!(items(&Envelope::from_path(&path).unwrap()), [("x", "1".to_owned())]);
    assert_eq!(written(&Envelope::from_path_raw(&path).unwrap()), "{}\n{\"type\":\"x\"}\n1");
    File::create(&path).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
    assert!(matches!(Envelope::from_path_raw(&path), Err(EnvelopeError::Unreadable(_))));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(Envelope::from_path(&path), Err(EnvelopeError::Unreadable(_))));
}

fn any_item() -> impl Strategy<Value = EnvelopeItem> {
    let event = ("\\PC{0,20}|[\\x00-\\x20\u{2028}\u{feff}]{0,9}", 0u64..1 << 40).prop_map(|(text, millis)| {
        let tags = [(text.clone(), text.clone())].into_iter().collect();
        let extra = [(text.clone(), Value::from(millis))].into_iter().collect();
        let timestamp = UNIX_EPOCH + Duration::from_millis(millis / 250 * 250);
        Event { message: Some(text), level: Level::Info, tags, extra, timestamp, ..Event::default() }.into()
    });
    let attachment =
        (proptest::collection::vec(any::<u8>(), 0..40), "[ -~\n\r\t\0é\u{2028}]{0,10}").prop_map(|(buffer, name)| {
            let content_type = Some(name.clone());
            Attachment { buffer, filename: name.clone(), content_type, ty: Some(AttachmentType::Custom(name)) }.into()
        });
    let report = any::<u64>().prop_map(|quantity| {
        let items = vec![Item::new(Category::Span, Reason::Ignored, quantity)];
        ClientReport::at(UNIX_EPOCH + Duration::from_secs(7), items).into()
    });
    prop_oneof![event, attachment, report]
}

proptest! {
    #[test]
    fn built_written_and_read_again_it_is_equal(
        contents in proptest::collection::vec(any_item(), 0..5),
        sent_at in proptest::option::of(0u64..1 << 62),
        text in "\\PC{0,10}[\\x00-\\x1f]{0,2}",
    ) {
        let mut headers = EnvelopeHeaders::new().with_trace(DynamicSamplingContext::new().with_release(text.clone()));
        headers.other.insert(format!("x-{text}"), text.into());
        if let Some(nanos) = sent_at {
            headers = headers.with_sent_at(UNIX_EPOCH + Duration::from_nanos(nanos));
        }
        let mut envelope = Envelope::new().with_headers(headers);
        contents.into_iter().for_each(|item| envelope.add_item(item));
        let mut bytes = Vec::new();
        envelope.to_writer(&mut bytes).unwrap();
        let read = Envelope::from_slice(&bytes).unwrap();
        prop_assert_eq!(&read, &envelope);
        // Also in the normal form, without the bytes it was read from.
        let mut rewritten = Vec::new();
        let mut rebuilt = Envelope::new();
        rebuilt.headers = read.headers.clone();
        read.into_items().for_each(|item| rebuilt.add_item(item));
        rebuilt.to_writer(&mut rewritten).unwrap();
        prop_assert_eq!(rewritten, bytes);
    }

    #[test]
    fn what_is_read_is_written_byte_for_byte(
        header in "\\{( ?\"[a-z]\" ?: ?[1-9]{1,3})?\\}\r?",
        parts in proptest::collection::vec((any::<bool>(), "[a-z]{1,3}", "[ -~]{0,9}", "[ -~\n\r]{0,9}"), 0..5),
        end in "\n{0,3}",
    ) {
        let mut text = header;
        for (sized, ty, line, lines) in parts {
            match sized {
                true => text.push_str(&format!("\n{{ \"x\":1,\"length\" :{},\"type\":\"{ty}\"}}\n{lines}", lines.len())),
                false => text.push_str(&format!("\n{{\"type\":\"{ty}\" }}\n{line}")),
            }
        }
        text.push_str(&end);
        let read = Envelope::from_slice(text.as_bytes()).unwrap();
        prop_assert_eq!(written(&read), text.as_str());
        // Filtering that removes nothing changes nothing.
        prop_assert_eq!(written(&read), written(&read.clone().filter(|_: &EnvelopeItem| true).unwrap_or(read)));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = Envelope::from_slice(&bytes);
        raw_losses(&bytes);
    }

    #[test]
    fn no_text_panics(
        text in "\\{(\"event_id\":\"[0-9a-f]{32}\")?\\}\n(\\{\"type\":\"(event|attachment|client_report|x)\"(,\"length\":-?[0-9]{1,2})?\\}\n[\\{\\}a\n]{0,9}\n?){0,3}"
    ) {
        if let Ok(read) = Envelope::from_slice(text.as_bytes()) {
            prop_assert_eq!(written(&read), text.as_str());
        }
        raw_losses(text.as_bytes());
    }
}

#[test]
fn a_megabyte_takes_linear_time() {
    let many = format!("{{}}{}", "\n{\"type\":\"x\"}\n1".repeat(1 << 16));
    assert_eq!(read(&many).items().count(), 1 << 16);
    let breaks = format!("{{}}{}", "\n".repeat(1 << 20));
    assert_eq!(read(&breaks).items().count(), 0);
    assert!(Envelope::from_slice("[".repeat(1 << 20).as_bytes()).is_err());
    let nested = format!("{{\"a\":{}", "[".repeat(1 << 20));
    assert!(Envelope::from_slice(nested.as_bytes()).is_err());
    let header = format!("{{}}\n{{\"type\":\"x\",\"a\":{}", "[".repeat(1 << 20));
    assert!(Envelope::from_slice(header.as_bytes()).is_err());
}
