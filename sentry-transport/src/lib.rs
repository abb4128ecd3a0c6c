//! Delivery for the Sentry SDK: from events that are handed over to answers of a server.
//!
//! **In scope:** queueing, finishing events off the caller's thread, rate limits, HTTP, and exact books of what became
//! of everything. **Out of scope:** what an event contains (`sentry-core`), and where its data comes from
//! (`sentry-integrations`). Programs depend on `sentry`, which uses all of this by default.
//!
//! # The way of an envelope
//!
//! ```text
//!  caller                │ `sentry-worker`                        │ up to 4 `sentry-sender`s
//!  delivery: one lock,   │ worker: takes the most urgent while    │ sender: sent_at = now,
//!  queue: three lanes,   │ little is ahead of the wire; finishes  │ encode: gzip,
//!  bounded in bytes ────►│ it (hooks run), leaves out what is ───►│ agent: one POST,
//!                        │ rate limited, adds client reports      │ reply: what the answer means,
//!                        │                                        │ machine: limits, books, flushes
//! ```
//!
//! The decisions are in `queue`, `machine`, `flights`, `tickets`, `rate_limit`, `reply`, `proxy`: plain data that is told the time.
//! Threads, locks and sockets are thin shells around them.

mod agent;
mod crew;
mod delivery;
mod destination;
mod encode;
mod end;
mod factory;
mod flights;
mod guarded;
mod http;
mod lookup;
mod machine;
mod proxy;
mod queue;
mod rate_limit;
mod rate_limiter;
mod reply;
#[cfg(all(test, shuttle))]
mod schedules;
mod scribe;
mod sender;
mod spool;
mod spotlight;
mod std_thread;
mod sys;
mod tickets;
mod tls;
mod waiter;
mod worker;
mod world;

pub use factory::{DefaultTransportFactory, HttpTransport};
pub use http::{Agent, UreqHttpTransport, UreqHttpTransportOptions};
pub use rate_limit::RateLimits;
pub use rate_limiter::{RateLimiter, RateLimitingCategory};
pub use spool::purge_spool;
pub use std_thread::{StdTransportThread, StdTransportThreadOptions};
