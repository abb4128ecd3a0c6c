//! The Sentry SDK for Rust: panics, errors and messages of a program reach Sentry, or any server that speaks its
//! envelope protocol, with a readable stack trace and the right context, and the program never notices.
//!
//! # Quick start
//!
//! ```no_run
//! // Keep the guard until the program ends: dropping it sends what is left.
//! let _guard = sentry::init((
//!     "https://key@o0.ingest.sentry.io/0",
//!     sentry::ClientOptions::new().maybe_release(sentry::release_name!()),
//! ));
//!
//! if let Err(error) = std::fs::read("settings.toml") {
//!     sentry::capture_error(&error);
//! }
//! // Panics are captured by themselves.
//! ```
//!
//! # What happens where
//!
//! A capture takes the text, the time and pointers to the scopes, queues them, and returns. Everything else happens
//! on the thread `sentry-worker`: merging scopes, looking up symbols, hooks, JSON. Up to four threads `sentry-sender`
//! compress and send, and end when there is nothing to do. Hooks (`before_send`, event processors) therefore do not
//! see the capturing thread's thread-locals; [`ClientOptions::hooks_on_caller`] is for those that must.
//!
//! # Threads and tasks
//!
//! Threads begin with a copy of the main thread's scope; tasks have the hub they are [bound to](SentryFutureExt), and
//! [`forked`] takes the current one along to another thread. What is set with [`configure_global_scope`] is on every
//! event of the process. Which hub is the current one where, and why: [`_context`].
//!
//! # The end of a program
//!
//! Dropping the guard sends what is queued, within [`ClientOptions::shutdown_timeout`] (2 s), whatever the server
//! does. A panic that is likely to end the process is waited for in the panic hook. `std::process::exit` runs no
//! destructors: drop the guard before it.
//!
//! With a directory for the spool ([`ClientOptions::spool_dir`], `SENTRY_SPOOL_DIR`) what is captured is on disk 100 ms
//! later, panics before the panic hook returns, and is sent when the program starts again: however it ended, and whether
//! or not the server could be reached. What happens to an event when this or that fails: [`_delivery`].
//!
//! # Environment
//!
//! [`init`] reads, where the program did not choose: `SENTRY_DSN`, `SENTRY_RELEASE`, `SENTRY_ENVIRONMENT`,
//! `SENTRY_SAMPLE_RATE`, `SENTRY_TRACES_SAMPLE_RATE`, `SENTRY_TRACE` and `SENTRY_BAGGAGE` (the trace that this process is
//! part of, in the syntax of the headers `sentry-trace` and `baggage`), `SENTRY_DEBUG`, `SENTRY_SPOOL_DIR`, `SENTRY_SPOTLIGHT`, `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY` (and their lower-case forms),
//! `SSL_VERIFY`; the TLS library reads `SSL_CERT_FILE`. A value that cannot be used is said once on standard error,
//! and never ends the program.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `transport` | yes | the HTTP transport: ureq with rustls, the system's certificates |
//! | `backtrace` | yes | stack traces |
//! | `panic` | yes | the panic hook |
//! | `contexts` | yes | os, device, runtime, app |
//! | `debug-images` | yes | the loaded libraries, for symbolication by the server |
//! | `logs` | yes | structured logs: [`logger_info!`] and the like; without it they evaluate nothing |
//! | `metrics` | yes | [`metrics`]: counters, gauges, distributions |
//! | `native-tls` | no | TLS by the system's library instead of rustls |
//! | `actix` | no | [`integrations`]`::actix`: a hub, an event, a transaction and a session for each request |
//! | `tokio` | no | [`integrations`]`::tokio`: tasks that take the current hub along |
//! | `rayon` | no | [`integrations`]`::rayon`: jobs that take the current hub along |
//! | `url` | no | `protocol::Url` is `url::Url` |
//! | `test` | no | `sentry::test`: a transport for tests |
//!
//! All other features of the official crate exist too, so that feature lists written for it keep building.

#[doc = include_str!("manual/context.md")]
pub mod _context {}

#[doc = include_str!("manual/delivery.md")]
pub mod _delivery {}

mod defaults;
mod environment;
mod init;

pub use defaults::apply_defaults;
pub use init::{ClientInitGuard, InitError, init, try_init};

