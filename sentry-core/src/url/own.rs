//! `Url` for builds without the feature `url`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::host;
use super::percent::{Part, encode_into};

/// A parsed URL. It is kept as its normalised text; equality, order and hash are those of the text.
///
/// Parsing and the setters take time and memory linear in the length of the text. `Debug` masks user name and password,
/// `Display` and [`as_str`](Url::as_str) do not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Url {
    /// The one field that is compared first: all others follow from it.
    text: String,
    parts: Parts,
}

/// Where each part of the text ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Parts {
    /// Of the scheme, before its colon.
    scheme: usize,
    /// `None`: no `//` follows the scheme.
    authority: Option<Authority>,
    /// Starts where the authority (or the scheme's colon) ends.
    path: usize,
    /// Without its `?`, which follows the path.
    query: Option<usize>,
    /// A `#` follows the query, up to the end of the text.
    fragment: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Authority {
    /// Starts after `//`.
    username: usize,
    /// After a colon, with an `@` behind it. Equal to `username`: none.
    password: usize,
    host_start: usize,
    host: usize,
    port: Option<u16>,
    /// Of the authority as a whole.
    end: usize,
}

/// Why a text is not a URL (or not one this SDK takes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseUrlError {
    /// Nothing stands between `//` and the path.
    EmptyHost,
    /// The host is not ASCII.
    IdnaError,
    /// The port is not a number up to 65535.
    InvalidPort,
    /// The host ends in a number but is not four decimal numbers up to 255.
    InvalidIpv4Address,
    /// What stands in brackets is not an IPv6 address.
    InvalidIpv6Address,
    /// The host contains a character that no host has.
    InvalidDomainCharacter,
    /// There is no scheme.
    RelativeUrlWithoutBase,
    /// A tab or line break stands inside.
    ControlCharacter,
}

impl fmt::Display for ParseUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyHost => "the URL has no host: write it after `//`",
            Self::IdnaError => "the URL's host is not ASCII: write it in its `xn--` form",
            Self::InvalidPort => "the URL's port is not a number from 0 to 65535",
            Self::InvalidIpv4Address => {
                "the URL's host is not a valid IPv4 address: write four decimal numbers up to 255"
            }
            Self::InvalidIpv6Address => "the URL's host is not a valid IPv6 address: write it as in `[::1]`",
            Self::InvalidDomainCharacter => "the URL's host contains a character that is not allowed there: remove it",
            Self::RelativeUrlWithoutBase => "the URL has no scheme: begin it with one, as in `https://`",
            Self::ControlCharacter => {
                "the URL contains a tab or a line break: remove it or write it as %09, %0D or %0A"
            }
        })
    }
}

impl std::error::Error for ParseUrlError {}

impl Url {
    /// Parses an absolute URL. White space around it is ignored.
    ///
    /// # Errors
    ///
    /// Says which part is wrong; see [`ParseUrlError`].
    pub fn parse(input: &str) -> Result<Url, ParseUrlError> {
        let input = input.trim_matches(|c: char| c <= ' ');
        if input.contains(['\t', '\r', '\n']) {
            return Err(ParseUrlError::ControlCharacter);
        }
        let (scheme, rest) = split_scheme(input).ok_or(ParseUrlError::RelativeUrlWithoutBase)?;
        let scheme = scheme.to_ascii_lowercase();
        let special = is_special(&scheme);
        let (rest, fragment) = split_at_first(rest, '#');
        let (rest, query) = split_at_first(rest, '?');
        let is_slash = |c: char| c == '/' || (special && c == '\\');
        let after_slashes = rest.strip_prefix(is_slash).and_then(|rest| rest.strip_prefix(is_slash));
        let mut url = Builder::new(&scheme);
        match after_slashes {
            Some(rest) => {
                let path_start = rest.find(is_slash).unwrap_or(rest.len());
                let (authority, path) = rest.split_at_checked(path_start).unwrap_or((rest, ""));
                url.authority(authority, &scheme)?;
                url.path(path, special);
            }
            None if special => return Err(ParseUrlError::EmptyHost),
            None if rest.starts_with('/') => url.path(rest, false),
            None => url.opaque_path(rest),
        }
        url.query(query, special);
        url.fragment(fragment);
        Ok(url.finish())
    }

    /// The whole URL.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The scheme in lower case, without its colon.
    pub fn scheme(&self) -> &str {
        self.slice(0, self.parts.scheme)
    }

    /// The host, an IPv6 address in its brackets. `None` for URLs like `mailto:a@b.c` or `file:///etc`.
    pub fn host_str(&self) -> Option<&str> {
        let authority = self.parts.authority?;
        Some(self.slice(authority.host_start, authority.host)).filter(|host| !host.is_empty())
    }

    /// The port, unless it is the one that goes with the scheme anyway.
    pub fn port(&self) -> Option<u16> {
        self.parts.authority?.port
    }

