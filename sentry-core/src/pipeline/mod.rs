//! How a capture becomes an envelope: the steps every event takes, in order, wherever events are finished.
//!
//! 1. the event is built from what the caller took (text, ids, time);
//! 2. raw stacks are resolved and put where they belong;
//! 3. the scopes are laid under it, the global one last, and the trace and span it was captured in;
//! 4. event processors run, the scope's first (spec CLI-12);
//! 5. integrations run;
//! 6. defaults fill what is still empty;
//! 7. `before_send` runs, and `before_send_with_hint`; for feedback, `before_send_feedback` instead;
//! 8. its session learns of it, unless something dropped it on the way; then the error sampler is asked;
//! 9. attachments, the session's update and the trace header join it in an envelope.
//!
//! Transactions take a way of their own (`transaction`), and so do check-ins (`check_in`), and sessions that no event
//! takes along (`session`).
//!
//! While this happens the thread's current hub is one made from the captured scopes, captures are suppressed, and
//! every call of user code is caught if it panics: the event is then dropped and counted as if the code had said so
//! (spec §12.2).

mod attachments;
mod attributes;
mod batched;
mod check_in;
mod cut;
mod errors;
mod logs;
mod metrics;
mod paths;
mod record;
mod session;
mod transaction;

use std::any::TypeId;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use crate::batch::{Batch, Limits};
use crate::capture::{Body, Capture, Kind, RawStack, StackTarget, is_unhandled};
use crate::caught::caught;
use crate::crash;
use crate::diagnostics::Diagnostics;
use crate::error_event::exceptions_from_chain;
use crate::fork::{Heir, PerProcess};
use crate::hint::Hint;
use crate::hub::{Hub, SwitchGuard};
use crate::integration::Integration;
use crate::ledger::Recorder;
use crate::logs::PackedLogs;
use crate::metrics::PackedMetrics;
use crate::options::ClientOptions;
use crate::pending::PendingEnvelope;
use crate::performance::SpareSpans;
use crate::protocol::client_report::Reason;
use crate::protocol::{
    Addr, ClientSdkInfo, ClientSdkPackage, Context, DynamicSamplingContext, Envelope, EnvelopeHeaders, EnvelopeItem,
    Event, Frame, Level, OrganizationId, Stacktrace, Thread,
};
use crate::scope::ScopeSnapshot;
use crate::session::{Aggregates, Effect, SessionRecord};
use crate::suppress;
use crate::sync::Mutex;
use crate::transit::Transit;
use crate::transport::Transport;

pub(crate) use batched::Batched;

/// What finishing needs of a client. It never holds the client or its transport, so a queue that holds it keeps
/// neither alive.
pub(crate) struct Pipeline {
    options: Arc<ClientOptions>,
    integrations: Vec<(TypeId, Arc<dyn Integration>)>,
    recorder: Recorder,
    diagnostics: Diagnostics,
    sdk: ClientSdkInfo,
    gathered: PerProcess<Gathered>,
    /// Set once it is there; not kept alive.
    transport: OnceLock<Weak<dyn Transport>>,
}

/// What waits in a client, and what it has at hand.
struct Gathered {
    logs: Mutex<Batch<PackedLogs>>,
    metrics: Mutex<Batch<PackedMetrics>>,
    sessions: Mutex<Batch<Vec<SessionRecord>>>,
    aggregates: Mutex<Aggregates>,
    transit: Transit,
    spare_spans: SpareSpans,
}

impl Gathered {
    fn new() -> Self {
        Self {
            logs: Mutex::new(Batch::new(batched::LIMITS)),
            metrics: Mutex::new(Batch::new(batched::LIMITS)),
            sessions: Mutex::new(Batch::new(SESSIONS)),
            aggregates: Mutex::default(),
            transit: Transit::default(),
            spare_spans: SpareSpans::default(),
        }
    }
}

impl Heir for Gathered {
    fn heir(&self) -> Self {
        Self::new()
    }
}

