//! Stands in for the official crate of this name: `sentry::integrations::tracing`.

pub use sentry_integrations::tracing::*;
