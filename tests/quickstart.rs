//! The example a newcomer runs first: what it shows, and that each stack ends at the line that failed.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy.toml exempts test functions, not the helpers they call"
)]

mod support;

use std::process::Command;

use serde_json::Value;
use support::{ParsedEnvelope, child};

#[test]
fn it_shows_each_issue_with_the_line_that_failed() {
    let kept = std::env::temp_dir().join(format!("sentry-quickstart-{}", std::process::id()));
    let out = Command::new(child::example("quickstart"))
        .env_remove("SENTRY_DSN")
        .env("SENTRY_INBOX_KEEP", &kept)
        .output()
        .expect("cargo builds examples before it runs tests");
    assert!(out.status.success(), "{out:?}");
    let events = events_in(&kept);
    std::fs::remove_dir_all(&kept).expect("nothing left behind");
    assert_eq!(events.len(), 8);

    let source = include_str!("../examples/quickstart.rs");
    let failing = [
        ("panic", "panic!(\"cannot resize"),
        ("SettingsError", "        sentry::capture_error(&error);"),
        ("ParseIntError", "        sentry::capture_error(&error);"),
        ("", "sentry::capture_message(\"checkout"),
    ];
    for event in &events {
        let exception = event["exception"]["values"].as_array().and_then(|all| all.last());
        let ty = exception.and_then(|exception| exception["type"].as_str()).unwrap_or_default();
        let stack =
            exception.map_or(&event["threads"]["values"][0]["stacktrace"], |exception| &exception["stacktrace"]);
        let frames = stack["frames"].as_array().unwrap_or_else(|| panic!("a stack in {event:#}"));
        let newest = frames.last().expect("frames");
        assert_eq!(newest["in_app"], true, "{newest:#}");
        let line = newest["lineno"].as_u64().and_then(|line| source.lines().nth(line as usize - 1));
        let (_, text) = failing.iter().find(|(of, _)| *of == ty).expect("one of the example's");
        assert!(line.is_some_and(|line| line.contains(text)), "{ty}: {line:?} in {newest:#}");
    }

    // What a person sees: four issues, the repeated one with its five events and three users.
    let shown = String::from_utf8(out.stdout).expect("text");
    let row = shown.lines().find(|line| line.contains("ParseIntError")).expect("listed");
    let numbers: Vec<&str> = row.split_whitespace().filter(|word| word.parse::<u32>().is_ok()).collect();
    assert!(numbers.starts_with(&["5", "3"]), "{row}");
    for text in
        ["cannot resize to 4x0", "settings could not be loaded", "checkout was given up", "card declined", "cart.json"]
    {
        assert!(shown.contains(text), "{text} in {shown}");
    }
}

fn events_in(directory: &std::path::Path) -> Vec<Value> {
    let files = std::fs::read_dir(directory).expect("kept envelopes");
    let envelopes = files.map(|file| {
        let bytes = std::fs::read(file.expect("listed").path()).expect("readable");
        ParsedEnvelope::parse(&bytes).expect("well-formed")
    });
    envelopes.filter_map(|envelope| envelope.event()).collect()
}
