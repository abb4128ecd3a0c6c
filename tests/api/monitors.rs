//! Check-ins of monitors. Literals name every official field.

use std::error::Error;
use std::fmt::{Debug, Display};

use sentry::protocol::client_report::LossSource;
use sentry::protocol::{
    CrontabParseError, Envelope, EnvelopeItem, MonitorCheckIn, MonitorCheckInStatus, MonitorConfig,
    MonitorIntervalUnit, MonitorSchedule, Uuid,
};

use super::is;

has!(CrontabParseError; Debug + Display + Error);
has!(MonitorCheckInStatus, MonitorIntervalUnit; Debug + Copy + PartialEq);
has!(MonitorSchedule, MonitorConfig, MonitorCheckIn; Debug + Clone + PartialEq);
has!(MonitorCheckIn; LossSource);
has!(Envelope, EnvelopeItem; From<MonitorCheckIn>);
has_serde!(MonitorCheckInStatus, MonitorIntervalUnit, MonitorSchedule, MonitorConfig, MonitorCheckIn);

fn schedule(schedule: MonitorSchedule, unit: MonitorIntervalUnit) -> [MonitorSchedule; 2] {
    let _: fn(&str) -> Result<MonitorSchedule, CrontabParseError> = MonitorSchedule::from_crontab;
    let _: fn(&str) -> CrontabParseError = CrontabParseError::new;
    match schedule {
        MonitorSchedule::Crontab { value } => is::<String>(value),
        MonitorSchedule::Interval { value, unit } => is::<(u64, MonitorIntervalUnit)>((value, unit)),
    }
    match unit {
        MonitorIntervalUnit::Year
        | MonitorIntervalUnit::Month
        | MonitorIntervalUnit::Week
        | MonitorIntervalUnit::Day
        | MonitorIntervalUnit::Hour
        | MonitorIntervalUnit::Minute => {}
    }
    [MonitorSchedule::Crontab { value: String::new() }, MonitorSchedule::Interval { value: 1, unit }]
}

fn check_in(schedule: MonitorSchedule, status: MonitorCheckInStatus) -> MonitorCheckIn {
    match status {
        MonitorCheckInStatus::Ok
        | MonitorCheckInStatus::Error
        | MonitorCheckInStatus::InProgress
        | MonitorCheckInStatus::Missed
        | MonitorCheckInStatus::Unknown => {}
    }
    let config = MonitorConfig {
        schedule,
        checkin_margin: Some(1_u64),
        max_runtime: Some(1_u64),
        timezone: Some(String::new()),
        failure_issue_threshold: Some(1_u64),
        recovery_threshold: Some(1_u64),
    };
    MonitorCheckIn {
        check_in_id: Uuid::nil(),
        monitor_slug: String::new(),
        status,
        environment: Some(String::new()),
        duration: Some(1.0_f64),
        monitor_config: Some(config),
    }
}

fn sending(check_in: MonitorCheckIn) {
    let mut envelope = Envelope::new();
    envelope.add_item(check_in);
    if let Some(client) = sentry::Hub::current().client() {
        client.send_envelope(envelope);
    }
}
