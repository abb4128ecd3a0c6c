//! The bridge to `actix`.
