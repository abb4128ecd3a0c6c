//! The address of a project, and the key that goes with it: `https://<key>@<host>[:<port>][/<path>]/<project id>`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::auth::Auth;
use crate::project_id::{ParseProjectIdError, ProjectId};
use crate::protocol::OrganizationId;
use crate::url::Url;

/// Why a text is not a DSN. Neither `Display` nor `Debug` repeats any of it: it contains a key.
#[derive(Debug)]
pub enum ParseDsnError {
    /// It is not a URL, or something stands in it that would break a request.
    InvalidUrl,
    /// The scheme is neither `http` nor `https`.
    InvalidScheme,
    /// No public key stands before the host.
    NoUsername,
    /// No project id stands at the end.
    NoProjectId,
    /// The project id cannot be one.
    InvalidProjectId(ParseProjectIdError),
}

impl fmt::Display for ParseDsnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidUrl => {
                "the DSN is not a URL: check host and port, and that its key has no spaces, commas or quotes; \
                 it should look like https://<key>@<host>/<project id>"
            }
            Self::InvalidScheme => "the DSN's scheme is unknown: begin it with https:// or http://",
            Self::NoUsername => "the DSN has no public key: write it before the host, as in https://<key>@<host>/...",
            Self::NoProjectId => {
                "the DSN has no project id: it is the last part of the path, as in https://.../<project id>"
            }
            Self::InvalidProjectId(error) => return write!(f, "the DSN's project id is invalid: {error}"),
        })
    }
}

impl std::error::Error for ParseDsnError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::InvalidProjectId(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ParseProjectIdError> for ParseDsnError {
    fn from(error: ParseProjectIdError) -> Self {
        Self::InvalidProjectId(error)
    }
}

/// How the server is reached.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub enum Scheme {
    /// Without encryption.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The port that goes with the scheme: 80 or 443.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// Where a client sends to, and with which key.
///
/// `Display` writes the whole DSN, key included, so that it parses to the same one; `Debug` masks the keys. Query and
/// fragment of the text are ignored. Keys, path and project id are kept percent-encoded, as they travel.
#[derive(Clone, Eq, PartialEq, Hash)]
pub struct Dsn {
    scheme: Scheme,
    public_key: String,
    secret_key: Option<String>,
    host: String,
    port: Option<u16>,
    path: String,
    project_id: ProjectId,
    // Made while parsing, where a failure has a name.
    store_url: Url,
    envelope_url: Url,
}

impl Dsn {
    /// What authenticates requests to this project. Characters that no header takes are left out of `client_agent`.
    pub fn to_auth(&self, client_agent: Option<&str>) -> Auth {
        Auth::of(&self.public_key, self.secret_key.as_deref(), client_agent)
    }

    /// The endpoint for single events. Long deprecated: send to [`envelope_api_url`](Dsn::envelope_api_url).
    pub fn store_api_url(&self) -> Url {
        self.store_url.clone()
    }

    /// The endpoint for envelopes.
    pub fn envelope_api_url(&self) -> Url {
        self.envelope_url.clone()
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The public key.
    pub fn public_key(&self) -> &str {
        &self.public_key
    }

    /// The secret key. Deprecated: DSNs of today have none.
    pub fn secret_key(&self) -> Option<&str> {
        self.secret_key.as_deref()
    }

    /// The host, an IPv6 address in its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own if none is given.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.scheme.default_port())
    }

    /// What stands between host and project id, with a slash at both ends; `/` if nothing does.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The project id.
    pub fn project_id(&self) -> &ProjectId {
        &self.project_id
    }

    /// The organization, as the host tells it: `o42.ingest.sentry.io` is organization 42.
    pub fn org_id(&self) -> Option<OrganizationId> {
        let label = self.host.split('.').next()?;
        let digits = label.strip_prefix('o').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse().ok()
    }

    fn from_url(url: &Url) -> Result<Self, ParseDsnError> {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(ParseDsnError::InvalidScheme),
        };
        let public_key = url.username();
        if public_key.is_empty() {
            return Err(ParseDsnError::NoUsername);
        }
        if breaks_auth_header(public_key) || url.password().is_some_and(breaks_auth_header) {
            return Err(ParseDsnError::InvalidUrl);
        }
        let path = url.path().trim_matches('/');
        if path.is_empty() {
            return Err(ParseDsnError::NoProjectId);
        }
        let (path, project_id) = match path.rsplit_once('/') {
            Some((path, project_id)) => (format!("/{path}/"), project_id),
            None => ("/".to_owned(), path),
        };
        let project_id: ProjectId = project_id.parse()?;
        let host = url.host_str().ok_or(ParseDsnError::InvalidUrl)?.to_owned();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let endpoint = |name| {
            let text = format!("{scheme}://{host}{port}{path}api/{project_id}/{name}/");
            Url::parse(&text).map_err(|_| ParseDsnError::InvalidUrl)
        };
        Ok(Self {
            store_url: endpoint("store")?,
            envelope_url: endpoint("envelope")?,
            scheme,
            public_key: public_key.to_owned(),
            secret_key: url.password().map(str::to_owned),
            port: url.port(),
            host,
            path,
            project_id,
        })
    }
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.public_key)?;
        if let Some(secret_key) = &self.secret_key {
            write!(f, ":{secret_key}")?;
        }
        write!(f, "@{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "{}{}", self.path, self.project_id)
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dsn")
            .field("scheme", &self.scheme)
            .field("public_key", &"***")
            .field("secret_key", &self.secret_key.as_ref().map(|_| "***"))
            .field("host", &self.host)
            .field("port", &self.port())
            .field("path", &self.path)
            .field("project_id", &self.project_id)
            .finish()
    }
}

