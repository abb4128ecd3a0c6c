//! The work of one request, from its beginning to the end of its answer, in a hub of its own.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::thread;

use http::{Extensions, HeaderMap, Method, Request, StatusCode};
use sentry_core::protocol::{Event, SpanStatus};
use sentry_core::{Hub, HubSwitchGuard, Transaction, TransactionOrSpan, suppress};

use super::claim::{self, Claim, Serving};
use super::parts::{Parts, route};
use super::{fault, grpc, transaction};
#[cfg(feature = "release-health")]
use crate::web::RequestSession;
use crate::web::{Name, Rules, is_grpc_fault, status_of_grpc, status_of_http};

/// What a layer is to do with requests.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wishes {
    pub(super) transaction: bool,
    pub(super) faults: bool,
    pub(super) session: bool,
    /// `None`: as the client's options say.
    pub(super) pii: Option<bool>,
    pub(super) client_address: Option<fn(&Extensions) -> Option<IpAddr>>,
}

impl Wishes {
    /// What is left to do.
    fn but_for(self, done: Self) -> Self {
        Self {
            transaction: self.transaction && !done.transaction,
            faults: self.faults && !done.faults,
            session: self.session && !done.session,
            ..self
        }
    }

    fn and(self, done: Self) -> Self {
        Self {
            transaction: self.transaction || done.transaction,
            faults: self.faults || done.faults,
            session: self.session || done.session,
            ..self
        }
    }
}

/// A request that is being served. Dropped unfinished, it was cancelled.
#[derive(Debug)]
pub(super) struct Work {
    known: Arc<Known>,
    claim: Arc<Claim>,
    /// Begun by this layer.
    transaction: Option<Transaction>,
    /// The span to put back when the transaction is over, on a hub that others use after this layer.
    around: Option<Option<TransactionOrSpan>>,
    captures_faults: bool,
    #[cfg(feature = "release-health")]
    session: Option<RequestSession>,
    /// How it will have ended if the answer's body does.
    status: Option<SpanStatus>,
    is_fault: bool,
}

/// What layers that the request passes through later are to know of it: an extension of the request.
#[derive(Debug, Clone)]
struct Known {
    hub: Arc<Hub>,
    parts: Arc<Parts>,
    route: OnceLock<String>,
    transaction: Option<Transaction>,
    /// By any layer so far.
    is_done: Wishes,
}

impl Work {
    /// Begins to serve `request`. `None` if nothing can be sent, or a layer around this one does all of it.
    pub(super) fn begin<B>(request: &mut Request<B>, wishes: Wishes) -> Option<Self> {
        if suppress::is_active() {
            return None;
        }
        Hub::with_active(|current| match request.extensions().get::<Arc<Known>>().cloned() {
            Some(known) => Self::begin_inside(&known, request, wishes),
            None => Self::begin_on(current, request, wishes),
        })
    }

    fn begin_on<B>(current: &Arc<Hub>, request: &mut Request<B>, wishes: Wishes) -> Option<Self> {
        let client = current.client()?;
        // Nothing is ever written to a hub that may be another's.
        let is_own = !claim::is_made(current);
        let hub = if is_own { current.fork() } else { Arc::clone(current) };
        let rules = match wishes.pii {
            Some(sends_pii) => Rules::of(client.options()).with_pii(sends_pii),
            None => Rules::of(client.options()),
        };
        let parts = Arc::new(Parts::of(request, rules, address(request, wishes)));
        let span = span_of(&hub);
        // Whoever began a span on the request's hub has said which trace it is, and how it is called.
        let is_free = wishes.transaction || span.is_none();
        if is_free {
            hub.continue_incoming(parts.trace_headers());
        }
        let adder = Arc::clone(&parts);
        hub.configure_scope(|scope| {
            scope.add_event_processor(move |mut event| {
                adder.add_to(&mut event);
                Some(event)
            });
        });
        let route = OnceLock::new();
        if let Some(known) = self::route(request.extensions()) {
            let _ = route.set(known.to_owned());
        }
        let nothing = Known { hub, parts, route, transaction: None, is_done: Wishes::default() };
        let mut work = nothing.begin(request, wishes);
        if is_free {
            work.known.tell_name();
        }
        work.around = (work.transaction.is_some() && !is_own).then_some(span);
        Some(work)
    }

