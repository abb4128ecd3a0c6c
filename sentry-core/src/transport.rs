//! What the client asks of delivery: the `Transport` trait, how one is made, and the one that does nothing.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::batches::BatchSource;
use crate::client_report::Recorder;
use crate::diagnostics::Diagnostics;
use crate::dsn::Dsn;
use crate::options::{Books, ClientOptions, SpoolOptions, choose_spotlight};
use crate::pending::{PendingEnvelope, Recovery};
use crate::protocol::Envelope;

/// Takes envelopes and delivers them.
///
/// A custom transport implements [`send_envelope`](Self::send_envelope): then events are finished (scopes merged,
/// hooks run, stack traces resolved) on the capturing thread, and an event that a hook drops has no id. A transport
/// that also implements [`send_deferred`](Self::send_deferred) gets events unfinished and finishes them on a thread of
/// its own; the built-in one does.
pub trait Transport: Send + Sync + 'static {
    /// Takes a finished envelope. Called on the capturing thread: it should not wait.
    fn send_envelope(&self, envelope: Envelope);

    /// Waits until everything accepted before the call has a verdict, at most `timeout`; `false` when it did not.
    fn flush(&self, timeout: Duration) -> bool {
        let _ = timeout;
        true
    }

    /// Like [`flush`](Self::flush), and takes nothing more afterwards.
    fn shutdown(&self, timeout: Duration) -> bool {
        self.flush(timeout)
    }

    /// Takes an event that is not finished yet. The default finishes it on the spot and calls
    /// [`send_envelope`](Self::send_envelope).
    fn send_deferred(&self, pending: PendingEnvelope) {
        pending.hand_over(|envelope| self.send_envelope(envelope));
    }

    /// Tells a deferring transport when the client's oldest batch is due. The default does nothing: batches then
    /// leave when they are full, and at `flush` and `close`.
    fn wake_at(&self, at: Instant) {
        let _ = at;
    }
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send_envelope(&self, envelope: Envelope) {
        (**self).send_envelope(envelope);
    }

    fn flush(&self, timeout: Duration) -> bool {
        (**self).flush(timeout)
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        (**self).shutdown(timeout)
    }

    fn send_deferred(&self, pending: PendingEnvelope) {
        (**self).send_deferred(pending);
    }

    fn wake_at(&self, at: Instant) {
        (**self).wake_at(at);
    }
}

/// Makes the transport of a client, once, when the client is made.
///
/// Implement one of the two methods; each is written in terms of the other. A closure
/// `Fn(&ClientOptions) -> Arc<dyn Transport>` is a factory, and so is an `Arc` of a transport.
pub trait TransportFactory: Send + Sync {
    /// Makes the transport from the checked options of delivery.
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        let source = Arc::clone(&options.source);
        once_around::<Self>(|| {
            #[expect(deprecated, reason = "factories written for the older method")]
            self.create_transport(&source)
        })
    }

    /// Makes the transport from the client's options.
    #[deprecated(note = "implement `create_transport_with_options`")]
    fn create_transport(&self, options: &ClientOptions) -> Arc<dyn Transport> {
        match TransportOptions::try_from_client_options(options) {
            Some(options) => once_around::<Self>(|| self.create_transport_with_options(options)),
            None => Arc::new(NoOpTransport),
        }
    }
}

impl<F> TransportFactory for F
where
    F: Fn(&ClientOptions) -> Arc<dyn Transport> + Clone + Send + Sync + 'static,
{
    fn create_transport(&self, options: &ClientOptions) -> Arc<dyn Transport> {
        (*self)(options)
    }
}

impl<T: Transport> TransportFactory for Arc<T> {
    fn create_transport_with_options(&self, _options: TransportOptions) -> Arc<dyn Transport> {
        self.clone()
    }

    fn create_transport(&self, _options: &ClientOptions) -> Arc<dyn Transport> {
        self.clone()
    }
}

/// A factory that implements neither method would call itself for ever: the third time round ends it.
fn once_around<F: ?Sized>(make: impl FnOnce() -> Arc<dyn Transport>) -> Arc<dyn Transport> {
    const TURNS: usize = 2;
    thread_local! { static MAKING: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) } }
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            MAKING.with(|making| making.borrow_mut().pop());
        }
    }
    let factory = std::any::type_name::<F>();
    let turns = MAKING.with(|making| {
        making.borrow_mut().push(factory);
        making.borrow().iter().filter(|there| **there == factory).count()
    });
    let _leave = Leave;
    if turns <= TURNS {
        return make();
    }
    let message =
        format_args!("the transport factory {factory} implements neither of its methods: nothing will be sent");
    Diagnostics::default().fault("transport factory", message);
    Arc::new(NoOpTransport)
}

/// Does nothing with what it gets.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoOpTransport;

impl Transport for NoOpTransport {
    fn send_envelope(&self, _envelope: Envelope) {}
}

