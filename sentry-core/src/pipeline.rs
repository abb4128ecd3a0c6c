//! How a capture becomes an envelope: the steps every event takes, in order, wherever events are finished.
//!
//! 1. the event is built from what the caller took (text, ids, time);
//! 2. raw stacks are resolved and put where they belong;
//! 3. the scopes are laid under it, the global one last;
//! 4. event processors run, the scope's first (spec CLI-12);
//! 5. integrations run;
//! 6. defaults fill what is still empty;
//! 7. `before_send` runs;
//! 8. attachments and the trace header join it in an envelope.
//!
//! While this happens the thread's current hub is one made from the captured scopes, captures are suppressed, and
//! every call of user code is caught if it panics: the event is then dropped and counted as if the code had said so
//! (spec §12.2).

use std::any::TypeId;
use std::borrow::Cow;
use std::sync::Arc;

use crate::capture::{Body, Capture, RawStack, StackTarget};
use crate::caught::caught;
use crate::diagnostics::Diagnostics;
use crate::error_event::exceptions_from_chain;
use crate::hub::{Hub, SwitchGuard};
use crate::integration::Integration;
use crate::ledger::Recorder;
use crate::options::ClientOptions;
use crate::propagation;
use crate::protocol::client_report::{Category, LossSource, Reason};
use crate::protocol::{
    Attachment, ClientSdkInfo, ClientSdkPackage, DynamicSamplingContext, Envelope, EnvelopeHeaders, Event, Stacktrace,
    Thread,
};
use crate::scope::ScopeSnapshot;
use crate::suppress;

/// What finishing needs of a client. It never holds the client or its transport, so a queue that holds it keeps
/// neither alive.
pub(crate) struct Pipeline {
    options: Arc<ClientOptions>,
    integrations: Vec<(TypeId, Arc<dyn Integration>)>,
    recorder: Recorder,
    diagnostics: Diagnostics,
    sdk: ClientSdkInfo,
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
        Self { options, integrations, recorder, diagnostics, sdk }
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

    /// Resolves the stacks of a capture that are not resolved yet.
    pub(crate) fn resolve_stacks(&self, capture: &mut Capture) {
        for stack in capture.stacks.iter().skip(capture.resolved.len()) {
            let stacktrace = self.guarded("stack traces", || (stack.resolve)(stack, &self.options)).ok().flatten();
            capture.resolved.push(stacktrace);
        }
    }

    /// Makes the envelope of a capture; `None` when something dropped it, which is then counted.
    pub(crate) fn finish(&self, mut capture: Capture) -> Option<Envelope> {
        let _mark = suppress::enter();
        self.resolve_stacks(&mut capture);
        let Capture { event_id, timestamp, level, body, stacks, resolved, scope, .. } = capture;
        let _switch = SwitchGuard::new(Arc::new(Hub::of_snapshot(&scope)));
        let mut event = Event { event_id, timestamp, level, ..event_of(body) };
        for (stack, stacktrace) in stacks.into_iter().zip(resolved) {
            place(&mut event, stack, stacktrace);
        }
        match self.prepare(event, &scope) {
            // The id is the one the caller was told, whatever hooks made of the event.
            Ok(event) => Some(self.envelope_of(Event { event_id, ..event }, &scope)),
            Err(reason) => {
                self.recorder.record_loss(Category::Error, reason, 1);
                None
            }
        }
    }

    /// Steps 3 to 7.
    pub(crate) fn prepare(&self, mut event: Event<'static>, scope: &ScopeSnapshot) -> Result<Event<'static>, Reason> {
        let max_breadcrumbs = self.options.max_breadcrumbs;
        scope.scope.merge_into(&mut event, max_breadcrumbs);
        let level = event.level;
        scope.global.merge_into(&mut event, max_breadcrumbs);
        if scope.scope.sets_level() {
            event.level = level;
        }
        for processor in scope.scope.processors().iter().chain(&scope.global.processors()) {
            event = self.hook("an event processor", Reason::EventProcessor, || processor.process(event))?;
        }
        for (_, integration) in &self.integrations {
            let run = || integration.process_event(event, &self.options);
            event = self.hook(integration.name(), Reason::EventProcessor, run)?;
        }
        self.fill_defaults(&mut event);
        match &self.options.before_send {
            Some(before_send) => self.hook("before_send", Reason::BeforeSend, || before_send(event)),
            None => Ok(event),
        }
    }

    fn fill_defaults(&self, event: &mut Event<'static>) {
        let options = &self.options;
        let fill = |slot: &mut Option<Cow<'static, str>>, default: &Option<Cow<'static, str>>| {
            if slot.is_none() {
                slot.clone_from(default);
            }
        };
        fill(&mut event.release, &options.release);
        fill(&mut event.dist, &options.dist);
        fill(&mut event.environment, &options.environment);
        fill(&mut event.server_name, &options.server_name);
        if event.platform == "other" {
            event.platform = "native".into();
        }
        event.sdk.get_or_insert_with(|| Cow::Owned(self.sdk.clone()));
        // Every event belongs to a trace (spec EVT-12).
        event.contexts.entry("trace".to_owned()).or_insert_with(|| propagation::process_trace().context().into());
    }

    fn envelope_of(&self, event: Event<'static>, scope: &ScopeSnapshot) -> Envelope {
        let mut headers = EnvelopeHeaders::new().with_event_id(event.event_id);
        if let Some(trace) = self.sampling_context(&event) {
            headers = headers.with_trace(trace);
        }
        let mut envelope = Envelope::new().with_headers(headers);
        envelope.add_item(event);
        for attachment in scope.global.attachments().iter().chain(scope.scope.attachments()) {
            for item in attachment.losses() {
                self.recorder.record_captured(item.category, item.quantity);
            }
            envelope.add_item(Attachment::clone(attachment));
        }
        envelope
    }

    /// The `trace` header: what the process knows of its trace, if the event belongs to that one (spec TRC-34).
    fn sampling_context(&self, event: &Event<'static>) -> Option<DynamicSamplingContext> {
        let trace = propagation::process_trace();
        match event.contexts.get("trace") {
            Some(crate::protocol::Context::Trace(context)) if context.trace_id == trace.trace_id => {}
            _ => return None,
        }
        let dsn = self.options.dsn.as_ref()?;
        let mut context =
            DynamicSamplingContext::new().with_trace_id(trace.trace_id).with_public_key(dsn.public_key().to_owned());
        if let Some(sample_rand) = trace.sample_rand {
            context = context.with_sample_rand(sample_rand);
        }
        if let Some(release) = &event.release {
            context = context.with_release(release.to_string());
        }
        if let Some(environment) = &event.environment {
            context = context.with_environment(environment.to_string());
        }
        if let Some(org_id) = self.options.org_id.or_else(|| dsn.org_id()) {
            context = context.with_org_id(org_id);
        }
        Some(context)
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
fn place(event: &mut Event<'static>, stack: RawStack, stacktrace: Option<Stacktrace>) {
    let mut thread = Thread { id: stack.thread_id, name: stack.thread_name, current: true, ..Thread::default() };
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

fn event_of(body: Body) -> Event<'static> {
    match body {
        Body::Event(event) => *event,
        Body::Message(text) => Event { message: Some(text.into()), ..blank() },
        Body::Error(chain) => Event { exception: exceptions_from_chain(chain).into(), ..blank() },
    }
}

/// An event without an id or time of its own: both come from the capture.
fn blank() -> Event<'static> {
    Event { event_id: uuid::Uuid::nil(), timestamp: std::time::UNIX_EPOCH, ..Event::default() }
}
