//! The bridge to `tracing`: its spans become Sentry spans, its events breadcrumbs, error events and structured logs.
//!
//! ```
//! use sentry_integrations::tracing::{BreadcrumbLayer, ErrorLayer, SpanLayer};
//! use tracing_subscriber::filter::{LevelFilter, filter_fn};
//! use tracing_subscriber::prelude::*;
//!
//! let subscriber = tracing_subscriber::registry()
//!     .with(SpanLayer::new().with_filter(LevelFilter::INFO))
//!     .with(BreadcrumbLayer::new().with_filter(filter_fn(|metadata| {
//!         metadata.is_event() && (tracing_core::Level::ERROR..=tracing_core::Level::INFO).contains(metadata.level())
//!     })))
//!     .with(ErrorLayer::new().with_filter(LevelFilter::ERROR));
//! # drop(subscriber);
//! ```
//!
//! | layer | what it makes |
//! |---|---|
//! | [`SpanLayer`] | a transaction of each root span, a span of each other one; and the hub that each is in |
//! | [`BreadcrumbLayer`] | a breadcrumb of each event |
//! | [`ErrorLayer`] | an error event of each event: give it a filter |
//! | [`LogLayer`] | a structured log of each event (feature `logs`) |
//! | [`layer`] | the older layer, which is all of them with filters of its own |
//!
//! None of them has a filter by itself: without one, all levels count. A layer for breadcrumbs belongs before one for
//! errors, which then have the breadcrumb of the same event.
//!
//! # Spans and scopes
//!
//! What is set on the scope inside of a span (a tag, a user) stays inside of it, and is there again whenever the span is
//! entered: after each `.await`, on whichever thread, in whichever order spans are left. Child spans see it. When the
//! span ends, it is on the transaction too, where that has nothing else for it. Breadcrumbs of a span are those of its parents
//! as well, up to the root; with a request's or task's hub ([`Hub::fork`](sentry_core::Hub::fork)) around it, up to that.
//!
//! Spans that follow from others have links to them. An explicit `parent:` is the parent here too.
//!
//! # Fields
//!
//! * Fields become attributes of spans, data of breadcrumbs, attributes of logs, and the context `Rust Tracing Fields` of
//!   events. They are recorded once, and only when someone will see them.
//! * `tags.` in front of a field's name makes it a tag.
//! * An error (`error = &e as &dyn std::error::Error`) becomes an exception of the event, with its sources.
//! * `sentry.name` and `sentry.op` are what a span is called, else its name and `target::name`; also when they are recorded
//!   later. `sentry.trace`, on a root, is the header `sentry-trace` of the trace it continues.
//! * The values of fields whose names the client's [`DenyList`](sentry_core::DenyList) denies are `[Filtered]`.
//!
//! # Cost
//!
//! All of it is paid on the thread that has the span or event. A span that is not sampled allocates nothing unless
//! something is set or captured inside of it. Events caused by the SDK's own work are ignored.

mod breadcrumb;
mod combined;
mod convert;
mod error;
mod fields;
mod inside;
#[cfg(feature = "logs")]
mod log;
mod span;
mod span_fields;

pub use self::breadcrumb::BreadcrumbLayer;
#[expect(deprecated, reason = "kept for programs written for them")]
pub use self::combined::{
    CombinedEventMapping, EventFilter, EventMapping, SentryLayer, default_event_filter, default_span_filter, layer,
};
#[cfg(feature = "logs")]
#[expect(deprecated, reason = "kept for programs written for it")]
pub use self::convert::log_from_event;
#[expect(deprecated, reason = "kept for programs written for them")]
pub use self::convert::{breadcrumb_from_event, event_from_event};
pub use self::error::ErrorLayer;
#[cfg(feature = "logs")]
pub use self::log::LogLayer;
pub use self::span::SpanLayer;
