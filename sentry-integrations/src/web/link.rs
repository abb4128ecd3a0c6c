//! URLs in text: `Referer` and its like, targets of redirects, links in other values.

use std::borrow::Cow;

use sentry_core::FILTERED;

use super::{Rules, form, value};

/// Whether [`filter`] may change `text`.
pub(super) fn may_contain(text: &str) -> bool {
    text.contains("://") || is_relative(text)
}

/// `text` with what is between `//` and `@` in each URL replaced (spec PII-31), and queries and fragments filtered by
/// key; without PII those are removed.
pub(super) fn filter<'a>(rules: &Rules, text: &'a str, depth: usize) -> Cow<'a, str> {
    if !may_contain(text) {
        return Cow::Borrowed(text);
    }
    let mut filtered = String::with_capacity(text.len());
    let mut rest = text;
    if is_relative(text) {
        let (link, after) = split_where(text, is_end);
        push_link(&mut filtered, rules, link, depth);
        rest = after;
    }
    while let Some((before, _)) = rest.split_once("://") {
        // The scheme needs no search: nothing before the colon is changed.
        let at = before.len() + "://".len();
        filtered.push_str(before);
        filtered.push(':');
        let (link, after) = split_where(rest.get(at..).unwrap_or_default(), is_end);
        push_link(&mut filtered, rules, &format!("//{link}"), depth);
        rest = after;
    }
    filtered.push_str(rest);
    if filtered == text { Cow::Borrowed(text) } else { Cow::Owned(filtered) }
}

/// A link without its scheme.
fn push_link(filtered: &mut String, rules: &Rules, link: &str, depth: usize) {
    let (link, fragment) = split_where(link, |letter| letter == '#');
    let (place, query) = split_where(link, |letter| letter == '?');
    match place.strip_prefix("//") {
        Some(place) => {
            let (authority, path) = split_where(place, |letter| matches!(letter, '/' | '\\'));
            filtered.push_str("//");
            match authority.rsplit_once('@') {
                Some((user, host)) => {
                    filtered.push_str(FILTERED);
                    if user.contains(':') {
                        filtered.push(':');
                        filtered.push_str(FILTERED);
                    }
                    filtered.push('@');
                    filtered.push_str(host);
                }
                None => filtered.push_str(authority),
            }
            // Some paths are URLs themselves.
            filtered.push_str(&value::filter(rules, path, depth + 1));
        }
        None => filtered.push_str(place),
    }
    if rules.sends_pii() {
        for part in [query, fragment] {
            let (sign, part) = part.split_at_checked(1).unwrap_or_default();
            filtered.push_str(sign);
            filtered.push_str(&form::filter(rules, part, depth));
        }
    }
}

/// A path with a query, or another host without a scheme.
fn is_relative(text: &str) -> bool {
    text.starts_with('/') && (text.starts_with("//") || text.contains(['?', '#']))
}

fn is_end(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '"' | '<' | '>' | '`')
}

/// The part before the first letter that `is_end` says yes to, and the rest with it.
fn split_where(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.find(is_end).and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""))
}
