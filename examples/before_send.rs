//! Changing and dropping events before they leave. What to look at: the second message is masked, the third counted.

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use sentry::protocol::Event;
use sentry::{ClientOptions, Level};

fn main() {
    // Runs on the SDK's own thread, one event at a time.
    let guard = sentry::init(ClientOptions::new().dsn("https://key@sentry.invalid/1").before_send(scrub));

    sentry::capture_message("started", Level::Info);
    sentry::capture_message("mail bounced: jane@example.com", Level::Warning);
    sentry::capture_message("heartbeat", Level::Debug);

    guard.flush(None);
    // The host does not exist: what was not dropped by the hook is counted as a network error.
    println!("{:#?}", guard.stats());
}

fn scrub(mut event: Event<'static>) -> Option<Event<'static>> {
    let message = event.message.as_mut()?;
    if message == "heartbeat" {
        return None;
    }
    if let Some(at) = message.find(": ") {
        message.truncate(at);
    }
    Some(event)
}
