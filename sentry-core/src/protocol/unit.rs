//! What numbers count in.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One list makes the enum and its names: they cannot disagree.
macro_rules! units {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The unit of a metric or measurement. Any text is one; those that Sentry can convert have a name here.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum Unit {
            $($(#[$doc])* $variant,)*
            /// Any other.
            Other(Cow<'static, str>),
        }

        impl Unit {
            /// The name on the wire.
            pub(crate) fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name,
                }
            }
        }

        impl From<Cow<'static, str>> for Unit {
            fn from(name: Cow<'static, str>) -> Self {
                match &*name {
                    $($name => Self::$variant,)*
                    _ => Self::Other(name),
                }
            }
        }
    };
}

units! {
    /// 10⁻⁹ seconds.
    Nanosecond = "nanosecond",
    /// 10⁻⁶ seconds.
    Microsecond = "microsecond",
    /// 10⁻³ seconds.
    Millisecond = "millisecond",
    /// A second.
    Second = "second",
    /// 60 seconds.
    Minute = "minute",
    /// 60 minutes.
    Hour = "hour",
    /// 24 hours.
    Day = "day",
    /// 7 days.
    Week = "week",
    /// A bit.
    Bit = "bit",
    /// A byte.
    Byte = "byte",
    /// 10³ bytes.
    Kilobyte = "kilobyte",
    /// 2¹⁰ bytes.
    Kibibyte = "kibibyte",
    /// 10⁶ bytes.
    Megabyte = "megabyte",
    /// 2²⁰ bytes.
    Mebibyte = "mebibyte",
    /// 10⁹ bytes.
    Gigabyte = "gigabyte",
    /// 2³⁰ bytes.
    Gibibyte = "gibibyte",
    /// 10¹² bytes.
    Terabyte = "terabyte",
    /// 2⁴⁰ bytes.
    Tebibyte = "tebibyte",
    /// 10¹⁵ bytes.
    Petabyte = "petabyte",
    /// 2⁵⁰ bytes.
    Pebibyte = "pebibyte",
    /// 10¹⁸ bytes.
    Exabyte = "exabyte",
    /// 2⁶⁰ bytes.
    Exbibyte = "exbibyte",
    /// A share of 1.
    Ratio = "ratio",
    /// A share of 100.
    Percent = "percent",
}

impl From<&'static str> for Unit {
    fn from(name: &'static str) -> Self {
        Cow::Borrowed(name).into()
    }
}

impl From<String> for Unit {
    fn from(name: String) -> Self {
        Cow::<'static, str>::Owned(name).into()
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_units_and_others_are_kept() {
        assert_eq!(Unit::from("kibibyte"), Unit::Kibibyte);
        assert_eq!(serde_json::to_string(&Unit::Ratio).unwrap(), r#""ratio""#);
        assert_eq!(serde_json::from_str::<Unit>(r#""euro""#).unwrap(), Unit::Other("euro".into()));
        assert_eq!(serde_json::to_string(&Unit::from(String::from("euro"))).unwrap(), r#""euro""#);
    }
}
