//! Which data ends up on which event. What to look at: the tags of the three messages.

use std::thread;

use sentry::{Hub, Level};

fn main() {
    let _guard = sentry::init(());

    // On every event of the process.
    sentry::configure_global_scope(|scope| scope.set_tag("region", "eu-1"));
    // On this thread's events, and on those of threads started from here on.
    sentry::configure_scope(|scope| scope.set_tag("service", "billing"));

    // On what is captured inside: region, service, step.
    sentry::with_scope(
        |scope| scope.set_tag("step", "import"),
        || sentry::capture_message("row skipped", Level::Warning),
    );

    // Another thread: region, service. What it sets itself stays with it.
    let report = || {
        sentry::configure_scope(|scope| scope.set_tag("thread", "reports"));
        sentry::capture_message("report written", Level::Info);
    };
    thread::scope(|threads| {
        threads.spawn(report);
    });

    // A hub of one's own, for work that belongs together: region, service, tenant.
    let tenant = std::sync::Arc::new(Hub::new_from_top(Hub::current()));
    Hub::run(tenant, || {
        sentry::configure_scope(|scope| scope.set_tag("tenant", 7));
        sentry::capture_message("invoice sent", Level::Info);
    });
}
