//! Tracing: transactions, their spans, and how they are sampled, recorded and continued elsewhere.

mod bridged;
mod context;
mod continued;
mod either;
mod finished;
mod flags;
mod link;
mod recording;
mod sampling;
mod shared;
mod span;
mod spans;
#[cfg(test)]
mod tests;
mod trace_headers;
mod transaction;

use std::time::SystemTime;

use crate::hub::{Hub, activity};
use crate::propagation::any_continued;

pub use self::bridged::Described;
pub use self::context::{CustomTransactionContext, TransactionContext, TransactionContextBuilder};
pub use self::continued::{append_baggage, continue_trace, start_new_trace};
pub use self::either::TransactionOrSpan;
pub(crate) use self::finished::FinishedTransaction;
pub(crate) use self::link::SpanLink;
use self::shared::Shared;
pub use self::span::{Data, Span};
pub(crate) use self::spans::SpareSpans;
pub use self::trace_headers::{TraceHeader, TraceHeadersIter};
pub use self::transaction::{Transaction, TransactionData};

/// Decides the rate, from 0.0 to 1.0, that a transaction is sampled with. It runs where the transaction is started,
/// outside locks; one that panics, or returns something else, counts as none.
pub type TracesSampler = dyn Fn(&TransactionContext) -> f32 + Send + Sync;

/// Starts a transaction on the current hub, see [`Hub::start_transaction`].
///
/// ```
/// let transaction = sentry_core::start_transaction(sentry_core::TransactionContext::new("import", "task"));
/// let span = transaction.start_child("db.query", "SELECT name FROM users");
/// span.finish();
/// transaction.finish();
/// ```
pub fn start_transaction(ctx: TransactionContext) -> Transaction {
    if !activity::any_open() {
        return begin_for_nobody(ctx);
    }
    Hub::current().start_transaction(ctx)
}

/// Starts a transaction that began at `timestamp` on the current hub.
pub fn start_transaction_with_timestamp(ctx: TransactionContext, timestamp: SystemTime) -> Transaction {
    if !activity::any_open() {
        return begin_for_nobody(ctx);
    }
    Hub::current().start_transaction_with_timestamp(ctx, timestamp)
}

impl Hub {
    /// Starts a transaction. Whether it is sampled is decided here, by this hub's client.
    ///
    /// It is not put on the scope: [`Scope::set_span`](crate::Scope::set_span) makes it the one that events are
    /// linked to. When it is finished, wherever that is, it gets the data of this hub's scope.
    pub fn start_transaction(&self, ctx: TransactionContext) -> Transaction {
        self.begin(ctx, None)
    }

    /// Starts a transaction that began at `timestamp`.
    pub fn start_transaction_with_timestamp(&self, ctx: TransactionContext, timestamp: SystemTime) -> Transaction {
        self.begin(ctx, Some(timestamp))
    }

    fn begin(&self, mut ctx: TransactionContext, started: Option<SystemTime>) -> Transaction {
        if ctx.is_open() && any_continued() {
            if let Some(incoming) = self.incoming_trace() {
                ctx.join(&incoming);
            }
        }
        let client = if self.is_active() { self.client() } else { None };
        Transaction { shared: Shared::begin(ctx, started, client.as_ref(), || self.home()) }
    }
}

/// Where nothing can be sent; the trace is passed on all the same.
fn begin_for_nobody(ctx: TransactionContext) -> Transaction {
    Transaction { shared: Shared::begin(ctx, None, None, Default::default) }
}
