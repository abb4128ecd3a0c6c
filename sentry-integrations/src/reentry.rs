//! Loggers inside of loggers: a filter, a mapper or a `Display` that logs in its turn, or panics.

use std::cell::Cell;

use sentry_core::{caught, suppress};

/// What a filter or mapper of the program says. `None` if it panics, in the SDK's own work, and inside of a filter or mapper:
/// what those log themselves would be asked about for ever.
pub(crate) fn ask<R>(question: impl FnOnce() -> R) -> Option<R> {
    if DEPTH.get() >= MAX_DEPTH || suppress::is_active() {
        return None;
    }
    let _deeper = Deeper::to(MAX_DEPTH);
    caught(question)
}

/// Notes a record. What the program logs while it describes one (in a `Display`) is noted too; but not to any depth, since
/// what describes itself by logging itself would never end.
pub(crate) fn note(work: impl FnOnce()) {
    // What is lost by a panic is the program's, and its panic hook was told.
    deeper(|| _ = caught(work));
}

/// As [`note`], where the program's code is guarded as it is called, or may unwind.
#[inline]
pub(crate) fn deeper(work: impl FnOnce()) {
    let depth = DEPTH.get();
    if depth < MAX_DEPTH && !suppress::is_active() {
        let _deeper = Deeper::to(depth + 1);
        work();
    }
}

/// So many records inside of each other are noted.
const MAX_DEPTH: u8 = 4;

thread_local! {
    // Without a destructor, so it can be read for as long as the thread runs any code at all.
    static DEPTH: Cell<u8> = const { Cell::new(0) };
}

struct Deeper {
    before: u8,
}

impl Deeper {
    fn to(depth: u8) -> Self {
        Self { before: DEPTH.replace(depth) }
    }
}

impl Drop for Deeper {
    fn drop(&mut self) {
        DEPTH.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_nest_to_a_depth() {
        fn deeper(count: &Cell<u32>) {
            count.set(count.get() + 1);
            note(|| deeper(count));
        }
        let count = Cell::new(0);
        deeper(&count);
        assert_eq!(count.get(), 1 + u32::from(MAX_DEPTH));
        assert_eq!(DEPTH.get(), 0);
    }

    #[test]
    fn inside_of_a_question_nothing_is_asked_or_noted() {
        let inner = ask(|| {
            note(|| panic!("noted"));
            ask(|| ())
        });
        assert_eq!(inner, Some(None));
    }

    #[test]
    fn a_panic_is_no_answer_and_ends_the_depth() {
        assert_eq!(ask(|| std::panic::resume_unwind(Box::new(()))), None::<()>);
        note(|| std::panic::resume_unwind(Box::new(())));
        assert_eq!(ask(|| 7), Some(7));
    }

    #[test]
    fn nothing_is_asked_in_the_work_of_the_sdk() {
        let _mark = suppress::enter();
        assert_eq!(ask(|| 7), None);
        note(|| panic!("noted"));
    }
}
