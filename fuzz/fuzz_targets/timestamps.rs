//! The times of events, breadcrumbs and contexts, as JSON that other SDKs and other versions wrote: any text may be one.

#![no_main]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use sentry_core::protocol::{Breadcrumb, Context, Event, Value};

fuzz_target!(|text: &str| {
    // As a number, or as whatever JSON it is; a text without its quotes is not JSON, so those are added.
    if !matches!(serde_json::from_str(text), Err(_) | Ok(Value::Null)) {
        check(text);
    }
    check(&serde_json::to_string(text).expect("a string"));
});

fn check(json: &str) {
    let object = format!("{{\"timestamp\":{json}}}");
    let event = serde_json::from_str::<Event<'static>>(&object).map(|event| event.timestamp).ok();
    let breadcrumb = serde_json::from_str::<Breadcrumb>(&object).map(|breadcrumb| breadcrumb.timestamp).ok();
    assert_eq!(event, breadcrumb, "{json}");
    if let Some(time) = event {
        check_seconds(time);
    }
    if let Some(time) = app_start_time(json) {
        check_text(time);
    }
}

/// What is a number on the wire.
fn check_seconds(time: SystemTime) {
    let event = Event { timestamp: time, ..Event::default() };
    let written = serde_json::to_string(&event).expect("every time can be written");
    let read: Event<'static> = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(Event { timestamp: time, ..read.clone() }, event);
    let (after, before) = (read.timestamp.duration_since(time), time.duration_since(read.timestamp));
    let error = after.or(before).expect("one is not before the other");
    assert!(error <= rounding(time), "{time:?} became {:?}: {written}", read.timestamp);
}

/// What is text on the wire: exact, where the calendar of RFC 3339 goes.
fn check_text(time: SystemTime) {
    let event = app_event(&serde_json::to_string(&time_of_app(time)).expect("a context"));
    let read = event.as_ref().and_then(start_of);
    assert_eq!(
        read,
        Some(time.clamp(calendar(FIRST_SECOND), calendar(END) - Duration::from_secs(1))).map(|clamped| {
            // A time in the last second keeps its fraction.
            if (calendar(END - 1)..calendar(END)).contains(&time) { time } else { clamped }
        })
    );
}

fn time_of_app(time: SystemTime) -> Context {
    let mut event = app_event(r#"{"type":"app"}"#).expect("an app context");
    let mut context = event.contexts.remove("app").expect("the context");
    if let Context::App(app) = &mut context {
        app.app_start_time = Some(time);
    }
    context
}

fn app_start_time(json: &str) -> Option<SystemTime> {
    start_of(&app_event(&format!("{{\"type\":\"app\",\"app_start_time\":{json}}}"))?)
}

fn app_event(context: &str) -> Option<Event<'static>> {
    serde_json::from_str(&format!("{{\"contexts\":{{\"app\":{context}}}}}")).ok()
}

fn start_of(event: &Event<'_>) -> Option<SystemTime> {
    match event.contexts.get("app") {
        Some(Context::App(app)) => app.app_start_time,
        _ => None,
    }
}

/// How far a time may move when it becomes a 64-bit float: two units in the last place, and the nanosecond it is cut to.
fn rounding(time: SystemTime) -> Duration {
    let distance = time.duration_since(UNIX_EPOCH).unwrap_or_else(|before| before.duration()).as_secs_f64();
    Duration::from_secs_f64(2.0 * f64::EPSILON * distance) + Duration::from_nanos(1)
}

/// The second of a number counted from 1970.
fn calendar(second: i64) -> SystemTime {
    let distance = Duration::from_secs(second.unsigned_abs());
    if second < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
}

/// 0000-01-01T00:00:00Z
const FIRST_SECOND: i64 = -62_167_219_200;
/// 10000-01-01T00:00:00Z
const END: i64 = 253_402_300_800;
