//! `sentry::integrations::slog`.
