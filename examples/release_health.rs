//! Release health: how many runs of a version end well. Each "run" is a session here, since an example is one process.
//!
//! A program has one: `ClientOptions::auto_session_tracking(true)` begins it with `init` and ends it with the guard. Without
//! `SENTRY_DSN` the sessions go to an inbox inside this process, which prints them at the end.

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use sentry::ClientOptions;
use sentry::protocol::SessionStatus;
use sentry_inbox::{Inbox, Style};

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = sentry::apply_defaults(ClientOptions::new().release("clock@1.2.3").environment("production"));
    let inbox = if options.dsn.is_none() { Some(Inbox::start()?) } else { None };
    if let Some(inbox) = &inbox {
        options = options.dsn(&inbox.dsn());
    }
    let guard = sentry::init(options);

    for run in 0..20 {
        sentry::start_session();
        match run {
            // An error that the program deals with: the session goes on, and ends as errored.
            3 | 7 => drop("noon".parse::<u8>().map_err(|error| sentry::capture_error(&error))),
            // What the guard says when a panic drops it.
            11 => {
                sentry::end_session_with_status(SessionStatus::Crashed);
                continue;
            }
            _ => {}
        }
        sentry::end_session();
    }

    drop(guard);
    match inbox {
        Some(inbox) => println!("{}", inbox.render_releases(&Style::detect())),
        None => println!("The sessions went to the server that SENTRY_DSN names."),
    }
    Ok(())
}
