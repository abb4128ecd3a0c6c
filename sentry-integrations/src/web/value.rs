//! A value whose name is no secret: secrets may still be inside, in a URL or in JSON.

use std::borrow::Cow;

use sentry_core::FILTERED;

use super::{Rules, json, link};

/// `text` without what is secret in it: the user information and queries of URLs, and values under denied keys of JSON.
pub(super) fn filter<'a>(rules: &Rules, text: &'a str, depth: usize) -> Cow<'a, str> {
    if !link::may_contain(text) && !json::may_be(text) {
        return Cow::Borrowed(text);
    }
    if depth > MAX_DEPTH {
        return Cow::Borrowed(FILTERED);
    }
    if json::may_be(text) {
        if let Some(filtered) = json::filter(rules, text.as_bytes(), depth) {
            return Cow::Owned(filtered);
        }
    }
    link::filter(rules, text, depth)
}

/// How often a value may contain another, such as a URL in the query of a URL.
const MAX_DEPTH: usize = 4;