/// What came of a capture.
pub(crate) struct Finished {
    pub(crate) envelope: Option<Envelope>,
    /// Whether the event is in it; else it is only there for the session's sake.
    pub(crate) is_kept: bool,
}

impl Pipeline {
    pub(crate) fn new(
        options: Arc<ClientOptions>,
        integrations: Vec<(TypeId, Arc<dyn Integration>)>,
        recorder: Recorder,
        diagnostics: Diagnostics,
    ) -> Self {
        let mut sdk = crate::sdk::sdk_info();
        sdk.integrations = integrations.iter().map(|(_, integration)| integration.name().to_owned()).collect();
        sdk.packages = vec![ClientSdkPackage { name: "cargo:sentry".to_owned(), version: sdk.version.clone() }];
        Self {
            options,
            integrations,
            recorder,
            diagnostics,
            sdk,
            gathered: PerProcess::of_now(Gathered::new()),
            transport: OnceLock::new(),
        }
    }

    /// Makes the transport known, for what is to leave without anybody having captured it just now.
    pub(crate) fn set_transport(&self, transport: &Arc<dyn Transport>) {
        let _ = self.transport.set(Arc::downgrade(transport));
    }

    fn gathered(&self) -> &Gathered {
        self.gathered.get()
    }

    fn transport(&self) -> Option<Arc<dyn Transport>> {
        self.transport.get().and_then(Weak::upgrade)
    }

    /// Gives something to the transport: finished, if hooks are to run here.
    pub(crate) fn hand_over(self: &Arc<Self>, pending: PendingEnvelope) {
        match self.transport() {
            Some(transport) if crash::is_under_way() => {
                crash::send(transport, pending, self.options.shutdown_timeout);
            }
            Some(transport) => self.hand_over_to(&*transport, pending),
            None => pending.discard(Reason::QueueOverflow),
        }
    }

    /// The same where the transport is at hand.
    pub(crate) fn hand_over_to(self: &Arc<Self>, transport: &dyn Transport, pending: PendingEnvelope) {
        if !self.options.hooks_on_caller {
            return transport.send_deferred(pending);
        }
        let class = pending.class();
        if let Some(envelope) = pending.finish() {
            transport.send_deferred(PendingEnvelope::ready(envelope, class, Arc::clone(self)));
        }
    }

    pub(crate) fn spare_spans(&self) -> &SpareSpans {
        &self.gathered().spare_spans
    }

    fn wake_at(&self, due: Instant) {
        if let Some(transport) = self.transport() {
            transport.wake_at(due);
        }
    }

    /// Whether the program may drop events where they are finished.
    pub(crate) fn has_hooks(&self, scope: &ScopeSnapshot) -> bool {
        self.options.before_send.is_some()
            || self.options.before_send_with_hint.is_some()
            || !scope.scope.processors().is_empty()
            || !scope.global.processors().is_empty()
    }

