//! The rows of the first table: what is called, how often, and the design's goal.

/// A call whose cost on the caller is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    DisabledMessage,
    DisabledBreadcrumb,
    Breadcrumb,
    BreadcrumbAfterCapture,
    BreadcrumbAfterFork,
    SetTag,
    WithScope,
    MessageEmpty,
    MessageHeavy,
    SampledOut,
    MessageStack,
    MessageStackHook,
    Error,
    Panic,
    Transaction,
    TransactionUnsampled,
    Log,
    Counter,
    Session,
    LogIgnored,
    LogBreadcrumb,
    LogEvent,
    TracingIgnored,
    TracingBreadcrumb,
    TracingEvent,
    TracingUnsampled,
    TracingSpans,
}

/// One line of the table.
pub struct Row {
    /// What the row filter looks at, and the child's argument.
    pub name: &'static str,
    pub case: Case,
    /// Calls in a sample: many where one is near the clock's resolution.
    pub batch: usize,
    /// Samples in a round. Below 30 where samples send, or the official crate's queue overflows.
    pub samples: usize,
    pub goal: Goal,
}

/// What the design asks of ours, with the HTTP transport.
#[derive(Clone, Copy)]
pub enum Goal {
    /// At most that share of the official crate's p50.
    Ratio(f64),
    /// The same, and a p99 of at most so many nanoseconds.
    RatioAndP99(f64, f64),
    /// A p50 of at most so many nanoseconds.
    Nanoseconds(f64),
}

impl Row {
    pub fn named(name: &str) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.name == name)
    }

    /// Whether the transport makes a difference to it.
    pub fn sends(&self) -> bool {
        use Case::*;
        !matches!(
            self.case,
            DisabledMessage
                | DisabledBreadcrumb
                | Breadcrumb
                | BreadcrumbAfterFork
                | SetTag
                | WithScope
                | SampledOut
                | TransactionUnsampled
                | LogIgnored
                | LogBreadcrumb
                | TracingIgnored
                | TracingBreadcrumb
                | TracingUnsampled
        )
    }
}

pub const ROWS: [Row; 27] = [
    cheap("disabled-message", Case::DisabledMessage, Goal::Nanoseconds(3.0)),
    cheap("disabled-breadcrumb", Case::DisabledBreadcrumb, Goal::Nanoseconds(3.0)),
    cheap("breadcrumb", Case::Breadcrumb, Goal::Ratio(0.85)),
    single("breadcrumb-after-capture", Case::BreadcrumbAfterCapture, Goal::Ratio(1.0)),
    single("breadcrumb-after-fork", Case::BreadcrumbAfterFork, Goal::Ratio(1.0)),
    cheap("set-tag", Case::SetTag, Goal::Ratio(0.4)),
    cheap("with-scope-3-tags", Case::WithScope, Goal::Ratio(0.25)),
    single("message-empty-scope", Case::MessageEmpty, Goal::Ratio(0.25)),
    single("message-heavy-scope", Case::MessageHeavy, Goal::Ratio(0.04)),
    single("message-sampled-out", Case::SampledOut, Goal::Ratio(0.001)),
    single("message-stack-30", Case::MessageStack, Goal::RatioAndP99(0.03, 50_000.0)),
    single("message-stack-30-hook", Case::MessageStackHook, Goal::RatioAndP99(0.03, 50_000.0)),
    single("error-chain-3", Case::Error, Goal::Ratio(0.3)),
    single("panic-on-thread", Case::Panic, Goal::Ratio(0.05)),
    single("transaction-10-spans", Case::Transaction, Goal::Ratio(0.4)),
    cheap("transaction-10-spans-unsampled", Case::TransactionUnsampled, Goal::Ratio(0.1)),
    few("structured-log", Case::Log, Goal::Ratio(0.25)),
    few("metric-counter", Case::Counter, Goal::Ratio(0.4)),
    single("session", Case::Session, Goal::Ratio(1.0)),
    cheap("log-ignored", Case::LogIgnored, Goal::Ratio(0.5)),
    cheap("log-breadcrumb", Case::LogBreadcrumb, Goal::Ratio(0.85)),
    single("log-event", Case::LogEvent, Goal::Ratio(0.3)),
    cheap("tracing-ignored", Case::TracingIgnored, Goal::Ratio(1.2)),
    cheap("tracing-breadcrumb", Case::TracingBreadcrumb, Goal::Ratio(0.5)),
    single("tracing-event", Case::TracingEvent, Goal::Ratio(0.3)),
    cheap("tracing-span-unsampled", Case::TracingUnsampled, Goal::Ratio(0.15)),
    single("tracing-10-spans", Case::TracingSpans, Goal::Ratio(0.4)),
];

const fn cheap(name: &'static str, case: Case, goal: Goal) -> Row {
    Row { name, case, batch: 100, samples: 50, goal }
}

/// For what is batched: a round sends a handful of envelopes.
const fn few(name: &'static str, case: Case, goal: Goal) -> Row {
    Row { name, case, batch: 20, samples: 40, goal }
}

const fn single(name: &'static str, case: Case, goal: Goal) -> Row {
    Row { name, case, batch: 1, samples: 20, goal }
}
