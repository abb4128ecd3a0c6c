//! Calling code that may panic: users' hooks, `Display`s and destructors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `run` returns, or `None` when it panics.
#[inline]
pub fn caught<R>(run: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => Some(result),
        Err(payload) => {
            forget(payload);
            None
        }
    }
}

/// Dropping a payload runs the destructor of somebody's type, which may panic in its turn; the payload of that panic is left
/// alone.
#[cold]
fn forget(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_that_panics_when_dropped_is_survived() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                std::panic::resume_unwind(Box::new(Bomb2));
            }
        }
        struct Bomb2;
        impl Drop for Bomb2 {
            fn drop(&mut self) {
                std::process::abort();
            }
        }
        assert_eq!(caught(|| std::panic::resume_unwind(Box::new(Bomb))), None::<()>);
        assert_eq!(caught(|| 7), Some(7));
    }
}
