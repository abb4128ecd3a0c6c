//! What users say, as it arrives (spec §25).

use sentry::protocol::Attachment;
use sentry::protocol::client_report::{Category, Reason};
use sentry::{ClientOptions, Feedback, Level, User};
use serde_json::json;

use crate::support::Receiver;
use crate::{assert_balanced, start};

#[test]
fn feedback_travels_with_its_scope() {
    let receiver = Receiver::start();
    let options = ClientOptions::new()
        .sample_rate(0.0)
        .attach_stacktrace(true)
        .before_send(|_| panic!("not for feedback (FBK-06)"));
    let (hub, client) = start(&receiver.dsn(), options);
    hub.configure_scope(|scope| {
        scope.set_tag("page", "checkout");
        scope.set_user(Some(User { id: Some("7".into()), ..User::default() }));
        scope.add_attachment(Attachment {
            filename: "a.txt".into(),
            buffer: b"shot".to_vec(),
            ..Attachment::default()
        });
        scope.add_event_processor(|mut event| {
            event.tags.insert("seen".to_owned(), "yes".to_owned());
            Some(event)
        });
    });
    let about = sentry::types::Uuid::from_bytes([0xd4; 16]);
    let feedback = Feedback::new("é".repeat(5_000)).name("Ada").contact_email("ada@example.com");
    let id = hub.capture_feedback(feedback.url("https://example.com/pay").associated_event_id(about));
    assert!(!id.is_nil() && hub.last_event_id().is_none());
    assert!(client.close(None));

    let [envelope] = &receiver.wait_envelopes(1)[..] else { panic!("one envelope") };
    assert_eq!(envelope.event_id(), Some(id.simple().to_string()));
    assert!(envelope.event().is_none());
    let event = envelope.item("feedback").expect("an item of its own (FBK-02)").json();
    assert_eq!(
        event["contexts"]["feedback"],
        json!({
            "type": "feedback", "message": "é".repeat(4_096), "name": "Ada", "contact_email": "ada@example.com",
            "url": "https://example.com/pay", "associated_event_id": "d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4"
        })
    );
    assert_eq!((&event["tags"], &event["user"]), (&json!({"page": "checkout", "seen": "yes"}), &json!({"id": "7"})));
    assert_eq!((&event["level"], &event["platform"]), (&json!("info"), &json!("native")));
    assert!(event["timestamp"].is_number() && event["contexts"]["trace"].is_object(), "{event}");
    assert!(event.get("threads").is_none() && event.get("logentry").is_none(), "{event}");
    assert_eq!(envelope.item("attachment").expect("in the same envelope (FBK-08)").payload, b"shot");
    let row = client.stats().of(Category::Feedback);
    assert_eq!((row.captured, row.delivered, client.stats().of(Category::Error).captured), (1, 1, 0));
    assert_balanced(&client);
}

#[test]
fn what_is_dropped_is_counted_as_feedback() {
    let receiver = Receiver::start();
    let options = ClientOptions::new().before_send_feedback(|mut event| {
        event.tags.insert("hook".to_owned(), "seen".to_owned());
        (event.level == Level::Info).then_some(event)
    });
    let (hub, client) = start(&receiver.dsn(), options);
    hub.capture_feedback(Feedback::new("kept"));
    hub.with_scope(
        |scope| scope.set_level(Some(Level::Debug)),
        || {
            hub.capture_feedback(Feedback::new("dropped by the hook"));
        },
    );
    hub.with_scope(
        |scope| scope.add_event_processor(|_| None),
        || {
            hub.capture_feedback(Feedback::new("dropped by a processor"));
        },
    );
    assert!(client.close(None));
    let envelopes = receiver.envelopes();
    let kept: Vec<_> = envelopes.iter().filter_map(|envelope| Some(envelope.item("feedback")?.json())).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (&kept[0]["contexts"]["feedback"]["message"], &kept[0]["tags"]["hook"]),
        (&json!("kept"), &json!("seen"))
    );
    let row = client.stats().of(Category::Feedback);
    assert_eq!(row.lost, [(Reason::EventProcessor, 1), (Reason::BeforeSend, 1)]);
    assert_balanced(&client);
}
