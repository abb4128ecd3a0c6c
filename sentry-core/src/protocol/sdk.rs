//! Which SDK an event is from.

use serde::{Deserialize, Serialize};

use super::lenient;

/// The SDK that captured an event.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct ClientSdkInfo {
    /// Its name, `sentry.rust`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub name: String,
    /// Its version, as in `1.2.3`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub version: String,
    /// The integrations in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::list")]
    pub integrations: Vec<String>,
    /// The packages it consists of.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::list")]
    pub packages: Vec<ClientSdkPackage>,
}

/// A package of an SDK.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct ClientSdkPackage {
    /// Where it is from and its name, as in `cargo:sentry`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub name: String,
    /// Its version.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub version: String,
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_json, read};
    use super::*;

    #[test]
    fn a_full_sdk_is_written_in_wire_names() {
        let sdk = ClientSdkInfo {
            name: "sentry.rust".into(),
            version: "1.2.3".into(),
            integrations: vec!["panic".into()],
            packages: vec![ClientSdkPackage { name: "cargo:sentry".into(), version: "1.2.3".into() }],
        };
        assert_json(
            &sdk,
            r#"{"name":"sentry.rust","version":"1.2.3","integrations":["panic"],
            "packages":[{"name":"cargo:sentry","version":"1.2.3"}]}"#,
        );
    }

    #[test]
    fn nulls_and_missing_fields_read_as_empty() {
        let sdk: ClientSdkInfo = read(r#"{"version":null,"integrations":[null],"packages":[{}],"settings":{}}"#);
        let package = ClientSdkPackage { name: String::new(), version: String::new() };
        let expected = ClientSdkInfo {
            name: String::new(),
            version: String::new(),
            integrations: vec![],
            packages: vec![package],
        };
        assert_eq!(sdk, expected);
    }
}
