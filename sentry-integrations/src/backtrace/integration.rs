//! The two integrations: one adds stacks where they are missing, one readies all stack traces of an event.

use sentry_core::protocol::Event;
use sentry_core::{Capture, ClientOptions, Integration, StackTarget};

use super::{capture, process_event_stacktrace, resolver};

/// Adds the capturing thread's stack to events that have none, when
/// [`attach_stacktrace`](field@ClientOptions::attach_stacktrace) is on.
///
/// It goes on the outermost exception, or on the thread for events without one. The capturing thread pays for the
/// addresses only.
#[derive(Debug, Default)]
pub struct AttachStacktraceIntegration;

impl AttachStacktraceIntegration {
    /// The integration; it has no options of its own.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Integration for AttachStacktraceIntegration {
    fn name(&self) -> &'static str {
        "attach-stacktrace"
    }

    fn on_capture(&self, capture: &mut Capture, options: &ClientOptions) {
        if options.attach_stacktrace && !capture.has_stacktrace() {
            let target = if capture.has_exception() { StackTarget::Exception } else { StackTarget::Thread };
            capture.add_raw_stack(capture::raw_stack(target, resolver::resolve_call));
        }
    }
}

/// Applies [`process_event_stacktrace`] to all stack traces of events, but for those of other platforms.
#[derive(Debug, Default)]
pub struct ProcessStacktraceIntegration;

impl ProcessStacktraceIntegration {
    /// The integration; it has no options of its own.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Integration for ProcessStacktraceIntegration {
    fn name(&self) -> &'static str {
        "process-stacktrace"
    }

    fn on_idle(&self) {
        resolver::rest();
    }

    #[cfg(feature = "debug-images")]
    fn on_recover(&self, event: &mut Event<'static>, options: &ClientOptions) {
        if options.symbolize_stacktraces && is_ours(event) {
            super::recover::recover(event);
        }
    }

    fn process_event(&self, mut event: Event<'static>, options: &ClientOptions) -> Option<Event<'static>> {
        if !is_ours(&event) {
            return Some(event);
        }
        let exceptions = event.exception.values.iter_mut().filter_map(|exception| exception.stacktrace.as_mut());
        let threads = event.threads.values.iter_mut().filter_map(|thread| thread.stacktrace.as_mut());
        for trace in exceptions.chain(threads).chain(event.stacktrace.as_mut()) {
            process_event_stacktrace(trace, options);
        }
        Some(event)
    }
}

/// Whether the event is of a native program; `other` is the platform of events that were not given one.
fn is_ours(event: &Event<'_>) -> bool {
    matches!(&*event.platform, "other" | "native" | "rust")
}

#[cfg(test)]
mod tests {
    use sentry_core::protocol::{Exception, Frame, Stacktrace, Thread};

    use super::*;

    fn trace() -> Option<Stacktrace> {
        Stacktrace::from_frames_reversed(vec![Frame { function: Some("app::pay".into()), ..Frame::default() }])
    }

    fn event() -> Event<'static> {
        Event {
            exception: vec![Exception { stacktrace: trace(), ..Exception::default() }].into(),
            threads: vec![Thread { stacktrace: trace(), ..Thread::default() }].into(),
            stacktrace: trace(),
            ..Event::default()
        }
    }

    fn decisions(event: &Event<'_>) -> [Option<bool>; 3] {
        [&event.exception[0].stacktrace, &event.threads[0].stacktrace, &event.stacktrace]
            .map(|trace| trace.as_ref().unwrap().frames[0].in_app)
    }

    #[test]
    fn every_place_for_a_stack_trace_is_processed() {
        let processed = ProcessStacktraceIntegration::new().process_event(event(), &ClientOptions::new()).unwrap();
        assert_eq!(decisions(&processed), [Some(true); 3]);
    }

    #[test]
    fn events_of_other_platforms_are_passed_on() {
        let python = Event { platform: "python".into(), ..event() };
        let processed = ProcessStacktraceIntegration::new().process_event(python, &ClientOptions::new()).unwrap();
        assert_eq!(decisions(&processed), [None; 3]);
    }

    #[test]
    fn stacks_are_added_only_when_asked_for_and_missing() {
        let attach = AttachStacktraceIntegration::new();
        let with = |attach_stacktrace| {
            let mut options = ClientOptions::new();
            options.attach_stacktrace = attach_stacktrace;
            options
        };
        let mut capture = Capture::from_event(Event::default());
        attach.on_capture(&mut capture, &with(false));
        assert!(!capture.has_stacktrace());
        attach.on_capture(&mut capture, &with(true));
        assert!(capture.has_stacktrace());

        let mut full = Capture::from_event(event());
        attach.on_capture(&mut full, &with(true));
        assert!(!format!("{full:?}").contains("RawStack"), "a second stack was added");
    }
}
