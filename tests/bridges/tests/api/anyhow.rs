//! `sentry::integrations::anyhow`.

use sentry::integrations::anyhow::{AnyhowHubExt, capture_anyhow, event_from_error};
use sentry::protocol::Event;
use sentry::types::Uuid;

fn all(error: &anyhow::Error) {
    let _: Uuid = capture_anyhow(error);
    let _: Event<'static> = event_from_error(error);
    let _: Uuid = sentry::Hub::current().capture_anyhow(error);
}
