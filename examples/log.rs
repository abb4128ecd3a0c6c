//! The records of a program that uses `log`: to the terminal as before, and to Sentry as breadcrumbs, issues and structured
//! logs. Run it with `--features log`.
//!
//! Without `SENTRY_DSN` they go to an inbox inside this process, which prints them at the end; with it they go to your
//! Sentry. What to look at: the breadcrumbs of the issue, the chain of its error, key-values with their types, and the token,
//! which never left.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its reader")]

use std::time::Duration;
use std::{fmt, io};

use log::{Level, Log, Metadata, Record, debug, error, info, warn};
use sentry::ClientOptions;
use sentry::integrations::log::{LogFilter, SentryLogger};
use sentry_inbox::{Inbox, Style};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = sentry::apply_defaults(ClientOptions::new().maybe_release(sentry::release_name!()));
    let inbox = if options.dsn.is_none() { Some(Inbox::start()?) } else { None };
    if let Some(inbox) = &inbox {
        options = options.dsn(&inbox.dsn());
    }
    let guard = sentry::init(options);

    let logger = SentryLogger::with_dest(Terminal).filter(|metadata| match metadata.level() {
        Level::Error => LogFilter::Exception | LogFilter::Log,
        Level::Warn | Level::Info => LogFilter::Breadcrumb | LogFilter::Log,
        Level::Debug => LogFilter::Breadcrumb,
        Level::Trace => LogFilter::Ignore,
    });
    log::set_boxed_logger(Box::new(logger))?;
    log::set_max_level(log::LevelFilter::Debug);

    info!(printers = 2, token = "4f1c9a"; "print server started");
    debug!("job 17 is for printer b");
    warn!(job = 17, pages = 3, cost = 0.15; "printer b is low on paper");
    let failure = PrintFailed { source: io::Error::other("no such font") };
    error!(err:err = failure, job = 17; "job given up");

    // Sends what is queued.
    drop(guard);
    match inbox {
        Some(inbox) => show(&inbox),
        None => println!("Records went to the server that SENTRY_DSN names."),
    }
    Ok(())
}

/// The logger that the program had already.
struct Terminal;

impl Log for Terminal {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Info
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            println!("{:5} {}", record.level(), record.args());
        }
    }

    fn flush(&self) {}
}

#[derive(Debug)]
struct PrintFailed {
    source: io::Error,
}

impl fmt::Display for PrintFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the page could not be set")
    }
}

impl std::error::Error for PrintFailed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

fn show(inbox: &Inbox) {
    // An issue and three logs.
    if !inbox.wait_items(4, Duration::from_secs(10)) {
        eprintln!("not everything arrived within 10 s");
    }
    let style = Style::detect();
    for issue in inbox.issues() {
        println!("{}", inbox.render_issue(&issue, &style));
    }
    println!("{}", inbox.render_logs(&style));
}
