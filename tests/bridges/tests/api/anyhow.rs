//! `sentry::integrations::anyhow`.