    /// The path, percent-encoded. At least `/` for `http` and `https`.
    pub fn path(&self) -> &str {
        self.slice(self.path_start(), self.parts.path)
    }

    /// What follows `?`, percent-encoded.
    pub fn query(&self) -> Option<&str> {
        Some(self.slice(self.parts.path + 1, self.parts.query?))
    }

    /// What follows `#`, percent-encoded.
    pub fn fragment(&self) -> Option<&str> {
        let before = self.parts.query.unwrap_or(self.parts.path);
        self.parts.fragment.then(|| self.slice(before + 1, self.text.len()))
    }

    /// The user name, percent-encoded; empty if there is none.
    pub fn username(&self) -> &str {
        let authority = self.parts.authority;
        authority.map_or("", |authority| self.slice(self.parts.scheme + 3, authority.username))
    }

    /// The password, percent-encoded.
    pub fn password(&self) -> Option<&str> {
        let authority = self.parts.authority?;
        (authority.password > authority.username).then(|| self.slice(authority.username + 1, authority.password))
    }

    /// Replaces or removes the query.
    pub fn set_query(&mut self, query: Option<&str>) {
        let mut url = self.keep_up_to_path();
        url.query(query, is_special(self.scheme()));
        url.fragment(self.fragment());
        *self = url.finish();
    }

    /// Replaces or removes the fragment.
    pub fn set_fragment(&mut self, fragment: Option<&str>) {
        let mut url = self.keep_up_to_path();
        url.query(self.query(), is_special(self.scheme()));
        url.fragment(fragment);
        *self = url.finish();
    }

    /// Replaces the user name; an empty one removes it.
    ///
    /// # Errors
    ///
    /// The URL has no host, or is a `file` URL: nothing is changed.
    #[expect(clippy::result_unit_err, reason = "the signature of `url::Url`")]
    pub fn set_username(&mut self, username: &str) -> Result<(), ()> {
        let password = self.password().map(str::to_owned);
        self.set_user_info(username, password.as_deref())
    }

    /// Replaces the password; `None` or an empty one removes it.
    ///
    /// # Errors
    ///
    /// The URL has no host, or is a `file` URL: nothing is changed.
    #[expect(clippy::result_unit_err, reason = "the signature of `url::Url`")]
    pub fn set_password(&mut self, password: Option<&str>) -> Result<(), ()> {
        let username = self.username().to_owned();
        self.set_user_info(&username, password)
    }

    fn set_user_info(&mut self, username: &str, password: Option<&str>) -> Result<(), ()> {
        let host = self.host_str().filter(|_| self.scheme() != "file").ok_or(())?;
        let mut url = Builder::new(self.scheme());
        url.authority_parts(username, password, host, self.port());
        url.text.push_str(self.path());
        url.parts.path = url.text.len();
        url.query(self.query(), is_special(self.scheme()));
        url.fragment(self.fragment());
        *self = url.finish();
        Ok(())
    }

    fn keep_up_to_path(&self) -> Builder {
        let text = self.slice(0, self.parts.path).to_owned();
        Builder { text, parts: Parts { query: None, fragment: false, ..self.parts } }
    }

    fn path_start(&self) -> usize {
        self.parts.authority.map_or(self.parts.scheme + 1, |authority| authority.end)
    }

    fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or("")
    }
}

impl AsRef<str> for Url {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_user_info = !self.username().is_empty() || self.password().is_some();
        match self.parts.authority.filter(|_| has_user_info) {
            Some(authority) => {
                let rest = self.slice(authority.host_start, self.text.len());
                f.debug_tuple("Url").field(&format!("{}://***@{rest}", self.scheme())).finish()
            }
            None => f.debug_tuple("Url").field(&self.text).finish(),
        }
    }
}

impl FromStr for Url {
    type Err = ParseUrlError;

    fn from_str(input: &str) -> Result<Self, Self::Err> {
        Self::parse(input)
    }
}

impl Serialize for Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Puts a URL together part by part, from left to right.
struct Builder {
    text: String,
    parts: Parts,
}

impl Builder {
    fn new(scheme: &str) -> Self {
        let parts = Parts { scheme: scheme.len(), authority: None, path: 0, query: None, fragment: false };
        Self { text: format!("{scheme}:"), parts }
    }

