//! Stack traces that a process of the past left as bare addresses: read here, if the same code is loaded here.

use std::ops::Range;
use std::sync::Arc;

use sentry_core::protocol::{Addr, DebugImage, Event, Frame, Stacktrace, SymbolicDebugImage};

use super::capture::GAP;
use super::resolver::{bare, frames_at, read};
use super::trim::Origin;
use crate::debug_images::loaded;

/// Reads all stack traces of `event` that are bare, by the images that it brings. Only code with the same build id is
/// taken for the same; the rest is left for the server, which may have its symbols. The addresses stay those of the
/// images.
pub(super) fn recover(event: &mut Event<'static>) {
    let here = loaded();
    let moved: Vec<Moved> = event.debug_meta.images.iter().filter_map(|image| Moved::of(image, &here)).collect();
    let exceptions = event.exception.values.iter_mut().filter_map(|exception| {
        let is_panic = exception.mechanism.as_ref().is_some_and(|mechanism| mechanism.ty == PANIC);
        exception.stacktrace.as_mut().map(|trace| (trace, if is_panic { Origin::Panic } else { Origin::Call }))
    });
    let threads = event.threads.values.iter_mut().filter_map(|thread| thread.stacktrace.as_mut());
    let others = threads.chain(event.stacktrace.as_mut()).map(|trace| (trace, Origin::Call));
    for (trace, origin) in exceptions.chain(others).filter(|(trace, _)| trace.frames.iter().all(is_bare)) {
        let read = read(&addresses(trace), origin, |address| frames_of(address, &moved));
        if let Some(read) = read {
            *trace = read;
        }
    }
}

/// Code that was loaded there and is loaded here.
struct Moved {
    there: Range<u64>,
    here: u64,
}

impl Moved {
    fn of(image: &DebugImage, here: &[DebugImage]) -> Option<Self> {
        let image = symbolic(image).filter(|image| !image.id.is_nil())?;
        let same = here.iter().filter_map(symbolic).find(|other| other.id == image.id)?;
        let start = image.image_addr.0;
        Some(Self { there: start..start.saturating_add(image.image_size), here: same.image_addr.0 })
    }

    fn find(&self, address: u64) -> Option<usize> {
        let offset = address.checked_sub(self.there.start).filter(|_| self.there.contains(&address))?;
        usize::try_from(self.here.checked_add(offset)?).ok()
    }
}

fn symbolic(image: &DebugImage) -> Option<&SymbolicDebugImage> {
    if let DebugImage::Symbolic(image) = image { Some(image) } else { None }
}

/// The frames at an address of there, which they keep.
fn frames_of(address: usize, moved: &[Moved]) -> Arc<[Frame]> {
    let there = address as u64;
    let Some(here) = moved.iter().find_map(|image| image.find(there)) else { return [bare(address)].into() };
    let frames = frames_at(here);
    frames.iter().map(|frame| Frame { instruction_addr: Some(Addr(there)), ..frame.clone() }).collect()
}

/// As the capturing thread took them: newest first, with the gap.
fn addresses(trace: &Stacktrace) -> Vec<usize> {
    let newest_first = trace.frames.iter().rev().filter_map(|frame| frame.instruction_addr);
    let mut addresses: Vec<usize> = newest_first.filter_map(|address| usize::try_from(address.0).ok()).collect();
    if let Some((from, to)) = trace.frames_omitted {
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let newer = addresses.len().saturating_sub(count(from));
        addresses.splice(newer..newer, [GAP, count(to.saturating_sub(from))]);
    }
    addresses
}

fn is_bare(frame: &Frame) -> bool {
    frame.function.is_none() && frame.filename.is_none() && frame.instruction_addr.is_some()
}

/// The mechanism of what the panic integration captures.
const PANIC: &str = "panic";

#[cfg(test)]
mod tests {
    use super::*;
    use sentry_core::protocol::Exception;

    /// An event with the stack of this function as another process would have recorded it, loaded elsewhere.
    #[inline(never)]
    fn recorded(shift: u64, change_id: bool) -> Event<'static> {
        let addresses = super::super::capture::addresses();
        let frame =
            |address: &usize| Frame { instruction_addr: Some(Addr(*address as u64 + shift)), ..Frame::default() };
        let trace = Stacktrace::from_frames_reversed(addresses.iter().map(frame).collect());
        let exception = Exception { stacktrace: trace, ..Exception::default() };
        let mut event = Event { exception: vec![exception].into(), ..Event::default() };
        let images = loaded().to_vec().into_iter().map(|mut image| {
            if let DebugImage::Symbolic(image) = &mut image {
                image.image_addr.0 += shift;
                if change_id {
                    image.id = "494f3aea-88fa-4296-9644-fa8ef5d139b6-1234".parse().unwrap();
                }
            }
            image
        });
        event.debug_meta.to_mut().images = images.collect();
        event
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_same_code_is_read_wherever_it_was_loaded() {
        let mut event = recorded(0x10_0000, false);
        let before = event.exception[0].stacktrace.clone().unwrap();
        recover(&mut event);
        let trace = event.exception[0].stacktrace.as_ref().unwrap();
        let newest = trace.frames.last().unwrap();
        // The frames of this crate are the SDK's, and cut; this closure is called from outside.
        assert!(newest.function.as_deref().unwrap().contains("wherever_it_was_loaded"), "{newest:?}");
        assert!(newest.lineno.is_some());
        let addresses = before.frames.iter().map(|frame| frame.instruction_addr.unwrap().0);
        let addresses: Vec<u64> = addresses.collect();
        let at = newest.instruction_addr.unwrap().0 + 1;
        assert!(addresses.contains(&at), "the address is the one of there");
    }

    #[test]
    fn other_code_is_left_for_the_server() {
        let mut event = recorded(0, true);
        let count = event.exception[0].stacktrace.as_ref().unwrap().frames.len();
        recover(&mut event);
        let frames = &event.exception[0].stacktrace.as_ref().unwrap().frames;
        assert!(frames.len() == count && frames.iter().all(is_bare));
    }

    #[test]
    fn a_gap_is_where_it_was() {
        let frame = |address| Frame { instruction_addr: Some(Addr(address)), ..Frame::default() };
        let trace = Stacktrace { frames: [4, 3, 2, 1].map(frame).into(), ..Stacktrace::default() };
        let trace = Stacktrace { frames_omitted: Some((3, 10)), ..trace };
        assert_eq!(addresses(&trace), [1, GAP, 7, 2, 3, 4]);
    }
}
