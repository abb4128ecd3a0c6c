//! Bridged spans without a tracing system.
