//! A web service on `actix-web`: each request has a hub and a transaction of its own, errors and panics are reported with
//! the user, the route and the breadcrumbs of their request.
//!
//! It asks itself a few things, then ends. Without `SENTRY_DSN` what it reports goes to an inbox inside this process, which
//! prints it; with it, to your Sentry. What to look at: the issues are called after routes (`GET /orders/{id}`), each has
//! its own user and breadcrumbs, and the task that a request spawns is in the request's trace.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its reader")]

mod client;
mod errors;
mod orders;

use std::time::Duration;

use actix_web::{App, HttpServer};
use sentry::ClientOptions;
use sentry::integrations::actix::Sentry;
use sentry_inbox::{Inbox, Style};

use errors::OrderError;

fn main() -> std::io::Result<()> {
    let options = ClientOptions::new().maybe_release(sentry::release_name!()).traces_sample_rate(1.0);
    let mut options = sentry::apply_defaults(options);
    let inbox = if options.dsn.is_none() { Some(Inbox::start()?) } else { None };
    if let Some(inbox) = &inbox {
        options = options.dsn(&inbox.dsn());
    }
    // The SDK first, the runtime second: `#[actix_web::main]` would begin with the runtime.
    let guard = sentry::init(options);
    actix_web::rt::System::new().block_on(serve())?;
    // Sends what is queued.
    drop(guard);
    match inbox {
        Some(inbox) => show(&inbox),
        None => println!("The events went to the server that SENTRY_DSN names."),
    }
    Ok(())
}

async fn serve() -> std::io::Result<()> {
    let app = || {
        let sentry = Sentry::builder().start_transaction(true).emit_header(true).with_error_type::<OrderError>();
        App::new().configure(orders::routes).wrap(sentry.finish())
    };
    let server = HttpServer::new(app)
        .workers(2)
        // Then a request whose client goes away is given up, and its transaction is `cancelled`.
        .h1_allow_half_closed(false)
        .bind(("127.0.0.1", 0))?;
    let address = server.addrs().first().copied();
    let server = server.run();
    let handle = server.handle();
    let asking = std::thread::Builder::new().name("client".to_owned()).spawn(move || {
        if let Some(Err(error)) = address.map(client::ask) {
            eprintln!("the service could not be asked: {error}");
        }
        drop(handle.stop(true));
    })?;
    server.await?;
    drop(asking.join());
    Ok(())
}

fn show(inbox: &Inbox) {
    if !inbox.wait_events(3, Duration::from_secs(10)) {
        eprintln!("not all events arrived within 10 s");
    }
    let style = Style::detect();
    println!("{}", inbox.render_list(&style));
    for issue in inbox.issues().iter().rev() {
        println!("{}", inbox.render_issue(issue, &style));
    }
    println!("{}", inbox.render_traces(&style));
}
