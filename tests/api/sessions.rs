//! Release health: sessions of a program or of requests, and what travels of them. Literals name every official field.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::SystemTime;

use sentry::protocol::client_report::LossSource;
use sentry::protocol::{
    Envelope, EnvelopeItem, ParseSessionStatusError, SessionAggregateItem, SessionAggregates, SessionAttributes,
    SessionStatus, SessionUpdate, Uuid,
};
use sentry::{ClientOptions, Hub, SessionMode};

has!(SessionStatus; Debug + Copy + Ord + Hash + Default + Display + FromStr<Err = ParseSessionStatusError>);
has!(ParseSessionStatusError; Debug + Display + Error);
has!(SessionMode; Debug + Copy + Eq);
has!(SessionAttributes<'static>, SessionUpdate<'static>, SessionAggregateItem; Debug + Clone + PartialEq);
has!(SessionAggregates<'static>; Debug + Clone + PartialEq);
has!(SessionUpdate<'static>, SessionAggregates<'static>; LossSource);
has!(Envelope, EnvelopeItem; From<SessionUpdate<'static>> + From<SessionAggregates<'static>>);
has_serde!(SessionStatus, SessionAttributes<'static>, SessionUpdate<'static>, SessionAggregateItem);
has_serde!(SessionAggregates<'static>);

fn session(hub: &Hub, status: SessionStatus) {
    let _: fn() = sentry::start_session;
    let _: fn() = sentry::end_session;
    let _: fn(SessionStatus) = sentry::end_session_with_status;
    hub.start_session();
    hub.end_session();
    hub.end_session_with_status(status);
    // Ours is not exhaustive here: `Unhandled` is new.
    match status {
        SessionStatus::Ok | SessionStatus::Exited | SessionStatus::Crashed | SessionStatus::Abnormal => {}
        #[allow(unreachable_patterns, reason = "the official type has no more")]
        _ => {}
    }
}

fn update(text: Option<String>, address: IpAddr, status: SessionStatus) -> SessionUpdate<'static> {
    let attributes = SessionAttributes {
        release: Cow::Borrowed("app@1"),
        environment: Some(Cow::Borrowed("production")),
        ip_address: Some(address),
        user_agent: text.clone(),
    };
    SessionUpdate {
        session_id: Uuid::nil(),
        distinct_id: text,
        sequence: Some(1_u64),
        timestamp: Some(SystemTime::UNIX_EPOCH),
        started: SystemTime::UNIX_EPOCH,
        init: true,
        duration: Some(1.0_f64),
        status,
        errors: 0_u64,
        attributes,
    }
}

fn aggregates(attributes: SessionAttributes<'static>) -> SessionAggregates<'static> {
    let item = SessionAggregateItem {
        started: SystemTime::UNIX_EPOCH,
        distinct_id: None::<String>,
        exited: 1_u32,
        errored: 1_u32,
        abnormal: 1_u32,
        crashed: 1_u32,
    };
    SessionAggregates { aggregates: vec![item], attributes }
}

fn options(options: ClientOptions) -> ClientOptions {
    let _: (bool, SessionMode) = (options.auto_session_tracking, options.session_mode);
    match options.session_mode {
        SessionMode::Application | SessionMode::Request => {}
    }
    options.auto_session_tracking(true).session_mode(SessionMode::Request)
}
