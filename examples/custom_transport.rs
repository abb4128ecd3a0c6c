//! A transport of one's own: here one that prints envelopes. What to look at: the bytes Sentry would get.

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::sync::Arc;

use sentry::{ClientOptions, Envelope, Level, Transport};

struct Print;

impl Transport for Print {
    fn send_envelope(&self, envelope: Envelope) {
        let mut bytes = Vec::new();
        if envelope.to_writer(&mut bytes).is_ok() {
            println!("{}", String::from_utf8_lossy(&bytes));
        }
    }
}

fn main() {
    let options = ClientOptions::new().dsn("https://key@sentry.invalid/1").transport(Arc::new(Print));
    let _guard = sentry::init(options);
    // Without `send_deferred`, events are finished and sent on this thread.
    sentry::capture_message("hello", Level::Info);
}
