//! `sentry::integrations::tower`.
