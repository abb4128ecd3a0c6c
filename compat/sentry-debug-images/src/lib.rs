//! Stands in for the official crate of this name: `sentry::integrations::debug_images`.

pub use sentry_integrations::debug_images::*;
