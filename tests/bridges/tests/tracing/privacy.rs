//! Secrets in fields stay where they are.

use sentry::ClientOptions;
use serde_json::json;
use tracing::{error, info, info_span, warn};

use crate::loggers::Sentry;
use crate::{run, transaction};

#[test]
fn secret_fields_keep_their_names_only() {
    for with_pii in [false, true] {
        let sentry = Sentry::start(ClientOptions::new().traces_sample_rate(1.0).send_default_pii(with_pii).debug(true));
        let received = run(&sentry, || {
            let root = info_span!(
                "root",
                password = "hunter2-1",
                late_token = tracing::field::Empty,
                tags.api_key = "hunter2-2"
            );
            let _root = root.enter();
            root.record("late_token", "hunter2-3");
            let _child = info_span!("child", user.Session = "hunter2-4").entered();
            info!(authorization = "hunter2-5", "crumb");
            warn!(jwt = ?"hunter2-6", "log");
            error!(db.secret = %"hunter2-7", tags.csrf = "hunter2-8", plain = "seen", "event");
        });
        assert!(!received.0.is_empty());
        for envelope in &received.0 {
            assert!(!String::from_utf8_lossy(&envelope.raw).contains("hunter2"), "{envelope:?}");
        }
        let event = received.event("event");
        let fields = &event["contexts"]["Rust Tracing Fields"];
        assert_eq!((&fields["db.secret"], &fields["plain"]), (&json!("[Filtered]"), &json!("seen")));
        assert_eq!(event["tags"]["csrf"], json!("[Filtered]"));
        let transaction = transaction(&received, "root");
        assert_eq!(transaction["contexts"]["trace"]["data"]["late_token"], json!("[Filtered]"));
    }
}

#[test]
fn a_program_may_say_what_is_secret() {
    let list = sentry::DenyList::of(["iban"]);
    let sentry = Sentry::start(ClientOptions::new().deny_list(list));
    let received = run(&sentry, || error!(author = "me", customer_iban = "DE00", "event"));
    let fields = &received.event("event")["contexts"]["Rust Tracing Fields"];
    assert_eq!((&fields["author"], &fields["customer_iban"]), (&json!("me"), &json!("[Filtered]")));
}