    pub(crate) fn options(&self) -> &Arc<ClientOptions> {
        &self.options
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    pub(crate) fn integrations(&self) -> &[(TypeId, Arc<dyn Integration>)] {
        &self.integrations
    }

    /// Lets the integrations take what only the capturing thread has.
    pub(crate) fn on_capture(&self, capture: &mut Capture) {
        if self.integrations.is_empty() {
            return;
        }
        let _mark = suppress::enter();
        for (_, integration) in &self.integrations {
            // What an integration could not add is missing from the event; the event is still worth having.
            let _ = self.guarded(integration.name(), || integration.on_capture(capture, &self.options));
        }
    }

    /// Lets the integrations let go of what they do not need for now.
    pub(crate) fn on_idle(&self) {
        for (_, integration) in &self.integrations {
            let _ = self.guarded(integration.name(), || integration.on_idle());
        }
    }

    /// Resolves the stacks of a capture that are not resolved yet.
    pub(crate) fn resolve_stacks(&self, capture: &mut Capture) {
        for stack in capture.stacks.iter().skip(capture.resolved.len()) {
            let stacktrace = self.guarded("stack traces", || (stack.resolve)(stack, &self.options)).ok().flatten();
            capture.resolved.push(stacktrace);
        }
    }

    /// Makes the envelope of a capture. An event that something dropped is counted; what it changed of its session is
    /// sent without it.
    pub(crate) fn finish(&self, mut capture: Capture) -> Finished {
        let _mark = suppress::enter();
        self.resolve_stacks(&mut capture);
        let hint = self.options.before_send_with_hint.as_ref().map(|_| Hint::of(&capture)).unwrap_or_default();
        let Capture { event_id, timestamp, level, body, stacks, resolved, scope, .. } = capture;
        let Capture { session, is_sampled_out, is_crash, kind, .. } = capture;
        let is_message = matches!(body, Body::Message(_));
        let _switch = SwitchGuard::new(Arc::new(Hub::of_snapshot(&scope)));
        let mut event = Event { event_id, timestamp, level, ..event_of(body) };
        for (stack, stacktrace) in stacks.iter().zip(resolved) {
            place(&mut event, stack, stacktrace);
        }
        let prepared = self.prepare(event, &scope, kind, &hint);
        // After the hooks, before the dice (spec §10.2).
        let update = session.and_then(|session| match &prepared {
            Ok(event) => {
                let is_error = !is_message && event.level >= Level::Error;
                let effect = Effect { is_error, is_unhandled: is_unhandled(event), is_crash };
                session.settle(Some(effect), event.user.as_ref(), self)
            }
            Err(_) => session.settle(None, None, self),
        });
        let loses = |event: &_| is_sampled_out || (kind == Kind::Event && !self.samples(event));
        let mut envelope =
            match prepared.and_then(|event| if loses(&event) { Err(Reason::SampleRate) } else { Ok(event) }) {
                Ok(mut event) => {
                    // The id is the one the caller was told, whatever hooks made of the event.
                    event.event_id = event_id;
                    if let Some(max) = self.options.max_value_length {
                        cut::cut(&mut event, max);
                    }
                    Some(self.envelope_of(event, kind, &scope))
                }
                Err(reason) => {
                    self.recorder.record_loss(kind.category(), reason, 1);
                    None
                }
            };
        let is_kept = envelope.is_some();
        if let Some(update) = update {
            self.attach_session(&mut envelope, update);
        }
        Finished { envelope, is_kept }
    }

    /// Steps 3 to 7.
    pub(crate) fn prepare(
        &self,
        mut event: Event<'static>,
        scope: &ScopeSnapshot,
        kind: Kind,
        hint: &Hint,
    ) -> Result<Event<'static>, Reason> {
        self.merge(&mut event, scope);
        for processor in scope.scope.processors().iter().chain(&scope.global.processors()) {
            event = self.hook("an event processor", Reason::EventProcessor, || processor.process(event))?;
        }
        for (_, integration) in &self.integrations {
            let run = || integration.process_event(event, &self.options);
            event = self.hook(integration.name(), Reason::EventProcessor, run)?;
        }
        self.fill_defaults(&mut event);
        let options = &self.options;
        if !options.include_absolute_paths {
            paths::shorten(&mut event);
        }
        if kind == Kind::Feedback {
            return match &options.before_send_feedback {
                Some(before_send) => self.hook("before_send_feedback", Reason::BeforeSend, || before_send(event)),
                None => Ok(event),
            };
        }
        if let Some(before_send) = &options.before_send {
            event = self.hook("before_send", Reason::BeforeSend, || before_send(event))?;
        }
        if let Some(before_send) = &options.before_send_with_hint {
            event = self.hook("before_send_with_hint", Reason::BeforeSend, || before_send(event, hint))?;
        }
        Ok(event)
    }

