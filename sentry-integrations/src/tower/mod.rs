//! The bridge to `tower`.
