//! Which names stand for secrets: the values under them are never collected by an integration.

use std::borrow::Cow;
use std::sync::Arc;

use once_cell::sync::OnceCell;

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
///
/// A clone is the same list, and costs a counter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct DenyList(Arc<Terms>);

#[derive(Debug, PartialEq, Eq)]
struct Terms {
    /// In lower case, and in the order of their first letters.
    all: Box<[Cow<'static, str>]>,
    /// For each letter, the terms that begin with it.
    beginnings: [Beginning; LETTERS],
}

/// The terms with one first letter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Beginning {
    /// A bit for each letter that comes second, and one for none.
    seconds: u32,
    start: usize,
    end: usize,
}

impl DenyList {
    /// Nothing but these terms. Empty ones are left out.
    pub fn of<T: Into<Cow<'static, str>>>(terms: impl IntoIterator<Item = T>) -> Self {
        let terms = terms.into_iter().map(|term| Cow::from(term.into().to_ascii_lowercase()));
        Self(Arc::new(Terms::sorted(terms.filter(|term| !term.is_empty()).collect())))
    }

    /// One more term.
    pub fn with<T: Into<Cow<'static, str>>>(self, term: T) -> Self {
        Self::of(self.0.all.iter().cloned().chain([term.into()]))
    }

    /// Whether `name` stands for a secret. Some nanoseconds for a short name; nothing is allocated.
    #[must_use]
    pub fn denies(&self, name: &str) -> bool {
        let name = name.as_bytes();
        name.iter().enumerate().any(|(at, first)| {
            let Some(beginning) = self.0.beginnings.get(letter(*first)) else { return false };
            // A term of a single letter goes with any second one.
            let second = name.get(at + 1).map_or(0, |second| 1 << letter(*second));
            if beginning.seconds & (second | SINGLE) == 0 {
                return false;
            }
            let terms = self.0.all.get(beginning.start..beginning.end).unwrap_or_default();
            let is_here =
                |term: &str| name.get(at..at + term.len()).is_some_and(|it| it.eq_ignore_ascii_case(term.as_bytes()));
            terms.iter().any(|term| is_here(term))
        })
    }
}

/// The 17 terms of the specification (spec PII-06).
impl Default for DenyList {
    fn default() -> Self {
        static DEFAULT: OnceCell<DenyList> = OnceCell::new();
        DEFAULT.get_or_init(|| Self::of(TERMS)).clone()
    }
}

impl Terms {
    fn sorted(mut all: Vec<Cow<'static, str>>) -> Self {
        all.sort_by_key(|term| first_letter(term));
        Self { beginnings: table_of(&all), all: all.into() }
    }
}

fn table_of(terms: &[Cow<'static, str>]) -> [Beginning; LETTERS] {
    let mut table = [Beginning::default(); LETTERS];
    for (at, term) in terms.iter().enumerate() {
        if let Some(beginning) = table.get_mut(first_letter(term)) {
            beginning.seconds |= term.as_bytes().get(1).map_or(SINGLE, |second| 1 << letter(*second));
            if beginning.end == 0 {
                beginning.start = at;
            }
            beginning.end = at + 1;
        }
    }
    table
}

fn first_letter(term: &str) -> usize {
    term.bytes().next().map_or(LETTERS, letter)
}

/// Which letter it is; one number stands for all that are none.
fn letter(byte: u8) -> usize {
    usize::from(byte.to_ascii_lowercase().wrapping_sub(b'a')).min(LETTERS - 1)
}

const LETTERS: usize = 27;
/// The bit that stands for no second letter.
const SINGLE: u32 = 1 << 31;

const TERMS: [&str; 17] = [
    "auth",
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "key",
    "jwt",
    "bearer",
    "sso",
    "saml",
    "csrf",
    "xsrf",
    "credentials",
    "session",
    "sid",
    "identity",
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
        assert!(TERMS.iter().all(|term| default.denies(term)) && TERMS.len() == 17);
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
