//! Stands in for the official crate of this name: `sentry::types`.

pub use sentry_core::types::*;