    /// Adds what the scopes say. No code of the program runs.
    fn merge(&self, event: &mut Event<'static>, scope: &ScopeSnapshot) {
        let max_breadcrumbs = self.options.max_breadcrumbs;
        // Every event belongs to a trace (spec EVT-12): that of the active span, or the one it is in all the same.
        event.contexts.entry("trace".to_owned()).or_insert_with(|| match &scope.span {
            Some(span) => span.trace_context().into(),
            None => scope.scope.trace().context().into(),
        });
        scope.scope.merge_into(event, max_breadcrumbs);
        let level = event.level;
        scope.global.merge_into(event, max_breadcrumbs);
        if scope.scope.sets_level() {
            event.level = level;
        }
        if event.transaction.is_none() {
            event.transaction = scope.span.as_ref().and_then(|span| span.transaction_name());
        }
    }

    fn sdk_info(&self) -> Cow<'static, ClientSdkInfo> {
        Cow::Owned(self.sdk.clone())
    }

    fn fill_defaults(&self, event: &mut Event<'static>) {
        let options = &self.options;
        fill(&mut event.release, &options.release);
        fill(&mut event.dist, &options.dist);
        fill(&mut event.environment, &options.environment);
        fill(&mut event.server_name, &options.server_name);
        if event.platform == "other" {
            event.platform = "native".into();
        }
        event.sdk.get_or_insert_with(|| self.sdk_info());
    }

    fn envelope_of(&self, event: Event<'static>, kind: Kind, scope: &ScopeSnapshot) -> Envelope {
        let mut envelope = self.bare_envelope_of(event, kind, scope);
        self.add_attachments(&mut envelope, scope);
        envelope
    }

    fn bare_envelope_of(&self, event: Event<'static>, kind: Kind, scope: &ScopeSnapshot) -> Envelope {
        let mut headers = EnvelopeHeaders::new().with_event_id(event.event_id);
        if let Some(trace) = self.sampling_context(&event, scope) {
            headers = headers.with_trace(trace);
        }
        let mut envelope = Envelope::new().with_headers(headers);
        envelope.add_item(match kind {
            Kind::Event => EnvelopeItem::Event(Box::new(event)),
            Kind::Feedback => EnvelopeItem::Feedback(Box::new(event)),
        });
        envelope
    }

    /// The `trace` header: what is known of the trace that the event belongs to (spec TRC-34).
    fn sampling_context(&self, event: &Event<'static>, scope: &ScopeSnapshot) -> Option<DynamicSamplingContext> {
        let Some(Context::Trace(context)) = event.contexts.get("trace") else { return None };
        let known = match &scope.span {
            Some(span) if span.trace_id() == context.trace_id => {
                DynamicSamplingContext::clone(&span.sampling_context())
            }
            _ if scope.scope.trace().trace_id == context.trace_id => scope.scope.trace().sampling_context(self),
            _ => return None,
        };
        Some(known).filter(|known| *known != DynamicSamplingContext::default())
    }

    /// Adds to a sampling context what the head of a trace says of itself.
    pub(crate) fn describe_head(&self, mut context: DynamicSamplingContext) -> DynamicSamplingContext {
        let options = &self.options;
        if let Some(dsn) = &options.dsn {
            context = context.with_public_key(dsn.public_key().to_owned());
        }
        if let Some(release) = &options.release {
            context = context.with_release(release.to_string());
        }
        if let Some(environment) = &options.environment {
            context = context.with_environment(environment.to_string());
        }
        if let Some(org_id) = self.org_id() {
            context = context.with_org_id(org_id);
        }
        context
    }

    /// The organization: the one chosen, else the one in the DSN (spec TRC-20).
    pub(crate) fn org_id(&self) -> Option<OrganizationId> {
        self.options.org_id.or_else(|| self.options.dsn.as_ref()?.org_id())
    }

    pub(crate) fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }

    /// Runs user code that may keep or drop an event. A panic in it counts as a drop (spec HOK-23).
    fn hook(
        &self,
        name: &str,
        reason: Reason,
        run: impl FnOnce() -> Option<Event<'static>>,
    ) -> Result<Event<'static>, Reason> {
        self.guarded(name, run).ok().flatten().ok_or(reason)
    }

    /// Runs user code; a panic in it is said once and goes no further.
    pub(crate) fn guarded<R>(&self, name: &str, run: impl FnOnce() -> R) -> Result<R, ()> {
        caught(run).ok_or_else(|| {
            self.diagnostics.fault("hook panicked", format_args!("{name} panicked; what it was given is dropped"));
        })
    }
}

