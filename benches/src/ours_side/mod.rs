//! The rows' source, compiled for our crate.

pub use ::ours as sdk;

#[path = "../bodies.rs"]
pub mod bodies;
