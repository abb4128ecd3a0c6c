//! A file system in memory, for tests: it fails, its process dies on it at any call, and it loses power.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::store::{Listed, Lock, Store, WriteError};

/// A file system in memory. What is on its medium is told apart from what the system only remembers.
#[derive(Clone, Default)]
pub(crate) struct Model(pub(super) Arc<Mutex<Tree>>);

#[derive(Default)]
pub(super) struct Tree {
    #[cfg(shuttle)]
    delay: std::time::Duration,
    pub(super) dirs: BTreeSet<PathBuf>,
    pub(super) names: BTreeMap<PathBuf, usize>,
    /// The names as the medium has them.
    pub(super) names_on_medium: BTreeMap<PathBuf, usize>,
    pub(super) contents: Vec<Content>,
    pub(super) locked: BTreeSet<usize>,
    pub(super) calls: usize,
    /// The process dies in front of that call.
    pub(super) dies_at: Option<usize>,
    pub(super) fails: Option<(&'static str, io::ErrorKind)>,
    pub(super) space: Option<(u64, u64)>,
    pub(super) is_open_to_others: bool,
}

#[derive(Clone)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) is_on_medium: bool,
}

struct Held(Model, usize);
impl Lock for Held {}
impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().locked.remove(&self.1);
    }
}

impl Model {
    #[cfg(shuttle)]
    fn delay(&self) -> std::time::Duration {
        self.0.lock().unwrap().delay
    }

    /// One where each call takes that long, in the model of the world.
    #[cfg(shuttle)]
    pub(crate) fn slow(delay: std::time::Duration) -> Self {
        let model = Self::default();
        model.0.lock().unwrap().delay = delay;
        model
    }

    fn call<R>(&self, name: &str, run: impl FnOnce(&mut Tree) -> io::Result<R>) -> io::Result<R> {
        // Whoever else has something to do may do it now.
        #[cfg(shuttle)]
        crate::world::model::sleep(self.delay());
        let mut tree = self.0.lock().unwrap();
        tree.calls += 1;
        if tree.dies_at.is_some_and(|at| tree.calls >= at) {
            return Err(io::Error::other("the process is dead"));
        }
        match tree.fails {
            Some((call, kind)) if call == name => Err(kind.into()),
            _ => run(&mut tree),
        }
    }

    /// What another process finds after this one died. With `power`, the medium is all there is: it decides for each name
    /// and each content that were not forced onto it.
    pub(super) fn after_death(&self, mut power: Option<impl FnMut() -> u8>) -> Self {
        let mut tree = self.0.lock().unwrap();
        tree.dies_at = None;
        tree.calls = 0;
        if let Some(decide) = &mut power {
            let all: BTreeSet<PathBuf> = tree.names.keys().chain(tree.names_on_medium.keys()).cloned().collect();
            let mut left = BTreeMap::new();
            for name in all {
                let (now, then) = (tree.names.get(&name).copied(), tree.names_on_medium.get(&name).copied());
                if let Some(content) = if decide() % 2 == 0 { now } else { then } {
                    left.insert(name, content);
                }
            }
            for content in tree.contents.iter_mut().filter(|content| !content.is_on_medium) {
                match decide() % 4 {
                    0 => {}
                    1 => content.bytes.clear(),
                    2 => content.bytes.fill(0),
                    _ => content.bytes.truncate(content.bytes.len() / 2),
                }
            }
            tree.names = left.clone();
            tree.names_on_medium = left;
        }
        drop(tree);
        self.clone()
    }

    pub(super) fn is_dead(&self) -> bool {
        let tree = self.0.lock().unwrap();
        tree.dies_at.is_some_and(|at| tree.calls >= at)
    }

    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let tree = self.0.lock().unwrap();
        tree.names.keys().filter(|path| !path.ends_with("lock") && !path.ends_with("turn")).cloned().collect()
    }
}

