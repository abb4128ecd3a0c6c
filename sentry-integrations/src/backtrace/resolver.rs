//! Reads addresses: from newest to oldest, no further than the runtime's start, and each address once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use sentry_core::fork::{self, PerProcess};
use sentry_core::protocol::{Addr, Frame, Stacktrace};
use sentry_core::{ClientOptions, RawStack, known_traces};

use super::capture::GAP;
use super::trim::{self, Origin};
use super::{native, process};

/// [`RawStack::resolve`] for stacks taken in a capture function.
pub(super) fn resolve_call(raw: &RawStack, options: &ClientOptions) -> Option<Stacktrace> {
    resolve(raw, options, Origin::Call)
}

/// [`RawStack::resolve`] for stacks taken in the panic hook.
pub(crate) fn resolve_panic(raw: &RawStack, options: &ClientOptions) -> Option<Stacktrace> {
    resolve(raw, options, Origin::Panic)
}

fn resolve(raw: &RawStack, options: &ClientOptions, origin: Origin) -> Option<Stacktrace> {
    if !options.symbolize_stacktraces {
        return read(&raw.addresses, origin, |address| [bare(address)].into());
    }
    forget_if_code_changed();
    let key = key(&raw.addresses, origin, options);
    if let Some(trace) = key.as_deref().and_then(known_traces::lend) {
        return Some(trace);
    }
    let mut trace = stacktrace(&raw.addresses, origin)?;
    process::finish(&mut trace, options);
    if let Some(key) = key {
        known_traces::learn(key, &trace);
    }
    Some(trace)
}

/// All that a stack trace is made of; `None` for clients with rules of their own.
fn key(addresses: &[usize], origin: Origin, options: &ClientOptions) -> Option<Vec<usize>> {
    let has_rules = !options.in_app_include.is_empty() || !options.in_app_exclude.is_empty();
    (!has_rules).then(|| [addresses, &[origin as usize, options.frame_context_lines]].concat())
}

/// Lets go of the debug information that was read, which is most of what this takes in memory; what was looked up in it is
/// kept. The next new address has it read again.
pub(super) fn rest() {
    if let Some(_inside) = LookUps::enter() {
        native::forget();
    }
}

/// Where a library was, there may be another one now. (One that is loaded after the first look-up has no names here, since
/// `backtrace` lists them once; its image is sent, for the server to find them.)
#[cfg(feature = "debug-images")]
fn forget_if_code_changed() {
    let generation = crate::debug_images::generation();
    let before = known().generation.replace(generation);
    if before.is_some_and(|before| before != generation) {
        let fresh = Known { generation: Some(generation), ..Known::default() };
        let outdated = std::mem::replace(&mut *known(), fresh);
        drop(outdated);
        known_traces::forget();
        rest();
    }
}

#[cfg(not(feature = "debug-images"))]
fn forget_if_code_changed() {}

/// What was read in this process so far.
fn known() -> MutexGuard<'static, Known> {
    static KNOWN: PerProcess<OnceLock<Mutex<Known>>> = PerProcess::new(OnceLock::new());
    KNOWN.get().get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

struct Known {
    cache: Cache,
    /// How often code was loaded and unloaded by then.
    generation: Option<(u64, u64)>,
}

impl Default for Known {
    fn default() -> Self {
        Self { cache: Cache::new(CACHED), generation: None }
    }
}

/// The stack trace of addresses of this process, newest first; `in_app` is left open.
pub(super) fn stacktrace(addresses: &[usize], origin: Origin) -> Option<Stacktrace> {
    read(addresses, origin, frames_at)
}

/// The frames at a return address, newest first; one without a name when nothing is known.
pub(super) fn frames_at(address: usize) -> Arc<[Frame]> {
    if let Some(frames) = known().cache.get(address) {
        return frames;
    }
    // Looked up outside the lock: it can take long, and twice does no harm.
    let mut frames = LookUps::enter().map(|_inside| native::symbols(address)).unwrap_or_default();
    if frames.is_empty() {
        frames.push(bare(address));
    }
    let frames: Arc<[Frame]> = frames.into();
    let displaced = known().cache.put(address, Arc::clone(&frames));
    drop(displaced);
    frames
}

