//! A folder for one test, removed at its end.

use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sentry-test-{}-{number}", process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// All files below it, without those that are only there to be locked.
    pub fn files(&self) -> Vec<PathBuf> {
        files_below(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// All files below a folder, without those that are only there to be locked.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(ty) if ty.is_dir() => folders.push(path),
                _ if path.ends_with("lock") || path.ends_with("turn") => {}
                _ => files.push(path),
            }
        }
    }
    files.sort();
    files
}

/// How many envelopes are kept below a folder: what is being written has no name with a dot yet.
pub fn count_kept(folder: &Path) -> usize {
    files_below(folder).iter().filter(|file| file.extension().is_some()).count()
}
