//! Which transport a client gets that asks for none.

use std::sync::Arc;

use sentry_core::{Transport, TransportFactory, TransportOptions};

use crate::http::{UreqHttpTransport, UreqHttpTransportOptions};

/// The transport of choice for HTTP.
pub type HttpTransport = UreqHttpTransport;

/// Makes the transport of a client that names none: an [`HttpTransport`].
#[derive(Debug, Clone, Copy, Default)]
pub struct DefaultTransportFactory;

impl TransportFactory for DefaultTransportFactory {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(UreqHttpTransportOptions::from(options).build())
    }
}
