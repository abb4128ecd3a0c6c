//! The plug-in point for what gathers data: integrations see captures on the caller and events before they leave.

use std::any::Any;
use std::error::Error;

use crate::capture::Capture;
use crate::options::ClientOptions;
use crate::protocol::{Event, Stacktrace, Transaction};

/// Something that prepares captures and events, or makes them.
///
/// Integrations belong to a client, in the order of [`ClientOptions::integrations`]. None of the methods is called
/// with a lock of the SDK held, and captures made inside them are dropped.
pub trait Integration: Sync + Send + Any + AsAny {
    /// The name listed in the event's `sdk.integrations`; the type's name unless overridden.
    fn name(&self) -> &'static str {
        std::any::type_name::<Self>()
    }

    /// Called once when a client is made, on the thread that makes it; may change the client's options.
    fn setup(&self, options: &mut ClientOptions) {
        let _ = options;
    }

    /// Called for every capture but that of a panic, **on the capturing thread**, after sampling: the place to take
    /// what only that thread has, such as the addresses of its stack. It should cost microseconds.
    fn on_capture(&self, capture: &mut Capture, options: &ClientOptions) {
        let _ = (capture, options);
    }

    /// Asked for the name of the type of each source of a captured error, as `std::any::type_name` has it, **on the capturing
    /// thread**. A panic in it is caught.
    fn error_type(&self, error: &(dyn Error + 'static)) -> Option<&'static str> {
        let _ = error;
        None
    }

    /// Asked for the stack trace that such a source carries, in the same way.
    fn error_stacktrace(&self, error: &(dyn Error + 'static)) -> Option<Stacktrace> {
        let _ = error;
        None
    }

    /// Called for an event that is written to disk before it is finished, for another process to finish should this one
    /// end: the place to add what the event means nothing without there, such as where libraries are loaded. Its stacks
    /// are bare addresses. It may be called on a panicking thread and must not run the program's code. Only with a spool
    /// ([`ClientOptions::spool_dir`]).
    fn on_record(&self, event: &mut Event<'static>, options: &ClientOptions) {
        let _ = (event, options);
    }

    /// Called for an event that an ended process recorded, before it is finished here: the place to read what
    /// [`on_record`](Self::on_record) left.
    fn on_recover(&self, event: &mut Event<'static>, options: &ClientOptions) {
        let _ = (event, options);
    }

    /// Called on a thread of the built-in transport when nothing was sent for some seconds: the time to let go of memory that is
    /// easily had again.
    fn on_idle(&self) {}

    /// Called for every event after the scopes' processors, where events are finished (the worker with the built-in
    /// transport). `None` drops the event, counted as `event_processor`.
    fn process_event(&self, event: Event<'static>, options: &ClientOptions) -> Option<Event<'static>> {
        let _ = options;
        Some(event)
    }

    /// Called for every sampled transaction, where transactions are finished. `None` drops it, counted as
    /// `event_processor` with its spans.
    fn process_transaction(
        &self,
        transaction: Transaction<'static>,
        options: &ClientOptions,
    ) -> Option<Transaction<'static>> {
        let _ = options;
        Some(transaction)
    }
}

/// Lets an [`Integration`] be found by its type.
#[doc(hidden)]
pub trait AsAny {
    fn as_any(&self) -> &dyn Any;
}

impl<T: Any> AsAny for T {
    fn as_any(&self) -> &dyn Any {
        self
    }
}
