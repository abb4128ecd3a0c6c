//! The newest frame of the program's own is the line where something went wrong, whatever code that is.
//!
//! With lines in the program (a debug build, `debug = "line-tables-only"`), it is told by file and line; without, by function.
//! `SENTRY_TEST_SHOW=closure` shows the frames of that scene. `.ci/run` runs it in a debug build, in a release build with lines and in a plain one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test without libtest: clippy.toml exempts test functions only"
)]

#[path = "../../support/mod.rs"]
mod support;

#[rustfmt::skip]
mod scenes;

use std::panic::catch_unwind;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sentry::ClientOptions;
use serde_json::Value;
use support::{Receiver, child};

fn main() {
    if child::main_dispatch(&[("scene", scene)]) {
        return;
    }
    let mut wrong = 0;
    for (name, _) in scenes::SCENES {
        for captures in [false, true] {
            if let Err(why) = expect_newest(name, captures) {
                wrong += 1;
                println!("{name}, {}: {why}", if captures { "captured" } else { "panic" });
            }
        }
    }
    assert_eq!(wrong, 0);
    println!("{} scenes", scenes::SCENES.len());
}

fn scene() {
    let variable = |name: &str| std::env::var(name).expect("set by the parent");
    let options = ClientOptions::new().dsn(&variable("TEST_DSN")).attach_stacktrace(true);
    let guard = sentry::init(options);
    scenes::CAPTURES.store(variable("TEST_CAPTURES") == "true", Ordering::Release);
    let name = variable("TEST_SCENE");
    let (_, run) = scenes::SCENES.iter().find(|(scene, _)| *scene == name).expect("a scene of that name");
    drop(catch_unwind(run));
    assert!(guard.flush(Some(Duration::from_secs(20))));
    child::report("line", &scenes::LINE.load(Ordering::Acquire).to_string());
}

/// Runs a scene, and looks at the event.
fn expect_newest(name: &str, captures: bool) -> Result<(), String> {
    let receiver = Receiver::start();
    let child = child::main("scene").env("TEST_DSN", receiver.dsn()).env("TEST_SCENE", name);
    let out = child.env("TEST_CAPTURES", captures.to_string()).run();
    let line: u64 = out.value("line").ok_or_else(|| format!("{out:?}"))?.parse().unwrap();
    let [event] = &receiver.events()[..] else { return Err(format!("{} events", receiver.events().len())) };
    let frames = frames(event);
    let has_lines = cfg!(debug_assertions) || option_env!("CARGO_PROFILE_RELEASE_DEBUG").is_some();
    if name == "rayon_closure" && !has_lines {
        return Ok(());
    }
    let Some(newest) = frames.iter().rfind(|frame| frame["in_app"] == true) else {
        return Err(format!("no frame of the program's own:\n{}", shown(&frames)));
    };
    if std::env::var("SENTRY_TEST_SHOW").is_ok_and(|shown| shown == name) {
        println!("{}", shown(&frames));
    }
    let is_there = match newest["lineno"].as_u64() {
        // Debug information has the line in the macro, `line!` that of its use.
        Some(_) if name == "macro_generated" => {
            newest["function"].as_str().is_some_and(|function| function.ends_with("macro_generated"))
        }
        Some(at) => at == line && newest["filename"].as_str().is_some_and(|file| file.ends_with("tests/scenes/mod.rs")),
        None => newest["function"]
            .as_str()
            .is_some_and(|function| expected(name).iter().any(|part| function.contains(part))),
    };
    if name.starts_with("async") && cfg!(debug_assertions) {
        let own = frames.iter().filter(|frame| frame["in_app"] == true).filter_map(|frame| frame["function"].as_str());
        let own: Vec<&str> = own.filter_map(|name| name.strip_prefix("stacks::scenes::")).collect();
        if !own.ends_with(&["outermost", "middle", "innermost"]) {
            return Err(format!("async functions expected: {own:?}"));
        }
    }
    if is_there { Ok(()) } else { Err(format!("line {line} expected:\n{}", shown(&frames))) }
}

/// What is in the name of the function, of which the compiler may have made one of its callers.
fn expected(name: &str) -> Vec<&str> {
    let more: &[&str] = match name {
        "trait_object" => &["area"],
        "async_current_thread" | "async_multi_thread" => &["outermost", "middle", "innermost"],
        "thread_pool" => &["pooled_job"],
        "rayon_job" => &["part"],
        "c_callback" => &["compare"],
        "method" => &["withdraw"],
        "in_drop" => &["drop"],
        "recursive" | "deep" => &["down"],
        _ => &[],
    };
    more.iter().copied().chain([name]).collect()
}

fn frames(event: &Value) -> Vec<Value> {
    let exceptions = event["exception"]["values"].as_array().unwrap();
    exceptions.last().unwrap()["stacktrace"]["frames"].as_array().cloned().unwrap_or_default()
}

fn shown(frames: &[Value]) -> String {
    let line = |frame: &Value| {
        let field = |key: &str| frame[key].to_string();
        let in_app = if frame["in_app"] == true { "*" } else { " " };
        format!("  {in_app} {} | {} | {}:{}", field("function"), field("module"), field("filename"), field("lineno"))
    };
    frames.iter().map(line).collect::<Vec<_>>().join("\n")
}
