//! Errors of `snafu`, `eyre` and the program's own types, with the backtraces they carry.

#![allow(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml exempts test functions, not the helpers they call"
)]

#[path = "../../support/mod.rs"]
mod support;

use std::backtrace::Backtrace;
use std::error::Error;
use std::fmt;
use std::num::ParseIntError;
use std::time::Duration;

use sentry::integrations::backtrace::ErrorTypesIntegration;
use sentry::integrations::eyre::capture_eyre;
use sentry::integrations::snafu::capture_snafu;
use sentry::{ClientInitGuard, ClientOptions};
use serde_json::Value;
use snafu::{ResultExt, Snafu};
use support::Receiver;

#[derive(Debug, Snafu)]
#[snafu(display("the order cannot be shipped"))]
struct NotShipped {
    source: NotPaid,
    backtrace: snafu::Backtrace,
}

/// With a backtrace that no library knows of.
#[derive(Debug)]
enum NotPaid {
    Amount(NoAmount, Backtrace),
}

impl fmt::Display for NotPaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the order is not paid")
    }
}

impl Error for NotPaid {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let Self::Amount(source, _) = self;
        Some(source)
    }
}

#[derive(Debug)]
struct NoAmount(ParseIntError);

impl fmt::Display for NoAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("that is no amount")
    }
}

impl Error for NoAmount {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[inline(never)]
fn pay(amount: &str) -> Result<u32, NotPaid> {
    amount.parse().map_err(|error| NotPaid::Amount(NoAmount(error), Backtrace::force_capture()))
}

#[inline(never)]
fn ship(amount: &str) -> Result<u32, NotShipped> {
    pay(amount).context(NotShippedSnafu)
}

fn init(receiver: &Receiver) -> ClientInitGuard {
    let known = ErrorTypesIntegration::new()
        .with::<NoAmount>()
        .with_backtrace(|NotPaid::Amount(_, backtrace): &NotPaid| Some(backtrace));
    sentry::init(ClientOptions::new().dsn(&receiver.dsn()).add_integration(known))
}

fn only_event(receiver: &Receiver, guard: &ClientInitGuard) -> Value {
    assert!(guard.flush(Some(Duration::from_secs(20))));
    let [event] = &receiver.events()[..] else { panic!("one event") };
    event.clone()
}

/// The function of the newest frame of the program's own.
fn newest(exception: &Value) -> Option<String> {
    let frames = exception["stacktrace"]["frames"].as_array()?;
    let newest = frames.iter().rfind(|frame| frame["in_app"] == true)?;
    newest["function"].as_str().map(str::to_owned)
}

#[test]
fn a_chain_of_four_with_two_backtraces_is_one_group() {
    let receiver = Receiver::start();
    let guard = init(&receiver);
    capture_snafu(&ship("ten").unwrap_err());
    let event = only_event(&receiver, &guard);
    let exceptions = event["exception"]["values"].as_array().unwrap();
    let told: Vec<_> = exceptions
        .iter()
        .map(|exception| {
            let mechanism = &exception["mechanism"];
            (
                exception["type"].as_str().unwrap(),
                exception["module"].as_str(),
                exception["value"].as_str().unwrap(),
                mechanism["exception_id"].as_u64().unwrap(),
                mechanism["parent_id"].as_u64(),
            )
        })
        .collect();
    let this = Some("error_chains");
    assert_eq!(
        told,
        [
            ("ParseIntError", Some("core::num::error"), "invalid digit found in string", 3, Some(2)),
            ("NoAmount", this, "that is no amount", 2, Some(1)),
            ("NotPaid", this, "the order is not paid", 1, Some(0)),
            ("NotShipped", this, "the order cannot be shipped", 0, None),
        ]
    );
    assert_eq!(
        exceptions.iter().map(newest).map(|name| name.unwrap_or_default()).collect::<Vec<_>>(),
        ["", "", "error_chains::pay::{{closure}}", "error_chains::ship",]
    );
    assert!(exceptions[3]["mechanism"]["handled"] == true);
}

#[test]
fn a_report_of_eyre_is_its_chain() {
    let receiver = Receiver::start();
    let guard = init(&receiver);
    let report = eyre::Report::new(pay("ten").unwrap_err()).wrap_err("at checkout");
    capture_eyre(&report);
    let event = only_event(&receiver, &guard);
    let exceptions = event["exception"]["values"].as_array().unwrap();
    let values: Vec<_> = exceptions.iter().map(|exception| exception["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["invalid digit found in string", "that is no amount", "the order is not paid", "at checkout"]);
    assert_eq!(newest(&exceptions[2]).as_deref(), Some("error_chains::pay::{{closure}}"));
}

#[test]
fn an_error_that_two_integrations_meet_is_one_event() {
    let receiver = Receiver::start();
    let guard = init(&receiver);
    let error = anyhow::anyhow!("declined").context("at checkout");
    let first = sentry::integrations::anyhow::capture_anyhow(&error);
    let second = sentry::capture_error::<dyn Error + Send + Sync>(&*error);
    assert_eq!(first, second);
    let event = only_event(&receiver, &guard);
    assert_eq!(event["exception"]["values"].as_array().unwrap().len(), 2);
    assert_eq!(guard.stats().of(sentry::protocol::client_report::Category::Error).captured, 1);
}

#[test]
fn equal_errors_of_one_place_are_as_many_events() {
    let receiver = Receiver::start();
    let guard = init(&receiver);
    for _ in 0..3 {
        sentry::capture_error(&fmt::Error);
    }
    assert!(guard.flush(Some(Duration::from_secs(20))));
    assert_eq!(receiver.events().len(), 3);
}

#[test]
fn a_panic_met_again_as_a_join_error_is_one_event() {
    let receiver = Receiver::start();
    let guard = init(&receiver);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let joined = runtime.block_on(async { tokio::spawn(async { panic!("no {}", "money") }).await });
    let error = joined.unwrap_err();
    let id = sentry::capture_error(&error);
    let event = only_event(&receiver, &guard);
    assert_eq!(event["exception"]["values"][0]["value"], "no money");
    assert_eq!(event["event_id"].as_str().unwrap(), id.as_simple().to_string());
}
