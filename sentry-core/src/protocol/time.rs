//! Timestamps on the wire: seconds since 1970 as a number, or RFC 3339 text. Both are read, whatever is written.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::{self, Visitor};
use serde::{Deserializer, Serializer};

/// `#[serde(with)]` for timestamps of events and breadcrumbs: a number of seconds, whole if the time is.
///
/// Times before 1970 are negative numbers. A `null` reads as now.
pub(crate) mod seconds {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        match since_epoch(*time) {
            (secs, 0) => serializer.serialize_i64(secs),
            // Not computed from the pair: for times shortly before 1970 the sum would lose digits.
            _ => serializer.serialize_f64(match time.duration_since(UNIX_EPOCH) {
                Ok(after) => after.as_secs_f64(),
                Err(before) => -before.duration().as_secs_f64(),
            }),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        let read = deserializer.deserialize_any(TimeVisitor)?;
        Ok(read.unwrap_or_else(crate::clock::wall))
    }
}

/// `#[serde(with)]` for optional times that the protocol wants as text, with as many decimals as the time has.
pub(crate) mod rfc3339_opt {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.serialize_str(&format_rfc3339(*time)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
        deserializer.deserialize_any(TimeVisitor)
    }
}

/// `#[serde(with)]` for times that the protocol wants as text and that are always there; `null` reads as now.
pub(crate) mod rfc3339 {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_rfc3339(*time))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        let read = deserializer.deserialize_any(TimeVisitor)?;
        Ok(read.unwrap_or_else(crate::clock::wall))
    }
}

/// `2026-08-03T09:05:00.25Z`: UTC, the fraction without trailing zeros. Years outside 0 to 9999 are clamped.
pub(crate) fn format_rfc3339(time: SystemTime) -> String {
    let (secs, nanos) = since_epoch(time);
    let (secs, nanos) = match secs {
        ..FIRST_SECOND => (FIRST_SECOND, 0),
        FIRST_SECOND..=LAST_SECOND => (secs, nanos),
        _ => (LAST_SECOND, 0),
    };
    let (year, month, day) = civil_from_days(secs.div_euclid(SECONDS_PER_DAY));
    let second_of_day = secs.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if nanos != 0 {
        let fraction = format!(".{nanos:09}");
        text.push_str(fraction.trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// Like [`format_rfc3339`], cut to milliseconds: what `sent_at` needs.
pub(crate) fn format_rfc3339_millis(time: SystemTime) -> String {
    let (secs, nanos) = since_epoch(time);
    format_rfc3339(at(secs, nanos - nanos % 1_000_000).unwrap_or(time))
}

/// Reads RFC 3339 text; `None` if it is not. A missing offset means UTC, decimals beyond nanoseconds are ignored.
pub(crate) fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    let mut rest = Cursor(text.as_bytes());
    let year = rest.number(4)?;
    rest.one_of(b"-")?;
    let month = rest.number(2).filter(|month| (1..=12).contains(month))?;
    rest.one_of(b"-")?;
    let day = rest.number(2).filter(|day| (1..=days_in_month(year, month)).contains(day))?;
    rest.one_of(b"Tt ")?;
    let hour = rest.number(2).filter(|hour| *hour < 24)?;
    rest.one_of(b":")?;
    let minute = rest.number(2).filter(|minute| *minute < 60)?;
    rest.one_of(b":")?;
    // A leap second counts as the first second of the next minute.
    let second = rest.number(2).filter(|second| *second <= 60)?;
    let nanos = if rest.one_of(b".").is_some() { rest.fraction()? } else { 0 };
    let offset = rest.offset()?;
    if !rest.0.is_empty() {
        return None;
    }
    let secs = days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset;
    at(secs, nanos)
}

/// The bytes not read yet. Each method takes something off the front or returns `None`.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn one_of(&mut self, accepted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        if !accepted.contains(first) {
            return None;
        }
        self.0 = rest;
        Some(*first)
    }

    fn digit(&mut self) -> Option<i64> {
        self.one_of(b"0123456789").map(|digit| i64::from(digit - b'0'))
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        (0..digits).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    /// One or more decimals, as nanoseconds.
    fn fraction(&mut self) -> Option<u32> {
        let mut unit = 100_000_000;
        let mut nanos = self.digit()? * unit;
        while let Some(digit) = self.digit() {
            unit /= 10;
            nanos += digit * unit;
        }
        u32::try_from(nanos).ok()
    }

    /// Seconds east of UTC: `Z`, `+01:30`, `-0800` or nothing.
    fn offset(&mut self) -> Option<i64> {
        let Some(sign) = self.one_of(b"Zz+-") else {
            return Some(0);
        };
        if matches!(sign, b'Z' | b'z') {
            return Some(0);
        }
        let hours = self.number(2).filter(|hours| *hours < 24)?;
        self.one_of(b":");
        let minutes = self.number(2).filter(|minutes| *minutes < 60)?;
        let east = hours * 3600 + minutes * 60;
        Some(if sign == b'-' { -east } else { east })
    }
}

