//! `sentry::integrations::actix`.
