//! The core of the Sentry SDK: hub, scopes, client and protocol.
//!
//! **In scope:** what a program says about itself and how that becomes an envelope. **Out of scope:** network, files,
//! threads, the operating system: those are the transport's and the integrations'. (Files that a program names are read
//! here: an envelope's, and attachments in `attachment_file.rs`. One thread is started here: for a panic with a
//! transport that finishes at once, where nothing may run on the panicking thread.) Programs depend on `sentry`, which
//! re-exports all of this; libraries may depend on this crate alone, and then do nothing until a program opens a
//! client.
//!
//! # Threads and tasks
//!
//! Each thread has a current [`Hub`] with a stack of [`Scope`]s; a future has the hub it is
//! [bound to](SentryFutureExt::bind_hub). Captures take pointers to the scopes and return; merging, hooks and
//! serialising happen where the transport finishes events, on its own thread with the built-in one.
//!
//! # Floors
//!
//! A module uses its own floor and those below it:
//! 0 `clock random sync fork suppress caught diagnostics indexed_enum batch transit` ·
//! 1 `url dsn auth project_id protocol known_traces wire sdk` ·
//! 2 `ledger weight packed propagation breadcrumbs feedback attachment_file deny_list` ·
//! 3 `capture hint integration options into_dsn error_event known_error transport batches` ·
//! 4 `scope origin performance session logs metrics pipeline pending crash client hub`, which know each other: a scope
//!   holds a span and a session, both know whose they are, and events are finished inside a hub ·
//! 5 `api bound futures incoming macros monitor test utils`.

#![cfg_attr(
    not(all(feature = "logs", feature = "metrics")),
    allow(dead_code, unreachable_pub, reason = "these features leave out what is public; all behind it is compiled")
)]

mod api;
mod attachment_file;
mod auth;
mod batch;
mod batches;
mod bound;
mod breadcrumbs;
mod capture;
mod caught;
mod client;
pub mod clock;
mod crash;
mod deny_list;
mod diagnostics;
mod dsn;
mod error_event;
mod feedback;
#[doc(hidden)]
pub mod fork;
mod futures;
mod hint;
mod hub;
mod incoming;
mod indexed_enum;
mod integration;
mod into_dsn;
mod known_error;
#[doc(hidden)]
pub mod known_traces;
mod ledger;
#[doc(hidden)]
pub mod logs;
mod macros;
#[cfg(not(feature = "metrics"))]
mod metrics;
#[cfg(feature = "metrics")]
pub mod metrics;
mod monitor;
mod options;
mod origin;
mod packed;
mod pending;
mod performance;
mod pipeline;
mod project_id;
mod propagation;
pub mod protocol;
mod random;
mod scope;
mod sdk;
mod session;
pub mod suppress;
mod sync;
#[cfg(any(test, feature = "test"))]
pub mod test;
mod transit;
mod transport;
mod url;
pub mod utils;
mod weight;
pub mod wire;

pub use api::{
    add_breadcrumb, add_feature_flag, capture_check_in, capture_error, capture_error_owned, capture_event,
    capture_feedback, capture_message, configure_scope, last_event_id, with_integration, with_scope,
};
pub use attachment_file::FileAttachment;
pub use batches::BatchSource;
pub use bound::{forked, within_current};
pub use breadcrumbs::IntoBreadcrumbs;
#[doc(hidden)]
pub use capture::EventDraft;
pub use capture::{Capture, RawStack, StackTarget};
#[doc(hidden)]
pub use caught::caught;
pub use client::Client;
pub use deny_list::{DenyList, FILTERED};
pub use diagnostics::{Diagnostics, DiagnosticsCallback};
pub use error_event::{KnownErrors, event_from_error, event_from_error_with, parse_type_from_debug};
pub use feedback::Feedback;
pub use futures::{SentryFuture, SentryFutureExt};
pub use hint::Hint;
#[doc(hidden)]
pub use hub::{BridgedParent, BridgedSite, BridgedSpans};
pub use hub::{Hub, ScopeGuard, SwitchGuard as HubSwitchGuard};
#[doc(hidden)]
pub use hub::{bind_process_client, thread_is_ending};
pub use hub::{end_session, end_session_with_status, start_session};
#[doc(hidden)]
pub use integration::AsAny;
pub use integration::Integration;
pub use into_dsn::IntoDsn;
pub use ledger::{CategoryStats, CloseReport, Stats};
pub use monitor::{Monitor, Watched};
pub use options::{
    BeforeCallback, ClientOptions, ErrorCallback, ErrorPredicate, ErrorSampler, EventSamplingStrategy, HintedCallback,
    MaxRequestBodySize, OptionsProblem, SessionMode, SpoolFsync, SpoolMode, SpoolOptions, TracesSamplingStrategy,
};
pub use pending::{Class, PendingEnvelope, Record, Recovery};
#[doc(hidden)]
pub use performance::Described;
pub use performance::{
    CustomTransactionContext, Data, Span, TraceHeader, TraceHeadersIter, TracesSampler, Transaction,
    TransactionContext, TransactionContextBuilder, TransactionData, TransactionOrSpan, append_baggage, continue_trace,
    start_new_trace, start_transaction, start_transaction_with_timestamp,
};
#[doc(hidden)]
pub use propagation::{HeaderParseError, TracePropagationContext};
#[expect(deprecated, reason = "kept for programs written for them")]
pub use propagation::{SentryTrace, parse_sentry_trace_header as parse_headers};
pub use protocol::{Breadcrumb, Envelope, Level, User};
#[doc(hidden)]
pub use scope::{LeanBreadcrumb, SpareBuffers};
pub use scope::{Scope, configure_global_scope};
pub use sdk::sdk_info;
pub use transport::{NoOpTransport, Transport, TransportFactory, TransportOptions};
pub use weight::shared_scope_bytes;
#[doc(hidden)]
pub use weight::value_bytes;

/// Counting what was lost, for transports.
pub mod client_report {
    pub use crate::ledger::{Recorder, TransportLossReason as Reason};
}

/// The basic types: DSN, authentication, ids, and the protocol.
pub mod types {
    pub use crate::auth::{Auth, ParseAuthError};
    pub use crate::dsn::{Dsn, ParseDsnError, Scheme};
    pub use crate::indexed_enum::IndexedEnum;
    pub use crate::project_id::{ParseProjectIdError, ProjectId};
    /// The protocol by its version; there is one.
    pub mod protocol {
        pub use crate::protocol as latest;
        pub use crate::protocol as v7;
    }
    pub use crate::random::uuid as random_uuid;
    pub use crate::url::ParseUrlError;
    pub use debugid::*;
    pub use uuid::{Uuid, Variant as UuidVariant, Version as UuidVersion};
}
