//! The spool: what has no verdict yet, on disk, where the end of the process does not reach it (reliability §3.2, §3.3).
//!
//! ```text
//! <dir>/v1/<DSN>/run-<random>/lock    held while the process lives
//!                            /tmp/    being written
//!                            /new/    one envelope, one file: its name says what has to be known of it
//!               /bad/                 what cannot be read, for a person to look at
//! ```
//!
//! A file is written under another name and then renamed; nothing is ever written over. It is removed when there is an
//! answer, and not before. What a dead process left is taken over file by file, by renaming it: of many that try, one
//! gets it, and wherever that is interrupted each file is in one place.

mod disk;
mod index;
#[cfg(test)]
pub(crate) mod model;
mod name;
mod run;
mod store;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use sentry_core::client_report::Recorder;
use sentry_core::protocol::Uuid;
use sentry_core::protocol::client_report::{Category, ItemLoss, LossSource, Reason};
use sentry_core::types::Dsn;
use sentry_core::wire::{EncodedEnvelope, Lane};
use sentry_core::{Class, Diagnostics, SpoolFsync, SpoolMode, SpoolOptions};

pub(crate) use self::disk::Disk;
use self::index::{Index, Kept};
pub(crate) use self::name::FileName;
use self::run::Run;
use self::store::{Store, WriteError};
use crate::world::{Mutex, MutexGuard};

/// The files of one DSN that are this process's.
pub(crate) struct Spool {
    /// Where the runs of this DSN are.
    dir: PathBuf,
    options: SpoolOptions,
    store: Box<dyn Store>,
    recorder: Recorder,
    diagnostics: Diagnostics,
    number: AtomicU32,
    state: Mutex<State>,
    opening: Mutex<()>,
    index: Mutex<Index>,
}

enum State {
    New,
    Open(Arc<Run>),
    /// Everything stays in memory until then.
    Broken(Instant),
}

/// What was read back.
pub(crate) enum Loaded {
    /// To be sent as it is.
    Finished(EncodedEnvelope),
    /// The bytes of a record that is to be finished first.
    Raw(Vec<u8>),
}

impl Spool {
    /// Touches nothing yet. `root` is made absolute now, or a program that changes its directory would lose it.
    pub(crate) fn new(
        root: &Path,
        dsn: &Dsn,
        options: SpoolOptions,
        store: Box<dyn Store>,
        recorder: Recorder,
        diagnostics: Diagnostics,
    ) -> Self {
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        Self {
            dir: root.join(VERSION).join(name_of(dsn)),
            options,
            store,
            recorder,
            diagnostics,
            number: AtomicU32::new(0),
            state: Mutex::new(State::New),
            opening: Mutex::new(()),
            index: Mutex::new(Index::default()),
        }
    }

    /// Whether callers write before they return.
    pub(crate) fn is_sync(&self) -> bool {
        self.options.mode == SpoolMode::Sync
    }

    /// Whether there is hope to keep something now.
    pub(crate) fn is_usable(&self, now: Instant) -> bool {
        let is_broken = matches!(*self.state(), State::Broken(until) if now < until);
        !is_broken && !self.index().is_full(now)
    }

