//! The bridge to `anyhow`.
