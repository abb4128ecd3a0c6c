//! Stands in for the official crate of this name: `sentry::integrations::backtrace`.

pub use sentry_integrations::backtrace::*;
