//! Time as text: an age, a time of day, a date, all in UTC; and how long something took.

use std::time::{Duration, SystemTime};

/// How long ago, in the largest whole unit: `now`, `12s ago`, `5m ago`, `3h ago`, `2d ago`. The future is `now`.
pub(super) fn age(then: SystemTime, now: SystemTime) -> String {
    let seconds = now.duration_since(then).unwrap_or_default().as_secs();
    match seconds {
        0 => "now".to_owned(),
        1..60 => format!("{seconds}s ago"),
        60..3600 => format!("{}m ago", seconds / 60),
        3600..86_400 => format!("{}h ago", seconds / 3600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

/// `03:11:29.250`.
pub(super) fn time_of_day(then: SystemTime) -> String {
    let since = since_epoch(then);
    let second = since.as_secs() % 86_400;
    format!("{:02}:{:02}:{:02}.{:03}", second / 3600, second / 60 % 60, second % 60, since.subsec_millis())
}

/// `2026-11-24 03:11:29.250 UTC`.
pub(super) fn date_time(then: SystemTime) -> String {
    let (year, month, day) = civil(since_epoch(then).as_secs() / 86_400);
    format!("{year:04}-{month:02}-{day:02} {} UTC", time_of_day(then))
}

/// Whole milliseconds, below one of them with a decimal, from ten seconds on seconds: `0.4 ms`, `182 ms`, `12.3 s`.
pub(super) fn took(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1000.0;
    match millis {
        _ if millis < 0.05 => "0 ms".to_owned(),
        _ if millis < 0.95 => format!("{millis:.1} ms"),
        _ if millis < 9999.5 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

/// Times before 1970 are shown as its start.
fn since_epoch(then: SystemTime) -> Duration {
    then.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Years are counted from March, so that the leap day comes last, within eras of 400 years.
    let days = days + DAYS_BEFORE_1970;
    let (era, day_of_era) = (days / DAYS_OF_ERA, days % DAYS_OF_ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month = if months_since_march < 10 { months_since_march + 3 } else { months_since_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// From 0000-03-01.
const DAYS_BEFORE_1970: u64 = 719_468;
const DAYS_OF_ERA: u64 = 146_097;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn ages() {
        let table = [
            (0, "now"),
            (1, "1s ago"),
            (59, "59s ago"),
            (60, "1m ago"),
            (3599, "59m ago"),
            (3600, "1h ago"),
            (86_399, "23h ago"),
            (86_400, "1d ago"),
            (864_000, "10d ago"),
        ];
        for (seconds, expected) in table {
            assert_eq!(age(at(5000), at(5000 + seconds * 1000)), expected);
        }
        assert_eq!(age(at(9000), at(5000)), "now");
    }

    #[test]
    fn durations() {
        let table = [
            (0, "0 ms"),
            (49, "0 ms"),
            (400, "0.4 ms"),
            (949, "0.9 ms"),
            (951, "1 ms"),
            (182_400, "182 ms"),
            (9_999_000, "9999 ms"),
            (9_999_600, "10.0 s"),
            (12_345_678, "12.3 s"),
        ];
        for (micros, expected) in table {
            assert_eq!(took(Duration::from_micros(micros)), expected);
        }
    }

    #[test]
    fn dates() {
        let table = [
            (0, "1970-01-01 00:00:00.000 UTC"),
            (951_782_400_000, "2000-02-29 00:00:00.000 UTC"),
            (951_868_799_999, "2000-02-29 23:59:59.999 UTC"),
            (951_868_800_000, "2000-03-01 00:00:00.000 UTC"),
            (1_735_603_200_000, "2024-12-31 00:00:00.000 UTC"),
            (1_795_489_889_250, "2026-11-24 03:11:29.250 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00:00.000 UTC"),
        ];
        for (millis, expected) in table {
            assert_eq!(date_time(at(millis)), expected);
        }
        assert_eq!(date_time(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01 00:00:00.000 UTC");
    }
}