    /// Writes a file, which counts as in use. `None` when that failed, or there is no room for it; it is said then.
    pub(crate) fn keep(
        &self,
        class: Class,
        event_id: Option<Uuid>,
        is_raw: bool,
        bytes: &[u8],
        now: Instant,
        wall: SystemTime,
    ) -> Option<FileName> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let name = FileName { is_raw, ..FileName::new(class, wall, number, event_id, bytes) };
        if name.length > self.options.max_file_bytes {
            let message = format_args!("an envelope is larger than max_file_bytes of the spool: it stays in memory");
            self.diagnostics.remark("spool file size", message);
            return None;
        }
        let run = self.run(now)?;
        if !self.reserve(&run, name, now) {
            return None;
        }
        let syncs = match self.options.fsync {
            SpoolFsync::Always => true,
            SpoolFsync::Crashes => class == Class::Crash,
            _ => false,
        };
        let written = self
            .write(&run, name, bytes, syncs)
            .or_else(|error| self.write_again(&run, name, bytes, syncs, error, now));
        match written {
            Ok(()) => Some(name),
            Err(error) => {
                drop(self.index().remove(&name));
                self.breaks(&error, now);
                None
            }
        }
    }

    /// Removes what has a verdict, or is in memory no more and not wanted. Returns what is not stored any more, if it was
    /// left to the disk at the end, which did not wait for the verdict.
    pub(crate) fn remove(&self, name: FileName) -> Option<Vec<ItemLoss>> {
        let kept = self.index().remove(&name)?;
        if let Some(run) = self.open_run() {
            // Somebody may have removed it, and that is all right.
            let _ = self.store.remove(&run.file(name));
        }
        let stored = kept.losses.filter(|_| kept.is_waiting)?;
        self.recorder.record_taken_up(stored.iter().copied());
        Some(stored)
    }

    /// Whether the file is still there, as far as we know.
    pub(crate) fn holds(&self, name: &FileName) -> bool {
        self.index().get(name).is_some()
    }

    /// Leaves `losses` to the disk alone. `false` when the file is not there any more: then it has to stay in memory.
    pub(crate) fn park(&self, name: FileName, losses: Vec<ItemLoss>, lanes: Vec<Lane>, successes: u64) -> bool {
        let mut index = self.index();
        let kept = Kept { is_waiting: true, losses: Some(losses.clone()), lanes, successes };
        let parked = index.remove(&name).is_some();
        if parked {
            index.insert(name, kept);
        }
        if parked {
            // Under the lock: what is taken up was stored before.
            self.recorder.record_stored(losses);
        }
        parked
    }

    /// Whether something waits to be sent from the disk.
    pub(crate) fn has_waiting(&self) -> bool {
        self.index().has_waiting()
    }

    /// Whether something that waits has to be sent before what joins one of these lanes.
    pub(crate) fn is_before(&self, mut lanes: impl Iterator<Item = Lane>) -> bool {
        let index = self.index();
        index.has_waiting() && lanes.any(|lane| index.has_lane(lane))
    }

    /// Takes up what is to be sent first of what waits on disk. It is in use from now on; `None` in place of its content
    /// when it could not be read, which is accounted for.
    pub(crate) fn take_up(&self, wall: SystemTime) -> Option<(FileName, Option<(Loaded, u64)>)> {
        let (name, kept) = self.index().take_waiting()?;
        if name.is_older_than(self.options.max_age, wall) {
            self.evict(name, kept);
            return Some((name, None));
        }
        let Some(run) = self.open_run() else { return Some((name, None)) };
        let read = self.store.read(&run.file(name), name.length);
        let bytes = match read {
            Ok(bytes) if name.fits(&bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.gone(name, kept);
                return Some((name, None));
            }
            _ => {
                self.quarantine(&run, name, kept);
                return Some((name, None));
            }
        };
        let envelope = EncodedEnvelope::from_stored(bytes.clone());
        match kept.losses {
            Some(own) if name.is_raw => {
                self.recorder.record_taken_up(own);
                // Its attachments are counted as captured when an event is finished by itself, and that is not to come.
                let is_attached = |loss: &ItemLoss| loss.category == Category::Attachment;
                self.recorder.record_recovered(envelope.losses().filter(is_attached));
            }
            Some(own) => self.recorder.record_taken_up(own),
            None => self.recorder.record_recovered(envelope.losses()),
        }
        if name.is_raw {
            return Some((name, Some((Loaded::Raw(bytes), kept.successes))));
        }
        Some((name, Some((Loaded::Finished(envelope), kept.successes))))
    }

    /// Notes in its name that a file was tried in vain, or that finishing it was begun. `None` when that was often enough:
    /// then it is set aside.
    pub(crate) fn try_again(&self, name: FileName, most: u8) -> Option<FileName> {
        let run = self.open_run()?;
        let again = name.tried_again();
        if again.tries >= most {
            let kept = self.index().remove(&name).unwrap_or_default();
            self.set_aside(&run, name);
            drop(kept);
            return None;
        }
        self.store.rename(&run.file(name), &run.file(again)).ok()?;
        self.index().rename(name, again);
        Some(again)
    }

    /// Takes over what ended processes left, to be sent in its turn. Opens the spool, if that was not done.
    pub(crate) fn adopt(&self, now: Instant) {
        let Some(run) = self.run(now) else { return };
        let found = run::adopt(&*self.store, &self.dir, &run);
        let mut index = self.index();
        for name in found {
            index.insert(name, Kept { is_waiting: true, ..Kept::default() });
        }
        let superseded = index.superseded();
        drop(index);
        // Finished just before the end: the record has done its service.
        superseded.into_iter().for_each(|name| drop(self.remove(name)));
    }

    /// Removes the directory of this process, if nothing is left in it.
    pub(crate) fn close(&self) {
        if let Some(run) = self.open_run() {
            run.close(&*self.store);
        }
    }

    /// The directory of this process, which is made if need be.
    fn run(&self, now: Instant) -> Option<Arc<Run>> {
        let known = |state: &State| match state {
            State::Open(run) => Some(Some(Arc::clone(run))),
            State::Broken(until) if now < *until => Some(None),
            State::New | State::Broken(_) => None,
        };
        if let Some(run) = known(&self.state()) {
            return run;
        }
        // Not under the lock of the state, which others only look at.
        let _one = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(run) = known(&self.state()) {
            return run;
        }
        match Run::open(&*self.store, &self.dir) {
            Ok(run) => {
                let run = Arc::new(run);
                *self.state() = State::Open(Arc::clone(&run));
                Some(run)
            }
            Err(error) => {
                *self.state() = State::Broken(now + BROKEN);
                self.says_broken(&error);
                None
            }
        }
    }

    fn open_run(&self) -> Option<Arc<Run>> {
        if let State::Open(run) = &*self.state() { Some(Arc::clone(run)) } else { None }
    }

    fn write(&self, run: &Run, name: FileName, bytes: &[u8], syncs: bool) -> Result<(), WriteError> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let temporary = run.temporary(number);
        let written = self.store.write_new(&temporary, bytes, syncs);
        let published =
            written.and_then(|()| self.store.rename(&temporary, &run.file(name)).map_err(WriteError::Failed));
        if published.is_err() {
            let _ = self.store.remove(&temporary);
        } else if syncs && self.store.sync_dir(run.files()).is_err() {
            // Its name may be lost with the power, and nothing can be done about it.
            self.diagnostics
                .remark("spool fsync", format_args!("the spool's directory cannot be forced to the medium"));
        }
        published
    }

    /// The second and last attempt to write a file, with the cause of the failure out of the way where that can be.
    fn write_again(
        &self,
        run: &Run,
        name: FileName,
        bytes: &[u8],
        syncs: bool,
        error: WriteError,
        now: Instant,
    ) -> Result<(), WriteError> {
        match error {
            // What could not be forced to the medium may be gone from memory too: another file, and no second attempt to
            // force it.
            WriteError::NotSynced(error) => {
                self.diagnostics.remark("spool fsync", format_args!("a file cannot be forced to the medium: {error}"));
                self.write(run, name, bytes, false)
            }
            WriteError::Failed(error) if error.kind() == io::ErrorKind::NotFound => {
                // Somebody removed the directory. What was in it is lost to us; what is in memory is written again when
                // it has to be.
                *self.state() = State::New;
                let run = self.run(now).ok_or(WriteError::Failed(error))?;
                self.write(&run, name, bytes, syncs)
            }
            WriteError::Failed(error) if is_full(&error) => {
                let oldest = self.index().take_oldest_below(Class::Error);
                let Some((oldest, kept)) = oldest else { return Err(WriteError::Failed(error)) };
                self.evict(oldest, kept);
                self.write(run, name, bytes, syncs)
            }
            other => Err(other),
        }
    }

    /// Makes room for a file within the bounds of all processes together, and enters it as in use.
    fn reserve(&self, run: &Run, name: FileName, now: Instant) -> bool {
        let max = self.options.max_bytes;
        // A quarter is for crashes alone.
        let bound = if name.class == Class::Crash { max } else { max - max / 4 };
        if name.length > bound {
            return false;
        }
        let is_near = {
            let index = self.index();
            index.is_stale(now)
                || index.bytes().saturating_add(name.length) > max / UNSEEN
                || index.files() >= self.options.max_files / UNSEEN_FILES
        };
        if is_near {
            // Others may be writing, too: one after the other looks and reserves.
            let _turn = run::turn(&*self.store, &self.dir);
            let (bytes, files) = run::usage_of_others(&*self.store, &self.dir, run);
            self.index().others_have(bytes, files, now);
            if let Some((free, total)) = self.store.space(&self.dir) {
                // The program needs the disk more than we do.
                if free < name.length.saturating_add((total / 20).min(LEFT_FREE)) {
                    self.index().is_full_until(now + FULL);
                    self.diagnostics.remark("spool full", format_args!("the disk is full: events stay in memory"));
                    return false;
                }
            }
            return self.reserve_within(name, bound, now);
        }
        self.reserve_within(name, bound, now)
    }

    fn reserve_within(&self, name: FileName, bound: u64, now: Instant) -> bool {
        let mut evicted = Vec::new();
        let mut index = self.index();
        let fits = loop {
            let fits_in = index.bytes_in_all().saturating_add(name.length) <= bound;
            if fits_in && index.files_in_all() < self.options.max_files {
                break true;
            }
            // Bulk data goes for errors, errors for newer ones, crashes for crashes.
            match index.take_oldest_from(name.class) {
                Some(oldest) => evicted.push(oldest),
                None => break false,
            }
        };
        if fits {
            index.insert(name, Kept::default());
        } else {
            index.is_full_until(now + FULL);
        }
        drop(index);
        for (oldest, kept) in evicted {
            self.evict(oldest, kept);
        }
        if !fits {
            let message = format_args!(
                "the spool is full: events stay in memory; raise max_bytes or max_files of SpoolOptions to keep more"
            );
            self.diagnostics.remark("spool full", message);
        }
        fits
    }

    /// Gives up a file that is in no index any more, for want of room or for its age.
    fn evict(&self, name: FileName, kept: Kept) {
        let Some(run) = self.open_run() else { return };
        let path = run.file(name);
        let losses = kept.losses.clone().or_else(|| {
            // Left by another process: what is lost with it is only known from inside.
            let bytes = self.store.read(&path, name.length).ok().filter(|bytes| name.fits(bytes))?;
            let losses: Vec<ItemLoss> = EncodedEnvelope::from_stored(bytes).losses().collect();
            self.recorder.record_recovered(losses.iter().copied());
            self.recorder.record_stored(losses.iter().copied());
            Some(losses)
        });
        let _ = self.store.remove(&path);
        self.lost(losses, Reason::CacheOverflow);
    }

    /// A file that somebody removed.
    fn gone(&self, name: FileName, kept: Kept) {
        self.index().remove(&name);
        self.diagnostics.remark("spool file gone", format_args!("somebody else removed a file of the spool"));
        self.lost(kept.losses, Reason::InternalSdkError);
    }

    /// A file that is not what was written: it is not looked at again.
    fn quarantine(&self, run: &Run, name: FileName, kept: Kept) {
        self.index().remove(&name);
        self.set_aside(run, name);
        self.lost(kept.losses, Reason::InternalSdkError);
    }

    fn set_aside(&self, run: &Run, name: FileName) {
        run::set_aside(&*self.store, &self.dir, &run.file(name), name);
        let message = format_args!("a file of the spool cannot be used and was moved to its directory `bad`");
        self.diagnostics.remark("spool file", message);
    }

    fn lost(&self, losses: Option<Vec<ItemLoss>>, reason: Reason) {
        for losses in losses.into_iter() {
            self.recorder.record_taken_up(losses.iter().copied());
            self.recorder.record_losses(losses.as_slice().losses(), reason);
        }
    }

    fn breaks(&self, error: &WriteError, now: Instant) {
        let mut state = self.state();
        if matches!(*state, State::Open(_)) {
            // The run stays: what is in it is ours.
        } else {
            *state = State::Broken(now + BROKEN);
        }
        drop(state);
        self.index().is_full_until(now + BROKEN);
        let (WriteError::Failed(error) | WriteError::NotSynced(error)) = error;
        self.says_broken(error);
    }

    fn says_broken(&self, error: &io::Error) {
        let message = format_args!(
            "the spool in {} cannot be used: {error}; events stay in memory until it can",
            self.dir.parent().and_then(Path::parent).unwrap_or(&self.dir).display()
        );
        self.diagnostics.fault("spool", message);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes everything that is kept in `root`, whatever the DSN and the process: what users have not sent yet is gone for
/// good. Processes that run go on, and count what they find missing.
///
/// # Errors
///
/// What could not be removed; everything else was.
pub fn purge_spool(root: &Path) -> io::Result<()> {
    run::purge(&Disk, &root.join(VERSION))
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// A name for the destination that tells nothing of it (FNV-1a, 64 bit): data of one is never sent to another.
fn name_of(dsn: &Dsn) -> String {
    let destination = format!("{}\n{}", dsn.envelope_api_url(), dsn.public_key());
    let hash = destination
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

/// The format: another version has a directory of its own.
const VERSION: &str = "v1";
/// What part of the bounds a process may have without looking what the others have.
const UNSEEN: u64 = 16;
const UNSEEN_FILES: usize = 16;
/// Bytes of the file system that are not ours, or a twentieth of it.
const LEFT_FREE: u64 = 100 << 20;
/// How long everything stays in memory after a failure.
const BROKEN: Duration = Duration::from_secs(60);
/// How long after it was found full.
const FULL: Duration = Duration::from_secs(1);
