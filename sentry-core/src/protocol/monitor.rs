//! Check-ins of monitored jobs on the wire.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::crontab;
pub use super::crontab::CrontabParseError;

/// How a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MonitorCheckInStatus {
    /// It is done.
    Ok,
    /// It failed.
    Error,
    /// It runs.
    InProgress,
    /// It did not begin in time; only the server says so.
    Missed,
    /// A status that is not known here.
    #[serde(other)]
    Unknown,
}

/// When a job is to run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MonitorSchedule {
    /// At the times of a crontab line.
    Crontab {
        /// Five fields, as in `*/5 8-18 * * mon-fri`.
        value: String,
    },
    /// Every so often.
    Interval {
        /// How many units.
        value: u64,
        /// Of what.
        unit: MonitorIntervalUnit,
    },
}

impl MonitorSchedule {
    /// The schedule of a crontab line: five fields (minute, hour, day of month, month, day of week) with `*`, numbers,
    /// ranges, lists and steps, and names of months and weekdays; or `@hourly`, `@daily`, `@midnight`, `@weekly`,
    /// `@monthly`, `@yearly`, `@annually`.
    ///
    /// ```
    /// use sentry_core::protocol::MonitorSchedule;
    ///
    /// assert!(MonitorSchedule::from_crontab("*/5 8-18 * * mon-fri").is_ok());
    /// assert!(MonitorSchedule::from_crontab("every noon").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// If a server would not take the line.
    pub fn from_crontab(crontab_str: &str) -> Result<Self, CrontabParseError> {
        if crontab::is_valid(crontab_str) {
            Ok(Self::Crontab { value: crontab_str.trim().to_owned() })
        } else {
            Err(CrontabParseError::new(crontab_str))
        }
    }
}

/// What intervals are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MonitorIntervalUnit {
    /// Years.
    Year,
    /// Months.
    Month,
    /// Weeks.
    Week,
    /// Days.
    Day,
    /// Hours.
    Hour,
    /// Minutes.
    Minute,
}

/// How a job is monitored. Sent with a check-in, it creates or changes the monitor.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct MonitorConfig {
    /// When the job is to run.
    pub schedule: MonitorSchedule,
    /// How many minutes late it may begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkin_margin: Option<u64>,
    /// How many minutes it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_runtime: Option<u64>,
    /// The time zone of the schedule, such as `Europe/Vienna`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// After how many failures in a row there is an issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_issue_threshold: Option<u64>,
    /// After how many successes in a row it is resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_threshold: Option<u64>,
}

/// Says how a job is doing.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct MonitorCheckIn {
    /// Which run it is: the same for its beginning and its end.
    #[serde(serialize_with = "uuid::serde::simple::serialize")]
    pub check_in_id: Uuid,
    /// Which monitor.
    pub monitor_slug: String,
    /// How it is doing.
    pub status: MonitorCheckInStatus,
    /// The environment, such as `production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// How long it took, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// How it is monitored, to create or change the monitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor_config: Option<MonitorConfig>,
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_json;
    use super::*;

    #[test]
    fn a_check_in_in_wire_names() {
        let check_in = MonitorCheckIn {
            check_in_id: Uuid::from_u128(0xab),
            monitor_slug: "nightly".into(),
            status: MonitorCheckInStatus::InProgress,
            environment: Some("prod".into()),
            duration: Some(1.5),
            monitor_config: Some(MonitorConfig {
                schedule: MonitorSchedule::Interval { value: 1, unit: MonitorIntervalUnit::Day },
                checkin_margin: Some(5),
                max_runtime: None,
                timezone: Some("Europe/Vienna".into()),
                failure_issue_threshold: None,
                recovery_threshold: None,
            }),
        };
        // CHK-02 to CHK-06.
        assert_json(
            &check_in,
            r#"{"check_in_id":"000000000000000000000000000000ab","monitor_slug":"nightly","status":"in_progress",
            "environment":"prod","duration":1.5,"monitor_config":{"schedule":{"type":"interval","value":1,"unit":"day"},
            "checkin_margin":5,"timezone":"Europe/Vienna"}}"#,
        );
        let crontab = MonitorSchedule::from_crontab(" 0 * * * * ").unwrap();
        assert_json(&crontab, r#"{"type":"crontab","value":"0 * * * *"}"#);
        assert_eq!(
            serde_json::from_str::<MonitorCheckInStatus>(r#""brand_new""#).unwrap(),
            MonitorCheckInStatus::Unknown
        );
    }
}
