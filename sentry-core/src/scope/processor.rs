//! A user's event processor, shared by every scope that inherited it.

use std::fmt;
use std::panic::RefUnwindSafe;
use std::sync::Arc;

use crate::protocol::Event;

#[derive(Clone)]
pub(crate) struct EventProcessor(Arc<dyn Fn(Event<'static>) -> Option<Event<'static>> + Send + Sync + RefUnwindSafe>);

impl EventProcessor {
    pub(super) fn new<F>(process: F) -> Self
    where
        F: Fn(Event<'static>) -> Option<Event<'static>> + Send + Sync + RefUnwindSafe + 'static,
    {
        Self(Arc::new(process))
    }

    pub(crate) fn process(&self, event: Event<'static>) -> Option<Event<'static>> {
        (self.0)(event)
    }
}

impl fmt::Debug for EventProcessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventProcessor")
    }
}