/// What a transport needs to know: the checked options of delivery.
#[derive(Clone)]
#[must_use]
#[non_exhaustive]
pub struct TransportOptions {
    /// Where to send.
    pub dsn: Dsn,
    /// The SDK's name and version, for the headers `User-Agent` and `X-Sentry-Auth`.
    pub user_agent: Cow<'static, str>,
    /// Proxy for a DSN with `http`.
    pub http_proxy: Option<Cow<'static, str>>,
    /// Proxy for a DSN with `https`.
    pub https_proxy: Option<Cow<'static, str>>,
    /// Hosts that are reached without the proxy, in the syntax of the variable `NO_PROXY`.
    pub no_proxy: Option<Cow<'static, str>>,
    /// Accept any TLS certificate.
    pub accept_invalid_certs: bool,
    /// Where losses are recorded and client reports taken from.
    pub client_report_recorder: Recorder,
    /// How many events may be queued, besides the limit in bytes.
    pub transport_channel_capacity: Option<NonZeroUsize>,
    /// Where copies for a Spotlight sidecar go, if anywhere.
    pub spotlight_url: Option<String>,
    /// There is no DSN: the sidecar is all there is, and [`dsn`](Self::dsn) stands for nothing.
    pub is_spotlight_only: bool,
    /// How many requests there may be at once.
    pub max_senders: usize,
    /// Where to keep undelivered events, if anywhere.
    pub spool_dir: Option<PathBuf>,
    /// How to keep them.
    pub spool: SpoolOptions,
    /// Finishes what an ended process left there unfinished.
    pub recovery: Recovery,
    /// Where to say what went wrong.
    pub diagnostics: Diagnostics,
    /// The client's batches, to be taken out when they are due.
    pub batches: BatchSource,
    pub(crate) source: Arc<ClientOptions>,
}

impl TransportOptions {
    /// The transport's part of `options`; `None` without a DSN. What is recorded counts for the client whose options
    /// these are, if a client gave them to a factory, and else for nobody.
    pub fn try_from_client_options(options: &ClientOptions) -> Option<Self> {
        Self::new(Arc::new(options.clone()))
    }

    pub(crate) fn new(source: Arc<ClientOptions>) -> Option<Self> {
        let books = source.books.clone().unwrap_or_else(|| Books {
            recorder: Recorder::default(),
            diagnostics: Diagnostics::new(source.debug, source.diagnostics.clone()),
            batches: BatchSource::default(),
            recovery: Recovery::default(),
        });
        let url = source.spotlight_url.as_deref();
        let spotlight_url = choose_spotlight(source.spotlight, url, None).url;
        let (dsn, is_spotlight_only) = match &source.dsn {
            Some(dsn) => (dsn.clone(), false),
            None => (spotlight_url.as_ref().and_then(|_| NO_DSN.parse().ok())?, true),
        };
        Some(Self {
            dsn,
            spotlight_url,
            is_spotlight_only,
            user_agent: source.user_agent.clone(),
            http_proxy: source.http_proxy.clone(),
            https_proxy: source.https_proxy.clone(),
            no_proxy: source.no_proxy.clone(),
            accept_invalid_certs: source.accept_invalid_certs,
            client_report_recorder: books.recorder,
            transport_channel_capacity: source.transport_channel_capacity,
            max_senders: source.max_senders,
            spool_dir: source.spool_dir.clone(),
            spool: source.spool,
            recovery: books.recovery,
            diagnostics: books.diagnostics,
            batches: books.batches,
            source,
        })
    }
}

/// Stands for the DSN where a sidecar takes the place of the server.
const NO_DSN: &str = "http://spotlight@localhost/0";

impl fmt::Debug for TransportOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's URL may carry a password.
        f.debug_struct("TransportOptions")
            .field("dsn", &self.dsn)
            .field("user_agent", &self.user_agent)
            .field("http_proxy", &self.http_proxy.is_some())
            .field("https_proxy", &self.https_proxy.is_some())
            .field("accept_invalid_certs", &self.accept_invalid_certs)
            .field("transport_channel_capacity", &self.transport_channel_capacity)
            .field("spotlight_url", &self.spotlight_url)
            .field("max_senders", &self.max_senders)
            .field("spool_dir", &self.spool_dir)
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lazy;
    impl TransportFactory for Lazy {}

    #[test]
    fn a_factory_that_implements_nothing_makes_a_transport_that_does_nothing() {
        let options = ClientOptions::new().dsn("https://key@localhost/1");
        let made =
            Lazy.create_transport_with_options(TransportOptions::try_from_client_options(&options).expect("a dsn"));
        assert!(made.flush(Duration::ZERO));
    }

    #[test]
    fn an_arc_forwards_every_method() {
        struct Refuses;
        impl Transport for Refuses {
            fn send_envelope(&self, _: Envelope) {}
            fn flush(&self, _: Duration) -> bool {
                false
            }
        }
        let shared: Arc<dyn Transport> = Arc::new(Refuses);
        assert!(!Transport::flush(&shared, Duration::ZERO));
        assert!(!Transport::shutdown(&shared, Duration::ZERO));
    }
}