pub(super) fn read(
    addresses: &[usize],
    origin: Origin,
    mut frames_at: impl FnMut(usize) -> Arc<[Frame]>,
) -> Option<Stacktrace> {
    let mut frames: Vec<Frame> = Vec::with_capacity(addresses.len());
    let mut gap = None;
    let mut rest = addresses.iter();
    while let Some(&address) = rest.next() {
        if address == GAP {
            gap = rest.next().map(|omitted| (frames.len(), *omitted));
            continue;
        }
        // The newest call is one of the SDK's. A program without a name for it is stripped: nothing would be learned
        // but the names of the C library's start, from debug information of many megabytes.
        if frames.first().is_some_and(|newest| newest.function.is_none()) {
            frames.push(bare(address));
            continue;
        }
        let here = frames_at(address);
        frames.extend(here.iter().cloned());
        if here.iter().any(trim::is_start) {
            break;
        }
    }
    trim::cut_oldest(&mut frames);
    let frames_omitted = gap.map(|(newer, omitted)| {
        let older = frames.len().saturating_sub(newer) as u64;
        (older, older.saturating_add(omitted as u64))
    });
    trim::cut_newest(&mut frames, origin);
    step_back(&mut frames);
    let trace = Stacktrace::from_frames_reversed(frames)?;
    Some(Stacktrace { frames_omitted, ..trace })
}

/// A frame for the server to read.
pub(super) fn bare(address: usize) -> Frame {
    Frame { instruction_addr: Some(Addr(address as u64)), ..Frame::default() }
}

/// Servers step back from return addresses into the call themselves, but for the newest frame, where they expect the
/// faulting instruction: so that one is given as it is meant.
fn step_back(frames: &mut [Frame]) {
    let newest = frames.first().and_then(|frame| frame.instruction_addr);
    for frame in frames.iter_mut().take_while(|frame| frame.instruction_addr == newest) {
        frame.instruction_addr = newest.map(|address| Addr(address.0.saturating_sub(1)));
    }
}

/// The library that looks up symbols has a lock of its own, which a fork may find taken: for ever, in the child. There,
/// addresses are all there is.
struct LookUps;

static INSIDE: AtomicUsize = AtomicUsize::new(0);

impl LookUps {
    fn enter() -> Option<Self> {
        static LAST: AtomicU32 = AtomicU32::new(0);
        static IS_LOST: AtomicBool = AtomicBool::new(false);
        let generation = fork::generation();
        // The first in this process: who is inside is nobody of this process.
        if LAST.swap(generation, Ordering::AcqRel) != generation && INSIDE.swap(0, Ordering::AcqRel) > 0 {
            IS_LOST.store(true, Ordering::Release);
        }
        if IS_LOST.load(Ordering::Acquire) {
            return None;
        }
        INSIDE.fetch_add(1, Ordering::AcqRel);
        Some(Self)
    }
}

impl Drop for LookUps {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Frames by address, dropped whole when full: what a program captures repeatedly is back at once.
struct Cache {
    most: usize,
    frames: HashMap<usize, Arc<[Frame]>>,
}

impl Cache {
    fn new(most: usize) -> Self {
        Self { most, frames: HashMap::new() }
    }

    fn get(&self, address: usize) -> Option<Arc<[Frame]>> {
        self.frames.get(&address).map(Arc::clone)
    }

    /// Returns what had to go, to be dropped outside the lock.
    fn put(&mut self, address: usize, frames: Arc<[Frame]>) -> Option<HashMap<usize, Arc<[Frame]>>> {
        let full = self.frames.len() >= self.most && !self.frames.contains_key(&address);
        let displaced = full.then(|| std::mem::take(&mut self.frames));
        self.frames.insert(address, frames);
        displaced
    }
}

/// Addresses kept with their frames, about half a kilobyte each.
const CACHED: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn named(address: usize, names: &[&str]) -> Arc<[Frame]> {
        let address = Some(Addr(address as u64));
        let frame = |name: &&str| Frame {
            function: Some((*name).to_owned()),
            lineno: Some(1),
            instruction_addr: address,
            ..Frame::default()
        };
        names.iter().map(frame).collect()
    }

