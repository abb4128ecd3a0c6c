//! Feature flags on events (spec §27), and files beside them (spec §26).

use std::fs;
use std::path::PathBuf;

use sentry::protocol::Attachment;
use sentry::protocol::client_report::{Category, Reason};
use sentry::{ClientOptions, FileAttachment, Hub, Level, TransactionContext};
use serde_json::json;

use crate::support::Receiver;
use crate::{assert_balanced, start};

#[test]
fn flags_are_listed_on_events_and_noted_on_the_span() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new().traces_sample_rate(1.0));
    let transaction = hub.start_transaction(TransactionContext::new("job", "task"));
    Hub::run(hub, || {
        sentry::configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
        sentry::add_feature_flag("old-checkout", false);
        sentry::add_feature_flag("new-checkout", true);
        sentry::with_scope(
            |scope| scope.add_feature_flag("inner", true),
            || sentry::capture_message("inside", Level::Info),
        );
        sentry::add_feature_flag("old-checkout", true);
        sentry::capture_message("outside", Level::Info);
    });
    transaction.finish();
    assert!(client.close(None));
    let events = receiver.wait_events(2);
    let listed = |text: &str| {
        let event = events.iter().find(|event| event["logentry"]["formatted"] == text).expect("there");
        event["contexts"]["flags"]["values"].clone()
    };
    assert_eq!(
        listed("inside"),
        json!([
            {"flag": "old-checkout", "result": false}, {"flag": "new-checkout", "result": true},
            {"flag": "inner", "result": true}
        ])
    );
    assert_eq!(
        listed("outside"),
        json!([{"flag": "new-checkout", "result": true}, {"flag": "old-checkout", "result": true}])
    );
    let envelopes = receiver.envelopes();
    let transaction = envelopes.iter().find_map(|envelope| envelope.item("transaction")).expect("sampled").json();
    let data = &transaction["contexts"]["trace"]["data"];
    assert_eq!(data["flag.evaluation.old-checkout"], json!(true), "{transaction}");
    assert_eq!(data["flag.evaluation.new-checkout"], json!(true));
    assert_balanced(&client);
}

/// A directory of its own, which is gone when the test is over.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("sentry-it-{}", sentry::types::random_uuid().simple()));
        fs::create_dir(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_are_read_when_the_event_is_finished_and_never_cost_it() {
    let receiver = Receiver::start();
    let scratch = Scratch::new();
    let log = scratch.0.join("app.log");
    fs::write(&log, "too early").expect("written");
    fs::write(scratch.0.join("large.bin"), [0; 101]).expect("written");
    let said = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = std::sync::Arc::clone(&said);
    let options = ClientOptions::new()
        .max_attachment_size(100)
        .debug(true)
        .diagnostics(move |line| sink.lock().expect("unpoisoned").push(line.to_owned()));
    let (hub, client) = start(&receiver.dsn(), options);
    hub.configure_scope(|scope| {
        scope.add_attachment_from_path(&log);
        scope.add_attachment_from_path(FileAttachment::new(&log).filename("copy").content_type("text/x-log"));
        scope.add_attachment_from_path(scratch.0.join("large.bin"));
        scope.add_attachment_from_path(scratch.0.join("missing.txt"));
        scope.add_attachment_from_path(&scratch.0);
        scope.add_attachment(Attachment { filename: "memory".into(), buffer: vec![1; 102], ..Attachment::default() });
    });
    fs::write(&log, "just in time").expect("written");
    hub.capture_message("with files", Level::Info);
    assert!(client.close(None));

    let envelope = receiver.wait_envelopes(1).remove(0);
    assert_eq!(envelope.event().expect("an event")["logentry"]["formatted"], "with files");
    let attachments: Vec<_> = envelope.items.iter().filter(|item| item.kind() == "attachment").collect();
    let [first, second] = &attachments[..] else { panic!("two attachments, not {attachments:?}") };
    assert_eq!((first.payload.as_slice(), second.payload.as_slice()), (&b"just in time"[..], &b"just in time"[..]));
    let kind = |header: &serde_json::Value| (header["filename"].clone(), header["content_type"].clone());
    assert_eq!(kind(&first.header), (json!("app.log"), json!("text/plain")));
    assert_eq!(kind(&second.header), (json!("copy"), json!("text/x-log")));
    let row = client.stats().of(Category::Attachment);
    // Bytes, as far as they are known.
    assert_eq!((row.delivered, row.lost_for(Reason::InternalSdkError)), (24, 101 + 102 + 1 + 1));
    assert_balanced(&client);
    let said = said.lock().expect("unpoisoned").join("\n");
    for problem in ["\"large.bin\" is not attached", "\"missing.txt\" is not attached", "it is no regular file"] {
        assert!(said.contains(problem), "{problem} in {said}");
    }
}
