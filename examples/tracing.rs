//! `tracing` as a source: spans become traces, events breadcrumbs, logs and errors, each in its own request's scope.
//!
//! Without `SENTRY_DSN` they go to an inbox inside this process, which prints them at the end; with it they go to your
//! Sentry. What to look at: the failed order has the user and the breadcrumbs of its own request, and no other's; its
//! error is in the span that it happened in; the token is `[Filtered]`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its reader")]

use std::error::Error;
use std::time::Duration;

use sentry::integrations::tracing::{BreadcrumbLayer, ErrorLayer, LogLayer, SpanLayer};
use sentry::{ClientOptions, User};
use sentry_inbox::{Inbox, Style};
use tracing::{Instrument, error, info, info_span, instrument, warn};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::prelude::*;

fn main() -> std::io::Result<()> {
    let options = ClientOptions::new().maybe_release(sentry::release_name!()).traces_sample_rate(1.0);
    let mut options = sentry::apply_defaults(options);
    let inbox = if options.dsn.is_none() { Some(Inbox::start()?) } else { None };
    if let Some(inbox) = &inbox {
        options = options.dsn(&inbox.dsn());
    }
    let guard = sentry::init(options);
    let is_crumb = |level: &tracing::Level| (tracing::Level::WARN..=tracing::Level::INFO).contains(level);
    tracing_subscriber::registry()
        .with(SpanLayer::new().with_filter(LevelFilter::INFO))
        .with(BreadcrumbLayer::new().with_filter(filter_fn(move |event| event.is_event() && is_crumb(event.level()))))
        .with(ErrorLayer::new().with_filter(LevelFilter::ERROR))
        .with(LogLayer::new().with_filter(LevelFilter::WARN))
        .init();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    runtime.block_on(async {
        let orders =
            [("ada", 3), ("grace", 1), ("alan", 0)].map(|(user, articles)| tokio::spawn(order(user, articles)));
        for order in orders {
            let _ = order.await;
        }
    });
    drop(runtime);

    // Sends what is queued.
    drop(guard);
    match inbox {
        Some(inbox) => show(&inbox),
        None => println!("Everything went to the server that SENTRY_DSN names."),
    }
    Ok(())
}

#[instrument(fields(sentry.op = "task", token = "secret"))]
async fn order(user: &'static str, articles: u32) {
    sentry::configure_scope(|scope| scope.set_user(Some(User { username: Some(user.to_owned()), ..User::default() })));
    info!("opened the cart of {user}");
    tokio::task::yield_now().await;
    // Set before the `.await`, still there after it, and only in here.
    let paid = pay(articles).instrument(info_span!("pay", sentry.op = "http.client", articles)).await;
    match paid {
        Ok(()) => warn!(articles, "last articles sold"),
        Err(failure) => error!(error = &*failure as &(dyn Error + 'static), "an order failed"),
    }
}

async fn pay(articles: u32) -> Result<(), Box<dyn Error + Send + Sync>> {
    info!("asking the bank");
    tokio::task::yield_now().await;
    if articles == 0 { Err("the cart is empty".into()) } else { Ok(()) }
}

fn show(inbox: &Inbox) {
    // An error, three transactions, three logs.
    if !inbox.wait_items(7, Duration::from_secs(10)) {
        eprintln!("not everything arrived within 10 s");
    }
    let style = Style::detect();
    println!("{}", inbox.render_all(&style));
    for issue in inbox.issues() {
        println!("{}", inbox.render_issue(&issue, &style));
    }
}
