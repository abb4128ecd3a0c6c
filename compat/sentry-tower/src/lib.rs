//! Stands in for the official crate of this name: `sentry::integrations::tower`.

pub use sentry_integrations::tower::*;
