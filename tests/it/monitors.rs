//! Check-ins as they arrive (spec §24): by hand, and of a monitored job however it ends.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::{Context, Waker};

use sentry::protocol::client_report::{Category, Reason};
use sentry::protocol::{
    MonitorCheckIn, MonitorCheckInStatus, MonitorConfig, MonitorIntervalUnit, MonitorSchedule, Uuid,
};
use sentry::{ClientOptions, Hub, Monitor};
use serde_json::{Value, json};

use crate::support::Receiver;
use crate::{assert_balanced, start};

const ID: Uuid = Uuid::from_bytes([0xd4; 16]);

fn by_hand(status: MonitorCheckInStatus) -> MonitorCheckIn {
    MonitorCheckIn {
        check_in_id: ID,
        monitor_slug: "nightly".to_owned(),
        status,
        environment: None,
        duration: None,
        monitor_config: None,
    }
}

fn config(schedule: MonitorSchedule) -> MonitorConfig {
    MonitorConfig {
        schedule,
        checkin_margin: Some(5),
        max_runtime: Some(30),
        timezone: Some("Europe/Vienna".to_owned()),
        failure_issue_threshold: Some(2),
        recovery_threshold: None,
    }
}

/// The check-ins that came, each alone in its envelope (CHK-01), in no certain order.
fn check_ins(receiver: &Receiver, count: usize) -> Vec<Value> {
    let envelopes = receiver.wait(&format!("{count} check-ins"), |envelopes| {
        envelopes.iter().filter(|envelope| envelope.item("check_in").is_some()).count() >= count
    });
    let with_check_in = envelopes.iter().filter_map(|envelope| Some((envelope, envelope.item("check_in")?)));
    let check_ins: Vec<Value> = with_check_in
        .map(|(envelope, item)| {
            assert_eq!(envelope.items.iter().filter(|item| item.kind() != "client_report").count(), 1);
            assert!(envelope.event_id().is_none(), "{}", envelope.header);
            item.json()
        })
        .collect();
    assert_eq!(check_ins.len(), count);
    check_ins
}

/// Start and end of one run.
fn start_and_end(receiver: &Receiver) -> (Value, Value) {
    let mut check_ins = check_ins(receiver, 2);
    if check_ins[0]["status"] != "in_progress" {
        check_ins.reverse();
    }
    let [start, end] = <[Value; 2]>::try_from(check_ins).expect("two");
    assert_eq!((&start["status"], start.get("duration")), (&json!("in_progress"), None), "{start}");
    assert_eq!((&start["check_in_id"], &start["monitor_slug"]), (&end["check_in_id"], &end["monitor_slug"]));
    assert!(end["duration"].as_f64().is_some_and(|seconds| (0.0..60.0).contains(&seconds)), "{end}");
    (start, end)
}

#[test]
fn check_ins_made_by_hand() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    hub.configure_scope(|scope| scope.set_tag("not", "here"));
    let interval = MonitorSchedule::Interval { value: 10, unit: MonitorIntervalUnit::Minute };
    let start = MonitorCheckIn { monitor_config: Some(config(interval)), ..by_hand(MonitorCheckInStatus::InProgress) };
    assert_eq!(hub.capture_check_in(start), ID);
    assert!(client.flush(None));
    let error = MonitorCheckIn {
        duration: Some(1.5),
        environment: Some("staging".to_owned()),
        ..by_hand(MonitorCheckInStatus::Error)
    };
    hub.capture_check_in(error);
    assert!(client.flush(None));
    hub.capture_check_in(MonitorCheckIn { check_in_id: Uuid::nil(), ..by_hand(MonitorCheckInStatus::Ok) });
    assert!(client.close(None));
    let id = "d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4";
    assert_eq!(
        check_ins(&receiver, 3),
        [
            json!({
                "check_in_id": id, "monitor_slug": "nightly", "status": "in_progress", "environment": "test",
                "monitor_config": {
                    "schedule": {"type": "interval", "value": 10, "unit": "minute"}, "checkin_margin": 5,
                    "max_runtime": 30, "timezone": "Europe/Vienna", "failure_issue_threshold": 2
                }
            }),
            json!({
                "check_in_id": id, "monitor_slug": "nightly", "status": "error", "environment": "staging",
                "duration": 1.5
            }),
            // The latest one in progress, whichever it is (CHK-03).
            json!({
                "check_in_id": Uuid::nil().simple().to_string(), "monitor_slug": "nightly", "status": "ok",
                "environment": "test"
            }),
        ]
    );
    let row = client.stats().of(Category::Monitor);
    assert_eq!((row.captured, row.delivered), (3, 3));
    assert_balanced(&client);
}

#[test]
fn a_monitored_job_says_how_it_ended() {
    for (result, status) in [(Ok(7), "ok"), (Err(7), "error")] {
        let receiver = Receiver::start();
        // No dice are thrown for check-ins.
        let (hub, client) = start(&receiver.dsn(), ClientOptions::new().sample_rate(0.0));
        let crontab = MonitorSchedule::from_crontab("0 2 * * *").expect("valid");
        let monitor = Monitor::new("nightly").config(config(crontab));
        assert_eq!(Hub::run(hub, || monitor.run_result(|| result)), result);
        assert!(client.close(None));
        let (start, end) = start_and_end(&receiver);
        assert_eq!(start["monitor_config"]["schedule"], json!({"type": "crontab", "value": "0 2 * * *"}));
        assert_eq!((&end["status"], &end["monitor_config"]), (&json!(status), &start["monitor_config"]));
        assert_balanced(&client);
    }
}

#[test]
fn a_monitored_job_that_panics_has_failed() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    let job = || Hub::run(hub, || Monitor::new("nightly").run(|| resume_unwind(Box::new("why"))));
    let payload = catch_unwind(AssertUnwindSafe(job)).map(|()| "none").expect_err("it goes on unwinding");
    assert_eq!(payload.downcast_ref(), Some(&"why"));
    assert!(client.close(None));
    assert_eq!(start_and_end(&receiver).1["status"], "error");
    assert_balanced(&client);
}

#[test]
fn a_cancelled_future_has_failed() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    let mut future = Box::pin(Monitor::new("nightly").watch(std::future::pending::<()>()));
    Hub::run(hub, || {
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    // On another hub than it began on: it ends where it began.
    drop(future);
    assert!(client.close(None));
    assert_eq!(start_and_end(&receiver).1["status"], "error");
    assert_balanced(&client);
}

#[test]
fn what_the_hook_drops_is_counted_as_check_ins() {
    let receiver = Receiver::start();
    let options = ClientOptions::new()
        .before_send(|_| panic!("not for check-ins (CHK-08)"))
        .before_send_check_in(|check_in| (check_in.status != MonitorCheckInStatus::InProgress).then_some(check_in));
    let (hub, client) = start(&receiver.dsn(), options);
    assert_eq!(hub.capture_check_in(by_hand(MonitorCheckInStatus::InProgress)), ID, "dropped later, by the worker");
    hub.capture_check_in(by_hand(MonitorCheckInStatus::Ok));
    assert!(client.close(None));
    assert_eq!(check_ins(&receiver, 1)[0]["status"], "ok");
    let row = client.stats().of(Category::Monitor);
    assert_eq!((row.captured, row.delivered, row.lost_for(Reason::BeforeSend)), (2, 1, 1));
    assert_balanced(&client);
    let envelopes = receiver.envelopes();
    let report = envelopes.iter().find_map(|envelope| envelope.item("client_report")).expect("a report").json();
    assert_eq!(report["discarded_events"], json!([{"reason": "before_send", "category": "monitor", "quantity": 1}]));
}
