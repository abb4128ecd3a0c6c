//! Identifiers of traces and spans.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::lenient;

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Copy, Clone, PartialEq, Eq, Hash)]
        pub struct $name([u8; $bytes]);

        /// A fresh random id.
        impl Default for $name {
            fn default() -> Self {
                let mut bytes = [0; $bytes];
                crate::random::fill(&mut bytes);
                $name(bytes)
            }
        }

        impl $name {
            #[allow(dead_code, reason = "for the one that is made from others")]
            pub(crate) fn to_bytes(self) -> [u8; $bytes] {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hex(text).map($name).ok_or(ParseIdError)
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseIdError;

            fn try_from(text: String) -> Result<Self, ParseIdError> {
                text.parse()
            }
        }

        impl From<[u8; $bytes]> for $name {
            fn from(bytes: [u8; $bytes]) -> Self {
                $name(bytes)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                lenient::from_text(deserializer)
            }
        }
    };
}

hex_id! {
    /// The id of a span: 16 hexadecimal digits. The default is random.
    SpanId, 8
}

hex_id! {
    /// The id of a trace: 32 hexadecimal digits. The default is random.
    TraceId, 16
}

/// The text is not a [`SpanId`] or [`TraceId`]: wrong length, or something else than hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseIdError;

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid span or trace id")
    }
}

impl Error for ParseIdError {}

fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut digits = text.chars().map(|digit| digit.to_digit(16));
    let mut bytes = [0; N];
    for byte in &mut bytes {
        // Both digits are below 16.
        *byte = (digits.next()?? * 16 + digits.next()??) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::assert_json;
    use super::*;

    #[test]
    fn ids_are_lower_case_hexadecimal() {
        let span = SpanId::from([0x0a, 0xb1, 0, 0, 0, 0, 0, 0xff]);
        assert_eq!(format!("{span} {span:?}"), "0ab10000000000ff SpanId(0ab10000000000ff)");
        assert_json(&span, r#""0ab10000000000ff""#);
        assert_json(&TraceId::from([0x1c; 16]), r#""1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c""#);
        assert_eq!("0AB10000000000FF".parse(), Ok(span));
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "0ab1", "0ab10000000000ff0", "0ab10000000000fg", "+ab10000000000ff", "äöü0000000000f"] {
            assert_eq!(text.parse::<SpanId>(), Err(ParseIdError), "{text}");
        }
        assert_eq!(TraceId::try_from("0ab10000000000ff".to_owned()), Err(ParseIdError));
        assert_eq!("1c1c1c1c-1c1c-1c1c-1c1c-1c1c1c1c1c1c".parse::<TraceId>(), Err(ParseIdError));
        assert!(serde_json::from_str::<SpanId>("7").is_err());
    }

    #[test]
    fn defaults_differ() {
        assert_ne!(SpanId::default(), SpanId::default());
        assert_ne!(TraceId::default(), TraceId::default());
    }

    proptest! {
        #[test]
        fn ids_round_trip(span: [u8; 8], trace: [u8; 16]) {
            prop_assert_eq!(SpanId::from(span).to_string().parse(), Ok(SpanId(span)));
            prop_assert_eq!(String::from(TraceId(trace)).try_into(), Ok(TraceId(trace)));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = (text.parse::<SpanId>(), text.parse::<TraceId>());
        }
    }
}
