//! The file system as the spool uses it, so that tests can have one that fails and forgets.

use std::io;
use std::path::Path;

/// Names are full paths. None of the calls follows a symbolic link at the end of one.
pub(crate) trait Store: Send + Sync + 'static {
    /// Makes a directory for this user alone, unless it is there.
    fn make_dir(&self, path: &Path) -> io::Result<()>;

    /// Whether nobody else can change what is in the directory.
    fn is_private(&self, path: &Path) -> io::Result<bool>;

    /// What is in a directory, without its entries that are neither files nor directories.
    fn list(&self, path: &Path) -> io::Result<Vec<Listed>>;

    /// Makes a file that is not there, and waits for the medium if `sync` says so.
    fn write_new(&self, path: &Path, bytes: &[u8], sync: bool) -> Result<(), WriteError>;

    /// The content of a file, if it is a plain file of this user's of exactly `length` bytes; nothing is read of another.
    fn read(&self, path: &Path, length: u64) -> io::Result<Vec<u8>>;

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Waits until the names in a directory are on the medium.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Locks a file, which is made if need be, for as long as the lock lives and this process does. `None` when somebody
    /// else has it.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>>;

    /// Bytes that are free, and in all; `None` where that is not known.
    fn space(&self, path: &Path) -> Option<(u64, u64)>;
}

/// Held while it lives.
pub(crate) trait Lock: Send + Sync {}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) is_dir: bool,
    pub(crate) length: u64,
}

/// Why a file was not written.
#[derive(Debug)]
pub(crate) enum WriteError {
    Failed(io::Error),
    /// It was written, but is not known to be on the medium.
    NotSynced(io::Error),
}