impl Store for Model {
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.call("make_dir", |tree| {
            let parent = path.parent().unwrap();
            if parent != Path::new("/") && !tree.dirs.contains(parent) {
                return Err(io::ErrorKind::NotFound.into());
            }
            tree.dirs.insert(path.to_owned());
            Ok(())
        })
    }

    fn is_private(&self, path: &Path) -> io::Result<bool> {
        self.call("is_private", |tree| Ok(tree.dirs.contains(path) && !tree.is_open_to_others))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Listed>> {
        self.call("list", |tree| {
            if !tree.dirs.contains(path) {
                return Err(io::ErrorKind::NotFound.into());
            }
            let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
            let dirs = tree.dirs.iter().filter(|dir| dir.parent() == Some(path));
            let dirs = dirs.map(|dir| Listed { name: name(dir), is_dir: true, length: 0 });
            let files = tree.names.iter().filter(|(file, _)| file.parent() == Some(path));
            let files = files.map(|(file, content)| Listed {
                name: name(file),
                is_dir: false,
                length: tree.contents[*content].bytes.len() as u64,
            });
            Ok(dirs.chain(files).collect())
        })
    }

    fn write_new(&self, path: &Path, bytes: &[u8], sync: bool) -> Result<(), WriteError> {
        let written = self.call("write_new", |tree| {
            if !tree.dirs.contains(path.parent().unwrap()) {
                return Err(io::ErrorKind::NotFound.into());
            }
            assert!(!tree.names.contains_key(path), "nothing is ever written over");
            tree.contents.push(Content { bytes: bytes.to_vec(), is_on_medium: false });
            let content = tree.contents.len() - 1;
            tree.names.insert(path.to_owned(), content);
            Ok(content)
        });
        let content = written.map_err(WriteError::Failed)?;
        if !sync {
            return Ok(());
        }
        let synced = self.call("sync", |tree| {
            tree.contents[content].is_on_medium = true;
            Ok(())
        });
        synced.map_err(WriteError::NotSynced)
    }

    fn read(&self, path: &Path, length: u64) -> io::Result<Vec<u8>> {
        self.call("read", |tree| {
            let content = *tree.names.get(path).ok_or(io::ErrorKind::NotFound)?;
            let bytes = &tree.contents[content].bytes;
            if bytes.len() as u64 == length { Ok(bytes.clone()) } else { Err(io::ErrorKind::InvalidData.into()) }
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call("rename", |tree| {
            if tree.dirs.contains(from) {
                let moved = |path: &PathBuf| path.strip_prefix(from).map_or(path.clone(), |rest| to.join(rest));
                tree.dirs = tree.dirs.iter().map(moved).map(|path| path.components().collect()).collect();
                tree.names = tree.names.iter().map(|(path, content)| (moved(path), *content)).collect();
                return Ok(());
            }
            let content = tree.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            assert!(tree.names.insert(to.to_owned(), content).is_none(), "nothing is ever replaced");
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call("remove", |tree| tree.names.remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into()))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.call("remove_dir", |tree| {
            let is_inside = |other: &PathBuf| other != path && other.starts_with(path);
            if tree.names.keys().any(is_inside) || tree.dirs.iter().any(is_inside) {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            if tree.dirs.remove(path) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
        })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.call("sync_dir", |tree| {
            tree.names_on_medium.retain(|name, _| name.parent() != Some(path));
            let now = tree.names.iter().filter(|(name, _)| name.parent() == Some(path));
            let now: Vec<_> = now.map(|(name, content)| (name.clone(), *content)).collect();
            tree.names_on_medium.extend(now);
            Ok(())
        })
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        let locked = self.call("lock", |tree| {
            if !tree.dirs.contains(path.parent().unwrap()) {
                return Err(io::ErrorKind::NotFound.into());
            }
            let content = match tree.names.get(path) {
                Some(content) => *content,
                None => {
                    tree.contents.push(Content { bytes: Vec::new(), is_on_medium: true });
                    tree.names.insert(path.to_owned(), tree.contents.len() - 1);
                    tree.contents.len() - 1
                }
            };
            Ok(tree.locked.insert(content).then_some(content))
        })?;
        Ok(locked.map(|content| Box::new(Held(self.clone(), content)) as Box<dyn Lock>))
    }

    fn space(&self, _: &Path) -> Option<(u64, u64)> {
        self.0.lock().unwrap().space
    }
}
