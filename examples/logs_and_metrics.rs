//! Structured logs and metrics of a small shop, linked to the trace of each order.
//!
//! Without `SENTRY_DSN` they go to an inbox inside this process, which prints them at the end; with it they go to your
//! Sentry. What to look at: parameters are attributes of their own, the log without its card number, and that logs and
//! metrics of an order carry its trace.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its reader")]
#![expect(clippy::disallowed_methods, reason = "a program's own clock")]

use std::time::{Duration, Instant};

use sentry::protocol::{Log, Unit};
use sentry::{ClientOptions, TransactionContext, logger_debug, logger_error, logger_info, metrics};
use sentry_inbox::{Inbox, Style};

fn main() -> std::io::Result<()> {
    let options = ClientOptions::new()
        .maybe_release(sentry::release_name!())
        .traces_sample_rate(1.0)
        .before_send_log(|log| Some(without_card_number(log)));
    let mut options = sentry::apply_defaults(options);
    let inbox = if options.dsn.is_none() { Some(Inbox::start()?) } else { None };
    if let Some(inbox) = &inbox {
        options = options.dsn(&inbox.dsn());
    }
    let guard = sentry::init(options);

    logger_info!(shop.city = "berlin", "shop opened");
    for (user, articles) in [("ada", 3), ("grace", 1), ("alan", 0)] {
        order(user, articles);
    }

    // Sends what is queued.
    drop(guard);
    match inbox {
        Some(inbox) => show(&inbox),
        None => println!("Logs and metrics went to the server that SENTRY_DSN names."),
    }
    Ok(())
}

fn order(user: &str, articles: u32) {
    let transaction = sentry::start_transaction(TransactionContext::new("order", "task"));
    sentry::with_scope(
        |scope| scope.set_span(Some(transaction.clone().into())),
        || {
            let start = Instant::now();
            logger_debug!(card.number = "4111 1111 1111 1111", "card of {} accepted", user);
            match articles {
                0 => logger_error!("the cart of {} is empty", user),
                _ => logger_info!("{} ordered {count} articles", user, count = articles),
            }
            metrics::counter("orders", 1).attribute("accepted", articles > 0).capture();
            metrics::gauge("cart.articles", articles).capture();
            let taken = start.elapsed().as_secs_f64() * 1e3;
            metrics::distribution("order.duration", taken).unit(Unit::Millisecond).capture();
        },
    );
    transaction.finish();
}

/// Runs on the SDK's own thread, for one log at a time.
fn without_card_number(mut log: Log) -> Log {
    log.attributes.remove("card.number");
    log
}

fn show(inbox: &Inbox) {
    // Seven logs, nine metrics, three transactions.
    if !inbox.wait_items(19, Duration::from_secs(10)) {
        eprintln!("not everything arrived within 10 s");
    }
    let style = Style::detect();
    println!("{}\n{}", inbox.render_logs(&style), inbox.render_metrics(&style));
}
