//! A user's event processor, shared by every scope that inherited it.

use std::fmt;
use std::panic::RefUnwindSafe;
use std::sync::Arc;

use crate::caught::caught;
use crate::protocol::Event;

/// `None` only while it is dropped.
#[derive(Clone)]
pub(crate) struct EventProcessor(Option<Arc<Process>>);

type Process = dyn Fn(Event<'static>) -> Option<Event<'static>> + Send + Sync + RefUnwindSafe;

impl EventProcessor {
    pub(super) fn new<F>(process: F) -> Self
    where
        F: Fn(Event<'static>) -> Option<Event<'static>> + Send + Sync + RefUnwindSafe + 'static,
    {
        Self(Some(Arc::new(process)))
    }

    pub(crate) fn process(&self, event: Event<'static>) -> Option<Event<'static>> {
        match &self.0 {
            Some(process) => process(event),
            None => Some(event),
        }
    }
}

/// What it captured is the program's, whose destructors may do anything: also while an event is being finished.
impl Drop for EventProcessor {
    fn drop(&mut self) {
        if let Some(process) = self.0.take() {
            let _ = caught(|| drop(process));
        }
    }
}

impl fmt::Debug for EventProcessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventProcessor")
    }
}
