//! The bridge to `rayon`.
