//! Release health: whether a program, or a request, ran to its end, with errors, or died (spec §23).

mod aggregates;
mod record;
mod state;

use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::clock;
use crate::fork;
use crate::options::SessionMode;
use crate::pipeline::Pipeline;
use crate::protocol::{SessionAttributes, SessionStatus, User};
use crate::random;
use crate::sync::Mutex;

pub(crate) use self::aggregates::{Added, Aggregates};
pub(crate) use self::record::SessionRecord;
pub(crate) use self::state::Effect;
use self::state::State;

/// A session, shared by all scopes it is on. It ends when the last of them is gone, if nobody ended it before.
pub(crate) struct Session {
    state: Mutex<State>,
    pipeline: Weak<Pipeline>,
    /// The level of scopes it was begun on.
    level: u64,
    /// The process it is about, which alone tells of it.
    generation: u32,
}

impl Session {
    /// Begins one for the client of `pipeline`, on the level `level` of scopes, whose user had it if no better is known by
    /// the time it is first told of. `None` without a release, which sessions are about (spec SES-44).
    pub(crate) fn begin(pipeline: &Arc<Pipeline>, level: u64, user: Option<&User>) -> Option<Arc<Self>> {
        pipeline.options().release.as_ref().filter(|release| !release.is_empty())?;
        let is_summed = pipeline.options().session_mode == SessionMode::Request;
        let mut state = State::new(SessionRecord::begin(random::uuid(), clock::wall()), is_summed, clock::now());
        state.know(user);
        Some(Arc::new(Self {
            state: Mutex::new(state),
            pipeline: Arc::downgrade(pipeline),
            level,
            generation: fork::generation(),
        }))
    }

    pub(crate) fn began_on(&self, level: u64) -> bool {
        self.level == level
    }

    /// Whether events still change it.
    pub(crate) fn is_live(&self) -> bool {
        self.is_own() && self.state.lock().is_live()
    }

    fn is_own(&self) -> bool {
        self.generation == fork::generation()
    }

    /// Ends it. What is to be sent leaves with the client's next batch, or with the last event that is pending.
    pub(crate) fn end(&self, status: SessionStatus, user: Option<&User>) {
        if !self.is_own() {
            return;
        }
        let now = clock::now();
        let update = self.state.lock().end(status, user, now);
        self.leave(update, now);
    }

    /// Counts an event that nothing is pending for.
    pub(crate) fn count(self: &Arc<Self>, effect: Effect) {
        let now = clock::now();
        let update = {
            let mut state = self.state.lock();
            state.refer();
            state.settle(Some(effect), None, now)
        };
        self.leave(update, now);
    }

    fn leave(&self, update: Option<SessionRecord>, now: Instant) {
        if let (Some(update), Some(pipeline)) = (update, self.pipeline.upgrade()) {
            pipeline.send_session(update, now);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_own() && self.state.get_mut().is_live() {
            self.end(SessionStatus::Exited, None);
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// What a capture holds of the session it may change.
#[derive(Debug)]
pub(crate) struct SessionTicket(Option<Arc<Session>>);

impl SessionTicket {
    pub(crate) fn new(session: Arc<Session>) -> Self {
        session.state.lock().refer();
        Self(Some(session))
    }

    /// What [`settle`](Self::settle) would return for a capture that is finished as it is. Nothing changes.
    pub(crate) fn foresee(&self, effect: Effect, user: Option<&User>, pipeline: &Pipeline) -> Option<SessionRecord> {
        let session = self.0.as_ref()?;
        let is_own = std::ptr::eq(session.pipeline.as_ptr(), pipeline);
        let is_told = is_own && pipeline.options().session_mode != SessionMode::Request;
        let mut state = is_told.then(|| session.state.lock().clone())?;
        state.settle(Some(effect), user, clock::now())
    }

    /// The capture has been finished or lost by `pipeline`; `effect` is `None` if a hook dropped the event. Returns what
    /// it is to send of the session now: nothing of another client's session, or of a request's (spec SES-31).
    pub(crate) fn settle(
        mut self,
        effect: Option<Effect>,
        user: Option<&User>,
        pipeline: &Pipeline,
    ) -> Option<SessionRecord> {
        let session = self.0.take()?;
        let now = clock::now();
        let update = session.state.lock().settle(effect, user, now);
        let is_own = std::ptr::eq(session.pipeline.as_ptr(), pipeline);
        if is_own && pipeline.options().session_mode != SessionMode::Request {
            return update;
        }
        session.leave(update, now);
        None
    }
}

impl Drop for SessionTicket {
    fn drop(&mut self) {
        if let Some(session) = self.0.take() {
            let now = clock::now();
            let update = session.state.lock().settle(None, None, now);
            session.leave(update, now);
        }
    }
}

/// What the sessions of a client have in common.
pub(crate) fn attributes(pipeline: &Pipeline) -> SessionAttributes<'static> {
    let options = pipeline.options();
    SessionAttributes {
        // Without one, none is begun.
        release: options.release.clone().unwrap_or_default(),
        environment: options.environment.clone(),
        ip_address: None,
        user_agent: None,
    }
}
