//! Tasks with a scope each. What to look at: each message carries the tag of its own task, before and after `await`.

use std::sync::Arc;

use sentry::{Hub, Level, SentryFutureExt};

fn main() -> std::io::Result<()> {
    // The SDK first, the runtime second: not needed, but then nothing is missed.
    let _guard = sentry::init(());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let tasks: Vec<_> = (0..3)
            .map(|n| {
                let hub = Arc::new(Hub::new_from_top(Hub::current()));
                tokio::spawn(serve(n).bind_hub(hub))
            })
            .collect();
        for task in tasks {
            let _ = task.await;
        }
    });
    Ok(())
}

async fn serve(n: u32) {
    sentry::configure_scope(|scope| scope.set_tag("request", n));
    tokio::task::yield_now().await;
    sentry::capture_message("served", Level::Info);
}
