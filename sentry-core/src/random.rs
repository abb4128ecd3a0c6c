//! The only source of randomness: operating-system bytes, drawn by the buffer-full for each thread.
//!
//! An event id costs 16 random bytes; asking the kernel for each would be a system call on the caller's thread.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};

use uuid::Uuid;

/// A random version 4 UUID.
#[must_use]
pub fn uuid() -> Uuid {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// A number that is evenly spread over `[0, 1)`.
#[must_use]
pub(crate) fn unit() -> f64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    // 53 bits are what an f64 can tell apart in [0, 1).
    (u64::from_ne_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64
}

/// Spreads a number over all others: a change of one bit is one of half of them. No two numbers become the same.
pub(crate) const fn mix(number: u64) -> u64 {
    // As SplitMix64 does at its end.
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Fills `bytes` from this thread's buffer. Never fails: where the system has nothing to give, a weaker source stands in.
pub(crate) fn fill(bytes: &mut [u8]) {
    let drawn = BUFFER.try_with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => {
            buffer.draw(bytes);
            true
        }
        Err(_) => false,
    });
    // The thread is being torn down: ask the system directly.
    if drawn != Ok(true) {
        from_system(bytes);
    }
}

thread_local! {
    static BUFFER: RefCell<Buffer> = const { RefCell::new(Buffer { bytes: [0; BUFFER_BYTES], used: BUFFER_BYTES }) };
}

const BUFFER_BYTES: usize = 512;

struct Buffer {
    bytes: [u8; BUFFER_BYTES],
    used: usize,
}

impl Buffer {
    fn draw(&mut self, into: &mut [u8]) {
        if into.len() > BUFFER_BYTES - self.used {
            from_system(&mut self.bytes);
            self.used = 0;
        }
        match self.bytes.get(self.used..self.used + into.len()) {
            Some(drawn) => {
                into.copy_from_slice(drawn);
                self.used += into.len();
            }
            // Larger than the whole buffer: nobody here asks for that much.
            None => from_system(into),
        }
    }
}

/// Bytes from the operating system. Where it has none to give (seccomp, early boot), std's hash keys and the clock
/// are stirred instead: ids must stay unique, nothing secret depends on them.
fn from_system(into: &mut [u8]) {
    if getrandom::fill(into).is_ok() {
        return;
    }
    let keys = RandomState::new();
    for (index, chunk) in into.chunks_mut(8).enumerate() {
        let mut hasher = keys.build_hasher();
        hasher.write_usize(index);
        let since = crate::clock::wall().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        hasher.write_u128(since.as_nanos());
        let word = hasher.finish().to_ne_bytes();
        for (to, from) in chunk.iter_mut().zip(word) {
            *to = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_4_and_differ() {
        let ids: std::collections::HashSet<Uuid> = (0..1000).map(|_| uuid()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.get_version_num() == 4));
    }

    #[test]
    fn unit_stays_in_range_and_moves() {
        let drawn: Vec<f64> = (0..1000).map(|_| unit()).collect();
        assert!(drawn.iter().all(|x| (0.0..1.0).contains(x)));
        assert!(drawn.iter().any(|x| *x < 0.5) && drawn.iter().any(|x| *x >= 0.5));
    }

    #[test]
    fn a_draw_larger_than_the_buffer_is_filled() {
        let mut bytes = [0; BUFFER_BYTES * 3];
        fill(&mut bytes);
        assert!(bytes.iter().any(|byte| *byte != 0));
    }
}
