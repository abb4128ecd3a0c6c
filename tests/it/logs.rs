//! Structured logs at the socket: what they look like, how they travel together, and that none is lost silently.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sentry::protocol::client_report::{Category, Reason};
use sentry::protocol::{Envelope, LogLevel};
use sentry::{Client, ClientOptions, Hub, TransactionContext, Transport, logger_info, logger_log, logger_warn};
use serde_json::{Value, json};

use crate::support::{Deadline, Gate, ReceivedEnvelope, Receiver, Reply};
use crate::{assert_balanced, start};

/// The logs of each envelope that has some.
fn logs(envelopes: &[ReceivedEnvelope]) -> Vec<Vec<Value>> {
    let items = envelopes.iter().filter_map(|envelope| envelope.item("log"));
    items.map(|item| item.json()["items"].as_array().expect("items").clone()).collect()
}

fn bodies(logs: &[Value]) -> Vec<String> {
    logs.iter().map(|log| log["body"].as_str().expect("a body").to_owned()).collect()
}

#[test]
fn a_log_as_the_server_gets_it() {
    let receiver = Receiver::start();
    let options = ClientOptions::new().traces_sample_rate(1.0).server_name("host-1");
    let (hub, client) = start(&receiver.dsn(), options);
    Hub::run(hub, || {
        let transaction = sentry::start_transaction(TransactionContext::new("checkout", "task"));
        sentry::configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
        logger_warn!(cart.id = 7, "{} paid {amount}", "ada", amount = 12.5);
        transaction.finish();
    });
    assert!(client.close(None));
    let envelopes = receiver.envelopes();
    let envelope = envelopes.iter().find(|envelope| envelope.item("log").is_some()).expect("a log");
    assert_eq!(envelope.items.len(), 1, "logs travel by themselves (ITM-01)");
    assert!(envelope.header.get("trace").is_none(), "{}", envelope.header);
    let item = envelope.item("log").expect("a log");
    let length = item.payload.len();
    assert_eq!(
        item.header,
        json!({
            "type": "log", "item_count": 1, "length": length,
            "content_type": "application/vnd.sentry.items.log+json",
        })
    );
    let mut log = item.json()["items"][0].take();
    let transaction = envelopes.iter().find_map(|envelope| envelope.item("transaction")).expect("a transaction").json();
    let trace = &transaction["contexts"]["trace"];
    assert_eq!((&log["trace_id"], &log["span_id"]), (&trace["trace_id"], &trace["span_id"]));
    let timestamp = log["timestamp"].as_f64().expect("seconds");
    assert!((timestamp - transaction["timestamp"].as_f64().expect("seconds")).abs() < 60.0, "{timestamp}");
    let object = log.as_object_mut().expect("an object");
    for varies in ["timestamp", "trace_id", "span_id"] {
        object.remove(varies);
    }
    let text = |text: &str| json!({"value": text, "type": "string"});
    assert_eq!(
        log,
        json!({
            "level": "warn",
            "severity_number": 13,
            "body": "ada paid 12.5",
            "attributes": {
                "cart.id": {"value": 7, "type": "integer"},
                "sentry.message.template": text("{} paid {amount}"),
                "sentry.message.parameter.0": text("ada"),
                "sentry.message.parameter.amount": {"value": 12.5, "type": "double"},
                "sentry.environment": text("test"),
                "sentry.release": text("it@1.0.0"),
                "sentry.sdk.name": text("sentry.rust"),
                "sentry.sdk.version": text(env!("CARGO_PKG_VERSION")),
                "server.address": text("host-1"),
            },
        })
    );
    assert_balanced(&client);
}

#[test]
fn they_travel_by_the_hundred_in_order() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    Hub::run(hub, || (0..250).for_each(|n| logger_info!("{n:03}")));
    assert!(client.flush(None));
    let mut batches: Vec<_> = logs(&receiver.envelopes()).iter().map(|logs| bodies(logs)).collect();
    // Several senders: batches may overtake each other, logs within one may not.
    batches.sort();
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    assert_eq!(batches.concat(), (0..250).map(|n| format!("{n:03}")).collect::<Vec<_>>());
    assert_balanced(&client);
    assert_eq!(client.stats().of(Category::LogItem).delivered, 250);
    assert!(client.stats().of(Category::LogByte).delivered > 250 * 100);
}

