//! A job that Sentry waits for: each run checks in at its start and its end.
//!
//! Without `SENTRY_DSN` everything goes to an inbox inside this process, which prints it at the end. What to look at:
//! one run ended `ok` and the other `error`, each with the time it took, and the failure is also an issue.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its reader")]

use std::error::Error;
use std::time::Duration;

use sentry::protocol::{MonitorConfig, MonitorSchedule};
use sentry::{ClientOptions, Monitor};
use sentry_inbox::{Inbox, Style};

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = sentry::apply_defaults(ClientOptions::new().maybe_release(sentry::release_name!()));
    let inbox = if options.dsn.is_none() { Some(Inbox::start()?) } else { None };
    if let Some(inbox) = &inbox {
        options = options.dsn(&inbox.dsn());
    }
    let guard = sentry::init(options);

    // With a config, the first run creates the monitor.
    let nightly = Monitor::new("nightly-import").config(MonitorConfig {
        schedule: MonitorSchedule::from_crontab("0 2 * * *")?,
        checkin_margin: Some(5),
        max_runtime: Some(30),
        timezone: Some("Europe/Vienna".to_owned()),
        failure_issue_threshold: None,
        recovery_threshold: None,
    });
    for rows in ["12", "twelve"] {
        if let Err(error) = nightly.run_result(|| import(rows)) {
            sentry::capture_error(&error);
        }
    }

    // Sends what is queued.
    drop(guard);
    match inbox {
        Some(inbox) => show(&inbox),
        None => println!("The check-ins went to the server that SENTRY_DSN names."),
    }
    Ok(())
}

fn import(rows: &str) -> Result<u32, std::num::ParseIntError> {
    let rows = rows.parse()?;
    println!("imported {rows} rows");
    Ok(rows)
}

fn show(inbox: &Inbox) {
    // Start and end of two runs, and the error.
    if !inbox.wait_items(5, Duration::from_secs(10)) {
        eprintln!("not everything arrived within 10 s");
    }
    let style = Style::detect();
    println!("{}\n{}", inbox.render_monitors(&style), inbox.render_list(&style));
}
