//! Which names stand for secrets: the values under them are never collected by an integration.

use std::borrow::Cow;

/// What stands in place of a value that was not collected (spec PII-05).
pub const FILTERED: &str = "[Filtered]";

/// Terms that make a name stand for a secret, such as `password`: integrations keep the name of a header, cookie, query
/// parameter, body or log field that contains one, in any case, and send `[Filtered]` in place of its value.
///
/// It is for what integrations collect. What the program sets itself (tags, contexts, breadcrumbs, events) is sent as set.
///
/// ```
/// use sentry_core::DenyList;
///
/// assert!(DenyList::default().denies("X-Api-Key"));
/// assert!(DenyList::default().with("iban").denies("customerIban"));
/// // A program whose `author` field is no secret, although it contains `auth`, names terms of its own.
/// assert!(!DenyList::of(["authorization", "password"]).denies("author"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct DenyList {
    /// In lower case.
    terms: Cow<'static, [Cow<'static, str>]>,
    /// A bit for each letter that a term begins with, and the highest for all else.
    beginnings: u32,
}

impl DenyList {
    /// Nothing but these terms. Empty ones are left out.
    pub fn of<T: Into<Cow<'static, str>>>(terms: impl IntoIterator<Item = T>) -> Self {
        terms.into_iter().fold(Self { terms: Cow::Borrowed(&[]), beginnings: 0 }, Self::with)
    }

    /// One more term.
    pub fn with<T: Into<Cow<'static, str>>>(mut self, term: T) -> Self {
        let term = term.into().to_ascii_lowercase();
        if let Some(first) = term.bytes().next() {
            self.beginnings |= bit(first);
            self.terms.to_mut().push(term.into());
        }
        self
    }

    /// Whether `name` stands for a secret. Some nanoseconds for a short name; nothing is allocated.
    #[must_use]
    pub fn denies(&self, name: &str) -> bool {
        let name = name.as_bytes();
        let is_at = |at: usize, first: u8, term: &str| {
            let term = term.as_bytes();
            term.first() == Some(&first)
                && name.get(at..at + term.len()).is_some_and(|there| there.eq_ignore_ascii_case(term))
        };
        name.iter().enumerate().any(|(at, byte)| {
            let byte = byte.to_ascii_lowercase();
            self.beginnings & bit(byte) != 0 && self.terms.iter().any(|term| is_at(at, byte, term))
        })
    }
}

/// The 17 terms of the specification (spec PII-06).
impl Default for DenyList {
    fn default() -> Self {
        let beginnings = TERMS.iter().filter_map(|term| term.bytes().next()).fold(0, |all, first| all | bit(first));
        Self { terms: Cow::Borrowed(TERMS), beginnings }
    }
}

fn bit(first: u8) -> u32 {
    if first.is_ascii_lowercase() { 1 << (first - b'a') } else { 1 << 31 }
}

const TERMS: &[Cow<'static, str>] = &[
    Cow::Borrowed("auth"),
    Cow::Borrowed("token"),
    Cow::Borrowed("secret"),
    Cow::Borrowed("password"),
    Cow::Borrowed("passwd"),
    Cow::Borrowed("pwd"),
    Cow::Borrowed("key"),
    Cow::Borrowed("jwt"),
    Cow::Borrowed("bearer"),
    Cow::Borrowed("sso"),
    Cow::Borrowed("saml"),
    Cow::Borrowed("csrf"),
    Cow::Borrowed("xsrf"),
    Cow::Borrowed("credentials"),
    Cow::Borrowed("session"),
    Cow::Borrowed("sid"),
    Cow::Borrowed("identity"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_found_anywhere_in_any_case() {
        let default = DenyList::default();
        for secret in ["password", "X-AUTH-Request", "apiKey", "connect.sid", "JWT", "a_b_Credentials"] {
            assert!(default.denies(secret), "{secret}");
        }
        for plain in ["", "k", "ke", "path", "accept-language", "pass", "si", "größe"] {
            assert!(!default.denies(plain), "{plain}");
        }
    }

    #[test]
    fn own_terms_replace_or_extend() {
        assert!(!DenyList::of(["password", ""]).denies("token"));
        assert!(DenyList::of(["PASSword"]).denies("old_password"));
        assert!(DenyList::default().with("-ip").denies("X-Real-IP"));
        assert!(DenyList::of(["straße"]).denies("straße"));
    }
}
