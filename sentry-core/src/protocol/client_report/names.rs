//! The two vocabularies of client reports and rate limits. Both numbered, so that counters are arrays.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::indexed_enum::{IndexedEnum, private};

/// One list makes the enum, its names, its order and its JSON: they cannot disagree.
macro_rules! named_enum {
    ($(#[$doc:meta])* $enum:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, PartialEq, Eq, Hash, Clone, Copy)]
        #[non_exhaustive]
        pub enum $enum {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $enum {
            /// The name on the wire.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The inverse of [`name`](Self::name); `None` for names that are not known here.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl private::Sealed for $enum {}

        impl IndexedEnum for $enum {
            const VARIANTS: &'static [Self] = &[$(Self::$variant),*];

            #[inline]
            fn as_index(&self) -> usize {
                *self as usize
            }
        }

        impl fmt::Display for $enum {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl Serialize for $enum {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> Deserialize<'de> for $enum {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                Self::from_name(&name).ok_or_else(|| de::Error::unknown_variant(&name, &[$($name),*]))
            }
        }
    };
}

named_enum! {
    /// Why data was lost.
    Reason {
        /// The server refused it.
        SendError = "send_error",
        /// The SDK could not process it: it cannot be written, or is over a limit and cannot be made smaller.
        InternalSdkError = "internal_sdk_error",
        /// It could not be delivered, and will not be tried again.
        NetworkError = "network_error",
        /// The server had asked for less of its category.
        RatelimitBackoff = "ratelimit_backoff",
        /// The transport's queue was full.
        QueueOverflow = "queue_overflow",
        /// A buffer before the transport was full.
        BufferOverflow = "buffer_overflow",
        /// An event processor or integration dropped it.
        EventProcessor = "event_processor",
        /// A `before_*` hook dropped it.
        BeforeSend = "before_send",
        /// It lost the dice.
        SampleRate = "sample_rate",
        /// The storage for undelivered data was full.
        CacheOverflow = "cache_overflow",
        /// The SDK reduced its load.
        Backpressure = "backpressure",
        /// There was too little of it to be of use.
        InsufficientData = "insufficient_data",
        /// An ignore list named it.
        Ignored = "ignored",
        /// It was not well-formed.
        Invalid = "invalid",
    }
}

named_enum! {
    /// What kind of data was lost, or is limited by the server. Not the same list as that of item types.
    Category {
        /// Events that are not errors.
        Default = "default",
        /// Events.
        Error = "error",
        /// Session updates and aggregates.
        Session = "session",
        /// Transactions.
        Transaction = "transaction",
        /// Spans, also those inside transactions.
        Span = "span",
        /// Bytes of attachments.
        Attachment = "attachment",
        /// Check-ins.
        Monitor = "monitor",
        /// Structured logs.
        LogItem = "log_item",
        /// Bytes of structured logs.
        LogByte = "log_byte",
        /// Metrics.
        TraceMetric = "trace_metric",
        /// Bytes of metrics.
        TraceMetricByte = "trace_metric_byte",
        /// User feedback.
        Feedback = "feedback",
        /// Client reports and the like.
        Internal = "internal",
        /// Security reports.
        Security = "security",
        /// Profiles of transactions.
        Profile = "profile",
        /// Parts of continuous profiles.
        ProfileChunk = "profile_chunk",
        /// Session replays.
        Replay = "replay",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T>(count: usize, name: fn(&T) -> &'static str, from_name: fn(&str) -> Option<T>)
    where
        T: IndexedEnum + Copy + PartialEq + fmt::Debug + fmt::Display + Serialize + for<'de> Deserialize<'de>,
    {
        assert_eq!(T::VARIANTS.len(), count);
        for (index, variant) in T::VARIANTS.iter().enumerate() {
            let text = name(variant);
            assert_eq!(variant.as_index(), index, "{variant:?}");
            assert_eq!(from_name(text), Some(*variant));
            assert_eq!(variant.to_string(), text);
            assert_eq!(text.replace('_', ""), format!("{variant:?}").to_lowercase(), "the name is the variant's");
            let json = serde_json::to_string(variant).unwrap();
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<T>(&json).unwrap(), *variant);
        }
        assert_eq!(from_name("no_such_name"), None);
        assert!(serde_json::from_str::<T>("\"no_such_name\"").is_err());
    }

    #[test]
    fn names_and_numbers() {
        check(14, Reason::name, Reason::from_name);
        check(17, Category::name, Category::from_name);
    }
}