/// Puts a stack trace where it belongs, and lists its thread.
fn place(event: &mut Event<'static>, stack: &RawStack, stacktrace: Option<Stacktrace>) {
    let (id, name) = (stack.thread_id.clone(), stack.thread_name.clone());
    let mut thread = Thread { id, name, current: true, ..Thread::default() };
    match (stack.target, event.exception.values.last_mut()) {
        (StackTarget::Exception, Some(exception)) => {
            exception.stacktrace = exception.stacktrace.take().or(stacktrace);
            exception.thread_id = exception.thread_id.take().or_else(|| thread.id.clone());
            let mechanism = exception.mechanism.as_ref();
            thread.crashed = mechanism.is_some_and(|mechanism| mechanism.handled == Some(false));
        }
        _ => thread.stacktrace = stacktrace,
    }
    let listed = event.threads.values.iter_mut().find(|there| there.id.is_some() && there.id == thread.id);
    match listed {
        Some(there) => there.stacktrace = there.stacktrace.take().or(thread.stacktrace),
        None if thread.id.is_some() || thread.stacktrace.is_some() => event.threads.values.push(thread),
        None => {}
    }
}

/// The addresses of a stack as frames, which nobody has looked at.
fn bare_stacktrace(stack: &RawStack) -> Option<Stacktrace> {
    let mut frames = Vec::with_capacity(stack.addresses.len());
    let mut gap = None;
    let mut rest = stack.addresses.iter();
    while let Some(&address) = rest.next() {
        if address == 0 {
            gap = rest.next().map(|omitted| (frames.len(), *omitted));
        } else {
            frames.push(Frame { instruction_addr: Some(Addr(address as u64)), ..Frame::default() });
        }
    }
    let frames_omitted = gap.map(|(newer, omitted)| {
        let older = number(frames.len().saturating_sub(newer));
        (older, older.saturating_add(number(omitted)))
    });
    let trace = Stacktrace::from_frames_reversed(frames)?;
    Some(Stacktrace { frames_omitted, ..trace })
}

/// Session updates travel with up to 99 others, or after a minute (spec ITM-44).
const SESSIONS: Limits = Limits { count: 100, bytes: usize::MAX, age: Duration::from_secs(60) };

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn fill(slot: &mut Option<Cow<'static, str>>, default: &Option<Cow<'static, str>>) {
    if slot.is_none() {
        slot.clone_from(default);
    }
}

/// The event as it is so far, while the body stays.
fn event_to_record(body: &Body) -> Event<'static> {
    match body {
        Body::Event(event) => Event::clone(event),
        Body::Draft(draft) => draft.to_event(),
        Body::Message(text) => Event { message: Some(text.to_string()), ..blank() },
        Body::Error(chain) => Event { exception: exceptions_from_chain(chain.clone()).into(), ..blank() },
    }
}

fn event_of(body: Body) -> Event<'static> {
    match body {
        Body::Event(event) => *event,
        Body::Draft(draft) => draft.finish(),
        Body::Message(text) => Event { message: Some(text.into()), ..blank() },
        Body::Error(chain) => Event { exception: exceptions_from_chain(chain).into(), ..blank() },
    }
}

/// An event without an id or time of its own: both come from the capture.
fn blank() -> Event<'static> {
    Event { event_id: uuid::Uuid::nil(), timestamp: std::time::UNIX_EPOCH, ..Event::default() }
}
