//! The transport that programs name: HTTP through `ureq`.

use std::fmt;
use std::time::{Duration, Instant};

use sentry_core::fork::{Heir, PerProcess};
use sentry_core::protocol::Envelope;
use sentry_core::{ClientOptions, PendingEnvelope, Transport, TransportOptions};

pub use crate::agent::Agent;
use crate::agent::{NoServer, UreqPost};
use crate::delivery::{Delivery, Parts};
use crate::sender::Post;
use crate::spool::{Disk, Spool};
use crate::spotlight::Spotlight;
use crate::sys;

/// Delivers envelopes over HTTP, on threads of its own.
///
/// Callers hand events over and go on: a thread `sentry-worker` finishes them, up to four `sentry-sender`s send them.
/// While there is nothing to do, one sleeping thread is all there is. Everything is bounded: 16 MiB of errors and 32 MiB
/// of other data are queued, a request takes at most 10 s, [`flush`](Transport::flush) and
/// [`shutdown`](Transport::shutdown) return at their deadlines. What is lost is counted, with its reason.
///
/// # At the end
///
/// What [`shutdown`](Transport::shutdown) could not deliver in time is counted as `network_error`, what comes after it
/// as `queue_overflow`. Requests that are in flight then may still arrive. A transport that is dropped without a
/// shutdown does not wait: its threads go on for at most two seconds.
#[derive(Debug)]
pub struct UreqHttpTransport {
    /// `None` without a DSN: then everything is dropped.
    running: Option<PerProcess<Running>>,
}

/// A delivery, and what it takes to have another one in a forked process.
#[derive(Debug)]
struct Running {
    delivery: Delivery,
    options: UreqHttpTransportOptions,
}

/// What a [`UreqHttpTransport`] is made from.
#[must_use]
pub struct UreqHttpTransportOptions {
    options: TransportOptions,
    agent: Option<Agent>,
}

impl UreqHttpTransport {
    /// Makes a transport from a client's options. Losses are not in the client's statistics.
    #[deprecated(note = "use `UreqHttpTransportOptions`")]
    pub fn new(options: &ClientOptions) -> Self {
        Self::from_client_options(options, None)
    }

    /// Makes a transport that sends with `agent`. Losses are not in the client's statistics.
    #[deprecated(note = "use `UreqHttpTransportOptions::with_agent`")]
    pub fn with_agent(options: &ClientOptions, agent: Agent) -> Self {
        Self::from_client_options(options, Some(agent))
    }

    fn from_client_options(options: &ClientOptions, agent: Option<Agent>) -> Self {
        match TransportOptions::try_from_client_options(options) {
            Some(options) => UreqHttpTransportOptions { options, agent }.build(),
            None => Self { running: None },
        }
    }
}

impl Transport for UreqHttpTransport {
    fn send_envelope(&self, envelope: Envelope) {
        if let Some(delivery) = self.delivery() {
            delivery.send_envelope(envelope);
        }
    }

    fn flush(&self, timeout: Duration) -> bool {
        self.delivery().is_none_or(|delivery| delivery.flush(timeout))
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        self.delivery().is_none_or(|delivery| delivery.shutdown(timeout))
    }

    fn send_deferred(&self, pending: PendingEnvelope) {
        if let Some(delivery) = self.delivery() {
            delivery.send_deferred(pending);
        }
    }

    fn wake_at(&self, at: Instant) {
        if let Some(delivery) = self.delivery() {
            delivery.wake_at(at);
        }
    }
}

impl UreqHttpTransport {
    fn delivery(&self) -> Option<&Delivery> {
        self.running.as_ref().map(|running| &running.get().delivery)
    }
}

impl Running {
    fn start(options: UreqHttpTransportOptions) -> Self {
        Self { delivery: options.start(), options }
    }
}

impl Heir for Running {
    /// Its own threads, queue, directory and connections; and its own books.
    fn heir(&self) -> Self {
        let UreqHttpTransportOptions { options, agent } = &self.options;
        // The parent's connections are not ours to write to.
        let agent = agent.as_ref().map(|agent| agent.config().clone().new_agent());
        Self::start(UreqHttpTransportOptions { options: options.clone(), agent })
    }
}

impl From<TransportOptions> for UreqHttpTransportOptions {
    fn from(options: TransportOptions) -> Self {
        Self { options, agent: None }
    }
}

impl UreqHttpTransportOptions {
    /// Sends with this agent. Its proxy and TLS settings are used instead of those in the options; our limits of time and
    /// size, and that no redirect is followed, override its own for each request.
    pub fn with_agent(self, agent: Agent) -> Self {
        Self { agent: Some(agent), ..self }
    }

    /// Makes the transport and starts its thread. No connection is made before there is something to send.
    pub fn build(self) -> UreqHttpTransport {
        sys::watch_forks();
        UreqHttpTransport { running: Some(PerProcess::of_now(Running::start(self))) }
    }

    fn start(&self) -> Delivery {
        let Self { options, agent } = self;
        let post: Box<dyn Post> = if options.is_spotlight_only {
            Box::new(NoServer)
        } else {
            Box::new(UreqPost::new(options, agent.clone()))
        };
        let spotlight = options.spotlight_url.as_ref().and_then(|url| Spotlight::start(url, &options.diagnostics));
        let secret = options.dsn.secret_key().map(str::to_owned);
        let keys = [options.dsn.public_key().to_owned()].into_iter().chain(secret).collect();
        let TransportOptions { client_report_recorder: recorder, diagnostics, batches, recovery, max_senders, .. } =
            options.clone();
        let spool = options.spool_dir.as_ref().filter(|dir| !dir.as_os_str().is_empty()).map(|dir| {
            let (recorder, diagnostics) = (recorder.clone(), diagnostics.clone());
            Spool::new(dir, &options.dsn, options.spool, Box::new(Disk), recorder, diagnostics)
        });
        let capacity = options.transport_channel_capacity.map(usize::from);
        let parts = Parts { recorder, diagnostics, batches, recovery, spool, spotlight, keys, capacity, max_senders };
        Delivery::start(post, parts)
    }
}

impl fmt::Debug for UreqHttpTransportOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqHttpTransportOptions")
            .field("options", &self.options)
            .field("has_agent", &self.agent.is_some())
            .finish()
    }
}
