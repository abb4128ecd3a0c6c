//! The page with everything on it, for whoever asks: the program, or a browser.

use crate::render::{self, Style};
use crate::store::Store;

/// All sections that hold something.
pub(crate) fn overview(store: &Store, style: Style) -> String {
    let issues = store.issues();
    let list = if issues.is_empty() { String::new() } else { render::list(&issues, style, sentry_core::clock::wall()) };
    let sections = [
        ("Issues", list),
        ("Traces", render::traces(&store.telemetry(|telemetry| telemetry.traces.clone()), style)),
        ("Logs", render::logs(&store.telemetry(|telemetry| telemetry.logs.clone()), style)),
        ("Metrics", render::metrics(&store.telemetry(|telemetry| telemetry.metrics.clone()), style)),
        ("Releases", render::releases(&store.telemetry(|telemetry| telemetry.releases.clone()), style)),
        ("Monitors", render::monitors(&store.telemetry(|telemetry| telemetry.monitors.clone()), style)),
        ("Feedback", render::feedback(&store.telemetry(|telemetry| telemetry.feedback.clone()), style)),
    ];
    render::overview(&sections, store.telemetry(|telemetry| telemetry.unreadable), style)
}

#[cfg(test)]
mod tests;
