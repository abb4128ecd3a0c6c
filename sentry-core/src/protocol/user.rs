//! Who was affected.

use std::cmp::Ordering;
use std::fmt;
use std::net::{AddrParseError, IpAddr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Map, Value, lenient};

/// The user an event affected. Any one of the first four fields tells users apart.
#[derive(Serialize, Deserialize, Debug, Default, Clone, PartialEq)]
#[serde(default)]
pub struct User {
    /// The id in the program's own terms.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub id: Option<String>,
    /// The e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The IP address.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::or_none")]
    pub ip_address: Option<IpAddress>,
    /// The name the user signs in with.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub username: Option<String>,
    /// Any other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A user's IP address, or the request that the server take that of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum IpAddress {
    /// The server takes the address the event comes from. Written as `{{auto}}`.
    #[default]
    Auto,
    /// This address.
    Exact(IpAddr),
}

impl PartialEq<IpAddr> for IpAddress {
    fn eq(&self, other: &IpAddr) -> bool {
        matches!(self, IpAddress::Exact(address) if address == other)
    }
}

impl PartialOrd<IpAddr> for IpAddress {
    fn partial_cmp(&self, other: &IpAddr) -> Option<Ordering> {
        match self {
            IpAddress::Auto => None,
            IpAddress::Exact(address) => address.partial_cmp(other),
        }
    }
}

impl fmt::Display for IpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IpAddress::Auto => f.pad(AUTO),
            IpAddress::Exact(address) => fmt::Display::fmt(address, f),
        }
    }
}

impl From<IpAddr> for IpAddress {
    fn from(address: IpAddr) -> Self {
        IpAddress::Exact(address)
    }
}

impl FromStr for IpAddress {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        match text {
            AUTO => Ok(IpAddress::Auto),
            _ => text.parse().map(IpAddress::Exact),
        }
    }
}

impl Serialize for IpAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IpAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        lenient::from_text(deserializer)
    }
}

const AUTO: &str = "{{auto}}";

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_json, read};
    use super::*;

    #[test]
    fn a_full_user_is_written_in_wire_names() {
        let user = User {
            id: Some("8fd5".into()),
            email: Some("mail@example.org".into()),
            ip_address: Some(IpAddress::Exact([127, 0, 0, 1].into())),
            username: Some("mail".into()),
            other: [("plan".to_owned(), "free".into())].into(),
        };
        assert_json(
            &user,
            r#"{"id":"8fd5","email":"mail@example.org","ip_address":"127.0.0.1","username":"mail","plan":"free"}"#,
        );
        assert_json(&User { ip_address: Some(IpAddress::Auto), ..User::default() }, r#"{"ip_address":"{{auto}}"}"#);
        assert_json(&User::default(), "{}");
    }

    #[test]
    fn what_other_sdks_write_is_read() {
        let user: User = read(r#"{"id":7,"email":null,"ip_address":"localhost","geo":{"city":"Vienna"}}"#);
        assert_eq!((user.id.as_deref(), user.email, user.ip_address), (Some("7"), None, None));
        assert_eq!(user.other.keys().collect::<Vec<_>>(), ["geo"]);
    }

    #[test]
    fn addresses_parse_compare_and_print() {
        let ip: IpAddr = "::1".parse().unwrap();
        for text in ["{{auto}}", "10.0.0.1", "::1"] {
            assert_eq!(text.parse::<IpAddress>().unwrap().to_string(), text);
        }
        assert!("".parse::<IpAddress>().is_err() && "{{ auto }}".parse::<IpAddress>().is_err());
        assert_eq!(IpAddress::from(ip), ip);
        assert_ne!(IpAddress::Auto, ip);
        assert_eq!(IpAddress::Auto.partial_cmp(&ip), None);
        assert!(IpAddress::from(ip) <= ip);
        assert_eq!(IpAddress::default(), IpAddress::Auto);
    }
}