struct TimeVisitor;

impl<'de> Visitor<'de> for TimeVisitor {
    type Value = Option<SystemTime>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds since 1970 or an RFC 3339 time")
    }

    fn visit_i64<E: de::Error>(self, secs: i64) -> Result<Self::Value, E> {
        at(secs, 0).map(Some).ok_or_else(|| E::custom("timestamp out of range"))
    }

    fn visit_u64<E: de::Error>(self, secs: u64) -> Result<Self::Value, E> {
        self.visit_i64(i64::try_from(secs).map_err(|_| E::custom("timestamp out of range"))?)
    }

    fn visit_f64<E: de::Error>(self, secs: f64) -> Result<Self::Value, E> {
        Duration::try_from_secs_f64(secs.abs())
            .ok()
            .and_then(|distance| match secs < 0.0 {
                true => UNIX_EPOCH.checked_sub(distance),
                false => UNIX_EPOCH.checked_add(distance),
            })
            .map(Some)
            .ok_or_else(|| E::custom("timestamp out of range"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        parse_rfc3339(text).map(Some).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Whole seconds since 1970, rounded down, and the nanoseconds above them.
fn since_epoch(time: SystemTime) -> (i64, u32) {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos()),
        Err(before) => {
            let before = before.duration();
            let secs = -i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            match before.subsec_nanos() {
                0 => (secs, 0),
                nanos => (secs.saturating_sub(1), 1_000_000_000 - nanos),
            }
        }
    }
}

/// The inverse of [`since_epoch`]; `None` where the system cannot represent the time.
fn at(secs: i64, nanos: u32) -> Option<SystemTime> {
    let whole = Duration::from_secs(secs.unsigned_abs());
    let second = if secs < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
    second?.checked_add(Duration::new(0, nanos))
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar without end.
///
/// Years begin in March here, so that the leap day is the last of its year; 400 of them repeat.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_TO_1970;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil_from_days`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let year_of_era = year.rem_euclid(400);
    let march_month = (month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year.div_euclid(400) * DAYS_PER_ERA + day_of_era - DAYS_TO_1970
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

const SECONDS_PER_DAY: i64 = 86_400;
/// 400 years.
const DAYS_PER_ERA: i64 = 146_097;
/// From 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;
/// 0000-01-01T00:00:00Z
const FIRST_SECOND: i64 = -62_167_219_200;
/// 9999-12-31T23:59:59Z
const LAST_SECOND: i64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Seconds(#[serde(with = "seconds")] SystemTime);

    #[derive(Serialize, Deserialize)]
    struct Text(#[serde(with = "rfc3339_opt")] Option<SystemTime>);

    #[test]
    fn seconds_are_whole_if_the_time_is_and_negative_before_1970() {
        let table = [
            (at(0, 0), "0"),
            (at(1_777_630_272, 0), "1777630272"),
            (at(1_777_630_272, 125_000_000), "1777630272.125"),
            (at(-1, 0), "-1"),
            (at(-2, 750_000_000), "-1.25"),
            (at(-1, 999_999_999), "-1e-9"),
        ];
        for (time, text) in table {
            let time = time.unwrap();
            assert_eq!(serde_json::to_string(&Seconds(time)).unwrap(), text);
            assert_eq!(serde_json::from_str::<Seconds>(text).unwrap().0, time, "{text}");
        }
    }

    #[test]
    fn a_timestamp_is_read_from_numbers_and_text() {
        let read = |text| serde_json::from_str::<Seconds>(text).map(|read| read.0).ok();
        assert_eq!(read("1.5"), at(1, 500_000_000));
        assert_eq!(read("\"1970-01-01T00:00:01.5Z\""), at(1, 500_000_000));
        assert!(read("null") > at(1_700_000_000, 0), "null is now");
        for refused in ["1e300", "-1e300", "18446744073709551615", "\"1.5\"", "\"\"", "true", "[]", "{}"] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }

    #[test]
    fn optional_text_has_as_many_decimals_as_needed() {
        let table = [
            (at(1_518_094_332, 0), "\"2018-02-08T12:52:12Z\""),
            (at(1_518_094_332, 250_000_000), "\"2018-02-08T12:52:12.25Z\""),
            (at(1_518_094_332, 1), "\"2018-02-08T12:52:12.000000001Z\""),
            (None, "null"),
        ];
        for (time, text) in table {
            assert_eq!(serde_json::to_string(&Text(time)).unwrap(), text);
            assert_eq!(serde_json::from_str::<Text>(text).unwrap().0, time);
        }
    }

    #[test]
    fn calendar_dates_are_right_at_the_edges() {
        let table = [
            (FIRST_SECOND, "0000-01-01T00:00:00Z"),
            (-2_208_988_800, "1900-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (LAST_SECOND, "9999-12-31T23:59:59Z"),
        ];
        for (secs, text) in table {
            let time = at(secs, 0).unwrap();
            assert_eq!(format_rfc3339(time), text);
            assert_eq!(parse_rfc3339(text), Some(time), "{text}");
        }
        assert_eq!(format_rfc3339(at(LAST_SECOND + 1, 5).unwrap()), "9999-12-31T23:59:59Z");
        assert_eq!(format_rfc3339(at(FIRST_SECOND - 1, 5).unwrap()), "0000-01-01T00:00:00Z");
    }

    #[test]
    fn sent_at_is_cut_to_milliseconds() {
        assert_eq!(format_rfc3339_millis(at(0, 123_999_999).unwrap()), "1970-01-01T00:00:00.123Z");
        assert_eq!(format_rfc3339_millis(at(-1, 999_999_999).unwrap()), "1969-12-31T23:59:59.999Z");
        assert_eq!(format_rfc3339_millis(at(7, 999_999).unwrap()), "1970-01-01T00:00:07Z");
    }

    #[test]
    fn rfc_3339_variants_are_read_and_anything_else_is_refused() {
        let accepted = [
            ("1970-01-01t00:00:10z", 10, 0),
            ("1970-01-01 00:00:10", 10, 0),
            ("1970-01-01T01:30:00+01:30", 0, 0),
            ("1969-12-31T16:00:00.5-0800", 0, 500_000_000),
            ("1970-01-01T00:00:00.1234567899Z", 0, 123_456_789),
            ("1972-06-30T23:59:60Z", 78_796_800, 0),
        ];
        for (text, secs, nanos) in accepted {
            assert_eq!(parse_rfc3339(text), at(secs, nanos), "{text}");
        }
        let refused = [
            "",
            "1970",
            "1970-01-01",
            "1970-13-01T00:00:00Z",
            "1970-00-01T00:00:00Z",
            "1970-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "1970-04-31T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:61Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00+1:00",
            "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00Zzz",
            "+1970-01-01T00:00:00Z",
            "１970-01-01T00:00:00Z",
        ];
        for text in refused {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips_exactly(secs in FIRST_SECOND..=LAST_SECOND, nanos in 0u32..1_000_000_000) {
            let time = at(secs, nanos).unwrap();
            prop_assert_eq!(parse_rfc3339(&format_rfc3339(time)), Some(time));
        }

        #[test]
        fn numbers_round_trip_within_a_microsecond(secs in -4_000_000_000..4_000_000_000i64, nanos in 0u32..1_000_000_000) {
            let time = at(secs, nanos).unwrap();
            let text = serde_json::to_string(&Seconds(time)).unwrap();
            let read = serde_json::from_str::<Seconds>(&text).unwrap().0;
            let error = read.duration_since(time).unwrap_or_else(|early| early.duration());
            prop_assert!(error < Duration::from_micros(1), "{} became {:?}", text, read);
        }

        #[test]
        fn every_time_can_be_written(secs: i64, nanos in 0u32..1_000_000_000) {
            if let Some(time) = at(secs, nanos) {
                prop_assert!(serde_json::to_string(&Seconds(time)).is_ok());
                prop_assert!(parse_rfc3339(&format_rfc3339(time)).is_some());
            }
        }

        #[test]
        fn no_text_panics(text in "[0-9TZtz:. +-]{0,40}") {
            parse_rfc3339(&text);
        }
    }
}
