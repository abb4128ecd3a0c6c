//! A spool file's name: all that has to be known of it without opening it (reliability §3.2).

use std::fmt;
use std::time::{Duration, SystemTime};

use sentry_core::Class;
use sentry_core::protocol::Uuid;

/// `<class><created, ms>-<number>-<event id>-<length>-<checksum>-<tries>.env`; `.raw` for what is not finished.
///
/// Ordered by what is to be delivered first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileName {
    pub(crate) class: Class,
    pub(crate) created_ms: u64,
    pub(crate) number: u32,
    pub(crate) event_id: Uuid,
    pub(crate) length: u64,
    pub(crate) checksum: u32,
    /// How often it was tried in vain while others were not; of what is not finished, how often that was begun.
    pub(crate) tries: u8,
    pub(crate) is_raw: bool,
}

impl FileName {
    pub(crate) fn new(class: Class, wall: SystemTime, number: u32, event_id: Option<Uuid>, bytes: &[u8]) -> Self {
        let since = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            class,
            created_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX).min(LATEST),
            number,
            event_id: event_id.unwrap_or_default(),
            length: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            checksum: crc32fast::hash(bytes),
            tries: 0,
            is_raw: false,
        }
    }

    /// `None` for names that are not exactly as this version writes them.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (stem, is_raw) = match name.strip_suffix(".raw") {
            Some(stem) => (stem, true),
            None => (name.strip_suffix(".env")?, false),
        };
        let mut fields = stem.split('-');
        let mut field = |digits: usize| fields.next().filter(|field| field.len() == digits);
        let first = field(14)?;
        let class = match first.as_bytes().first()? {
            b'a' => Class::Crash,
            b'b' => Class::Error,
            b'c' => Class::Bulk,
            _ => return None,
        };
        let parsed = Self {
            class,
            created_ms: first.get(1..)?.parse().ok()?,
            number: u32::from_str_radix(field(8)?, 16).ok()?,
            event_id: Uuid::try_parse(field(32)?).ok()?,
            length: u64::from_str_radix(field(8)?, 16).ok()?,
            checksum: u32::from_str_radix(field(8)?, 16).ok()?,
            tries: field(2)?.parse().ok()?,
            is_raw,
        };
        // Signs, capitals and the like are not ours.
        (parsed.to_string() == name).then_some(parsed)
    }

    /// Whether the bytes are those that were written under this name.
    pub(crate) fn fits(&self, bytes: &[u8]) -> bool {
        u64::try_from(bytes.len()).is_ok_and(|length| length == self.length) && crc32fast::hash(bytes) == self.checksum
    }

    /// Whether it is older than `max_age`. A time in the future counts as now, and one before there was such a file is a
    /// clock that was not set: the age is not known then.
    pub(crate) fn is_older_than(&self, max_age: Duration, wall: SystemTime) -> bool {
        let created = SystemTime::UNIX_EPOCH + Duration::from_millis(self.created_ms);
        self.created_ms >= EARLIEST && wall.duration_since(created).is_ok_and(|age| age > max_age)
    }

    pub(crate) fn tried_again(self) -> Self {
        Self { tries: self.tries.saturating_add(1).min(99), ..self }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, created_ms, number, event_id, length, checksum, tries, is_raw } = self;
        let class = match class {
            Class::Crash => 'a',
            Class::Error => 'b',
            Class::Bulk => 'c',
        };
        let suffix = if *is_raw { "raw" } else { "env" };
        let event_id = event_id.as_simple();
        write!(f, "{class}{created_ms:013}-{number:08x}-{event_id}-{length:08x}-{checksum:08x}-{tries:02}.{suffix}")
    }
}

/// The last time with 13 digits, in the year 2286.
const LATEST: u64 = 9_999_999_999_999;
/// January 2024.
const EARLIEST: u64 = 1_704_067_200_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name() -> FileName {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_123);
        FileName::new(Class::Error, wall, 26, Some(Uuid::from_u128(15)), b"body")
    }

    #[test]
    fn the_name_tells_all() {
        let text = "b1800000000123-0000001a-0000000000000000000000000000000f-00000004-4438b4f8-00.env";
        let name = FileName { checksum: 0x4438_b4f8, ..name() };
        assert_eq!(name.to_string(), text);
        assert_eq!(FileName::parse(text), Some(name));
        let raw = FileName { is_raw: true, tries: 2, class: Class::Crash, ..name };
        assert_eq!(FileName::parse(&raw.to_string()), Some(raw));
    }

    #[test]
    fn only_what_was_written_fits() {
        let name = name();
        assert!(name.fits(b"body"));
        for other in [&b"bodx"[..], b"bod", b"body\0", b"", b"\0\0\0\0"] {
            assert!(!name.fits(other), "{other:?}");
        }
    }

    #[test]
    fn age_is_only_known_of_a_clock_that_was_set() {
        let at = |ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        let day = Duration::from_secs(24 * 60 * 60);
        let name = name();
        assert!(!name.is_older_than(day, at(1_800_000_000_123 + 86_400_000)));
        assert!(name.is_older_than(day, at(1_800_000_000_124 + 86_400_000)));
        assert!(!name.is_older_than(day, at(1_700_000_000_000)), "from the future");
        assert!(!FileName { created_ms: 7, ..name }.is_older_than(day, at(1_800_000_000_123)), "in 1970");
    }

    #[test]
    fn crashes_come_first_and_then_the_oldest() {
        let base = name();
        let order = [
            FileName { class: Class::Crash, ..base },
            FileName { created_ms: 5, ..base },
            base,
            FileName { number: base.number + 1, ..base },
            FileName { class: Class::Bulk, created_ms: 1, ..base },
        ];
        assert!(order.is_sorted(), "{order:?}");
    }

    proptest! {
        #[test]
        fn what_is_parsed_is_written_the_same(text in ".{0,90}") {
            prop_assert!(FileName::parse(&text).is_none_or(|name| name.to_string() == text));
        }

        #[test]
        fn a_name_with_one_other_character_is_another_or_none(at in 0usize..80, with in any::<char>()) {
            let name = name();
            let changed: String =
                name.to_string().chars().enumerate().map(|(n, there)| if n == at { with } else { there }).collect();
            let same = changed == name.to_string();
            prop_assert_eq!(FileName::parse(&changed) == Some(name), same);
        }
    }
}
