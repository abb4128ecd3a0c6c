//! The hooks around errors, check-ins and feedback: what they are given, and their setters.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use super::ClientOptions;
use crate::hint::Hint;
use crate::protocol::{Event, MonitorCheckIn};

/// See [`ClientOptions::on_error`](field@ClientOptions::on_error).
pub type ErrorCallback = Arc<dyn Fn(&dyn Error, &mut Event<'static>) + Send + Sync>;

/// See [`ClientOptions::ignore_errors_if`](field@ClientOptions::ignore_errors_if).
pub type ErrorPredicate = Arc<dyn Fn(&dyn Error) -> bool + Send + Sync>;

/// See [`ClientOptions::error_sampler`](field@ClientOptions::error_sampler).
pub type ErrorSampler = Arc<dyn Fn(&Event<'static>) -> f32 + Send + Sync>;

/// See [`ClientOptions::before_send_with_hint`](field@ClientOptions::before_send_with_hint).
pub type HintedCallback = Arc<dyn Fn(Event<'static>, &Hint) -> Option<Event<'static>> + Send + Sync>;

impl ClientOptions {
    /// Sets [`on_error`](field@Self::on_error).
    ///
    /// ```
    /// let options = sentry_core::ClientOptions::new().on_error(|error, event| {
    ///     let timed_out = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    ///     if timed_out.is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut) {
    ///         event.fingerprint = vec!["timeout".into()].into();
    ///     }
    /// });
    /// # drop(options);
    /// ```
    pub fn on_error<F>(mut self, on_error: F) -> Self
    where
        F: Fn(&dyn Error, &mut Event<'static>) + Send + Sync + 'static,
    {
        self.on_error = Some(Arc::new(on_error));
        self
    }

    /// Sets [`ignore_errors`](field@Self::ignore_errors).
    pub fn ignore_errors<I>(mut self, ignore_errors: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Cow<'static, str>>,
    {
        self.ignore_errors = ignore_errors.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`ignore_errors_if`](field@Self::ignore_errors_if).
    pub fn ignore_errors_if<F>(mut self, ignore_errors_if: F) -> Self
    where
        F: Fn(&dyn Error) -> bool + Send + Sync + 'static,
    {
        self.ignore_errors_if = Some(Arc::new(ignore_errors_if));
        self
    }

    /// Sets [`error_sampler`](field@Self::error_sampler).
    pub fn error_sampler<F>(mut self, error_sampler: F) -> Self
    where
        F: Fn(&Event<'static>) -> f32 + Send + Sync + 'static,
    {
        self.error_sampler = Some(Arc::new(error_sampler));
        self
    }

    /// Sets [`before_send_with_hint`](field@Self::before_send_with_hint).
    ///
    /// ```
    /// let options = sentry_core::ClientOptions::new().before_send_with_hint(|mut event, hint| {
    ///     let io = hint.error().and_then(|error| error.downcast_ref::<std::io::Error>());
    ///     if let Some(kind) = io.map(std::io::Error::kind) {
    ///         event.tags.insert("io.kind".to_owned(), kind.to_string());
    ///     }
    ///     Some(event)
    /// });
    /// # drop(options);
    /// ```
    pub fn before_send_with_hint<F>(mut self, before_send_with_hint: F) -> Self
    where
        F: Fn(Event<'static>, &Hint) -> Option<Event<'static>> + Send + Sync + 'static,
    {
        self.before_send_with_hint = Some(Arc::new(before_send_with_hint));
        self
    }

    /// Sets [`before_send_check_in`](field@Self::before_send_check_in).
    pub fn before_send_check_in<F>(mut self, before_send_check_in: F) -> Self
    where
        F: Fn(MonitorCheckIn) -> Option<MonitorCheckIn> + Send + Sync + 'static,
    {
        self.before_send_check_in = Some(Arc::new(before_send_check_in));
        self
    }

    /// Sets [`before_send_feedback`](field@Self::before_send_feedback).
    pub fn before_send_feedback<F>(mut self, before_send_feedback: F) -> Self
    where
        F: Fn(Event<'static>) -> Option<Event<'static>> + Send + Sync + 'static,
    {
        self.before_send_feedback = Some(Arc::new(before_send_feedback));
        self
    }
}
