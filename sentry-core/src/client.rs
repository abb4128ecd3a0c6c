//! The client: options, transport and books of one DSN, behind a handle that is cheap to clone.

mod reports;
mod telemetry;

use std::any::{Any, TypeId};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::batch::Take;
use crate::batches::BatchSource;
use crate::capture::{Capture, Kind};
use crate::caught::caught;
use crate::clock;
use crate::crash;
use crate::diagnostics::Diagnostics;
use crate::dsn::Dsn;
use crate::fork::PerProcess;
use crate::hint::Hint;
use crate::hub::activity;
use crate::integration::Integration;
use crate::ledger::{CloseReport, Recorder, Stats};
use crate::options::{Books, ClientOptions, choose_spotlight, sample};
use crate::pending::{Class, Outcome, PendingEnvelope, Recovery};
use crate::performance::FinishedTransaction;
use crate::pipeline::Pipeline;
use crate::propagation::TracePropagationContext;
use crate::protocol::client_report::{Category, LossSource, Reason};
use crate::protocol::{Envelope, Event};
use crate::scope::{Scope, ScopeData, ScopeSnapshot};
use crate::session::{Effect, SessionTicket};
use crate::suppress;
use crate::sync::RwLock;
use crate::transport::{Transport, TransportOptions};

/// Sends what is captured to one DSN.
///
/// # Threads and cloning
///
/// Clones share everything; closing one closes all. The client itself has no thread, its transport may. No lock is
/// held while integrations, hooks or the transport run. Dropping the last handle without
/// [`close`](Self::close) closes it, within [`ClientOptions::shutdown_timeout`].
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    pipeline: Arc<Pipeline>,
    /// Empty when there was never a transport, and after `close`.
    transport: PerProcess<RwLock<Option<Arc<dyn Transport>>>>,
    closed: AtomicBool,
}

impl Client {
    /// A client with the options that `opts` stand for: a DSN, options, or both.
    #[must_use]
    pub fn from_config<O: Into<ClientOptions>>(opts: O) -> Self {
        Self::with_options(opts.into())
    }

    /// A client with `options`. Sets the integrations up and makes the transport, on this thread; says what was wrong
    /// with the options. Without a DSN or a transport factory the client is disabled.
    #[must_use]
    pub fn with_options(mut options: ClientOptions) -> Self {
        let diagnostics = Diagnostics::new(options.debug, options.diagnostics.clone());
        let integrations: Vec<(TypeId, Arc<dyn Integration>)> =
            options.integrations.iter().map(|there| (integration_type(&**there), Arc::clone(there))).collect();
        for (_, integration) in &integrations {
            let _mark = suppress::enter();
            if caught(|| integration.setup(&mut options)).is_none() {
                let name = integration.name();
                diagnostics
                    .fault("setup panicked", format_args!("the integration {name} panicked while it was set up"));
            }
        }
        for problem in options.problems() {
            diagnostics.fault(problem_kind(problem.source()), format_args!("{problem}"));
        }
        if let Some(remark) = options.spotlight_remark {
            diagnostics.fault("spotlight", format_args!("{remark}"));
        }
        let spotlight = choose_spotlight(options.spotlight, options.spotlight_url.as_deref(), None);
        if options.dsn.is_none() && spotlight.url.is_some() {
            // Only the developer sees it (spec SPT-06).
            options.send_default_pii = true;
            options = options.sample_rate(1.0).traces_sample_rate(1.0);
        }
        let pipeline = Arc::new_cyclic(|pipeline| {
            let recorder = Recorder::new(options.send_client_reports);
            let batches = BatchSource::new(Weak::clone(pipeline));
            let recovery = Recovery::new(Weak::clone(pipeline));
            let books = Books { recorder: recorder.clone(), diagnostics: diagnostics.clone(), batches, recovery };
            options.books = Some(books);
            Pipeline::new(Arc::new(options), integrations, recorder, diagnostics)
        });
        let options = pipeline.options();
        let transport = options.transport.clone().and_then(|factory| {
            Some(factory.create_transport_with_options(TransportOptions::new(Arc::clone(options))?))
        });
        if options.dsn.is_none() && spotlight.url.is_none() {
            pipeline.diagnostics().remark("disabled", format_args!("no DSN: nothing will be sent"));
        }
        if let Some(transport) = &transport {
            pipeline.set_transport(transport);
            activity::client_opened();
        }
        Self {
            inner: Arc::new(Inner {
                pipeline,
                transport: PerProcess::of_now(RwLock::new(transport)),
                closed: AtomicBool::new(false),
            }),
        }
    }

