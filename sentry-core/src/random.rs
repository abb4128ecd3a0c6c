//! The only source of randomness: words of the operating system, drawn by the buffer-full for each thread.
//!
//! An event id costs 16 random bytes; asking the kernel for each would be a system call on the caller's thread.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};

use uuid::Uuid;

use crate::fork;

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
    static BUFFER: RefCell<Buffer> = const { RefCell::new(Buffer { words: [0; WORDS], used: 0, left: 0, generation: 0 }) };
}

/// How many words are asked for at once, and how often each of them is used.
const WORDS: usize = 32;
const USES: u64 = 64;
const WORD_BYTES: usize = size_of::<u64>();

/// Random words. The kernel takes longer for each than all that is done with it, so each is used several times, every time
/// as another number: no two of them are the same but by chance, and no secret depends on them.
struct Buffer {
    words: [u64; WORDS],
    /// How many words were used this time.
    used: usize,
    /// How often the words can be used again.
    left: u64,
    /// Of which process they are: a fork must not draw the same.
    generation: u32,
}

impl Buffer {
    fn draw(&mut self, into: &mut [u8]) {
        for chunk in into.chunks_mut(WORD_BYTES) {
            let word = self.next().to_ne_bytes();
            for (to, from) in chunk.iter_mut().zip(word) {
                *to = from;
            }
        }
    }

    fn next(&mut self) -> u64 {
        if self.generation != fork::generation() {
            self.generation = fork::generation();
            self.left = 0;
        }
        if self.used >= WORDS || self.left == 0 {
            self.used = 0;
            self.left = self.left.checked_sub(1).filter(|left| *left > 0).unwrap_or_else(|| {
                let mut bytes = [0; WORDS * WORD_BYTES];
                from_system(&mut bytes);
                for (word, bytes) in self.words.iter_mut().zip(bytes.chunks_exact(WORD_BYTES)) {
                    *word = bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
                }
                USES
            });
        }
        let word = self.words.get(self.used).copied().unwrap_or_default();
        self.used += 1;
        mix(word.wrapping_add(self.left.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
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
    fn words_that_are_used_again_make_other_numbers() {
        let mut bytes = vec![0; WORDS * WORD_BYTES * 3 * 64];
        fill(&mut bytes);
        let drawn: std::collections::HashSet<&[u8]> = bytes.chunks(WORD_BYTES).collect();
        assert_eq!(drawn.len(), bytes.len() / WORD_BYTES);
        // Each bit is as often set as not: 3 x 2048 words, and five standard deviations.
        for bit in 0..64 {
            let set = drawn.iter().filter(|word| word[bit / 8] >> (bit % 8) & 1 == 1).count();
            assert!((2_876..=3_268).contains(&set), "bit {bit}: {set}");
        }
    }

    #[test]
    fn draws_of_any_length_are_filled() {
        for length in 0..40 {
            let mut bytes = vec![0; length];
            fill(&mut bytes);
            assert!(length < 8 || bytes.iter().any(|byte| *byte != 0));
        }
    }
}
