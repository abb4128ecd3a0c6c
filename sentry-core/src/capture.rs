//! A capture: what the capturing thread alone can know about an event, kept small until the worker makes the event.
//!
//! An [`Event`] is large (most of its fields are empty) and building one costs more than everything else on the
//! caller; messages and errors therefore travel as text and become events where they are finished.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use uuid::Uuid;

use crate::hint::SharedError;
use crate::known_error::Details;
use crate::options::ClientOptions;
use crate::protocol::client_report::Category;
use crate::protocol::{Event, Exception, Level, Stacktrace, ThreadId};
use crate::scope::ScopeSnapshot;
use crate::session::{Effect, SessionTicket};
use crate::weight::{event_bytes, stack_bytes};
use crate::{clock, random};

/// An event in the making. Integrations see it in [`Integration::on_capture`](crate::Integration::on_capture).
#[derive(Debug)]
pub struct Capture {
    pub(crate) event_id: Uuid,
    pub(crate) timestamp: SystemTime,
    pub(crate) level: Level,
    pub(crate) urgent: bool,
    pub(crate) body: Body,
    pub(crate) stacks: Vec<RawStack>,
    /// The stack traces of `stacks`, in their order, once they are resolved.
    pub(crate) resolved: Vec<Option<Stacktrace>>,
    pub(crate) scope: ScopeSnapshot,
    /// The session that the event may change.
    pub(crate) session: Option<SessionTicket>,
    /// It lost the dice, and is finished for the session's sake only.
    pub(crate) is_sampled_out: bool,
    /// The process dies of it.
    pub(crate) is_crash: bool,
    pub(crate) kind: Kind,
    /// The error it is about, where the program gave it away.
    pub(crate) error: SharedError,
}

/// As what the event is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Event,
    Feedback,
}

impl Kind {
    /// What it is counted as.
    pub(crate) fn category(self) -> Category {
        match self {
            Self::Event => Category::Error,
            Self::Feedback => Category::Feedback,
        }
    }
}

#[derive(Debug)]
pub(crate) enum Body {
    Message(Box<str>),
    /// The chain of an error, the outermost first.
    Error(Vec<ErrorLink>),
    Event(Box<Event<'static>>),
    Draft(Box<dyn EventDraft>),
}

/// An event as a bridge noted it, put together where it is finished. Id, time and level are the capture's.
pub trait EventDraft: fmt::Debug + Send {
    /// The exceptions that the event will have.
    fn exceptions(&self) -> &[Exception];
    /// What it weighs in a queue, in bytes.
    fn bytes(&self) -> usize;
    /// The event.
    fn finish(self: Box<Self>) -> Event<'static>;
    /// The event, while the draft stays: for a record on disk.
    fn to_event(&self) -> Event<'static>;
}

/// One error of a chain as its own code describes it.
#[derive(Debug, Clone)]
pub(crate) struct ErrorLink {
    pub(crate) ty: Cow<'static, str>,
    pub(crate) module: Option<&'static str>,
    pub(crate) value: String,
    /// Few have any.
    pub(crate) more: Option<Box<ErrorMore>>,
}

/// What only some errors tell.
#[derive(Debug, Clone, Default)]
pub(crate) struct ErrorMore {
    pub(crate) details: Details,
    /// Where it was made, if it remembers that.
    pub(crate) stacktrace: Option<Stacktrace>,
}

impl ErrorLink {
    fn bytes(&self) -> usize {
        let stack = self.more.as_ref().and_then(|more| more.stacktrace.as_ref()).map_or(0, stack_bytes);
        size_of::<Self>() + self.ty.len() + self.value.capacity() + stack
    }
}

impl Capture {
    /// A capture of a whole event, with the event's id, time and level.
    #[must_use]
    pub fn from_event(event: Event<'static>) -> Self {
        Self {
            event_id: event.event_id,
            timestamp: event.timestamp,
            level: event.level,
            urgent: event.level == Level::Fatal,
            body: Body::Event(Box::new(event)),
            stacks: Vec::new(),
            resolved: Vec::new(),
            scope: ScopeSnapshot::default(),
            session: None,
            is_sampled_out: false,
            is_crash: false,
            kind: Kind::Event,
            error: SharedError::default(),
        }
    }

