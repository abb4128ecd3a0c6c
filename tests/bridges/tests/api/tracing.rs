//! `sentry::integrations::tracing`.
