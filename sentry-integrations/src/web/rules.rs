//! What of a request may leave, decided when it begins.

use sentry_core::{ClientOptions, DenyList, FILTERED, MaxRequestBodySize};

/// What the client's options say about data of requests (spec PII-12: asked when data is written, not when it is read).
///
/// Cheap to make: the default deny-list is not copied.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    sends_pii: bool,
    deny_list: DenyList,
    max_body: MaxRequestBodySize,
}

impl Rules {
    pub(crate) fn of(options: &ClientOptions) -> Self {
        Self {
            sends_pii: options.send_default_pii,
            deny_list: options.deny_list.clone(),
            max_body: options.max_request_body_size,
        }
    }

    /// As an integration's own option says, which outranks the client's (spec PII-14).
    #[cfg_attr(not(feature = "tower-http"), allow(dead_code, reason = "only tower's layers have one"))]
    pub(crate) fn with_pii(mut self, sends_pii: bool) -> Self {
        self.sends_pii = sends_pii;
        self
    }

    /// Whether cookies, queries, bodies and addresses may leave at all.
    pub(crate) fn sends_pii(&self) -> bool {
        self.sends_pii
    }

    /// Whether a body of `length` bytes may leave: to be asked before it is read.
    pub(crate) fn takes_body_of(&self, length: usize) -> bool {
        self.sends_pii && length > 0 && self.max_body.is_within_size_limit(length)
    }

    /// Whether the value under `name` stays here. Without PII, that is also what tells who the client is (spec PII-07).
    pub(super) fn denies(&self, name: &str) -> bool {
        self.deny_list.denies(name) || (!self.sends_pii && names_the_client(name))
    }

    /// `value`, unless `name` stands for a secret.
    pub(super) fn admit<'a>(&self, name: &str, value: &'a str) -> &'a str {
        if self.denies(name) { FILTERED } else { value }
    }
}

fn names_the_client(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    IDENTIFYING.iter().any(|term| name.contains(term))
}

const IDENTIFYING: [&str; 5] = ["forwarded", "-ip", "remote-", "via", "-user"];
