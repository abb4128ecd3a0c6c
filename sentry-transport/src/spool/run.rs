//! The directory of one life of a process, and what becomes of those that have ended.

use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use sentry_core::types::random_uuid;

use super::name::FileName;
use super::store::{Lock, Store};

/// The directory of this process. Its name is random: process ids repeat, also between containers that share a volume.
pub(super) struct Run {
    name: String,
    dir: PathBuf,
    files: PathBuf,
    temporary: PathBuf,
    /// `None` where the file system has no locks: then nobody takes anything over.
    lock: Option<Box<dyn Lock>>,
}

impl Run {
    /// Makes the directories that are missing.
    pub(super) fn open(store: &dyn Store, dsn_dir: &Path) -> io::Result<Self> {
        make_dirs(store, dsn_dir)?;
        // The directories from the user's downwards.
        for dir in dsn_dir.ancestors().take(3) {
            if !store.is_private(dir)? {
                let what = "another user can change it, or it is no directory";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
            }
        }
        let (high, _) = random_uuid().as_u64_pair();
        let name = format!("{RUN}{high:016x}");
        let (making, dir) = (dsn_dir.join(format!("{MAKING}{high:016x}")), dsn_dir.join(&name));
        store.make_dir(&making)?;
        // It gets its name when it is locked: others take it for a dead process's else.
        let lock = store.lock(&making.join(LOCK)).ok().flatten();
        store.make_dir(&making.join(TEMPORARY))?;
        store.make_dir(&making.join(FILES))?;
        store.rename(&making, &dir)?;
        Ok(Self { name, files: dir.join(FILES), temporary: dir.join(TEMPORARY), dir, lock })
    }

    pub(super) fn file(&self, name: FileName) -> PathBuf {
        self.files.join(name.to_string())
    }

    pub(super) fn files(&self) -> &Path {
        &self.files
    }

    pub(super) fn temporary(&self, number: u32) -> PathBuf {
        self.temporary.join(format!("{number:08x}"))
    }

    /// Removes the directory, if nothing is left in it.
    pub(super) fn close(&self, store: &dyn Store) {
        remove_run(store, &self.dir);
    }
}

/// Takes over the files of all runs whose process has ended, by renaming them. Interrupted anywhere, each file is in one
/// of two places.
pub(super) fn adopt(store: &dyn Store, dsn_dir: &Path, own: &Run) -> Vec<FileName> {
    let mut adopted = Vec::new();
    if own.lock.is_none() {
        return adopted;
    }
    for name in other_runs(store, dsn_dir, own) {
        let dir = dsn_dir.join(name);
        let Ok(Some(lock)) = store.lock(&dir.join(LOCK)) else { continue };
        let files = dir.join(FILES);
        for listed in store.list(&files).unwrap_or_default() {
            let Some(file) = FileName::parse(&listed.name) else { continue };
            // Of another length it is not what was written; it is found out when it is read.
            if store.rename(&files.join(&listed.name), &own.file(file)).is_ok() {
                adopted.push(file);
            }
        }
        let temporary = dir.join(TEMPORARY);
        for listed in store.list(&temporary).unwrap_or_default() {
            let _ = store.remove(&temporary.join(listed.name));
        }
        remove_run(store, &dir);
        drop(lock);
    }
    adopted
}

/// What the other processes have: bytes and files, those being written included.
pub(super) fn usage_of_others(store: &dyn Store, dsn_dir: &Path, own: &Run) -> (u64, usize) {
    let mut usage = (0_u64, 0_usize);
    for name in other_runs(store, dsn_dir, own) {
        for place in [FILES, TEMPORARY] {
            for listed in store.list(&dsn_dir.join(&name).join(place)).unwrap_or_default() {
                usage = (usage.0.saturating_add(listed.length), usage.1.saturating_add(1));
            }
        }
    }
    usage
}

/// Waits a little for its turn among the processes; goes on without when that takes too long.
pub(super) fn turn(store: &dyn Store, dsn_dir: &Path) -> Option<Box<dyn Lock>> {
    let path = dsn_dir.join(TURN);
    for _ in 0..PATIENCE {
        match store.lock(&path) {
            Ok(Some(lock)) => return Some(lock),
            Ok(None) => thread::sleep(Duration::from_millis(1)),
            Err(_) => return None,
        }
    }
    None
}

/// Moves a file out of the way, or removes it when there are enough such.
pub(super) fn set_aside(store: &dyn Store, dsn_dir: &Path, file: &Path, name: FileName) {
    let bad = dsn_dir.join(BAD);
    let there = store.make_dir(&bad).and_then(|()| store.list(&bad)).unwrap_or_default();
    let bytes = there.iter().fold(name.length, |sum, listed| sum.saturating_add(listed.length));
    let has_room = there.len() < MAX_BAD_FILES && bytes <= MAX_BAD_BYTES;
    if !has_room || store.rename(file, &bad.join(name.to_string())).is_err() {
        let _ = store.remove(file);
    }
}

/// Removes everything below `dir`.
pub(super) fn purge(store: &dyn Store, dir: &Path) -> io::Result<()> {
    let listed = match store.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        listed => listed?,
    };
    let mut outcome = Ok(());
    for entry in listed {
        let path = dir.join(&entry.name);
        let removed = match entry.is_dir {
            // A process that runs keeps its directory.
            true => purge(store, &path).and_then(|()| store.remove_dir(&path).or(Ok(()))),
            false if entry.name == LOCK => Ok(()),
            false => store.remove(&path),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => outcome = Err(error),
            _ => {}
        }
    }
    outcome
}

fn other_runs(store: &dyn Store, dsn_dir: &Path, own: &Run) -> Vec<String> {
    let listed = store.list(dsn_dir).unwrap_or_default().into_iter();
    let others = listed.filter(|entry| entry.is_dir && entry.name.starts_with(RUN) && entry.name != own.name);
    others.map(|entry| entry.name).collect()
}

/// Removes what a run is made of; whatever else is in it stays, and the directory with it.
fn remove_run(store: &dyn Store, dir: &Path) {
    let emptied = store.remove_dir(&dir.join(FILES)).is_ok() && store.remove_dir(&dir.join(TEMPORARY)).is_ok();
    if emptied && store.remove(&dir.join(LOCK)).is_ok() {
        let _ = store.remove_dir(dir);
    }
}

fn make_dirs(store: &dyn Store, dir: &Path) -> io::Result<()> {
    match store.make_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_dirs(store, dir.parent().ok_or(error)?)?;
            store.make_dir(dir)
        }
        made => made,
    }
}

/// A run that is not ready yet; one of a process that died over it is empty.
const MAKING: &str = "making-";
const RUN: &str = "run-";
const LOCK: &str = "lock";
const FILES: &str = "new";
const TEMPORARY: &str = "tmp";
const BAD: &str = "bad";
const TURN: &str = "turn";
const MAX_BAD_FILES: usize = 5;
const MAX_BAD_BYTES: u64 = 1 << 20;
/// Milliseconds to wait for one's turn.
const PATIENCE: usize = 20;
