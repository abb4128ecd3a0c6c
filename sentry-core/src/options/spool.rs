//! How undelivered events are kept on disk.

use std::time::Duration;

/// How the spool works, see [`ClientOptions::spool_dir`](field@crate::ClientOptions::spool_dir).
///
/// ```
/// use sentry_core::{SpoolMode, SpoolOptions};
///
/// let spool = SpoolOptions { mode: SpoolMode::Sync, max_bytes: 8 << 20, ..SpoolOptions::default() };
/// # let _ = spool;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpoolOptions {
    /// When errors are written. Default: [`SpoolMode::Async`].
    pub mode: SpoolMode,
    /// What is forced to the medium. Default: [`SpoolFsync::Crashes`].
    pub fsync: SpoolFsync,
    /// Bytes of all files of the DSN together, those of other processes included. A quarter of them is for crashes
    /// alone. When it is full, bulk data goes first, then the oldest errors, counted as `cache_overflow`. Default: 64
    /// MiB.
    pub max_bytes: u64,
    /// Bytes of one file; what is larger stays in memory. Default: 16 MiB.
    pub max_file_bytes: u64,
    /// Files of the DSN. Default: 10,000.
    pub max_files: usize,
    /// What is older is dropped and counted as `cache_overflow`. Default: 30 days.
    pub max_age: Duration,
}

/// When errors are on disk. Panics are before the panic hook returns, in either mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SpoolMode {
    /// At most 100 ms after the capture returned, written by a thread of the SDK.
    #[default]
    Async,
    /// When the capture returns: the capturing thread writes a file, for some ten microseconds, or for as long as a slow
    /// disk takes.
    Sync,
}

/// What is forced to the medium, beyond what the system does by itself. Whatever it is, everything that is written
/// survives the end of the process, however it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SpoolFsync {
    /// Nothing: the loss of power may lose what was written last.
    Never,
    /// Panics and fatal events.
    #[default]
    Crashes,
    /// Everything, as it is written.
    Always,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        Self {
            mode: SpoolMode::default(),
            fsync: SpoolFsync::default(),
            max_bytes: 64 << 20,
            max_file_bytes: 16 << 20,
            max_files: 10_000,
            max_age: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}
