//! What the SDK says about itself: one line for each kind of problem, to standard error or to a callback.
//!
//! A melting program must not drown in our remarks, so each problem is said once and then counted; and a closed
//! standard error must not hurt anyone, so failures to write are ignored. Messages never carry keys or user data.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::sync::Arc;

use crate::caught::caught;
use crate::suppress;
use crate::sync::Mutex;

/// Where diagnostic lines go instead of standard error, see [`ClientOptions::diagnostics`](crate::ClientOptions::diagnostics).
pub type DiagnosticsCallback = Arc<dyn Fn(&str) + Send + Sync>;

/// A cheap handle on a client's diagnostics; clones share the counts.
#[derive(Clone)]
pub struct Diagnostics(Arc<Shared>);

struct Shared {
    debug: bool,
    callback: Option<DiagnosticsCallback>,
    said: Mutex<BTreeMap<&'static str, u64>>,
}

impl Diagnostics {
    /// With `debug`, remarks are said too and not only faults; with a callback, it gets the lines.
    #[must_use]
    pub fn new(debug: bool, callback: Option<DiagnosticsCallback>) -> Self {
        Self(Arc::new(Shared { debug, callback, said: Mutex::new(BTreeMap::new()) }))
    }

    /// A fault that a person must hear of even without `debug`: said the first time `problem` is met, then counted.
    pub fn fault(&self, problem: &'static str, message: fmt::Arguments<'_>) {
        if self.count(problem) == 1 {
            self.say(message);
        }
    }

    /// A remark for who asked with `debug(true)`: said the first time `problem` is met, then counted.
    pub fn remark(&self, problem: &'static str, message: fmt::Arguments<'_>) {
        if self.0.debug && self.count(problem) == 1 {
            self.say(message);
        }
    }

    /// How often `problem` was met so far. Remarks are only counted with `debug`.
    #[must_use]
    pub fn times(&self, problem: &str) -> u64 {
        self.0.said.lock().get(problem).copied().unwrap_or(0)
    }

    fn count(&self, problem: &'static str) -> u64 {
        let mut said = self.0.said.lock();
        let times = said.entry(problem).or_insert(0);
        *times = times.saturating_add(1);
        *times
    }

    fn say(&self, message: fmt::Arguments<'_>) {
        let line = format!("sentry: {message}");
        match &self.0.callback {
            Some(callback) => {
                let _guard = suppress::enter();
                // A callback that panics has had its chance; there is no one left to tell.
                let _ = caught(|| callback(&line));
            }
            None => {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }
}

impl Default for Diagnostics {
    fn default() -> Self {
        Self::new(false, None)
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagnostics").field("debug", &self.0.debug).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(debug: bool) -> (Diagnostics, Arc<Mutex<Vec<String>>>) {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let callback: DiagnosticsCallback = Arc::new(move |line: &str| sink.lock().push(line.to_owned()));
        (Diagnostics::new(debug, Some(callback)), lines)
    }

    #[test]
    fn a_problem_is_said_once_and_counted() {
        let (diagnostics, lines) = recording(false);
        for n in 0..3 {
            diagnostics.fault("dsn", format_args!("no good, {n}"));
        }
        assert_eq!(*lines.lock(), ["sentry: no good, 0"]);
        assert_eq!(diagnostics.times("dsn"), 3);
    }

    #[test]
    fn remarks_are_for_debug_only() {
        let (quiet, lines) = recording(false);
        quiet.remark("queue", format_args!("full"));
        assert!(lines.lock().is_empty());
        let (loud, lines) = recording(true);
        loud.remark("queue", format_args!("full"));
        assert_eq!(lines.lock().len(), 1);
    }

    #[test]
    fn a_panicking_callback_is_survived() {
        let callback: DiagnosticsCallback = Arc::new(|_: &str| std::panic::resume_unwind(Box::new(())));
        Diagnostics::new(false, Some(callback)).fault("x", format_args!("y"));
        assert!(!suppress::is_active());
    }
}
