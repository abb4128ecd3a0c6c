//! What is asked of the operating system about our threads: one file for each system, the last one asks nothing.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod other;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::{let_others_run_first, watch_forks};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use other::{let_others_run_first, watch_forks};
