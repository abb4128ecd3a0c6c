//! The bridge to `log`: its records become breadcrumbs, error events and structured logs.
//!
//! ```
//! use sentry_integrations::log::{LogFilter, SentryLogger};
//!
//! # struct Terminal;
//! # impl log::Log for Terminal {
//! #     fn enabled(&self, _: &log::Metadata<'_>) -> bool { true }
//! #     fn log(&self, _: &log::Record<'_>) {}
//! #     fn flush(&self) {}
//! # }
//! // Around the logger that the program has, which gets all records as before.
//! let logger = SentryLogger::with_dest(Terminal).filter(|metadata| match metadata.level() {
//!     log::Level::Error => LogFilter::Exception,
//!     log::Level::Warn => LogFilter::Breadcrumb | LogFilter::Log,
//!     log::Level::Info => LogFilter::Breadcrumb,
//!     _ => LogFilter::Ignore,
//! });
//! log::set_boxed_logger(Box::new(logger))?;
//! log::set_max_level(log::LevelFilter::Info);
//! # Ok::<(), log::SetLoggerError>(())
//! ```
//!
//! Without a filter, [`default_filter`] decides: errors are events, warnings and infos are breadcrumbs, and with feature
//! `logs` all three are structured logs. Which levels there are at all is for `log::set_max_level`: nothing without it.
//!
//! # Key-values
//!
//! * They are the data of breadcrumbs, the attributes of logs, and the context `Rust Log Attributes` of events. Numbers and
//!   booleans stay what they are; what was captured otherwise is told by its `Display` or `Debug`.
//! * An error (`err:err = e`, or any other name) is told with its sources, and in events of [`LogFilter::Exception`] becomes
//!   an exception with its chain.
//! * The values of keys that the current client's [`DenyList`](sentry_core::DenyList) denies are `[Filtered]`, and not even
//!   formatted.
//!
//! # What the program's own code may do
//!
//! A `Display` may log: that is a record of its own. If it panics, its text up to there is sent. Filters and mappers may log
//! too, which the destination gets and Sentry does not. Records of the SDK, and of the HTTP client while the SDK uses it, are
//! ignored. In all cases, the destination gets the record.
//!
//! # Cost
//!
//! All of it is paid on the thread that logs. A record that is ignored costs the filter, a few nanoseconds and no memory; so
//! does one while no client is listening. The message is formatted once for all that becomes of the record.

mod convert;
mod logger;
mod values;

pub use self::convert::{breadcrumb_from_record, convert_log_level, event_from_record, exception_from_record};
#[cfg(feature = "logs")]
pub use self::convert::{convert_log_level_to_sentry_log_level, log_from_record};
pub use self::logger::{LogFilter, NoopLogger, RecordMapping, SentryLogger, default_filter};
