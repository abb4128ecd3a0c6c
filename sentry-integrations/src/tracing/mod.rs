//! The bridge to `tracing`.
