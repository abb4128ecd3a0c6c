//! What the work of a request is called.

use sentry_core::protocol::TransactionSource;

/// A transaction's name, and where it is from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) source: TransactionSource,
}

/// `METHOD /route/{id}`, or `METHOD /route/17` if it is not known what matched.
pub(crate) fn name_of(method: &str, route: Option<&str>, path: &str) -> Name {
    let source = if route.is_some() { TransactionSource::Route } else { TransactionSource::Url };
    Name { text: format!("{method} {}", route.unwrap_or(path)), source }
}