#[test]
fn a_hook_changes_drops_and_panics_outside_of_everything() {
    let receiver = Receiver::start();
    let options = ClientOptions::new().diagnostics(|_| {}).before_send_log(|mut log| {
        logger_info!("from inside the hook");
        sentry::capture_message("from inside the hook", sentry::Level::Info);
        match log.body.as_str() {
            "drop" => return None,
            "panic" => std::panic::resume_unwind(Box::new("a hook")),
            _ => {}
        }
        log.attributes.insert("seen".into(), true.into());
        log.body.make_ascii_uppercase();
        Some(log)
    });
    let (hub, client) = start(&receiver.dsn(), options);
    Hub::run(hub, || {
        for text in ["a", "drop", "b", "panic", "c"] {
            logger_info!(length = text.len(), "{text}");
        }
    });
    assert!(client.close(None));
    let seen = logs(&receiver.envelopes()).concat();
    assert_eq!(bodies(&seen), ["A", "B", "C"]);
    assert_eq!(seen[0]["attributes"]["seen"], json!({"value": true, "type": "boolean"}));
    assert!(receiver.events().is_empty());
    let row = client.stats().of(Category::LogItem);
    assert_eq!((row.captured, row.delivered, row.lost), (5, 3, vec![(Reason::BeforeSend, 2)]));
    assert!(client.stats().of(Category::LogByte).lost_for(Reason::BeforeSend) > 0);
    assert_balanced(&client);
}

#[test]
fn the_kill_switch_is_for_all_of_them() {
    let receiver = Receiver::start();
    #[expect(deprecated, reason = "it is what is tested")]
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new().enable_logs(false));
    let log = || sentry::protocol::Log {
        level: LogLevel::Info,
        body: "by hand".into(),
        trace_id: None,
        timestamp: std::time::SystemTime::now(),
        severity_number: None,
        attributes: Default::default(),
    };
    hub.capture_log(log());
    client.capture_log(log(), &sentry::Scope::default());
    Hub::run(hub, || logger_log!(LogLevel::Fatal, "by macro"));
    assert!(client.close(None));
    assert!(receiver.envelopes().is_empty());
    assert_eq!(client.stats().of(Category::LogItem).captured, 0);
}

#[test]
fn a_hundred_thousand_at_once_are_all_delivered() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    thread::scope(|threads| {
        for thread in 0..4 {
            let fork = Arc::new(Hub::new_from_top(&hub));
            threads.spawn(move || {
                Hub::run(fork, || (0..25_000).for_each(|n| logger_info!("user {} did {}", thread, n)));
            });
        }
    });
    assert!(client.close(Some(Duration::from_secs(120))), "{:?}", client.stats());
    let row = client.stats().of(Category::LogItem);
    assert_eq!((row.captured, row.delivered, row.lost_in_all()), (100_000, 100_000, 0), "{row:?}");
    assert_balanced(&client);
    let envelopes = receiver.envelopes();
    let counts: Vec<u64> = envelopes.iter().filter_map(|e| e.item("log")?.header["item_count"].as_u64()).collect();
    assert_eq!((counts.iter().sum::<u64>(), counts.iter().max()), (100_000, Some(&100)));
}

#[test]
fn a_lone_log_does_not_wait_for_company_for_ever() {
    let receiver = Receiver::start();
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    let deadline = Deadline::after(Duration::from_secs(4));
    Hub::run(hub, || logger_info!("alone"));
    let envelopes = receiver.wait_envelopes(1);
    assert_eq!(bodies(&logs(&envelopes).concat()), ["alone"]);
    assert!(deadline.has_passed(), "it did wait");
    drop(client);
}

#[test]
fn what_the_server_has_no_room_for_is_counted_to_the_byte() {
    let receiver = Receiver::with(|n, _| match n {
        0 => Reply::status(200).header("X-Sentry-Rate-Limits", "60:log_item:organization"),
        _ => Reply::status(200),
    });
    let (hub, client) = start(&receiver.dsn(), ClientOptions::new());
    Hub::run(hub, || {
        logger_info!("delivered");
        client.flush(None);
        (0..150).for_each(|n| logger_info!("limited {}", n));
    });
    assert!(client.close(None));
    let row = client.stats().of(Category::LogItem);
    assert_eq!((row.captured, row.delivered, row.lost), (151, 1, vec![(Reason::RatelimitBackoff, 150)]));
    assert_balanced(&client);
    let reports: Vec<_> = receiver.envelopes().iter().filter_map(|e| Some(e.item("client_report")?.json())).collect();
    let reported: Vec<&Value> =
        reports.iter().flat_map(|report| report["discarded_events"].as_array()).flatten().collect();
    let bytes = client.stats().of(Category::LogByte).lost_for(Reason::RatelimitBackoff);
    for (category, quantity) in [("log_item", 150), ("log_byte", bytes)] {
        let sum: u64 =
            reported.iter().filter(|row| row["category"] == category).filter_map(|row| row["quantity"].as_u64()).sum();
        assert_eq!(sum, quantity, "{category} in {reported:?}");
    }
}

