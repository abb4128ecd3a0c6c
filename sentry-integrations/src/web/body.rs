//! Bodies of requests: what can be read by key leaves, with PII on; nothing else does.

use sentry_core::FILTERED;

use super::{Rules, form, json};

/// What leaves of a body: JSON and forms without the values under denied keys, and `[Filtered]` for what is neither, or
/// does not read as what its content type says (spec PII-10). `None` if no body leaves, or this one is too long.
pub(crate) fn body_as_sent(rules: &Rules, content_type: Option<&str>, body: &[u8]) -> Option<String> {
    if !rules.takes_body_of(body.len()) {
        return None;
    }
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let filtered = match &*kind {
        "application/x-www-form-urlencoded" => {
            let text = std::str::from_utf8(body).ok().filter(|text| form::is_form(text));
            text.map(|text| form::filter(rules, text, 0))
        }
        "application/json" | "text/json" => json::filter(rules, body, 0),
        _ if kind.ends_with("+json") => json::filter(rules, body, 0),
        _ => None,
    };
    Some(filtered.unwrap_or_else(|| FILTERED.to_owned()))
}
