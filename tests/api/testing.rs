//! `sentry::test`: what programs see in their own tests.

use std::sync::Arc;

use sentry::protocol::Event;
use sentry::test::TestTransport;
use sentry::{ClientOptions, Envelope, Transport, TransportFactory};

has!(TestTransport; Transport);
has!(Arc<TestTransport>; TransportFactory);

fn in_tests() {
    let _: fn() -> Arc<TestTransport> = TestTransport::new;
    let _: fn(&TestTransport) -> Vec<Event<'static>> = TestTransport::fetch_and_clear_events;
    let _: fn(&TestTransport) -> Vec<Envelope> = TestTransport::fetch_and_clear_envelopes;
    let _: Vec<Event<'static>> = sentry::test::with_captured_events(|| ());
    let _: Vec<Event<'static>> = sentry::test::with_captured_events_options(|| (), ClientOptions::new());
    let _: Vec<Envelope> = sentry::test::with_captured_envelopes(|| ());
    let _: Vec<Envelope> = sentry::test::with_captured_envelopes_options(|| (), "https://key@host/1");
    let _: ClientOptions = ClientOptions::new().transport(TestTransport::new());
}
