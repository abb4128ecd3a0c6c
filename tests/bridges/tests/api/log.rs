//! `sentry::integrations::log`.
