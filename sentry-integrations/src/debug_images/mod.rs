//! Debug images: which files the addresses of a stack trace belong to, so that the server can find their symbols when
//! the program carries none.

mod build_id;
#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "sys/elf.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "sys/other.rs")]
mod sys;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use sentry_core::fork::{Heir, PerProcess};
use sentry_core::protocol::{DebugImage, Event, Stacktrace};
use sentry_core::{ClientOptions, Integration};

/// Adds the images that the addresses in an event's stack traces lie in.
///
/// Only those: a program has dozens of libraries loaded, and an event needs two or three. Events without addresses,
/// with images of their own or of another platform are left alone. Works where events are finished; the list of images
/// is kept and read again after a library was loaded or unloaded. ELF systems (Linux, Android) only.
pub struct DebugImagesIntegration {
    filter: Filter,
}

type Filter = Box<dyn Fn(&Event<'_>) -> bool + Send + Sync>;

impl DebugImagesIntegration {
    /// The integration, for all events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds images only to events for which `filter` says `true`. It runs where events are finished.
    #[must_use]
    pub fn filter<F>(mut self, filter: F) -> Self
    where
        F: Fn(&Event<'_>) -> bool + Send + Sync + 'static,
    {
        self.filter = Box::new(filter);
        self
    }
}

impl Default for DebugImagesIntegration {
    fn default() -> Self {
        Self { filter: Box::new(|_| true) }
    }
}

impl fmt::Debug for DebugImagesIntegration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DebugImagesIntegration").finish_non_exhaustive()
    }
}

impl Integration for DebugImagesIntegration {
    fn name(&self) -> &'static str {
        "debug-images"
    }

    fn process_event(&self, mut event: Event<'static>, _options: &ClientOptions) -> Option<Event<'static>> {
        add_images(&mut event, |event| (self.filter)(event));
        Some(event)
    }

    /// Whatever the filter says, which is the program's code: without them, the addresses mean nothing to another
    /// process.
    fn on_record(&self, event: &mut Event<'static>, _options: &ClientOptions) {
        add_images(event, |_| true);
    }
}

fn add_images(event: &mut Event<'static>, is_wanted: impl FnOnce(&Event<'_>) -> bool) {
    let addresses = if is_ours(event) { addresses(event) } else { Vec::new() };
    if addresses.is_empty() || !is_wanted(event) {
        return;
    }
    let images = loaded();
    let used = images.iter().filter(|image| addresses.iter().any(|address| range(image).contains(address)));
    let used: Vec<DebugImage> = used.cloned().collect();
    if !used.is_empty() {
        event.debug_meta.to_mut().images = used;
    }
}

/// The files loaded into the process: the program first, then its libraries. Empty where the system is not supported.
///
/// The first call walks the loader's list and, for images without a build id, reads a page of their file.
#[must_use]
pub fn debug_images() -> Vec<DebugImage> {
    loaded().to_vec()
}

/// How often libraries were loaded and unloaded.
pub(crate) type Generation = (u64, u64);

/// How often code was loaded into the process and unloaded.
#[cfg_attr(not(feature = "backtrace"), allow(dead_code, reason = "for the caches of `backtrace`"))]
pub(crate) fn generation() -> Generation {
    sys::generation()
}

/// The last reading, and when it was.
struct Last(Mutex<Option<(Generation, Arc<[DebugImage]>)>>);

impl Heir for Last {
    fn heir(&self) -> Self {
        Self(Mutex::new(None))
    }
}

/// The images, from the last reading if nothing changed since.
pub(crate) fn loaded() -> Arc<[DebugImage]> {
    static LAST: PerProcess<Last> = PerProcess::new(Last(Mutex::new(None)));
    let last = || LAST.get().0.lock().unwrap_or_else(PoisonError::into_inner);

    let generation = sys::generation();
    if let Some((read_at, images)) = &*last() {
        if *read_at == generation {
            return Arc::clone(images);
        }
    }
    let images: Arc<[DebugImage]> = sys::images().into();
    let outdated = last().replace((generation, Arc::clone(&images)));
    drop(outdated);
    images
}

/// Whether the addresses can be this process's: the event has no images of its own and is of a native program (`other`
/// is the platform of events that were not given one).
fn is_ours(event: &Event<'_>) -> bool {
    event.debug_meta.images.is_empty() && matches!(&*event.platform, "other" | "native" | "rust")
}

fn addresses(event: &Event<'_>) -> Vec<u64> {
    let exceptions = event.exception.values.iter().filter_map(|exception| exception.stacktrace.as_ref());
    let threads = event.threads.values.iter().filter_map(|thread| thread.stacktrace.as_ref());
    let traces = exceptions.chain(threads).chain(event.stacktrace.as_ref());
    let mut addresses: Vec<u64> = traces.flat_map(instruction_addresses).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn instruction_addresses(trace: &Stacktrace) -> impl Iterator<Item = u64> {
    trace.frames.iter().filter_map(|frame| frame.instruction_addr.map(|address| address.0))
}

fn range(image: &DebugImage) -> Range<u64> {
    match image {
        DebugImage::Symbolic(image) => image.image_addr.0..image.image_addr.0.saturating_add(image.image_size),
        _ => 0..0,
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use sentry_core::protocol::{Addr, Exception, Frame};

    use super::*;

    fn event(addresses: &[u64]) -> Event<'static> {
        let frame = |address: &u64| Frame { instruction_addr: Some(Addr(*address)), ..Frame::default() };
        let trace = Stacktrace { frames: addresses.iter().map(frame).collect(), ..Stacktrace::default() };
        let exception = Exception { stacktrace: Some(trace), ..Exception::default() };
        Event { exception: vec![exception].into(), ..Event::default() }
    }

    fn images(integration: &DebugImagesIntegration, event: Event<'static>) -> Vec<DebugImage> {
        let event = integration.process_event(event, &ClientOptions::new()).unwrap();
        event.debug_meta.images.clone()
    }

    fn here() -> u64 {
        (here as fn() -> u64 as usize) as u64
    }

    #[test]
    fn an_event_gets_the_images_of_its_addresses_and_no_more() {
        assert!(debug_images().len() > 1);
        let [DebugImage::Symbolic(image)] = &images(&DebugImagesIntegration::new(), event(&[here(), 1]))[..] else {
            panic!("one image expected");
        };
        let executable = std::env::current_exe().unwrap();
        assert_eq!(image.name, executable.to_str().unwrap());
        assert!(!image.id.is_nil());
        assert!(range(&image.clone().into()).contains(&here()));
    }

    #[test]
    fn other_events_are_left_alone() {
        let all = DebugImagesIntegration::new();
        assert!(images(&all, event(&[])).is_empty());
        assert!(images(&all, event(&[1])).is_empty());
        assert!(images(&all, Event { platform: "python".into(), ..event(&[here()]) }).is_empty());
        assert!(images(&DebugImagesIntegration::new().filter(|_| false), event(&[here()])).is_empty());
        let mut own = event(&[here()]);
        own.debug_meta.to_mut().images = debug_images().split_off(1);
        assert_eq!(images(&all, own), debug_images()[1..]);
    }

    #[test]
    fn images_do_not_overlap() {
        let mut ranges: Vec<_> = debug_images().iter().map(range).collect();
        ranges.sort_by_key(|range| range.start);
        assert!(ranges.iter().all(|range| range.start < range.end));
        assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start), "{ranges:x?}");
    }

    #[test]
    fn nothing_is_read_twice_without_a_change() {
        let (first, second) = (loaded(), loaded());
        assert!(Arc::ptr_eq(&first, &second));
    }
}
