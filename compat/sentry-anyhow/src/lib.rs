//! Stands in for the official crate of this name: `sentry::integrations::anyhow`.

pub use sentry_integrations::anyhow::*;