/// Keeps nothing and finishes at once, as programs' own transports do.
#[derive(Default)]
struct Counting {
    logs: std::sync::atomic::AtomicUsize,
    gate: Option<Gate>,
    fails: AtomicBool,
}

impl Transport for Counting {
    fn send_envelope(&self, envelope: Envelope) {
        if let Some(gate) = &self.gate {
            gate.pass();
        }
        if self.fails.load(Ordering::SeqCst) {
            std::panic::resume_unwind(Box::new("a transport"));
        }
        let text = {
            let mut bytes = Vec::new();
            envelope.to_writer(&mut bytes).expect("memory");
            String::from_utf8(bytes).expect("text")
        };
        self.logs.fetch_add(text.matches("\"body\":").count(), Ordering::SeqCst);
    }
}

fn start_with(transport: &Arc<Counting>) -> (Arc<Hub>, Arc<Client>) {
    let options = ClientOptions::new().dsn("https://public@sentry.invalid/1").transport(Arc::clone(transport));
    let client = Arc::new(Client::with_options(options));
    (Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default())), client)
}

#[test]
fn a_transport_of_ones_own_gets_them_at_flush_and_close() {
    let transport = Arc::new(Counting::default());
    let (hub, client) = start_with(&transport);
    let sent = || transport.logs.load(Ordering::SeqCst);
    Hub::run(hub, || {
        (0..130).for_each(|n| logger_info!("{}", n));
        assert_eq!(sent(), 100, "a full batch leaves by itself");
        assert!(client.flush(None));
        assert_eq!(sent(), 130);
        logger_info!("one more");
        assert!(client.close(None));
        assert_eq!(sent(), 131);
        logger_info!("nobody listens");
    });
    assert_eq!(client.stats().of(Category::LogItem).delivered, 131);
    assert_balanced(&client);
}

#[test]
fn a_transport_that_panics_loses_them_counted() {
    let transport = Arc::new(Counting { fails: AtomicBool::new(true), ..Counting::default() });
    let (hub, client) = start_with(&transport);
    Hub::run(hub, || (0..110).for_each(|n| logger_info!("{}", n)));
    client.close(None);
    let row = client.stats().of(Category::LogItem);
    assert_eq!((row.captured, row.lost), (110, vec![(Reason::InternalSdkError, 110)]));
    assert_balanced(&client);
}

#[test]
fn threads_that_log_while_the_client_closes_lose_nothing_silently() {
    let transport = Arc::new(Counting::default());
    let (hub, client) = start_with(&transport);
    let gate = Gate::new();
    thread::scope(|threads| {
        for _ in 0..4 {
            let (fork, gate) = (Arc::new(Hub::new_from_top(&hub)), gate.clone());
            threads.spawn(move || {
                Hub::run(fork, || {
                    for n in 0..2_000 {
                        logger_info!("{}", n);
                        if n == 500 {
                            gate.mark();
                        }
                    }
                });
            });
        }
        gate.wait_started(1);
        client.close(None);
    });
    assert!(client.stats().of(Category::LogItem).captured > 0);
    assert_balanced(&client);
}

/// What has left its batch is not with the transport yet.
#[test]
fn a_flush_waits_for_a_batch_that_another_thread_is_sending() {
    let gate = Gate::new();
    let transport = Arc::new(Counting { gate: Some(gate.clone()), ..Counting::default() });
    let (hub, client) = start_with(&transport);
    thread::scope(|threads| {
        threads.spawn(|| Hub::run(hub, || (0..100).for_each(|n| logger_info!("{}", n))));
        gate.wait_started(1);
        assert!(!client.flush(Some(Duration::from_millis(50))));
        gate.release();
        assert!(client.flush(None));
        assert_eq!(transport.logs.load(Ordering::SeqCst), 100);
    });
}
