//! The bridge to `log`.
