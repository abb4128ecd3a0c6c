//! Transports of a program's own, and the built-in one.

use std::borrow::Cow;
use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use sentry::client_report::{Reason, Recorder};
use sentry::transports::{DefaultTransportFactory, HttpTransport, UreqHttpTransport, UreqHttpTransportOptions};
use sentry::types::Dsn;
use sentry::{ClientOptions, Envelope, Transport, TransportFactory, TransportOptions};

has!(TransportOptions; Debug);
has!(Recorder; Debug + Clone + Default + Send + Sync);
has!(Reason; Debug + Copy + Send + Sync);
has!(UreqHttpTransport, HttpTransport; Transport);
has!(DefaultTransportFactory; TransportFactory + Clone);
has!(UreqHttpTransportOptions; Debug + From<TransportOptions>);

struct Mine(Recorder);

impl Transport for Mine {
    fn send_envelope(&self, envelope: Envelope) {
        self.0.record_lost_data(&envelope, Reason::QueueOverflow);
    }

    fn flush(&self, _timeout: Duration) -> bool {
        true
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        self.flush(timeout)
    }
}

/// Has what the trait demands, and no more.
struct Least;
impl Transport for Least {
    fn send_envelope(&self, _envelope: Envelope) {}
}

struct Factory;
impl TransportFactory for Factory {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(Mine(options.client_report_recorder))
    }
}

struct OldFactory;
impl TransportFactory for OldFactory {
    fn create_transport(&self, _options: &ClientOptions) -> Arc<dyn Transport> {
        Arc::new(Least)
    }
}

fn factories() -> [ClientOptions; 4] {
    let closure = |_: &ClientOptions| -> Arc<dyn Transport> { Arc::new(Least) };
    [
        ClientOptions::new().transport(Factory),
        ClientOptions::new().transport(OldFactory),
        ClientOptions::new().transport(closure),
        ClientOptions::new().transport(Arc::new(Least)),
    ]
}

fn options(options: TransportOptions) {
    let _: fn(&ClientOptions) -> Option<TransportOptions> = TransportOptions::try_from_client_options;
    let _: Dsn = options.dsn;
    let _: Cow<'static, str> = options.user_agent;
    let _: Option<Cow<'static, str>> = options.http_proxy;
    let _: Option<Cow<'static, str>> = options.https_proxy;
    let _: bool = options.accept_invalid_certs;
    let _: Recorder = options.client_report_recorder;
    let _: Option<NonZeroUsize> = options.transport_channel_capacity;
}

fn reasons(reason: Reason) {
    match reason {
        Reason::SendError
        | Reason::InternalError
        | Reason::NetworkError
        | Reason::RatelimitBackoff
        | Reason::QueueOverflow => {}
        _ => {}
    }
}

fn built_in(options: TransportOptions) -> UreqHttpTransport {
    let _: fn(&ClientOptions) -> UreqHttpTransport = UreqHttpTransport::new;
    let _ = UreqHttpTransport::with_agent;
    let _ = UreqHttpTransportOptions::with_agent;
    UreqHttpTransportOptions::from(options).build()
}
