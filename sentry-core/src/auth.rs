//! What authenticates a request: the value of the `X-Sentry-Auth` header, or the same as query parameters.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Why a text does not authenticate anybody.
#[derive(Debug, Copy, Clone, Eq, PartialEq)]
pub enum ParseAuthError {
    /// The header is one of another scheme.
    NonSentryAuth,
    /// The protocol version is not a number.
    InvalidVersion,
    /// There is no public key.
    MissingPublicKey,
}

impl fmt::Display for ParseAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NonSentryAuth => "the auth header is not Sentry's: it should begin with `Sentry `",
            Self::InvalidVersion => "sentry_version of the auth header is not a number: it should be 7",
            Self::MissingPublicKey => "sentry_key of the auth header is missing: it should be the DSN's public key",
        })
    }
}

impl std::error::Error for ParseAuthError {}

/// The parts of an `X-Sentry-Auth` header. `Display` writes its value, `Debug` masks the keys.
#[derive(Serialize, Deserialize, Clone)]
pub struct Auth {
    #[serde(rename = "sentry_timestamp", default, skip_serializing_if = "Option::is_none")]
    timestamp: Option<f64>,
    #[serde(rename = "sentry_client", default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(rename = "sentry_version")]
    version: u16,
    #[serde(rename = "sentry_key")]
    key: String,
    #[serde(rename = "sentry_secret", default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl Auth {
    /// Reads pairs like `("sentry_key", "...")`; the prefix `sentry_` may be missing, unknown pairs are skipped.
    ///
    /// # Errors
    ///
    /// The version is not a number, or there is no key.
    pub fn from_pairs<'a, I, K, V>(pairs: I) -> Result<Auth, ParseAuthError>
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<str>,
        V: Into<Cow<'a, str>>,
    {
        let mut auth =
            Self { timestamp: None, client: None, version: PROTOCOL_VERSION, key: String::new(), secret: None };
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.into());
            match name.strip_prefix("sentry_").unwrap_or(name) {
                "timestamp" => auth.timestamp = value.parse().ok().filter(|secs: &f64| secs.is_finite()),
                "client" => auth.client = Some(header_safe(&value)),
                "version" => auth.version = value.parse().map_err(|_| ParseAuthError::InvalidVersion)?,
                "key" => auth.key = header_safe(&value),
                "secret" => auth.secret = Some(header_safe(&value)),
                _ => {}
            }
        }
        if auth.key.is_empty() { Err(ParseAuthError::MissingPublicKey) } else { Ok(auth) }
    }

    /// Reads a query string like `sentry_version=7&sentry_key=...`.
    ///
    /// # Errors
    ///
    /// As for [`from_pairs`](Auth::from_pairs).
    pub fn from_querystring(qs: &[u8]) -> Result<Auth, ParseAuthError> {
        Self::from_pairs(qs.split(|byte| *byte == b'&').map(|pair| {
            let mut sides = pair.splitn(2, |byte| *byte == b'=');
            (decode(sides.next().unwrap_or_default()), decode(sides.next().unwrap_or_default()))
        }))
    }

    /// When the request was made. Clients of today do not say; the envelope's `sent_at` tells.
    pub fn timestamp(&self) -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(self.timestamp?).ok()?)
    }

    /// The version of the protocol: 7.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// The public key.
    pub fn public_key(&self) -> &str {
        &self.key
    }

    /// The secret key. Deprecated.
    pub fn secret_key(&self) -> Option<&str> {
        self.secret.as_deref()
    }

    /// Whether there is no secret key.
    pub fn is_public(&self) -> bool {
        self.secret.is_none()
    }

    /// Name and version of the client, as in `sentry.rust/0.49.5`.
    pub fn client_agent(&self) -> Option<&str> {
        self.client.as_deref()
    }

    /// For a DSN, whose keys are known not to break a header.
    pub(crate) fn of(key: &str, secret: Option<&str>, client: Option<&str>) -> Self {
        Self {
            timestamp: None,
            client: client.map(header_safe),
            version: PROTOCOL_VERSION,
            key: key.to_owned(),
            secret: secret.map(str::to_owned),
        }
    }
}

impl fmt::Display for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sentry sentry_version={}", self.version)?;
        if let Some(client) = &self.client {
            write!(f, ", sentry_client={client}")?;
        }
        write!(f, ", sentry_key={}", self.key)?;
        if let Some(secret) = &self.secret {
            write!(f, ", sentry_secret={secret}")?;
        }
        match self.timestamp {
            Some(timestamp) => write!(f, ", sentry_timestamp={timestamp}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("timestamp", &self.timestamp)
            .field("client", &self.client)
            .field("version", &self.version)
            .field("key", &"***")
            .field("secret", &self.secret.as_ref().map(|_| "***"))
            .finish()
    }
}

impl FromStr for Auth {
    type Err = ParseAuthError;

