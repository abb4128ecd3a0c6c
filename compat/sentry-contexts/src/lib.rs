//! Stands in for the official crate of this name: `sentry::integrations::contexts`.

pub use sentry_integrations::contexts::*;