    /// A process in which address 10 is an inlined call, 90 the runtime's start and below 0x1000 all is known.
    fn process(address: usize) -> Arc<[Frame]> {
        match address {
            5 => named(5, &["sentry_core::capture"]),
            10 => named(10, &["app::inlined", "app::outer"]),
            90 => named(90, &["std::sys::backtrace::__rust_begin_short_backtrace"]),
            91.. => panic!("older than the start marker, yet resolved"),
            _ => named(address, &["app::f"]),
        }
    }

    fn functions(trace: &Stacktrace) -> Vec<&str> {
        trace.frames.iter().filter_map(|frame| frame.function.as_deref()).collect()
    }

    #[test]
    fn reading_stops_at_the_runtimes_start_and_begins_at_the_caller() {
        let trace = read(&[5, 10, 20, 90, 95], Origin::Call, process).unwrap();
        assert_eq!(functions(&trace), ["app::f", "app::outer", "app::inlined"]);
        let addresses: Vec<_> = trace.frames.iter().map(|frame| frame.instruction_addr.unwrap().0).collect();
        assert_eq!(addresses, [20, 9, 9], "the newest call, with what is inlined in it, is not a return address");
        assert_eq!(trace.frames_omitted, None);
    }

    #[test]
    fn a_gap_is_told_in_the_order_of_the_trace() {
        let trace = read(&[5, 10, 20, GAP, 7, 30, 40, 90], Origin::Call, process).unwrap();
        assert_eq!(functions(&trace), ["app::f", "app::f", "app::f", "app::outer", "app::inlined"]);
        assert_eq!(trace.frames_omitted, Some((2, 9)));
    }

    #[test]
    fn nothing_makes_no_trace() {
        assert_eq!(read(&[], Origin::Panic, process), None);
        assert_eq!(read(&[GAP], Origin::Panic, process), None);
    }

    #[test]
    fn an_unknown_address_is_a_frame_for_the_server_to_read() {
        let frames = frames_at(1);
        assert_eq!(*frames, [bare(1)]);
    }

    #[test]
    fn a_stripped_program_is_not_searched() {
        let trace = read(&[3, 10, 95], Origin::Panic, |address| match address {
            3 => [bare(3)].into(),
            _ => panic!("resolved {address}"),
        });
        assert_eq!(trace.unwrap().frames, [bare(95), bare(10), bare(2)]);
    }

    #[test]
    fn what_makes_a_difference_is_part_of_the_key() {
        let options = ClientOptions::new().frame_context_lines(3);
        let key_of = |options: &ClientOptions| key(&[1, 2], Origin::Call, options);
        assert_eq!(key_of(&options), key_of(&options.clone()));
        assert_ne!(key_of(&options), key_of(&ClientOptions::new().frame_context_lines(4)));
        assert_ne!(key_of(&options), key(&[1, 2], Origin::Panic, &options));
        assert_ne!(key_of(&options), key(&[2, 2], Origin::Call, &options));
        assert_eq!(key_of(&ClientOptions::new().in_app_include(["shop"])), None);
    }

    #[test]
    fn a_full_cache_starts_again() {
        let mut cache = Cache::new(2);
        assert!(cache.put(1, named(1, &["a"])).is_none());
        assert!(cache.put(2, named(2, &["b"])).is_none());
        assert!(cache.put(2, named(2, &["b"])).is_none(), "known already");
        assert_eq!(cache.put(3, named(3, &["c"])).map(|displaced| displaced.len()), Some(2));
        assert!(cache.get(1).is_none());
        assert_eq!(cache.get(3).unwrap()[0].function.as_deref(), Some("c"));
    }
}