    /// The options as the integrations left them.
    pub fn options(&self) -> &ClientOptions {
        self.inner.pipeline.options()
    }

    /// Where it sends to.
    #[must_use]
    pub fn dsn(&self) -> Option<&Dsn> {
        self.options().dsn.as_ref()
    }

    /// Whether anything captured can be sent: there is a transport and the client is not closed.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.inner.transport.get().read().is_some()
    }

    /// What became of everything captured with this client so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.pipeline.recorder().stats()
    }

    /// Captures `event` with the data of `scope`. See [`Hub::capture_event`](crate::Hub::capture_event).
    pub fn capture_event(&self, event: Event<'static>, scope: Option<&Scope>) -> Uuid {
        if !self.is_listening() || self.inner.pipeline.ignores_any(&event.exception.values) {
            return Uuid::nil();
        }
        let snapshot = ScopeSnapshot::new(scope.map(Scope::settled).unwrap_or_default());
        let mut capture = Capture::from_event(event);
        let admission = self.admit(|| capture.effect(), || snapshot.clone());
        capture.is_sampled_out = admission == Admission::ForTheSession;
        if admission == Admission::Lost { Uuid::nil() } else { self.deliver(capture, snapshot) }
    }

    /// Finishes `event` on this thread and in its current hub: scopes, processors, integrations, defaults,
    /// `before_send`. `None` when one of them dropped it, which is counted.
    pub fn prepare_event(&self, event: Event<'static>, scope: Option<&Scope>) -> Option<Event<'static>> {
        let _mark = suppress::enter();
        let scope = scope.map(Scope::settled).unwrap_or_default();
        let prepared = self.inner.pipeline.prepare(event, &ScopeSnapshot::new(scope), Kind::Event, &Hint::default());
        let count_lost = |reason| {
            let recorder = self.inner.pipeline.recorder();
            recorder.record_captured(Category::Error, 1);
            recorder.record_loss(Category::Error, reason, 1);
        };
        prepared.map_err(count_lost).ok()
    }

    /// Sends an envelope as it is: no scope, hook or sampling touches it.
    pub fn send_envelope(&self, envelope: Envelope) {
        let Some(transport) = self.transport() else { return };
        let recorder = self.inner.pipeline.recorder();
        for item in envelope.losses().filter(|item| item.reason.is_none()) {
            recorder.record_captured(item.category, item.quantity);
        }
        let class = Class::of(&envelope);
        transport.send_deferred(PendingEnvelope::ready(envelope, class, Arc::clone(&self.inner.pipeline)));
    }

    /// Waits until everything captured before the call has a verdict; `false` when that took longer than `timeout`
    /// (default: [`ClientOptions::shutdown_timeout`]). Returns at once inside a hook.
    pub fn flush(&self, timeout: Option<Duration>) -> bool {
        if suppress::is_active() {
            return false;
        }
        let timeout = timeout.unwrap_or(self.options().shutdown_timeout);
        let began = clock::now();
        self.transport().is_none_or(|transport| self.inner.drain(&*transport, began, timeout))
    }

    /// [`flush`](Self::flush) for a panic hook: what a flush calls, hooks and a custom transport among it, is called on
    /// another thread, since a panic in a panic hook ends the process.
    #[doc(hidden)]
    pub fn flush_in_panic(&self, timeout: Option<Duration>) -> bool {
        if suppress::is_active() {
            return false;
        }
        let timeout = timeout.unwrap_or(self.options().shutdown_timeout);
        let client = self.clone();
        match crash::elsewhere(timeout, move || client.flush(Some(timeout))) {
            Ok(flushed) => flushed.unwrap_or(false),
            // Without a thread, all has to stay where it is.
            Err(_) => false,
        }
    }

    /// Like [`flush`](Self::flush), and captures nothing more: the client is disabled. What is not sent in time is
    /// counted as lost.
    pub fn close(&self, timeout: Option<Duration>) -> bool {
        if suppress::is_active() {
            return false;
        }
        let timeout = timeout.unwrap_or(self.options().shutdown_timeout);
        self.inner.shut(timeout)
    }

    /// [`close`](Self::close), and tells what became of everything that this client ever captured.
    pub fn close_report(&self, timeout: Option<Duration>) -> CloseReport {
        let in_time = self.close(timeout);
        CloseReport::new(in_time, self.stats())
    }

    /// Throws dice: `true` in this part of all calls.
    #[must_use]
    pub fn sample_should_send(&self, rate: f32) -> bool {
        sample(rate)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.inner.closed.load(Ordering::Acquire)
    }

    /// Whether this client may go on with a trace that came in (spec TRC-21, TRC-22).
    pub(crate) fn continues(&self, incoming: &TracePropagationContext) -> bool {
        incoming.continues(self.inner.pipeline.org_id(), self.options().strict_trace_continuation)
    }

    pub(crate) fn pipeline(&self) -> &Arc<Pipeline> {
        &self.inner.pipeline
    }

    /// The integration of type `I`, if the client has it.
    pub(crate) fn integration<I: Integration>(&self) -> Option<&I> {
        let (_, found) = self.inner.pipeline.integrations().iter().find(|(id, _)| *id == TypeId::of::<I>())?;
        (**found).as_any().downcast_ref()
    }

    /// Whether what is captured now can be sent, and is not captured inside a hook.
    pub(crate) fn is_listening(&self) -> bool {
        !suppress::is_active() && self.is_enabled()
    }

    /// Throws the dice for an error event, before it is built, and counts it.
    ///
    /// One that loses is not built, unless a live session is to know of it: then `effect` is counted there at once, if no
    /// hook might drop the event, and else the event is built and finished to see (DESIGN, "Sampling").
    pub(crate) fn admit(&self, effect: impl FnOnce() -> Effect, snapshot: impl FnOnce() -> ScopeSnapshot) -> Admission {
        let recorder = self.inner.pipeline.recorder();
        recorder.record_captured(Category::Error, 1);
        // With a sampler, the dice are thrown where the event is finished.
        if self.options().error_sampler.is_some() || self.options().event_sampling_strategy.keeps() {
            return Admission::Kept;
        }
        let snapshot = snapshot();
        if let Some(session) = snapshot.scope.session().filter(|session| session.is_live()) {
            let effect = effect();
            if effect != Effect::default() {
                if self.inner.pipeline.has_hooks(&snapshot) {
                    return Admission::ForTheSession;
                }
                session.count(effect);
            }
        }
        recorder.record_loss(Category::Error, Reason::SampleRate, 1);
        Admission::Lost
    }

    /// Sends an admitted capture on its way. Nil when a transport that finishes on the spot saw it dropped.
    pub(crate) fn deliver(&self, mut capture: Capture, snapshot: ScopeSnapshot) -> Uuid {
        if !capture.is_sampled_out && capture.kind == Kind::Event {
            self.inner.pipeline.on_capture(&mut capture);
        }
        self.deliver_through(capture, snapshot, |transport, pending| {
            self.inner.pipeline.hand_over_to(&*transport, pending)
        })
        .0
    }

    /// Sends a transaction that has ended, with the data of `scope`.
    pub(crate) fn capture_transaction(&self, finished: FinishedTransaction, scope: ScopeData) {
        let pipeline = &self.inner.pipeline;
        for (category, quantity) in finished.quantities() {
            pipeline.recorder().record_captured(category, quantity);
        }
        let excess = u64::try_from(finished.excess()).unwrap_or(u64::MAX);
        if excess > 0 {
            pipeline.recorder().record_captured(Category::Span, excess);
            pipeline.recorder().record_loss(Category::Span, Reason::BufferOverflow, excess);
        }
        let scope = ScopeSnapshot::new(scope.for_transaction());
        let pending = PendingEnvelope::transaction(finished, scope, Arc::clone(pipeline));
        match self.transport() {
            Some(transport) => pipeline.hand_over_to(&*transport, pending),
            // Closed meanwhile.
            None => pending.discard(Reason::QueueOverflow),
        }
    }

    /// Like [`deliver`](Self::deliver), from a thread that is panicking: no hook and no integration runs on it.
    /// Also tells whether its record is on disk.
    pub(crate) fn deliver_crash(&self, capture: Capture, snapshot: ScopeSnapshot) -> (Uuid, bool) {
        let limit = self.options().shutdown_timeout;
        self.deliver_through(capture, snapshot, |transport, pending| crash::send(transport, pending, limit))
    }

    fn deliver_through(
        &self,
        mut capture: Capture,
        snapshot: ScopeSnapshot,
        send: impl FnOnce(Arc<dyn Transport>, PendingEnvelope),
    ) -> (Uuid, bool) {
        let pipeline = &self.inner.pipeline;
        let Some(transport) = self.transport() else {
            // Closed since it was admitted.
            pipeline.recorder().record_loss(capture.kind.category(), Reason::QueueOverflow, 1);
            return (Uuid::nil(), false);
        };
        if capture.kind == Kind::Event {
            let session = snapshot.scope.session().filter(|session| session.is_live());
            capture.session = session.cloned().map(SessionTicket::new);
        }
        capture.scope = snapshot;
        let event_id = if capture.is_sampled_out { Uuid::nil() } else { capture.event_id };
        let outcome = Outcome::default();
        send(transport, PendingEnvelope::capture(Box::new(capture), Arc::clone(pipeline), outcome.clone()));
        (if outcome.is_dropped() { Uuid::nil() } else { event_id }, outcome.is_recorded())
    }

    fn transport(&self) -> Option<Arc<dyn Transport>> {
        self.inner.transport.get().read().clone()
    }
}

