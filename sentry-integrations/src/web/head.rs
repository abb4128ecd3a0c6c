//! The protocol's request, from the parts of a framework's.

use std::borrow::Cow;
use std::net::IpAddr;

use sentry_core::FILTERED;
use sentry_core::protocol::{Map, Request, Url};

use super::{Rules, cookies, form, value};

/// A request without its body.
///
/// `headers` are names and raw values, in order; a name may come several times. A value that the framework marks as
/// sensitive is to be given as [`FILTERED`].
#[derive(Debug)]
pub(crate) struct Head<'a, H> {
    pub(crate) method: &'a str,
    pub(crate) scheme: &'a str,
    /// With the port, if it is not the scheme's own.
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: H,
    /// Who the connection is with, or whom the program takes for the client.
    pub(crate) peer: Option<IpAddr>,
}

impl<'a, H: IntoIterator<Item = (&'a str, &'a [u8])>> Head<'a, H> {
    /// What may leave of it. Allocates for each header; meant for the thread that finishes events.
    pub(crate) fn into_request(self, rules: &Rules) -> Request {
        let mut request = Request {
            url: self.url(),
            method: Some(self.method.to_owned()),
            query_string: self.query.filter(|_| rules.sends_pii()).map(|query| form::filter(rules, query, 0)),
            ..Request::default()
        };
        if let (Some(peer), true) = (self.peer, rules.sends_pii()) {
            request.env.insert("REMOTE_ADDR".to_owned(), peer.to_string());
        }
        let mut raw_cookies = String::new();
        for (name, bytes) in self.headers {
            let text = String::from_utf8_lossy(bytes);
            if name.eq_ignore_ascii_case("cookie") {
                append(&mut raw_cookies, "; ", &text);
            } else if let Some(text) = header(rules, name, &text) {
                merge(&mut request.headers, name, &text);
            }
        }
        if rules.sends_pii() && !raw_cookies.is_empty() {
            request.cookies = Some(cookies::filter(rules, &raw_cookies));
        }
        request
    }

    fn url(&self) -> Option<Url> {
        // A client may send user and password in an absolute target: that is no part of the host.
        let host = self.host.rsplit('@').next().filter(|host| !host.is_empty())?;
        Url::parse(&format!("{}://{host}{}", self.scheme, self.path)).ok()
    }
}

/// What leaves of a header; `None` for those that do not leave at all.
fn header<'a>(rules: &Rules, name: &str, text: &'a str) -> Option<Cow<'a, str>> {
    if contains(name, "cookie") {
        // Such as `Set-Cookie`: raw cookies never leave (spec PII-09).
        return rules.sends_pii().then_some(Cow::Borrowed(FILTERED));
    }
    if rules.denies(name) {
        return Some(Cow::Borrowed(FILTERED));
    }
    Some(value::filter(rules, text, 0))
}

/// Headers that come several times are one list (spec CTX-51).
fn merge(headers: &mut Map<String, String>, name: &str, text: &str) {
    match headers.get_mut(name) {
        Some(known) => {
            known.push_str(", ");
            known.push_str(text);
        }
        None => {
            headers.insert(name.to_owned(), text.to_owned());
        }
    }
}

fn append(list: &mut String, separator: &str, text: &str) {
    if !list.is_empty() {
        list.push_str(separator);
    }
    list.push_str(text);
}

fn contains(name: &str, term: &str) -> bool {
    name.as_bytes().windows(term.len()).any(|part| part.eq_ignore_ascii_case(term.as_bytes()))
}
