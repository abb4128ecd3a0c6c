//! Machine addresses and register values, which travel as hexadecimal text: JSON numbers would lose their low bits.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! hex_number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Default, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl From<u64> for $name {
            fn from(number: u64) -> Self {
                $name(number)
            }
        }

        impl From<i32> for $name {
            fn from(number: i32) -> Self {
                $name(number as u64)
            }
        }

        impl From<u32> for $name {
            fn from(number: u32) -> Self {
                $name(number.into())
            }
        }

        impl From<usize> for $name {
            fn from(number: usize) -> Self {
                $name(number as u64)
            }
        }

        impl<T> From<*const T> for $name {
            fn from(pointer: *const T) -> Self {
                $name(pointer as usize as u64)
            }
        }

        impl<T> From<*mut T> for $name {
            fn from(pointer: *mut T) -> Self {
                $name(pointer as usize as u64)
            }
        }

        impl From<$name> for u64 {
            fn from(number: $name) -> Self {
                number.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&format_args!("{:#x}", self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(HexVisitor).map($name)
            }
        }
    };
}

hex_number! {
    /// A memory address. Written as `"0x7f01"`; numbers and decimal text are read as well.
    Addr
}

hex_number! {
    /// The value of a CPU register. Written as `"0x7f01"`; numbers and decimal text are read as well.
    RegVal
}

impl Addr {
    /// Whether this is the null address.
    pub fn is_null(&self) -> bool {
        self.0 == 0
    }
}

struct HexVisitor;

impl Visitor<'_> for HexVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or hexadecimal text")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<u64, E> {
        Ok(number as u64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        }
        .map_err(E::custom)
    }

    fn visit_unit<E: de::Error>(self) -> Result<u64, E> {
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::assert_json;
    use super::*;

    #[test]
    fn numbers_travel_as_hexadecimal_text() {
        assert_json(&Addr(0), r#""0x0""#);
        assert_json(&Addr(u64::MAX), r#""0xffffffffffffffff""#);
        assert_json(&RegVal(0x1f), r#""0x1f""#);
    }

    #[test]
    fn numbers_and_text_are_read() {
        let table = [
            ("\"0X1F\"", Some(31)),
            ("\"31\"", Some(31)),
            ("31", Some(31)),
            ("-1", Some(u64::MAX)),
            ("null", Some(0)),
            ("\"\"", None),
            ("\"0x\"", None),
            ("\"1f\"", None),
            ("\"0x10000000000000000\"", None),
            ("1.5", None),
            ("{}", None),
        ];
        for (json, expected) in table {
            assert_eq!(serde_json::from_str::<Addr>(json).ok().map(u64::from), expected, "{json}");
            assert_eq!(serde_json::from_str::<RegVal>(json).ok().map(u64::from), expected, "{json}");
        }
    }

    #[test]
    fn pointers_and_integers_convert() {
        let byte = 0u8;
        let pointer: *const u8 = &byte;
        assert_eq!(Addr::from(pointer).0, pointer as u64);
        assert_eq!(RegVal::from(pointer.cast_mut()).0, pointer as u64);
        assert_eq!((Addr::from(-1), Addr::from(1u32), Addr::from(1usize)), (Addr(u64::MAX), Addr(1), Addr(1)));
        assert!(Addr::from(0).is_null() && !Addr(1).is_null());
    }

    proptest! {
        #[test]
        fn every_number_round_trips(number: u64) {
            let text = serde_json::to_string(&Addr(number)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Addr>(&text).unwrap(), Addr(number));
        }
    }
}