pub use sentry_core::{
    BatchSource, BeforeCallback, Breadcrumb, Capture, CategoryStats, Class, Client, ClientOptions, CloseReport,
    DenyList, Diagnostics, DiagnosticsCallback, Envelope, EventSamplingStrategy, Hub, HubSwitchGuard, Integration,
    IntoBreadcrumbs, IntoDsn, Level, NoOpTransport, OptionsProblem, PendingEnvelope, RawStack, Record, Recovery, Scope,
    ScopeGuard, SentryFuture, SentryFutureExt, SpoolFsync, SpoolMode, SpoolOptions, StackTarget, Stats, Transport,
    TransportFactory, TransportOptions, User, add_breadcrumb, capture_error, capture_event, capture_message,
    client_report, configure_global_scope, configure_scope, event_from_error, forked, last_event_id,
    parse_type_from_debug, protocol, release_name, types, utils, with_integration, with_scope, within_current,
};

// Tracing.
pub use sentry_core::{
    CustomTransactionContext, Data, HeaderParseError, Span, TraceHeader, TraceHeadersIter, TracePropagationContext,
    TracesSampler, TracesSamplingStrategy, Transaction, TransactionContext, TransactionContextBuilder, TransactionData,
    TransactionOrSpan, append_baggage, continue_trace, start_new_trace, start_transaction,
    start_transaction_with_timestamp,
};
#[expect(deprecated, reason = "kept for programs written for them")]
pub use sentry_core::{SentryTrace, parse_headers};

// Release health.
pub use sentry_core::SessionMode;
#[cfg(feature = "release-health")]
pub use sentry_core::{end_session, end_session_with_status, start_session};

// Around errors, and beside events.
pub use sentry_core::{
    ErrorCallback, ErrorPredicate, ErrorSampler, Feedback, FileAttachment, Hint, HintedCallback, MaxRequestBodySize,
    Monitor, Watched, add_feature_flag, capture_check_in, capture_error_owned, capture_feedback,
};

// Structured logs and metrics. Without their features, the macros evaluate nothing.
#[cfg(feature = "metrics")]
pub use sentry_core::metrics;
pub use sentry_core::{logger_debug, logger_error, logger_fatal, logger_info, logger_log, logger_trace, logger_warn};

#[cfg(feature = "test")]
pub use sentry_core::test;

/// The built-in ways to deliver.
pub mod transports {
    #[cfg(feature = "ureq")]
    pub use sentry_transport::{
        DefaultTransportFactory, HttpTransport, RateLimiter, RateLimitingCategory, StdTransportThread,
        StdTransportThreadOptions, UreqHttpTransport, UreqHttpTransportOptions, purge_spool,
    };
}

/// The built-in integrations.
pub mod integrations {
    #[cfg(feature = "actix")]
    pub use sentry_integrations::actix;
    #[cfg(feature = "anyhow")]
    pub use sentry_integrations::anyhow;
    #[cfg(feature = "backtrace")]
    pub use sentry_integrations::backtrace;
    #[cfg(feature = "contexts")]
    pub use sentry_integrations::contexts;
    #[cfg(feature = "debug-images")]
    pub use sentry_integrations::debug_images;
    #[cfg(feature = "eyre")]
    pub use sentry_integrations::eyre;
    #[cfg(feature = "log")]
    pub use sentry_integrations::log;
    #[cfg(feature = "panic")]
    pub use sentry_integrations::panic;
    #[cfg(feature = "rayon")]
    pub use sentry_integrations::rayon;
    #[cfg(feature = "slog")]
    pub use sentry_integrations::slog;
    #[cfg(feature = "snafu")]
    pub use sentry_integrations::snafu;
    #[cfg(any(
        feature = "actix",
        feature = "anyhow",
        feature = "backtrace",
        feature = "contexts",
        feature = "debug-images",
        feature = "eyre",
        feature = "log",
        feature = "rayon",
        feature = "slog",
        feature = "snafu",
        feature = "tokio",
        feature = "tower",
        feature = "tracing"
    ))]
    pub use sentry_integrations::thread;
    #[cfg(feature = "tokio")]
    pub use sentry_integrations::tokio;
    #[cfg(feature = "tower")]
    pub use sentry_integrations::tower;
    #[cfg(feature = "tracing")]
    pub use sentry_integrations::tracing;
}
