//! Envelopes are read back from files that others can write.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use sentry_core::protocol::Envelope;
use sentry_core::protocol::client_report::{ItemLoss, LossSource};
use sentry_core::sdk_info;
use sentry_core::wire::EncodedEnvelope;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(raw) = Envelope::from_bytes_raw(bytes.to_vec()) {
        assert_eq!(written(&raw).as_deref(), Some(bytes), "raw bytes are not ours to change");
    }
    let Ok(envelope) = Envelope::from_slice(bytes) else {
        return;
    };
    balances(envelope.clone());
    let mut rebuilt = Envelope::new();
    envelope.clone().into_items().for_each(|item| rebuilt.add_item(item));
    balances(rebuilt);

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

/// What is encoded is sent or counted, never both and never neither; and it can be read.
fn balances(envelope: Envelope) {
    let before = sums(envelope.losses());
    let encoded = EncodedEnvelope::encode(envelope, &sdk_info());
    let dropped = encoded.dropped.iter().map(|(loss, _)| *loss);
    assert_eq!(sums(encoded.envelope.losses().chain(dropped)), before);

    let mut written = Vec::new();
    encoded.envelope.write(std::time::UNIX_EPOCH, &mut written).expect("memory");
    let read = Envelope::from_slice(&written).unwrap_or_else(|error| {
        panic!("{error} in what we wrote: {}", String::from_utf8_lossy(&written));
    });
    assert_eq!(read.items().count(), encoded.envelope.items().len());
}

/// Quantities by category and reason.
fn sums(losses: impl Iterator<Item = ItemLoss>) -> BTreeMap<String, u128> {
    let mut sums = BTreeMap::new();
    for loss in losses.filter(|loss| loss.quantity > 0) {
        *sums.entry(format!("{} {:?}", loss.category, loss.reason)).or_default() += u128::from(loss.quantity);
    }
    sums
}