    pub(crate) fn new(body: Body, level: Level) -> Self {
        Self {
            event_id: random::uuid(),
            timestamp: clock::wall(),
            level,
            urgent: level == Level::Fatal,
            body,
            stacks: Vec::new(),
            resolved: Vec::new(),
            scope: ScopeSnapshot::default(),
            session: None,
            is_sampled_out: false,
            is_crash: false,
            kind: Kind::Event,
            error: SharedError::default(),
        }
    }

    /// The id the event will have.
    #[must_use]
    pub fn event_id(&self) -> Uuid {
        self.event_id
    }

    /// The level the event will have, unless a scope sets another.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Whether the event will have an exception for a stack trace to sit on.
    #[must_use]
    pub fn has_exception(&self) -> bool {
        match &self.body {
            Body::Message(_) => false,
            Body::Error(chain) => !chain.is_empty(),
            Body::Event(event) => !event.exception.values.is_empty(),
            Body::Draft(draft) => !draft.exceptions().is_empty(),
        }
    }

    /// Whether the event has a stack trace already, finished or raw.
    #[must_use]
    pub fn has_stacktrace(&self) -> bool {
        let in_event = match &self.body {
            Body::Message(_) | Body::Error(_) => false,
            Body::Draft(draft) => draft.exceptions().iter().any(|exception| exception.stacktrace.is_some()),
            Body::Event(event) => {
                event.stacktrace.is_some()
                    || event.exception.values.iter().any(|exception| exception.stacktrace.is_some())
                    || event.threads.values.iter().any(|thread| thread.stacktrace.is_some())
            }
        };
        in_event || !self.stacks.is_empty()
    }

    /// Adds a stack that is resolved where the event is finished.
    pub fn add_raw_stack(&mut self, stack: RawStack) {
        self.stacks.push(stack);
    }

    /// Marks the event as a crash: it leaves before everything else. Level `fatal` does so by itself.
    pub fn set_urgent(&mut self) {
        self.urgent = true;
    }

    /// Says that the process is about to die of it: the session it is in has crashed.
    pub fn set_crash(&mut self) {
        self.is_crash = true;
    }

    /// What it means for its session, as far as is known before it is finished.
    pub(crate) fn effect(&self) -> Effect {
        let (is_error, is_unhandled) = match &self.body {
            Body::Message(_) => (false, false),
            Body::Error(_) | Body::Draft(_) => (self.level >= Level::Error, false),
            Body::Event(event) => (event.level >= Level::Error, is_unhandled(event)),
        };
        Effect { is_error, is_unhandled, is_crash: self.is_crash }
    }

    /// What the capture weighs in the queue, in bytes, without the scopes it shares with others.
    pub(crate) fn bytes(&self) -> usize {
        let text = match &self.body {
            Body::Message(text) => text.len(),
            Body::Error(chain) => chain.iter().map(ErrorLink::bytes).sum(),
            Body::Event(event) => event_bytes(event),
            Body::Draft(draft) => draft.bytes(),
        };
        let stacks = self.stacks.iter().fold(0, |sum, stack| sum + size_of_val::<[usize]>(&stack.addresses));
        LEAN_BYTES + text + stacks + self.error.bytes()
    }
}

/// Whether nobody handled what the event is about.
pub(crate) fn is_unhandled(event: &Event<'_>) -> bool {
    let mechanisms = event.exception.values.iter().filter_map(|exception| exception.mechanism.as_ref());
    mechanisms.into_iter().any(|mechanism| mechanism.handled == Some(false))
}

/// A stack as the capturing thread took it: addresses, and how to read them later.
#[derive(Debug)]
pub struct RawStack {
    /// Instruction pointers, the newest call first. A 0 is followed by the number of those left out there.
    pub addresses: Box<[usize]>,
    /// Where in the event the stack trace belongs.
    pub target: StackTarget,
    /// The thread's id, as in [`Thread::id`](crate::protocol::Thread::id).
    pub thread_id: Option<ThreadId>,
    /// The thread's name.
    pub thread_name: Option<String>,
    /// Turns the addresses into frames, oldest first; called where the event is finished.
    pub resolve: fn(&RawStack, &ClientOptions) -> Option<Stacktrace>,
}

/// Where a [`RawStack`] belongs in its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StackTarget {
    /// On the outermost exception; the thread is listed without a stack of its own (spec STK-21).
    Exception,
    /// On the thread, for events without an exception.
    Thread,
}

/// A capture with its box, cells and place in the queue.
const LEAN_BYTES: usize = 512;
