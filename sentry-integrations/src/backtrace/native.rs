//! The only file that names the crate `backtrace`: unwinding the stack, and symbols for an address.

use ::backtrace::{Backtrace, BacktraceSymbol, Symbol};
use sentry_core::protocol::{Addr, Frame, Stacktrace};

use super::{function, path, resolver};

/// Calls `visit` with the return address of every frame of the calling thread, newest first, until it says `false`.
/// `visit` must not panic: the unwinder's C code is below it.
#[expect(unsafe_code, reason = "the safe variant shares a lock with symbolication, which callers would wait for")]
pub(super) fn unwind(mut visit: impl FnMut(usize) -> bool) {
    // SAFETY: the lock that is missing here guards the symbol tables of `backtrace` (and dbghelp on Windows, whose
    // 64-bit unwinder does not use it). Unwinding only reads this thread's stack and tables that the loader guards.
    unsafe { ::backtrace::trace_unsynchronized(|frame| visit(frame.ip().addr())) }
}

/// The calls at a return address, newest first: inlined ones are frames of their own. Empty when nothing is known.
///
/// Slow the first time for each file mapped into the process: its debug information is read.
pub(super) fn symbols(address: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    // `resolve` steps back by one itself, from the return address into the call.
    ::backtrace::resolve(std::ptr::without_provenance_mut(address), |symbol| frames.push(symbol.frame(address)));
    frames
}

/// Has the library let go of the debug information it read.
pub(super) fn forget() {
    ::backtrace::clear_symbol_cache();
}

/// Turns a `backtrace::Backtrace` into a stack trace, newest frame last. `None` when it is empty.
///
/// Frames that were not resolved are resolved here, on the calling thread. `in_app` is left open:
/// [`process_event_stacktrace`](super::process_event_stacktrace) decides it, and cuts the SDK's own frames off.
#[must_use]
pub fn backtrace_to_stacktrace(bt: &Backtrace) -> Option<Stacktrace> {
    let mut frames = Vec::new();
    for frame in bt.frames() {
        let address = frame.ip().addr();
        if frame.symbols().is_empty() {
            frames.extend(resolver::frames_at(address).iter().cloned());
        } else {
            frames.extend(frame.symbols().iter().map(|symbol| symbol.frame(address)));
        }
        if frames.last().is_some_and(super::trim::is_start) {
            break;
        }
    }
    super::trim::cut_oldest(&mut frames);
    Stacktrace::from_frames_reversed(frames)
}

/// What the two symbol types of `backtrace` have in common.
trait ToFrame {
    fn frame(&self, address: usize) -> Frame;
}

impl ToFrame for Symbol {
    fn frame(&self, address: usize) -> Frame {
        let name = self.name().map(|name| format!("{name:#}"));
        let path = self.filename().map(|path| path.to_string_lossy());
        make(address, name.as_deref(), path.as_deref(), self.lineno(), self.colno())
    }
}

impl ToFrame for BacktraceSymbol {
    fn frame(&self, address: usize) -> Frame {
        let name = self.name().map(|name| format!("{name:#}"));
        let path = self.filename().map(|path| path.to_string_lossy());
        make(address, name.as_deref(), path.as_deref(), self.lineno(), self.colno())
    }
}

fn make(address: usize, name: Option<&str>, file: Option<&str>, line: Option<u32>, column: Option<u32>) -> Frame {
    let function = name.map(function::clean);
    let module = function.as_deref().and_then(function::module).map(str::to_owned);
    Frame {
        package: file
            .and_then(path::package)
            .or_else(|| function.as_deref().and_then(function::crate_root).map(str::to_owned)),
        // Debug information without paths in names has them in the files of libraries.
        module: module.or_else(|| file.filter(|_| function.is_some()).and_then(path::module)),
        function,
        filename: file.map(path::filename),
        abs_path: file.filter(|file| path::is_absolute(file)).map(str::to_owned),
        // Line 0 is the compiler's "no line".
        lineno: line.filter(|line| *line > 0).map(u64::from),
        colno: column.filter(|column| *column > 0).map(u64::from),
        instruction_addr: Some(Addr(address as u64)),
        ..Frame::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_address_is_read_as_its_call_and_kept_as_it_is() {
        let mut addresses = Vec::new();
        unwind(|address| {
            addresses.push(address);
            addresses.len() < 64
        });
        let this = "a_return_address_is_read_as_its_call_and_kept_as_it_is";
        let frames: Vec<_> = addresses.iter().flat_map(|address| symbols(*address)).collect();
        let named = |frame: &&Frame| frame.function.as_deref().is_some_and(|name| name.ends_with(this));
        let here = frames.iter().find(named).unwrap();
        let address = here.instruction_addr.unwrap().0 as usize;
        assert!(addresses.contains(&address), "{here:?}");
        assert_eq!(here.filename.as_deref(), Some("src/backtrace/native.rs"));
    }

    #[test]
    fn an_address_of_nothing_has_no_symbols() {
        assert!(symbols(1).is_empty());
        assert!(symbols(0).is_empty());
    }
}