    /// A layer around this one serves the request: what it does is not done again, but what is known better here is said.
    fn begin_inside<B>(outer: &Known, request: &mut Request<B>, wishes: Wishes) -> Option<Self> {
        if let Some(route) = route(request.extensions()) {
            outer.learn_route(route);
        }
        let wishes = wishes.but_for(outer.is_done);
        if !wishes.transaction && !wishes.faults && !wishes.session {
            return None;
        }
        let span = span_of(&outer.hub);
        let mut work = outer.clone().begin(request, wishes);
        if work.transaction.is_some() {
            work.known.tell_name();
            work.around = Some(span);
        }
        Some(work)
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.known.hub
    }

    pub(super) fn is_grpc(&self) -> bool {
        self.known.parts.is_grpc
    }

    /// Whether the answer has no body, whatever it says.
    pub(super) fn is_head(&self) -> bool {
        self.known.parts.method == Method::HEAD
    }

    /// The head of the answer is there: what it says counts once the answer has ended.
    pub(super) fn answered(&mut self, status: StatusCode, headers: &HeaderMap) {
        let code = status.as_u16();
        if let Some(transaction) = &self.transaction {
            transaction.set_data("http.response.status_code", code.into());
        }
        if !self.is_grpc() {
            self.status = Some(status_of_http(code));
            if status.is_server_error() {
                self.answered_with_fault("HTTP server error", code);
            }
        } else if let Some(code) = grpc::code_in(headers) {
            self.answered_in_grpc(code);
        }
    }

    /// The trailers of the answer are there.
    pub(super) fn trailed(&mut self, trailers: &HeaderMap) {
        if let Some(code) = grpc::code_in(trailers).filter(|_| self.is_grpc()) {
            self.answered_in_grpc(code);
        }
    }

    /// The answer has ended.
    pub(super) fn done(mut self) {
        // An answer of gRPC without a status is none.
        let status = self.status.unwrap_or(SpanStatus::UnknownError);
        let is_fault = self.is_fault;
        self.finish(status, is_fault);
    }

    /// The service, or the answer's body, failed.
    pub(super) fn failed<E>(mut self, describe: impl FnOnce() -> Event<'static>) {
        if self.captures_faults {
            let _inside = self.enter();
            self.capture(guarded(describe).unwrap_or_else(fault::of_type::<E>));
        }
        self.finish(SpanStatus::InternalError, true);
    }

    /// Serves it on this thread until the guards are dropped.
    fn enter(&self) -> (HubSwitchGuard, Serving) {
        (HubSwitchGuard::new(Arc::clone(&self.known.hub)), self.claim.enter())
    }

    fn answered_in_grpc(&mut self, code: u16) {
        if let Some(transaction) = &self.transaction {
            transaction.set_data("rpc.grpc.status_code", code.into());
        }
        self.status = Some(status_of_grpc(code));
        if is_grpc_fault(code) {
            self.answered_with_fault("gRPC server error", code);
        }
    }

    fn answered_with_fault(&mut self, what: &str, code: u16) {
        self.is_fault = true;
        // Whoever captured something in this request, be it the panic hook, said more than the code does.
        if self.captures_faults && self.known.hub.last_event_id().is_none() {
            let _inside = self.enter();
            self.capture(fault::of_answer(what, code, &self.known.name().text));
        }
    }

    fn capture(&self, mut event: Event<'static>) {
        fault::mark(&mut event, self.known.parts.origin());
        self.known.hub.capture_event(event);
    }

