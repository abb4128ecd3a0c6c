//! What is known of an event beside the event itself, for the hook that asks for it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::capture::{Body, Capture};
use crate::caught::caught;
use crate::protocol::Exception;
use crate::suppress;

/// What is known of an event beside the event, see
/// [`ClientOptions::before_send_with_hint`](field@crate::ClientOptions::before_send_with_hint).
///
/// It owns all it says: the hook runs long after the capture, on another thread.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Hint {
    /// Whether it leaves before everything else: it is a panic, or of level `fatal`.
    pub is_urgent: bool,
    /// Whether the process is about to die of it.
    pub is_crash: bool,
    /// The name of the thread that captured it, if its stack was taken and it has a name.
    pub thread_name: Option<String>,
    /// The types of the error and its sources, the outermost first, with their paths where those are known.
    pub error_types: Vec<String>,
    error: SharedError,
}

impl Hint {
    pub(crate) fn of(capture: &Capture) -> Self {
        let named =
            |ty: &str, module: Option<&str>| module.map_or_else(|| ty.to_owned(), |path| format!("{path}::{ty}"));
        let types = |exceptions: &[Exception]| {
            exceptions.iter().rev().map(|exception| named(&exception.ty, exception.module.as_deref())).collect()
        };
        let error_types = match &capture.body {
            Body::Message(_) => Vec::new(),
            Body::Error(chain) => chain.iter().map(|link| named(&link.ty, link.module)).collect(),
            Body::Event(event) => types(&event.exception.values),
            Body::Draft(draft) => types(draft.exceptions()),
        };
        Self {
            is_urgent: capture.urgent,
            is_crash: capture.is_crash,
            thread_name: capture.stacks.iter().find_map(|stack| stack.thread_name.clone()),
            error_types,
            error: capture.error.clone(),
        }
    }

    /// The error itself, if it was captured with [`capture_error_owned`](crate::capture_error_owned): there to be
    /// downcast.
    #[must_use]
    pub fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.error.0.as_deref()
    }
}

/// An error that a capture keeps for its hint. Where the last one lets go of it, its destructor runs: somebody's code.
#[derive(Clone, Default)]
pub(crate) struct SharedError(Option<Arc<dyn Error + Send + Sync>>);

impl SharedError {
    pub(crate) fn new(error: Arc<dyn Error + Send + Sync>) -> Self {
        Self(Some(error))
    }

    /// Its own memory, in bytes; what it points to is not known.
    pub(crate) fn bytes(&self) -> usize {
        self.0.as_deref().map_or(0, size_of_val)
    }
}

impl Drop for SharedError {
    fn drop(&mut self) {
        if let Some(error) = self.0.take() {
            let _mark = suppress::enter();
            let _ = caught(|| drop(error));
        }
    }
}

impl fmt::Debug for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its own `Debug` is somebody's code as well.
        f.debug_tuple("SharedError").field(&self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Event, Exception, Level};

    #[derive(Debug)]
    struct PanicsWhenDropped;
    impl fmt::Display for PanicsWhenDropped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text")
        }
    }
    impl Error for PanicsWhenDropped {}
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new(()));
        }
    }

    #[test]
    fn a_destructor_that_panics_is_survived() {
        drop(SharedError::new(Arc::new(PanicsWhenDropped)));
        assert!(!suppress::is_active());
    }

    #[test]
    fn types_are_listed_outermost_first_with_their_paths() {
        let exception = |ty: &str, module: Option<&str>| Exception {
            ty: ty.to_owned(),
            module: module.map(str::to_owned),
            ..Exception::default()
        };
        let exceptions = vec![exception("Root", None), exception("Outer", Some("app::db"))];
        let event = Event { level: Level::Fatal, exception: exceptions.into(), ..Event::new() };
        let hint = Hint::of(&Capture::from_event(event));
        assert_eq!(hint.error_types, ["app::db::Outer", "Root"]);
        assert!(hint.is_urgent && !hint.is_crash && hint.error().is_none());
    }
}
