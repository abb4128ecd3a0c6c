//! Envelopes are read back from files that others can write.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sentry_core::protocol::Envelope;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(raw) = Envelope::from_bytes_raw(bytes.to_vec()) {
        assert_eq!(written(&raw).as_deref(), Some(bytes), "raw bytes are not ours to change");
    }
    let Ok(envelope) = Envelope::from_slice(bytes) else {
        return;
    };
    // Not every value can be written, a time before year 0 for one; but what can be is a fixed point.
    let Some(once) = written(&envelope) else { return };
    let again = Envelope::from_slice(&once)
        .unwrap_or_else(|error| panic!("{error} in what we wrote: {:?}", String::from_utf8_lossy(&once)));
    assert_eq!(again.items().count(), envelope.items().count());
    let twice = written(&again).expect("what was written once");
    assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&once));
});

fn written(envelope: &Envelope) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    envelope.to_writer(&mut bytes).ok()?;
    Some(bytes)
}
