//! How a trace goes from one process to the next: headers that are read and written, and what follows from them. Pure
//! but for [`process_trace`] and the dice.

mod baggage;
mod context;
mod continuation;
mod headers;
mod percent;
mod process;
mod sample_rand;
mod sentry_trace;
mod targets;
mod traceparent;

pub use context::{HeaderParseError, TracePropagationContext};
#[expect(deprecated, reason = "kept for programs written for it")]
pub use sentry_trace::{SentryTrace, parse_sentry_trace_header};

pub(crate) use process::{PropagationContext, any_continued, continue_process_trace, process_trace};
pub(crate) use {
    baggage::{append as append_baggage, read as read_baggage},
    headers::{BAGGAGE, SENTRY_TRACE, TRACEPARENT},
    sample_rand::{decides, of as sample_rand_of},
    targets::propagates_to,
};
