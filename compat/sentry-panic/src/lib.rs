//! Stands in for the official crate of this name: `sentry::integrations::panic`.

pub use sentry_integrations::panic::*;
