//! Whether a crontab line is one that servers take: a monitor with a wrong one would silently not exist.

use std::error::Error;
use std::fmt;

/// The text is no crontab line.
#[derive(Debug)]
pub struct CrontabParseError {
    invalid_crontab: String,
}

impl CrontabParseError {
    /// An error about this text.
    pub fn new(invalid_crontab: &str) -> Self {
        Self { invalid_crontab: invalid_crontab.to_owned() }
    }
}

impl fmt::Display for CrontabParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.invalid_crontab.chars().take(80).collect();
        write!(f, "{shown:?} is no crontab: it should have five fields, as in \"0 8 * * mon-fri\"")
    }
}

impl Error for CrontabParseError {}

pub(super) fn is_valid(line: &str) -> bool {
    let line = line.trim();
    if line.len() > MAX_BYTES {
        return false;
    }
    if line.starts_with('@') {
        return MACROS.contains(&line.to_ascii_lowercase().as_str());
    }
    let mut fields = line.split_ascii_whitespace();
    let all = FIELDS.iter().all(|field| fields.next().is_some_and(|text| field.takes(text)));
    all && fields.next().is_none()
}

/// What one of the five fields takes.
struct Field {
    first: u32,
    last: u32,
    /// Of the first number and on.
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { first: 0, last: 59, names: &[] },
    Field { first: 0, last: 23, names: &[] },
    Field { first: 1, last: 31, names: &[] },
    Field {
        first: 1,
        last: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    // Sunday is 0 and 7.
    Field { first: 0, last: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

const MACROS: [&str; 7] = ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"];
const MAX_BYTES: usize = 1024;

impl Field {
    fn takes(&self, text: &str) -> bool {
        text.split(',').all(|part| self.takes_part(part))
    }

    /// A value, a range or everything, with or without a step.
    fn takes_part(&self, part: &str) -> bool {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        // One that is too long steps once.
        let step_is_fine = step.is_none_or(|step| number(step).is_some_and(|step| step >= 1));
        let range_is_fine = match (range, range.split_once('-')) {
            ("*", _) => true,
            (_, Some((from, to))) => match (self.value(from), self.value(to)) {
                (Some(from), Some(to)) => from <= to,
                _ => false,
            },
            // With a step, from there to the end.
            (value, None) => self.value(value).is_some(),
        };
        range_is_fine && step_is_fine
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = self.names.iter().zip(self.first..).find(|(name, _)| name.eq_ignore_ascii_case(text));
        let value = named.map(|(_, value)| value).or_else(|| number(text))?;
        (self.first..=self.last).contains(&value).then_some(value)
    }
}

fn number(text: &str) -> Option<u32> {
    // `parse` would take a sign, too.
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_that_servers_take() {
        for line in [
            "* * * * *",
            "0 0 1 1 0",
            "59 23 31 12 7",
            "*/5 8-18 * * mon-fri",
            "0,15,30-45/5 */2 1,15 JAN,jul Sun",
            "  0\t0 * * *  ",
            "5/15 */90 1/2 jan/3 mon/2",
            "@daily",
            "@Hourly",
        ] {
            assert!(is_valid(line), "{line}");
        }
    }

    #[test]
    fn and_lines_they_do_not() {
        for line in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * 32 * *",
            "* * * 13 *",
            "* * * * 8",
            "* * * mon *",
            "5-1 * * * *",
            "*/0 * * * *",
            "5/ * * * *",
            "5/x * * * *",
            "*/ * * * *",
            "1,, * * * *",
            "-1 * * * *",
            "+1 * * * *",
            "99999999999 * * * *",
            "@sometimes",
            "every noon",
        ] {
            assert!(!is_valid(line), "{line}");
        }
        assert!(!is_valid(&"1,".repeat(1 << 20)));
        assert!(CrontabParseError::new(&"x".repeat(1_000)).to_string().len() < 200);
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String, fields in proptest::collection::vec("[0-9*/,a-z-]{0,6}", 0..7)) {
            let _ = (is_valid(&text), is_valid(&fields.join(" ")));
        }

        #[test]
        fn numbers_in_range_are_taken(minute in 0u32..60, hour in 0u32..24, day in 1u32..32, month in 1u32..13) {
            let line = format!("{minute} {hour} {day} {month} *");
            prop_assert!(is_valid(&line));
        }
    }
}
