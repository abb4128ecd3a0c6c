//! Envelopes: building, reading, filtering and writing them. Items of later features are in `envelope_items`.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sentry::protocol::{
    Attachment, ClientReport, ClientSdkInfo, DynamicSamplingContext, EnvelopeError, EnvelopeFilter,
    EnvelopeFilterCallbacks, EnvelopeHeaders, EnvelopeItem, EnvelopeItemIter, Event, Uuid,
};
use sentry::types::Dsn;
use sentry::{Envelope, protocol};

use super::is;

has!(Envelope; Debug + Clone + Default + PartialEq + Send + Sync);
has!(Envelope, EnvelopeItem; From<Event<'static>> + From<Attachment> + From<ClientReport>);
has!(EnvelopeItem; Debug + Clone + PartialEq);
has!(EnvelopeItemIter<'static>; Clone + Iterator<Item = &'static EnvelopeItem>);
has!(EnvelopeHeaders; Debug + Clone + Default + PartialEq);
has!(EnvelopeError; Debug + Display + Error);
has!(fn(&EnvelopeItem) -> bool, EnvelopeFilterCallbacks<fn(&EnvelopeItem) -> bool, fn(EnvelopeItem)>; EnvelopeFilter);
has_serde!(EnvelopeHeaders);

fn headers(dsn: Dsn, sdk: ClientSdkInfo, trace: DynamicSamplingContext) -> EnvelopeHeaders {
    EnvelopeHeaders::new()
        .with_event_id(Uuid::nil())
        .with_dsn(dsn)
        .with_sdk(sdk)
        .with_sent_at(SystemTime::UNIX_EPOCH)
        .with_trace(trace)
}

fn envelope(headers: EnvelopeHeaders) -> Envelope {
    let _: fn(&Envelope) -> Option<&Uuid> = Envelope::uuid;
    let _: fn(&Envelope) -> Option<&Event<'static>> = Envelope::event;
    let _: fn(&Envelope) -> &EnvelopeHeaders = Envelope::headers;
    let _: fn(&[u8]) -> Result<Envelope, EnvelopeError> = Envelope::from_slice;
    let _: fn(Vec<u8>) -> Result<Envelope, EnvelopeError> = Envelope::from_bytes_raw;
    let _: fn(&'static Path) -> Result<Envelope, EnvelopeError> = Envelope::from_path;
    let _: fn(PathBuf) -> Result<Envelope, EnvelopeError> = Envelope::from_path_raw;
    let _: fn(&Envelope, &mut Vec<u8>) -> std::io::Result<()> = |envelope, out| envelope.to_writer(out);
    let _: fn(&Envelope) -> EnvelopeItemIter<'_> = Envelope::items;

    let mut envelope = Envelope::new().with_headers(headers);
    envelope.add_item(Event::new());
    envelope.add_item(Attachment::default());
    envelope.add_item(EnvelopeItem::Event(Box::new(Event::new())));
    let _: Vec<EnvelopeItem> = envelope.clone().into_items().collect();
    let _: Envelope = protocol::Event::new().into();
    envelope
}

fn filters(envelope: Envelope) -> Option<Envelope> {
    let envelope: Option<Envelope> = envelope.filter(|item: &EnvelopeItem| matches!(item, EnvelopeItem::Event(_)));
    let mut dropped = Vec::new();
    let callbacks = EnvelopeFilterCallbacks::new(
        |item: &EnvelopeItem| !matches!(item, EnvelopeItem::Attachment(_)),
        |item: EnvelopeItem| dropped.push(item),
    );
    envelope?.filter(callbacks)
}

fn errors(error: EnvelopeError) {
    match error {
        EnvelopeError::UnexpectedEof
        | EnvelopeError::MissingHeader
        | EnvelopeError::MissingItemHeader
        | EnvelopeError::MissingNewline => {}
        EnvelopeError::InvalidHeader(error)
        | EnvelopeError::InvalidItemHeader(error)
        | EnvelopeError::InvalidItemPayload(error) => is::<serde_json::Error>(error),
        _ => {}
    }
}

fn items(item: EnvelopeItem) {
    match item {
        EnvelopeItem::Event(event) => is::<Box<Event<'static>>>(event),
        EnvelopeItem::Attachment(attachment) => is::<Attachment>(attachment),
        EnvelopeItem::ClientReport(report) => is::<ClientReport>(report),
        EnvelopeItem::Raw => {}
        _ => {}
    }
}
