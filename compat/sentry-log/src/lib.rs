//! Stands in for the official crate of this name: `sentry::integrations::log`.

pub use sentry_integrations::log::*;
