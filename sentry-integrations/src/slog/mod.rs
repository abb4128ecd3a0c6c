//! The bridge to `slog`: its records become breadcrumbs, error events and structured logs.
//!
//! ```
//! use sentry_integrations::slog::SentryDrain;
//! use slog::{Drain, Level, Logger, info, o};
//!
//! # let terminal = slog::Discard;
//! // Around the drain that the program has, which gets all records as before.
//! let drain = SentryDrain::new(terminal).logs(|level| level.is_at_least(Level::Info));
//! let logger = Logger::root(drain.fuse(), o!("service" => "shop"));
//! info!(logger, "opened"; "city" => "berlin");
//! ```
//!
//! Without a filter, [`default_filter`] decides: `critical`, `error` and `warning` are events, the rest breadcrumbs. Nothing is a
//! structured log unless [`SentryDrain::logs`] says so.
//!
//! # Key-values
//!
//! * Those of the record and of its logger are the data of breadcrumbs, the attributes of logs, and the extra data of events. Of
//!   several values under one key, the record's own counts, else the nearest logger's. Numbers, booleans and nested values stay
//!   what they are.
//! * An error (`"error" => #e`) is told with its sources, and becomes exceptions of the event.
//! * The values of keys that the current client's [`DenyList`](sentry_core::DenyList) denies are `[Filtered]`, also inside of
//!   nested ones, and not even formatted.
//!
//! # What the program's own code may do
//!
//! A `Display` may log: that is a record of its own. If it panics, its text up to there is sent. Filters and mappers may log
//! too, which the drain gets and Sentry does not. In all cases, the drain gets the record, and its errors are returned.
//!
//! # Cost
//!
//! All of it is paid on the thread that drains: behind `slog-async` that is another than the one that logs, with the main
//! thread's scope, and errors are texts by then; put the drain in front of it instead. A record that is ignored costs the
//! filter and no memory; so does one while no client is listening.

mod convert;
mod drain;
mod values;

#[cfg(feature = "logs")]
pub use self::convert::log_from_record;
pub use self::convert::{breadcrumb_from_record, convert_log_level, event_from_record, exception_from_record};
pub use self::drain::{LevelFilter, RecordMapping, SentryDrain, default_filter};
