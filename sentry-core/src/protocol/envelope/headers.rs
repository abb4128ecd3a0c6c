//! The first line of an envelope.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::dsn::Dsn;
use crate::protocol::{ClientSdkInfo, DynamicSamplingContext, Map, Uuid, Value, time};

/// The first line of an envelope. Attributes that are not known here are kept and written again.
#[derive(Clone, Default, Debug, Serialize, Deserialize, PartialEq)]
pub struct EnvelopeHeaders {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dsn: Option<Dsn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sdk: Option<ClientSdkInfo>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::rfc3339_opt")]
    sent_at: Option<SystemTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<DynamicSamplingContext>,
    #[serde(flatten)]
    pub(crate) other: Map<String, Value>,
}

impl EnvelopeHeaders {
    /// Headers without any attribute.
    pub fn new() -> EnvelopeHeaders {
        Self::default()
    }

    /// Sets the id of the event that the envelope is about.
    #[must_use]
    pub fn with_event_id(mut self, event_id: Uuid) -> Self {
        self.event_id = Some(event_id);
        self
    }

    /// Sets the DSN the envelope belongs to. Our own transport does not send it: its requests are authenticated.
    #[must_use]
    pub fn with_dsn(mut self, dsn: Dsn) -> Self {
        self.dsn = Some(dsn);
        self
    }

    /// Sets the SDK that made the envelope.
    #[must_use]
    pub fn with_sdk(mut self, sdk: ClientSdkInfo) -> Self {
        self.sdk = Some(sdk);
        self
    }

    /// Sets when the envelope is sent. Our own transport replaces it at each attempt.
    #[must_use]
    pub fn with_sent_at(mut self, sent_at: SystemTime) -> Self {
        self.sent_at = Some(sent_at);
        self
    }

    /// Sets the dynamic sampling context.
    #[must_use]
    pub fn with_trace(mut self, trace: DynamicSamplingContext) -> Self {
        self.trace = Some(trace);
        self
    }
}