impl<T: Into<ClientOptions>> From<T> for Client {
    fn from(opts: T) -> Self {
        Self::with_options(opts.into())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("dsn", &self.dsn()).field("options", &self.options()).finish_non_exhaustive()
    }
}

// The closures a client holds are called under `catch_unwind`, and nothing of ours is left half-changed by a panic.
impl RefUnwindSafe for Client {}
impl UnwindSafe for Client {}

impl Inner {
    /// Waits until everything captured so far has a verdict, until `timeout` after it `began`.
    fn drain(&self, transport: &dyn Transport, began: Instant, timeout: Duration) -> bool {
        let arrived = self.pipeline.send_batches(Take::All, left(began, timeout));
        let settled = transport.flush(left(began, timeout));
        // Sessions whose last event was finished meanwhile are ready only now.
        let is_more = self.pipeline.send_sessions(transport);
        arrived && settled && (!is_more || transport.flush(left(began, timeout)))
    }

    fn shut(&self, timeout: Duration) -> bool {
        self.closed.store(true, Ordering::Release);
        let Some(transport) = self.transport.get().write().take() else {
            return true;
        };
        activity::client_closed();
        let began = clock::now();
        // Nothing is captured any more, but what is under way may leave something in a batch.
        self.drain(&*transport, began, timeout);
        let arrived = self.pipeline.send_batches(Take::Last, left(began, timeout));
        transport.shutdown(left(began, timeout)) && arrived
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Inside a hook, or on the transport's own thread, waiting for the transport would be waiting for oneself.
        let timeout = if suppress::is_active() { Duration::ZERO } else { self.pipeline.options().shutdown_timeout };
        self.shut(timeout);
    }
}

/// What is left of `timeout`.
fn left(began: Instant, timeout: Duration) -> Duration {
    timeout.saturating_sub(clock::now().saturating_duration_since(began))
}

/// What becomes of an event before it is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Kept,
    /// It lost the dice, and is finished for its session's sake only.
    ForTheSession,
    Lost,
}

fn integration_type(integration: &dyn Integration) -> TypeId {
    let any: &dyn Any = integration.as_any();
    any.type_id()
}

/// Diagnostics are counted by kind; each option is one.
fn problem_kind(source: &str) -> &'static str {
    match source {
        "DSN" | "SENTRY_DSN" => "dsn",
        "sample_rate" | "SENTRY_SAMPLE_RATE" => "sample rate",
        "traces_sample_rate" | "SENTRY_TRACES_SAMPLE_RATE" => "traces sample rate",
        "SENTRY_TRACE" => "trace",
        "SENTRY_DEBUG" => "debug",
        "SSL_VERIFY" => "ssl verify",
        _ => "option",
    }
}
