//! The bridge to `tokio`.