    fn from_str(header: &str) -> Result<Self, Self::Err> {
        let (scheme, pairs) = header.trim().split_once(' ').ok_or(ParseAuthError::NonSentryAuth)?;
        if !scheme.eq_ignore_ascii_case("Sentry") {
            return Err(ParseAuthError::NonSentryAuth);
        }
        Self::from_pairs(pairs.split(',').filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name.trim(), value.trim()))
        }))
    }
}

/// Leaves out what would end the field or the header.
fn header_safe(value: &str) -> String {
    let safe: String = value.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, ',' | '"')).collect();
    safe.trim().to_owned()
}

/// `application/x-www-form-urlencoded`; what is not UTF-8 is replaced.
fn decode(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match (first, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, after_escape @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    rest = after_escape;
                    high << 4 | low
                }
                _ => b'%',
            },
            _ => *first,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

const PROTOCOL_VERSION: u16 = 7;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dsn::Dsn;

    #[test]
    fn a_dsn_makes_a_header() {
        let header = |dsn: &str, agent| dsn.parse::<Dsn>().unwrap().to_auth(agent).to_string();
        assert_eq!(
            header("https://pub:sec@h/1", Some("sentry.rust/1.2")),
            "Sentry sentry_version=7, sentry_client=sentry.rust/1.2, sentry_key=pub, sentry_secret=sec"
        );
        assert_eq!(header("https://pub@h/1", None), "Sentry sentry_version=7, sentry_key=pub");
        assert_eq!(
            header("https://pub@h/1", Some("a,b\r\nX-Evil: \"1\u{e9}")),
            "Sentry sentry_version=7, sentry_client=abX-Evil: 1, sentry_key=pub"
        );
    }

    #[test]
    fn a_header_is_read() {
        let auth: Auth = "sentry sentry_timestamp=1328055286.5,sentry_client=raven-python/42, \
                          sentry_version=6 , sentry_key=public,sentry_secret=secret, other=1, x"
            .parse()
            .unwrap();
        assert_eq!(auth.timestamp(), Some(UNIX_EPOCH + Duration::from_millis(1_328_055_286_500)));
        assert_eq!((auth.client_agent(), auth.version()), (Some("raven-python/42"), 6));
        assert_eq!((auth.public_key(), auth.secret_key(), auth.is_public()), ("public", Some("secret"), false));
        assert_eq!(
            auth.to_string(),
            "Sentry sentry_version=6, sentry_client=raven-python/42, sentry_key=public, sentry_secret=secret, \
             sentry_timestamp=1328055286.5"
        );
    }

    #[test]
    fn what_cannot_be_read_has_its_error() {
        let table = [
            ("", ParseAuthError::NonSentryAuth),
            ("Basic abc", ParseAuthError::NonSentryAuth),
            ("Sentrysentry_key=a", ParseAuthError::NonSentryAuth),
            ("Sentry sentry_version=x, sentry_key=a", ParseAuthError::InvalidVersion),
            ("Sentry sentry_version=99999, sentry_key=a", ParseAuthError::InvalidVersion),
            ("Sentry sentry_version=7", ParseAuthError::MissingPublicKey),
            ("Sentry sentry_key=", ParseAuthError::MissingPublicKey),
        ];
        for (header, error) in table {
            assert_eq!(header.parse::<Auth>().map(|_| ()), Err(error), "{header}");
        }
    }

    #[test]
    fn a_query_string_is_read() {
        let auth = Auth::from_querystring(b"sentry_version=7&sentry_key=a%62c&sentry_client=x+y%2F1%&z").unwrap();
        assert_eq!((auth.public_key(), auth.client_agent(), auth.is_public()), ("abc", Some("x y/1%"), true));
        let hostile = Auth::from_querystring(b"key=a%0d%0aX:%20y%2c&client=%ff").unwrap();
        assert_eq!(hostile.to_string(), "Sentry sentry_version=7, sentry_client=, sentry_key=aX: y");
        // What is left of it would not survive being read again.
        assert_eq!(Auth::from_querystring(b"key=\x7f+%7f").map(|_| ()), Err(ParseAuthError::MissingPublicKey));
        assert_eq!(Auth::from_querystring(b"").map(|_| ()), Err(ParseAuthError::MissingPublicKey));
    }

    #[test]
    fn a_time_out_of_range_is_none() {
        for text in ["-1", "NaN", "inf", "1e300", "x"] {
            let auth = Auth::from_pairs([("sentry_timestamp", text), ("sentry_key", "a")]).unwrap();
            assert_eq!(auth.timestamp(), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_query_panics_and_none_breaks_a_header(query in proptest::collection::vec(any::<u8>(), 0..40)) {
            let query = [b"sentry_key=".as_slice(), &query].concat();
            if let Ok(auth) = Auth::from_querystring(&query) {
                let header = auth.to_string();
                prop_assert!(header.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{}", header);
                prop_assert!(header.parse::<Auth>().is_ok());
            }
        }
    }
}
