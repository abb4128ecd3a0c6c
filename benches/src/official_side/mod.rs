//! The rows' source, compiled for the official crate.

pub use ::official as sdk;

#[path = "../bodies.rs"]
pub mod bodies;
