//! Event JSON from a file, another SDK or an application's own pipeline: whoever wrote it chooses every byte.

#![no_main]

use std::time::{Duration, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use sentry_core::protocol::{Envelope, Event};
use sentry_core::sdk_info;
use sentry_core::wire::EncodedEnvelope;

fuzz_target!(|bytes: &[u8]| {
    let Ok(event) = serde_json::from_slice::<Event<'static>>(bytes) else { return };
    let id = event.event_id;
    let _ = event.to_string();
    let encoded = EncodedEnvelope::encode(Envelope::from(event), &sdk_info());
    // The event is sent or counted, never both and never neither.
    assert_eq!(
        (encoded.envelope.items().len(), encoded.dropped.len()),
        match encoded.dropped.len() {
            0 => (1, 0),
            _ => (0, 1),
        }
    );

    let mut written = Vec::new();
    encoded.envelope.write(UNIX_EPOCH + Duration::from_secs(1), &mut written).expect("memory");
    assert!(encoded.envelope.body_bytes() < MOST_BYTES, "{} bytes", encoded.envelope.body_bytes());
    let text = || String::from_utf8_lossy(&written);
    let read = Envelope::from_slice(&written).unwrap_or_else(|error| panic!("{error} in what we wrote: {}", text()));
    assert_eq!(read.items().count(), encoded.envelope.items().len());
    assert_eq!(read.uuid(), Some(&id));
    if let Some(event) = read.event() {
        assert_eq!(event.event_id, id);
    }
});

/// The limit of an event, and of an item's header.
const MOST_BYTES: usize = (1 << 20) + 1024;
