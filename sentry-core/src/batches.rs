//! The batches of a client: what waits there for company, and how it is taken out when its time has come.

use std::fmt;
use std::sync::Weak;
use std::time::Instant;

use crate::batch::Take;
use crate::pending::PendingEnvelope;
use crate::pipeline::Pipeline;

/// A client's batches, and whatever else has its time, for a transport that finishes envelopes on a thread of its own.
///
/// What is small and plentiful (logs, metrics, sessions) waits in the client until there is enough of it. Full batches
/// come by themselves, and everything comes before a flush; what has waited long enough is to be taken out here. The
/// transport is told by [`Transport::wake_at`](crate::Transport::wake_at) when that is. A transport that does not look
/// loses nothing: batches then leave when they are full, and at `flush` and `close`.
#[derive(Clone, Default)]
pub struct BatchSource(Weak<Pipeline>);

impl BatchSource {
    pub(crate) fn new(pipeline: Weak<Pipeline>) -> Self {
        Self(pipeline)
    }

    /// When the oldest batch has waited long enough; `None` while nothing waits. Costs a few short locks.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.0.upgrade().and_then(|pipeline| pipeline.next_batch_due())
    }

    /// Gives `send` what has waited long enough by `now`, one envelope after the other. A flush waits for the envelopes
    /// that are being given.
    pub fn take_due(&self, now: Instant, send: impl FnMut(PendingEnvelope)) {
        if let Some(pipeline) = self.0.upgrade() {
            pipeline.take_batches(Take::Due(now), send);
        }
    }

    /// Tells the client's integrations that nothing was sent for some seconds.
    pub fn idle(&self) {
        if let Some(pipeline) = self.0.upgrade() {
            pipeline.on_idle();
        }
    }
}

impl fmt::Debug for BatchSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchSource").field("next_due", &self.next_due()).finish()
    }
}
