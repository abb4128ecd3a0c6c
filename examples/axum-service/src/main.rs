//! An axum service with one layer of the SDK. It asks itself for a few pages and shows what Sentry got of that.
//!
//! `cargo run -p sentry-example-axum-service`. Without `SENTRY_DSN` the reports go to an inbox inside this process, which
//! prints them at the end; with it they go to your Sentry. What to look at: each issue and each transaction has the
//! request it happened in, with its route, its user and its tags, although several are served by the same threads.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its reader")]
#![expect(clippy::panic, reason = "the panic is what is shown")]

mod app;
mod visitor;

use std::error::Error;
use std::time::Duration;

use sentry::{ClientOptions, SessionMode};
use sentry_inbox::{Inbox, Style};
use tokio::net::TcpListener;

fn main() -> Result<(), Box<dyn Error>> {
    let options = ClientOptions::new()
        .maybe_release(sentry::release_name!())
        .traces_sample_rate(1.0)
        .auto_session_tracking(true)
        .session_mode(SessionMode::Request);
    // `init` would read the environment by itself; asking first tells whether an inbox is needed.
    let mut options = sentry::apply_defaults(options);
    let inbox = if options.dsn.is_none() { Some(Inbox::start()?) } else { None };
    if let Some(inbox) = &inbox {
        options = options.dsn(&inbox.dsn());
    }
    let guard = sentry::init(options);

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async { axum::serve(listener, app::app()).await });
        visitor::visit(address).await
    })?;
    // Ends what is still being served.
    drop(runtime);

    // Sends what is queued.
    drop(guard);
    match inbox {
        Some(inbox) => show(&inbox),
        None => println!("The reports went to the server that SENTRY_DSN names."),
    }
    Ok(())
}

fn show(inbox: &Inbox) {
    // Three issues: an error, a panic, an answer of 503. The seven transactions are in the list of traces.
    if !inbox.wait_events(3, Duration::from_secs(10)) {
        eprintln!("not all events arrived within 10 s");
    }
    let style = Style::detect();
    println!("{}", inbox.render_list(&style));
    for issue in inbox.issues().iter().rev() {
        println!("{}", inbox.render_issue(issue, &style));
    }
    println!("{}", inbox.render_traces(&style));
    println!("{}", inbox.render_releases(&style));
}
