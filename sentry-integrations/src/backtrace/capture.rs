//! Takes the calling thread's stack as addresses, within a bound, for reading later.

use sentry_core::protocol::{Stacktrace, ThreadId};
use sentry_core::{ClientOptions, RawStack, StackTarget};

use super::{native, thread};

/// The calling thread and its stack. Costs the unwinding (about 0.1 µs a frame) and two small allocations.
pub(crate) fn raw_stack(target: StackTarget, resolve: fn(&RawStack, &ClientOptions) -> Option<Stacktrace>) -> RawStack {
    RawStack {
        addresses: addresses(),
        target,
        thread_id: Some(ThreadId::Int(thread::id())),
        thread_name: thread::name(),
        resolve,
    }
}

/// Return addresses, newest call first; see [`Ends`] for very deep stacks.
pub(super) fn addresses() -> Box<[usize]> {
    let mut ends = Ends::new(KEPT);
    let mut left = WALKED;
    native::unwind(|address| {
        ends.push(address);
        left -= 1;
        left > 0
    });
    ends.finish()
}

/// Both ends of a list whose length is not known beforehand, in bounded memory (spec STK-09).
///
/// When something is left out in between, the result is the newest addresses, [`GAP`], the number left out, and the
/// oldest addresses.
struct Ends {
    kept: usize,
    newest: Vec<usize>,
    /// A ring, once it is full: the next address replaces the one at `next`.
    oldest: Vec<usize>,
    next: usize,
    omitted: usize,
}

impl Ends {
    fn new(kept: usize) -> Self {
        Self { kept, newest: Vec::with_capacity(USUAL), oldest: Vec::new(), next: 0, omitted: 0 }
    }

    fn push(&mut self, address: usize) {
        if address == GAP {
            return;
        }
        if self.newest.len() < self.kept {
            self.newest.push(address);
        } else if self.oldest.len() < self.kept {
            self.oldest.push(address);
        } else if let Some(slot) = self.oldest.get_mut(self.next) {
            *slot = address;
            self.next = (self.next + 1) % self.kept;
            self.omitted += 1;
        }
    }

    fn finish(mut self) -> Box<[usize]> {
        if self.omitted > 0 {
            self.newest.extend([GAP, self.omitted]);
        }
        self.oldest.rotate_left(self.next);
        self.newest.append(&mut self.oldest);
        self.newest.into_boxed_slice()
    }
}

/// Stands where addresses were left out; the element after it is their number. No code lives at address 0.
pub(super) const GAP: usize = 0;
/// How many addresses are kept at each end.
const KEPT: usize = 500;
/// How far a runaway recursion is followed, so that its capture ends: at worst two milliseconds.
const WALKED: usize = 16_384;
/// Most stacks need no second allocation.
const USUAL: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(addresses: std::ops::RangeInclusive<usize>) -> Vec<usize> {
        let mut ends = Ends::new(3);
        addresses.for_each(|address| ends.push(address));
        ends.finish().into_vec()
    }

    #[test]
    fn short_stacks_are_whole() {
        assert_eq!(kept(1..=2), [1, 2]);
        assert_eq!(kept(1..=3), [1, 2, 3]);
        assert_eq!(kept(1..=6), [1, 2, 3, 4, 5, 6]);
        assert_eq!(kept(0..=1), [1], "null is not an address");
    }

    #[test]
    fn deep_stacks_keep_both_ends_in_order() {
        assert_eq!(kept(1..=7), [1, 2, 3, GAP, 1, 5, 6, 7]);
        assert_eq!(kept(1..=8), [1, 2, 3, GAP, 2, 6, 7, 8]);
        assert_eq!(kept(1..=100), [1, 2, 3, GAP, 94, 98, 99, 100]);
    }

    #[inline(never)]
    fn dive(depth: usize) -> Box<[usize]> {
        let addresses = if depth == 0 { addresses() } else { dive(depth - 1) };
        std::hint::black_box(addresses)
    }

    #[test]
    fn a_real_deep_stack_is_bounded() {
        let taken = std::thread::Builder::new().stack_size(64 << 20).spawn(|| dive(3000)).unwrap().join().unwrap();
        assert_eq!(taken.len(), 2 * KEPT + 2);
        assert_eq!(taken[KEPT], GAP);
        assert!(taken[KEPT + 1] > 2000 - 10 && taken[KEPT + 1] < 2100, "{}", taken[KEPT + 1]);
    }
}
