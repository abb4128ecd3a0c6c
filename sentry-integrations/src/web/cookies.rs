//! The `Cookie` header, cookie by cookie.

use sentry_core::FILTERED;

use super::{Rules, value};

/// `text` with the names of all cookies and the values of those that are no secrets; `[Filtered]` if it is no list of
/// cookies (spec PII-09).
pub(super) fn filter(rules: &Rules, text: &str) -> String {
    let mut filtered = String::with_capacity(text.len());
    for cookie in text.split(';').map(str::trim).filter(|cookie| !cookie.is_empty()) {
        let Some((name, content)) = cookie.split_once('=').filter(|(name, _)| is_name(name)) else {
            return FILTERED.to_owned();
        };
        if !filtered.is_empty() {
            filtered.push_str("; ");
        }
        filtered.push_str(name);
        filtered.push('=');
        filtered.push_str(&value::filter(rules, rules.admit(name, content), 0));
    }
    filtered
}

/// As RFC 6265 has it: one token.
fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_graphic() && !br#"()<>@,;:\"/[]?={}"#.contains(&byte);
    !name.is_empty() && name.bytes().all(is_part)
}
