//! Small helpers for integrations that handle HTTP: what may not leave.

use crate::deny_list::{DenyList, FILTERED};
use crate::protocol::Url;

/// Whether a header's value must not leave unless the program asked for personal data.
///
/// A name is sensitive when it contains one of the spec's 17 terms, whatever its case (spec PII-06), or carries an
/// address of the client.
///
/// ```
/// assert!(sentry_core::utils::is_sensitive_header("X-Api-Key"));
/// assert!(!sentry_core::utils::is_sensitive_header("Accept"));
/// ```
#[must_use]
pub fn is_sensitive_header(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    DenyList::default().denies(name) || ["cookie", "forwarded", "-ip"].iter().any(|term| lower.contains(term))
}

/// Replaces user name and password in `url` by `[Filtered]` (spec PII-31).
#[must_use]
pub fn scrub_pii_from_url(mut url: Url) -> Url {
    // A URL that cannot have them refuses, and has none.
    if !url.username().is_empty() {
        let _ = url.set_username(FILTERED);
    }
    if url.password().is_some() {
        let _ = url.set_password(Some(FILTERED));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        for name in ["Authorization", "COOKIE", "x-csrf-token", "X-Forwarded-For", "X-Real-IP", "Sec-WebSocket-Key"] {
            assert!(is_sensitive_header(name), "{name}");
        }
        for name in ["Accept", "Content-Type", "User-Agent", "Host"] {
            assert!(!is_sensitive_header(name), "{name}");
        }
    }

    #[test]
    fn urls() {
        let url = Url::parse("https://me:secret@host/path?q=1").expect("a url");
        let scrubbed = scrub_pii_from_url(url);
        let text = scrubbed.as_str();
        assert!(!text.contains("me:") && !text.contains("secret") && text.ends_with("@host/path?q=1"), "{text}");
    }
}
