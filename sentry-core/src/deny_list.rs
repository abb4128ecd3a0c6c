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
    /// For each letter that a term begins with, a bit for each that comes second; the last of both is for all that are no
    /// letters.
    beginnings: [u32; LETTERS],
}

const LETTERS: usize = 27;

impl DenyList {
    /// Nothing but these terms. Empty ones are left out.
    pub fn of<T: Into<Cow<'static, str>>>(terms: impl IntoIterator<Item = T>) -> Self {
        terms.into_iter().fold(Self { terms: Cow::Borrowed(&[]), beginnings: [0; LETTERS] }, Self::with)
    }

    /// One more term.
    pub fn with<T: Into<Cow<'static, str>>>(mut self, term: T) -> Self {
        let term = term.into().to_ascii_lowercase();
        if !term.is_empty() {
            note(&mut self.beginnings, &term);
            self.terms.to_mut().push(term.into());
        }
        self
    }

    /// Whether `name` stands for a secret. Some nanoseconds for a short name; nothing is allocated.
    #[must_use]
    pub fn denies(&self, name: &str) -> bool {
        let name = name.as_bytes();
        let begins = |at: usize, first: u8| {
            let second = name.get(at + 1).map_or(0, |second| 1 << letter(*second));
            // A term of a single letter goes with any.
            self.beginnings.get(letter(first)).is_some_and(|seconds| seconds & (second | SINGLE) != 0)
        };
        let is_at = |at: usize, term: &str| {
            name.get(at..at + term.len()).is_some_and(|there| there.eq_ignore_ascii_case(term.as_bytes()))
        };
        name.iter().enumerate().any(|(at, first)| begins(at, *first) && self.terms.iter().any(|term| is_at(at, term)))
    }
}

/// The 17 terms of the specification (spec PII-06).
impl Default for DenyList {
    fn default() -> Self {
        let mut beginnings = [0; LETTERS];
        TERMS.iter().for_each(|term| note(&mut beginnings, term));
        Self { terms: Cow::Borrowed(TERMS), beginnings }
    }
}

fn note(beginnings: &mut [u32; LETTERS], term: &str) {
    if let [first, rest @ ..] = term.as_bytes() {
        if let Some(seconds) = beginnings.get_mut(letter(*first)) {
            *seconds |= rest.first().map_or(SINGLE, |second| 1 << letter(*second));
        }
    }
}

/// The bit that stands for no second letter.
const SINGLE: u32 = 1 << 31;

fn letter(byte: u8) -> usize {
    usize::from(byte.to_ascii_lowercase().wrapping_sub(b'a')).min(LETTERS - 1)
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
        assert!(DenyList::of(["ß"]).denies("maß") && !DenyList::of(["ß"]).denies("mass"));
        let single = DenyList::of(["x"]);
        assert!(single.denies("X") && single.denies("axb") && !single.denies("ab"));
    }
}
