//! One error, one event: what is captured where it happened, and then again by an integration further up.
//!
//! An error has no identity that survives being moved. So two captures are of the same error when they follow each other on
//! one hub within a second, say the same of the whole chain, and come from two different places: whoever captures equal
//! errors in a loop does so from one. A panic that ended a task is known by its message, where the `JoinError` is captured.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::capture::{Body, Capture, ErrorLink};
use crate::protocol::Exception;

/// Who captures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// `capture_error`.
    Error,
    /// An event, with the type of its outermost exception's mechanism.
    Event(String),
    /// A bridge to a logger.
    Draft,
}

impl Source {
    /// `None` for events that are no errors.
    pub(super) fn of_event(exceptions: &[Exception]) -> Option<Self> {
        let mechanism = exceptions.last()?.mechanism.as_ref();
        // What is made up for the occasion says the same each time.
        if mechanism.is_some_and(|mechanism| mechanism.synthetic == Some(true)) {
            return None;
        }
        Some(Self::Event(mechanism.map(|mechanism| mechanism.ty.clone()).unwrap_or_default()))
    }
}

/// What a chain of errors says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chain(u64);

impl Chain {
    fn of<'a>(links: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut hasher = DefaultHasher::new();
        links.for_each(|link| link.hash(&mut hasher));
        Self(hasher.finish())
    }

    pub(super) fn of_exceptions(exceptions: &[Exception]) -> Self {
        Self::of(
            exceptions.iter().rev().map(|exception| (&*exception.ty, exception.value.as_deref().unwrap_or_default())),
        )
    }

    pub(super) fn of_links(links: &[ErrorLink]) -> Self {
        Self::of(links.iter().map(|link| (&*link.ty, &*link.value)))
    }

    pub(super) fn of_capture(capture: &Capture) -> Option<Self> {
        match &capture.body {
            Body::Error(links) => Some(Self::of_links(links)),
            Body::Event(event) => Some(Self::of_exceptions(&event.exception.values)),
            Body::Draft(draft) => Some(Self::of_exceptions(draft.exceptions())),
            Body::Message(_) => None,
        }
    }
}

/// The error that a hub captured last.
#[derive(Debug)]
pub(super) struct LastError {
    pub(super) source: Source,
    pub(super) chain: Chain,
    pub(super) event_id: Uuid,
    pub(super) at: SystemTime,
}

impl LastError {
    /// Whether something captured now by `source` can be the same error.
    pub(super) fn may_be_met_by(&self, source: &Source, now: fn() -> SystemTime) -> bool {
        self.source != *source && now().duration_since(self.at).is_ok_and(|since| since <= LONGEST)
    }
}

/// How long an error takes on its way up.
const LONGEST: Duration = Duration::from_secs(1);

/// The panics of late, in whatever thread, by what a task's `JoinError` tells of them.
static PANICS: Mutex<VecDeque<(String, Uuid)>> = Mutex::new(VecDeque::new());

/// What a `JoinError` would tell of the panic in `capture`.
pub(super) fn told_of_panic(capture: &Capture) -> Option<String> {
    let Body::Event(event) = &capture.body else { return None };
    let message = event.exception.values.last()?.value.as_deref()?;
    (message.len() <= MOST_BYTES).then(|| format!("{JOINED}{message:?}"))
}

/// Notes a panic whose event is sent. Waits for nobody: it is called while panicking.
pub(super) fn note_panic(told: Option<String>, event_id: Uuid) {
    let Some(told) = told.filter(|_| !event_id.is_nil()) else { return };
    if let Ok(mut panics) = PANICS.try_lock() {
        panics.truncate(MOST_PANICS - 1);
        panics.push_front((told, event_id));
    }
}

/// The event of the panic that ended a task, if `text` is that of its `JoinError`. It is met once.
pub(super) fn panic_of_task(text: &str) -> Option<Uuid> {
    let told = text.get(text.find(JOINED)?..)?;
    // Not waited for either: in a forked process, nobody might ever let go of it.
    let mut panics = PANICS.try_lock().ok()?;
    let at = panics.iter().position(|(panic, _)| panic == told)?;
    panics.remove(at).map(|(_, event_id)| event_id)
}

/// What `tokio` and its like call the error of a task that panicked.
pub(super) fn is_of_task(ty: &str) -> bool {
    ty.rsplit("::").next() == Some("JoinError")
}

const JOINED: &str = " panicked with message ";
const MOST_PANICS: usize = 16;
const MOST_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Event;

    #[test]
    fn a_panic_is_met_again_once() {
        let exception = Exception { value: Some("no \"money\"".to_owned()), ..Exception::default() };
        let event = Event { exception: vec![exception].into(), ..Event::default() };
        let capture = Capture::from_event(event);
        let id = capture.event_id;
        note_panic(told_of_panic(&capture), Uuid::nil());
        assert_eq!(panic_of_task("task 7 panicked with message \"no \\\"money\\\"\""), None, "it was not sent");
        note_panic(told_of_panic(&capture), id);
        let text = format!("task 7 panicked with message {:?}", "no \"money\"");
        assert_eq!(panic_of_task("task 7 was cancelled"), None);
        assert_eq!(panic_of_task("task 7 panicked with message \"other\""), None);
        assert_eq!(panic_of_task(&text), Some(id));
        assert_eq!(panic_of_task(&text), None);
        assert!(is_of_task("tokio::runtime::task::error::JoinError") && !is_of_task("shop::NotJoined"));
    }
}
