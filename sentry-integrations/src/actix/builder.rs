//! What the middleware is to do.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use actix_web::ResponseError;
use sentry_core::Hub;

use super::error::{self, Describe};

/// The middleware: goes into [`App::wrap`](actix_web::App::wrap). See the [module](super) for what it does.
///
/// Clones are the same middleware.
#[derive(Clone)]
pub struct Sentry {
    /// `None`: the one around.
    pub(super) hub: Option<Arc<Hub>>,
    pub(super) starts_transaction: bool,
    pub(super) emits_header: bool,
    pub(super) captures_errors: bool,
    pub(super) known_errors: Arc<[Describe]>,
}

impl Sentry {
    /// Captures errors that are answered with 5xx; starts no transactions.
    #[must_use]
    pub fn new() -> Self {
        Self {
            hub: None,
            starts_transaction: false,
            emits_header: false,
            captures_errors: true,
            known_errors: error::KNOWN.into(),
        }
    }

    /// As [`new`](Self::new), and starts a transaction for each request.
    #[must_use]
    pub fn with_transaction() -> Self {
        Self { starts_transaction: true, ..Self::new() }
    }

    /// To choose what it does, beginning with [`new`](Self::new).
    #[must_use]
    pub fn builder() -> SentryBuilder {
        Self::new().into_builder()
    }

    /// To change what this one does.
    #[must_use]
    pub fn into_builder(self) -> SentryBuilder {
        SentryBuilder { middleware: self }
    }
}

impl Default for Sentry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sentry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentry")
            .field("hub", &self.hub)
            .field("starts_transaction", &self.starts_transaction)
            .field("emits_header", &self.emits_header)
            .field("captures_errors", &self.captures_errors)
            .finish_non_exhaustive()
    }
}

/// Builds a [`Sentry`].
///
/// ```
/// use sentry_integrations::actix::Sentry;
///
/// let middleware = Sentry::builder().start_transaction(true).emit_header(true).finish();
/// # drop(middleware);
/// ```
#[derive(Debug)]
pub struct SentryBuilder {
    middleware: Sentry,
}

impl SentryBuilder {
    /// The middleware.
    #[must_use]
    pub fn finish(self) -> Sentry {
        self.middleware
    }

    /// Whether each request gets a transaction. Default: no.
    #[must_use]
    pub fn start_transaction(mut self, start_transaction: bool) -> Self {
        self.middleware.starts_transaction = start_transaction;
        self
    }

    /// Forks the hubs of requests from `hub`.
    #[must_use]
    pub fn with_hub(mut self, hub: Arc<Hub>) -> Self {
        self.middleware.hub = Some(hub);
        self
    }

    /// Forks the hubs of requests from the one around: that of an outer layer, or else that of the worker's thread as it
    /// was when the worker began, with what was set on the main thread before. This is the default.
    #[must_use]
    pub fn with_default_hub(mut self) -> Self {
        self.middleware.hub = None;
        self
    }

    /// Whether an answer tells the id of the event that was captured for it, in the header `x-sentry-event`. Default: no.
    #[must_use]
    pub fn emit_header(mut self, val: bool) -> Self {
        self.middleware.emits_header = val;
        self
    }

    /// Whether errors that are answered with 5xx are captured. Default: yes.
    #[must_use]
    pub fn capture_server_errors(mut self, val: bool) -> Self {
        self.middleware.captures_errors = val;
        self
    }

    /// Captures errors of type `E` with their module and all their sources. `actix-web` hides those: of an error whose
    /// type is not told here, only the text is known, and what its `Debug` calls it. Input and output errors, boxed ones
    /// and those of the extractors of `actix-web` are known already.
    ///
    /// ```
    /// # #[derive(Debug)]
    /// # struct OrderError;
    /// # impl std::fmt::Display for OrderError {
    /// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    /// #         f.write_str("no such order")
    /// #     }
    /// # }
    /// # impl std::error::Error for OrderError {}
    /// # impl actix_web::ResponseError for OrderError {}
    /// use sentry_integrations::actix::Sentry;
    ///
    /// let middleware = Sentry::builder().with_error_type::<OrderError>().finish();
    /// # drop(middleware);
    /// ```
    #[must_use]
    pub fn with_error_type<E: ResponseError + Error + 'static>(mut self) -> Self {
        let known: &[Describe] = &self.middleware.known_errors;
        self.middleware.known_errors = known.iter().copied().chain([error::describe::<E> as Describe]).collect();
        self
    }
}
