//! The real file system.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use super::store::{Listed, Lock, Store, WriteError};

#[derive(Debug)]
pub(crate) struct Disk;

impl Store for Disk {
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        sys::only_for_us(&mut builder);
        match builder.create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    fn is_private(&self, path: &Path) -> io::Result<bool> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(metadata.is_dir() && sys::is_ours_alone(&metadata))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // Not there any more, or not one of ours: neither is of interest.
            let (Ok(metadata), Ok(name)) = (entry.metadata(), entry.file_name().into_string()) else { continue };
            if metadata.is_dir() || metadata.is_file() {
                listed.push(Listed { name, is_dir: metadata.is_dir(), length: metadata.len() });
            }
        }
        Ok(listed)
    }

    fn write_new(&self, path: &Path, bytes: &[u8], sync: bool) -> Result<(), WriteError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        sys::plain_and_private(&mut options);
        let mut file = options.open(path).map_err(WriteError::Failed)?;
        file.write_all(bytes).map_err(WriteError::Failed)?;
        if sync { file.sync_data().map_err(WriteError::NotSynced) } else { Ok(()) }
    }

    fn read(&self, path: &Path, length: u64) -> io::Result<Vec<u8>> {
        let mut options = OpenOptions::new();
        options.read(true);
        sys::plain_and_private(&mut options);
        let file = options.open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() != length || !sys::is_ours(&metadata) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not the file that was written"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.take(length.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        sys::plain_and_private(&mut options);
        let file = options.open(path)?;
        if !sys::try_lock(&file)? {
            return Ok(None);
        }
        // Its last owner may have removed the file after we opened it: then it is nobody's.
        let is_named_so = fs::symlink_metadata(path).is_ok_and(|named| sys::is_same(&file, &named));
        Ok(is_named_so.then(|| Box::new(Held(file)) as Box<dyn Lock>))
    }

    fn space(&self, path: &Path) -> Option<(u64, u64)> {
        sys::space(path)
    }
}

/// The lock is given back when the file is closed.
struct Held(#[expect(dead_code, reason = "is only to stay open")] File);

impl Lock for Held {}

#[cfg(unix)]
mod sys {
    use std::fs::{DirBuilder, File, Metadata, OpenOptions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
    use std::path::Path;

    use rustix::fs::{FlockOperation, OFlags, flock, statvfs};
    use rustix::io::Errno;

    pub(super) fn only_for_us(builder: &mut DirBuilder) {
        builder.mode(0o700);
    }

    /// No link, and no waiting for the other end of a pipe.
    pub(super) fn plain_and_private(options: &mut OpenOptions) {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        options.mode(0o600).custom_flags(i32::try_from(flags).unwrap_or_default());
    }

    pub(super) fn is_ours(metadata: &Metadata) -> bool {
        metadata.uid() == rustix::process::geteuid().as_raw() && metadata.nlink() == 1
    }

    /// Ours, or the system's; and nobody else can put something in the place of what we put there.
    pub(super) fn is_ours_alone(metadata: &Metadata) -> bool {
        let owner = metadata.uid();
        let is_trusted = owner == rustix::process::geteuid().as_raw() || owner == 0;
        let is_open = metadata.mode() & 0o022 != 0;
        let is_sticky = metadata.mode() & 0o1000 != 0;
        is_trusted && (!is_open || is_sticky)
    }

    pub(super) fn try_lock(file: &File) -> io::Result<bool> {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn is_same(file: &File, named: &Metadata) -> bool {
        file.metadata().is_ok_and(|opened| (opened.dev(), opened.ino()) == (named.dev(), named.ino()))
    }

    pub(super) fn space(path: &Path) -> Option<(u64, u64)> {
        let space = statvfs(path).ok()?;
        Some((space.f_bavail.saturating_mul(space.f_frsize), space.f_blocks.saturating_mul(space.f_frsize)))
    }
}

/// What std gives: no locks, so that every run is private and none is adopted.
#[cfg(not(unix))]
mod sys {
    use std::fs::{DirBuilder, File, Metadata, OpenOptions};
    use std::io;
    use std::path::Path;

    pub(super) fn only_for_us(_: &mut DirBuilder) {}

    pub(super) fn plain_and_private(_: &mut OpenOptions) {}

    pub(super) fn is_ours(_: &Metadata) -> bool {
        true
    }

    pub(super) fn is_ours_alone(_: &Metadata) -> bool {
        true
    }

    pub(super) fn try_lock(_: &File) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn is_same(_: &File, _: &Metadata) -> bool {
        false
    }

    pub(super) fn space(_: &Path) -> Option<(u64, u64)> {
        None
    }
}