    fn authority(&mut self, authority: &str, scheme: &str) -> Result<(), ParseUrlError> {
        let (user_info, host_and_port) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (username, password) = split_at_first(user_info, ':');
        // The colons inside an IPv6 address are not the port's.
        if host_and_port.starts_with('[') && !host_and_port.contains(']') {
            return Err(ParseUrlError::InvalidIpv6Address);
        }
        let after_brackets = host_and_port.rfind(']').map_or(0, |bracket| bracket + 1);
        let colon = host_and_port.get(after_brackets..).and_then(|rest| rest.find(':'));
        let host_end = colon.map_or(host_and_port.len(), |colon| after_brackets + colon);
        let (host, port) = host_and_port.split_at_checked(host_end).unwrap_or((host_and_port, ""));
        let port = match port.strip_prefix(':') {
            None | Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse::<u16>().map_err(|_| ParseUrlError::InvalidPort)?)
            }
            Some(_) => return Err(ParseUrlError::InvalidPort),
        };
        let port = port.filter(|port| default_port(scheme) != Some(*port));
        if host.is_empty() && (!authority.is_empty() || (is_special(scheme) && scheme != "file")) {
            return Err(ParseUrlError::EmptyHost);
        }
        let mut host = if host.is_empty() { String::new() } else { host::normalize(host, is_special(scheme))? };
        if scheme == "file" {
            if host == "localhost" {
                host.clear();
            }
            if !user_info.is_empty() || port.is_some() {
                return Err(ParseUrlError::InvalidDomainCharacter);
            }
        }
        self.authority_parts(username, password, &host, port);
        Ok(())
    }

    /// `host` is normalised already.
    fn authority_parts(&mut self, username: &str, password: Option<&str>, host: &str, port: Option<u16>) {
        self.text.push_str("//");
        let start = self.text.len();
        encode_into(&mut self.text, username, Part::UserInfo);
        let username = self.text.len();
        if let Some(password) = password.filter(|password| !password.is_empty()) {
            self.text.push(':');
            encode_into(&mut self.text, password, Part::UserInfo);
        }
        let password = self.text.len();
        if password > start {
            self.text.push('@');
        }
        let host_start = self.text.len();
        self.text.push_str(host);
        let host = self.text.len();
        if let Some(port) = port {
            self.text.push_str(&format!(":{port}"));
        }
        let end = self.text.len();
        self.parts.authority = Some(Authority { username, password, host_start, host, port, end });
        self.parts.path = end;
    }

    /// Resolves `.` and `..`, so that two spellings of one path are equal.
    fn path(&mut self, path: &str, special: bool) {
        let start = self.text.len();
        // What stands before the first slash is nothing.
        let mut segments = path.split(|c| c == '/' || (special && c == '\\')).skip(1).peekable();
        while let Some(segment) = segments.next() {
            let is_last = segments.peek().is_none();
            let Some(dots) = dots(segment) else {
                self.text.push('/');
                encode_into(&mut self.text, segment, Part::Path);
                continue;
            };
            if dots == 2 {
                let parent = self.text.get(start..).and_then(|path| path.rfind('/'));
                self.text.truncate(start + parent.unwrap_or(0));
            }
            if is_last {
                self.text.push('/');
            }
        }
        if special && path.is_empty() {
            self.text.push('/');
        }
        // Without an authority, a path that begins with `//` would be read as one.
        if self.parts.authority.is_none() && self.text.get(start..).is_some_and(|path| path.starts_with("//")) {
            self.text.insert_str(start, "/.");
        }
        self.parts.path = self.text.len();
    }

    fn opaque_path(&mut self, path: &str) {
        encode_into(&mut self.text, path, Part::Opaque);
        self.parts.path = self.text.len();
    }

    fn query(&mut self, query: Option<&str>, special: bool) {
        if let Some(query) = query {
            self.text.push('?');
            encode_into(&mut self.text, query, if special { Part::SpecialQuery } else { Part::Query });
            self.parts.query = Some(self.text.len());
        }
    }

    fn fragment(&mut self, fragment: Option<&str>) {
        if let Some(fragment) = fragment {
            self.text.push('#');
            encode_into(&mut self.text, fragment, Part::Fragment);
            self.parts.fragment = true;
        }
    }

    fn finish(mut self) -> Url {
        // Only opaque paths have spaces. At the end of the text they would not survive being parsed again.
        if self.parts.query.is_none() && !self.parts.fragment {
            self.text.truncate(self.text.trim_end_matches(' ').len());
            self.parts.path = self.text.len();
        }
        Url { text: self.text, parts: self.parts }
    }
}

fn split_scheme(input: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = input.split_once(':')?;
    let mut bytes = scheme.bytes();
    let valid = bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    valid.then_some((scheme, rest))
}

fn split_at_first(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// One for `.`, two for `..`, also where the dots are percent-encoded.
fn dots(segment: &str) -> Option<usize> {
    if segment.len() > "%2e%2e".len() {
        return None;
    }
    match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
        "." => Some(1),
        ".." => Some(2),
        _ => None,
    }
}

/// The schemes for which the URL standard has rules of their own.
fn is_special(scheme: &str) -> bool {
    matches!(scheme, "http" | "https" | "ws" | "wss" | "ftp" | "file")
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        "ftp" => Some(21),
        _ => None,
    }
}