impl FromStr for Dsn {
    type Err = ParseDsnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What surrounds it in files and variables is harmless; inside, a parser might drop or encode it.
        let text = text.trim_matches(|c: char| c <= ' ');
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(ParseDsnError::InvalidUrl);
        }
        Self::from_url(&Url::parse(text).map_err(|_| ParseDsnError::InvalidUrl)?)
    }
}

impl Serialize for Dsn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Dsn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Whether a key, as it is or decoded by the server, would end its field of the header.
fn breaks_auth_header(key: &str) -> bool {
    let ends_field = |byte: u8| byte <= b' ' || matches!(byte, b',' | b'"' | 0x7f);
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        let mut escape = rest.clone();
        let hex = |digit: Option<u8>| char::from(digit?).to_digit(16);
        let decoded = match (byte, hex(escape.next()), hex(escape.next())) {
            (b'%', Some(high), Some(low)) => u8::try_from(high << 4 | low).unwrap_or(byte),
            _ => byte,
        };
        if ends_field(decoded) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_of_a_dsn() {
        let dsn: Dsn = "https://key:secret@sentry.example:9000/a/b/42".parse().unwrap();
        assert_eq!((dsn.scheme(), dsn.public_key(), dsn.secret_key()), (Scheme::Https, "key", Some("secret")));
        assert_eq!((dsn.host(), dsn.port(), dsn.path()), ("sentry.example", 9000, "/a/b/"));
        assert_eq!((dsn.project_id().value(), dsn.org_id()), ("42", None));
        assert_eq!(dsn.store_api_url().as_str(), "https://sentry.example:9000/a/b/api/42/store/");
        assert_eq!(dsn.envelope_api_url().as_str(), "https://sentry.example:9000/a/b/api/42/envelope/");
    }

    #[test]
    fn spellings_and_their_endpoints() {
        let table = [
            ("http://k@h/1", "http://k@h/1", "http://h/api/1/envelope/"),
            (" https://k@h/1\n", "https://k@h/1", "https://h/api/1/envelope/"),
            ("HTTPS://k@H/p/", "https://k@h/p", "https://h/api/p/envelope/"),
            ("https://k@h:443/1?x=1#f", "https://k@h/1", "https://h/api/1/envelope/"),
            ("http://k:@h:443/1", "http://k@h:443/1", "http://h:443/api/1/envelope/"),
            ("http://k@h:0/1", "http://k@h:0/1", "http://h:0/api/1/envelope/"),
            ("http://k@127.0.0.1:8000/x/1", "http://k@127.0.0.1:8000/x/1", "http://127.0.0.1:8000/x/api/1/envelope/"),
            ("http://k@[::1]:8000/1", "http://k@[::1]:8000/1", "http://[::1]:8000/api/1/envelope/"),
            ("http://k@h/caf\u{e9}/1", "http://k@h/caf%C3%A9/1", "http://h/caf%C3%A9/api/1/envelope/"),
        ];
        for (input, text, endpoint) in table {
            let dsn: Dsn = input.parse().unwrap_or_else(|error| panic!("{input}: {error}"));
            assert_eq!(dsn.to_string(), text);
            assert_eq!(dsn.envelope_api_url().as_str(), endpoint);
        }
        assert_eq!("http://k@h/1".parse::<Dsn>().unwrap().port(), 80);
        assert_eq!("https://k@h/1".parse::<Dsn>().unwrap().port(), 443);
    }

    #[test]
    fn each_wrong_part_has_its_error() {
        let table = [
            ("", "InvalidUrl"),
            ("key@host/1", "InvalidUrl"),
            ("https://k@/1", "InvalidUrl"),
            ("https://k@h:99999/1", "InvalidUrl"),
            ("https://k@h:port/1", "InvalidUrl"),
            ("https://k@[::1/1", "InvalidUrl"),
            ("https://k@h\r\nx: y/1", "InvalidUrl"),
            ("https://k@h/1\r\nx", "InvalidUrl"),
            ("https://k\0@h/1", "InvalidUrl"),
            ("https://a key@h/1", "InvalidUrl"),
            ("https://a\u{a0}key@h/1", "InvalidUrl"),
            ("https://a,key@h/1", "InvalidUrl"),
            ("https://a\"key@h/1", "InvalidUrl"),
            ("https://k:a,b@h/1", "InvalidUrl"),
            ("https://k%0d%0a@h/1", "InvalidUrl"),
            ("https://k%2C@h/1", "InvalidUrl"),
            ("https://k%20@h/1", "InvalidUrl"),
            ("ftp://k@h/1", "InvalidScheme"),
            ("mailto:k@h", "InvalidScheme"),
            ("https://h/1", "NoUsername"),
            ("https://:secret@h/1", "NoUsername"),
            ("https://k@h", "NoProjectId"),
            ("https://k@h/", "NoProjectId"),
            ("https://k@h//", "NoProjectId"),
        ];
        for (input, error) in table {
            assert_eq!(format!("{:?}", input.parse::<Dsn>().unwrap_err()), error, "{input:?}");
        }
    }

    #[cfg(not(feature = "url"))]
    #[test]
    fn a_unicode_host_is_refused_and_its_ascii_form_is_not() {
        assert!(matches!("https://k@b\u{fc}cher.example/1".parse::<Dsn>(), Err(ParseDsnError::InvalidUrl)));
        assert_eq!("https://k@xn--bcher-kva.example/1".parse::<Dsn>().unwrap().host(), "xn--bcher-kva.example");
    }

    #[test]
    fn keys_are_shown_by_display_only() {
        let dsn: Dsn = "https://topkey:topsecret@host/1".parse().unwrap();
        let debug = format!("{dsn:?} {:?} {:?}", dsn.to_auth(None), dsn.envelope_api_url());
        assert!(!debug.contains("topkey") && !debug.contains("topsecret"), "{debug}");
        for wrong in ["https://topkey:topsecret@h ost/1", "ftp://topkey:topsecret@h/1", "https://topkey@h"] {
            let error = wrong.parse::<Dsn>().unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(!text.contains("topkey") && !text.contains("topsecret"), "{text}");
        }
    }

    #[test]
    fn the_organization_is_in_the_first_label() {
        let org = |host: &str| format!("https://k@{host}/1").parse::<Dsn>().unwrap().org_id();
        assert_eq!(org("o42.ingest.us.sentry.io"), Some(OrganizationId::from(42)));
        for host in ["42.ingest.sentry.io", "o.sentry.io", "org42.sentry.io", "x.o42.io", "o99999999999999999999.io"] {
            assert_eq!(org(host), None, "{host}");
        }
    }

    #[test]
    fn json_is_the_text() {
        let dsn: Dsn = serde_json::from_str("\"https://k@h/1\"").unwrap();
        assert_eq!(serde_json::to_string(&dsn).unwrap(), "\"https://k@h/1\"");
        assert!(serde_json::from_str::<Dsn>("\"https://h/1\"").is_err());
    }

    #[test]
    fn a_megabyte_takes_linear_time() {
        let long = "a".repeat(1 << 20);
        let slashes = "/".repeat(1 << 20);
        let percent = "%".repeat(1 << 20);
        for input in [&long, &slashes, &percent, &format!("https://k@h{slashes}1"), &format!("https://{percent}@h/1")] {
            let _ = input.parse::<Dsn>();
        }
        assert!(format!("https://{long}@{long}/{long}").parse::<Dsn>().is_ok());
    }

    proptest! {
        #[test]
        fn what_parses_is_written_as_it_parses(text in "https?://[!-~]{0,20}@[a-z0-9.]{1,10}(:[0-9]{1,5})?/[!-~é]{0,20}") {
            if let Ok(dsn) = text.parse::<Dsn>() {
                let again: Dsn = dsn.to_string().parse().unwrap();
                prop_assert_eq!(&again, &dsn);
                prop_assert!(dsn.to_auth(Some("a/1")).to_string().bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            }
        }

        #[test]
        fn no_text_panics(text in "(https?://)?[a-z:/@?#%,0-9 \"\\x00-\\x20é]{0,60}") {
            let _ = text.parse::<Dsn>();
        }
    }
}