    fn finish(&mut self, status: SpanStatus, is_fault: bool) {
        if let Some(transaction) = self.transaction.take() {
            let _inside = self.enter();
            // What the program says of it itself counts.
            if transaction.get_status().is_none() {
                transaction.set_status(status);
            }
            if self.known.parts.has_body() {
                transaction.set_request(self.known.parts.request());
            }
            transaction.finish();
            if let Some(span) = self.around.take() {
                self.known.hub.configure_scope(|scope| scope.set_span(span));
            }
        }
        #[cfg(feature = "release-health")]
        match self.session.take() {
            Some(session) if is_fault => session.end_unhandled(),
            session => drop(session),
        }
        #[cfg(not(feature = "release-health"))]
        let _ = is_fault;
    }
}

/// Without effect on one that has finished.
impl Drop for Work {
    fn drop(&mut self) {
        self.finish(SpanStatus::Cancelled, false);
    }
}

/// The parts of a request that is being served.
pub(super) fn parts_of(extensions: &Extensions) -> Option<Arc<Parts>> {
    extensions.get::<Arc<Known>>().map(|known| Arc::clone(&known.parts))
}

impl Known {
    /// Begins what is wished for.
    fn begin<B>(mut self, request: &mut Request<B>, wishes: Wishes) -> Work {
        #[cfg(feature = "release-health")]
        let session = self.begin_session(wishes);
        let route = self.route.get().map(String::as_str);
        let transaction = wishes.transaction.then(|| transaction::begin(&self.hub, &self.parts, route));
        self.transaction = transaction.clone().or(self.transaction);
        self.is_done = self.is_done.and(wishes);
        let known = Arc::new(self);
        request.extensions_mut().insert(Arc::clone(&known));
        Work {
            claim: Claim::on(Arc::clone(&known.hub)),
            known,
            transaction,
            around: None,
            captures_faults: wishes.faults,
            #[cfg(feature = "release-health")]
            session,
            status: None,
            is_fault: false,
        }
    }

    #[cfg(feature = "release-health")]
    fn begin_session(&self, wishes: Wishes) -> Option<RequestSession> {
        let client = self.hub.client().filter(|_| wishes.session)?;
        Some(RequestSession::begin(&self.hub, client.options()))
    }

    fn name(&self) -> Name {
        self.parts.name(self.route.get().map(String::as_str))
    }

    /// Puts the name on events, and the transaction on the hub. Renames the transaction that is there.
    fn tell_name(&self) {
        let name = self.name();
        self.hub.configure_scope(|scope| {
            if let Some(transaction) = &self.transaction {
                scope.set_span(Some(TransactionOrSpan::from(transaction.clone())));
            }
            scope.set_transaction(Some(&name.text));
        });
    }

    /// What matched is known inside of the router only.
    fn learn_route(&self, route: &str) {
        if self.parts.is_grpc || self.route.set(route.to_owned()).is_err() {
            return;
        }
        if let Some(transaction) = &self.transaction {
            transaction.set_source(self.name().source);
            transaction.set_data("http.route", route.into());
        }
        self.tell_name();
    }
}

/// Runs `run` inside the request's hub. If it panics, the request has ended with an internal error.
pub(super) fn within<R>(work: &mut Option<Work>, run: impl FnOnce() -> R) -> R {
    let Some(_inside) = work.as_ref().map(Work::enter) else {
        return run();
    };
    let _alarm = Alarm { work, was_panicking: thread::panicking() };
    run()
}

/// Dropped before the thread leaves the hub.
struct Alarm<'a> {
    work: &'a mut Option<Work>,
    was_panicking: bool,
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() && !self.was_panicking {
            // It is kept: what panicked is still to be dropped, in its hub.
            if let Some(work) = self.work {
                work.finish(SpanStatus::InternalError, true);
            }
        }
    }
}

fn span_of(hub: &Hub) -> Option<TransactionOrSpan> {
    hub.configure_scope(|scope| scope.get_span())
}

fn address<B>(request: &Request<B>, wishes: Wishes) -> Option<IpAddr> {
    let find = wishes.client_address?;
    guarded(|| find(request.extensions())).flatten()
}

/// Calls a function of the program's. One that panics has nothing to say; the request is served all the same.
fn guarded<R>(call: impl FnOnce() -> R) -> Option<R> {
    let _mark = suppress::enter();
    catch_unwind(AssertUnwindSafe(call)).ok()
}
