//! Stands in for the official crate of this name: `sentry::integrations::actix`.

pub use sentry_integrations::actix::*;
