//! Stands in for the official crate of this name: `sentry::integrations::slog`.

pub use sentry_integrations::slog::*;
