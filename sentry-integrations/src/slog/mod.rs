//! The bridge to `slog`.
