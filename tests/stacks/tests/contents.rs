//! What else is in a stack trace, beside where it begins: that its addresses are right, source code, and no paths where
//! none are wanted.

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
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use addr2line::Loader;
use object::Object;
use sentry::ClientOptions;
use serde_json::Value;
use support::receiver::ReceivedEnvelope;
use support::{Receiver, child};

fn main() {
    if child::main_dispatch(&[("scene", scene), ("loads a library", loads_a_library), ("idles", idles)]) {
        return;
    }
    let tests: &[(&str, fn())] = &[
        ("every address is that of its function and line", addresses),
        ("images have the ids of their files", images),
        ("the lines around are the program's", source_context),
        ("a deep recursion is collapsed", recursion),
        ("without absolute paths, none leaves", no_paths),
        ("without symbols, addresses and images leave", bare),
        ("a stripped program still has addresses and images", stripped),
        ("a library that is loaded later has its image", loaded_later),
        ("debug information is let go of when idle", idle),
    ];
    for (name, test) in tests {
        println!("test {name} ...");
        test();
    }
    println!("{} passed", tests.len());
}

fn scene() {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let options = ClientOptions::new().dsn(&variable("TEST_DSN")).attach_stacktrace(true);
    let options = options.frame_context_lines(if variable("TEST_CONTEXT").is_empty() { 0 } else { 3 });
    let options = options.include_absolute_paths(variable("TEST_NO_PATHS").is_empty());
    let guard = sentry::init(options.symbolize_stacktraces(variable("TEST_BARE").is_empty()));
    scenes::CAPTURES.store(!variable("TEST_CAPTURES").is_empty(), Ordering::Release);
    let name = variable("TEST_SCENE");
    let (_, run) = scenes::SCENES.iter().find(|(scene, _)| *scene == name).expect("a scene of that name");
    drop(catch_unwind(run));
    sentry::logger_info!("a log of this file");
    assert!(guard.flush(Some(Duration::from_secs(20))));
    child::report("line", &scenes::LINE.load(Ordering::Acquire).to_string());
}

/// The envelopes of a scene, and the line it told.
fn envelopes(scene: &str, variables: &[&str]) -> (Vec<ReceivedEnvelope>, u64) {
    let receiver = Receiver::start();
    let child = child::main("scene").env("TEST_DSN", receiver.dsn()).env("TEST_SCENE", scene);
    let out = variables.iter().fold(child, |child, name| child.env(name, "1")).run();
    assert!(out.success(), "{out:?}");
    (receiver.envelopes(), out.value("line").unwrap().parse().unwrap())
}

/// The event of a scene, and its frames.
fn event(scene: &str, variables: &[&str]) -> (Value, Vec<Value>) {
    let event = envelopes(scene, variables).0.iter().find_map(ReceivedEnvelope::event).unwrap();
    let exceptions = event["exception"]["values"].as_array().unwrap();
    let frames = exceptions.last().unwrap()["stacktrace"]["frames"].as_array().unwrap().clone();
    (event, frames)
}

fn address(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().strip_prefix("0x").unwrap(), 16).unwrap()
}

/// The program's own image in an event.
fn own_image(event: &Value) -> Value {
    let executable = std::env::current_exe().unwrap();
    let images = event["debug_meta"]["images"].as_array().unwrap();
    let is_own = |image: &&Value| image["code_file"].as_str().is_some_and(|file| executable.ends_with(file));
    images.iter().find(is_own).unwrap().clone()
}

/// Read again by another reader: the functions and lines at an address, the newest first.
fn symbols(loader: &Loader, address: u64) -> Vec<(Option<String>, Option<u64>)> {
    let mut found = Vec::new();
    let mut frames = loader.find_frames(address).unwrap();
    while let Some(frame) = frames.next().unwrap() {
        let function = frame.function.map(|function| function.demangle().unwrap().into_owned());
        let line = frame.location.and_then(|location| location.line).filter(|line| *line > 0);
        found.push((function, line.map(u64::from)));
    }
    found
}

fn addresses() {
    let loader = Loader::new(std::env::current_exe().unwrap()).unwrap();
    let mut checked = 0;
    for scene in ["plain_fn", "generic", "iterator_chain", "async_multi_thread", "rayon_closure", "inlined", "in_drop"]
    {
        for variables in [&[][..], &["TEST_CAPTURES"]] {
            let (event, frames) = event(scene, variables);
            let image = own_image(&event);
            let (start, size) = (address(&image["image_addr"]), image["image_size"].as_u64().unwrap());
            // One that only tells the place of a panic has none.
            let frames: Vec<Value> = frames.into_iter().filter(|frame| !frame["instruction_addr"].is_null()).collect();
            let (oldest, newest) = (&frames[0]["instruction_addr"], &frames.last().unwrap()["instruction_addr"]);
            for same in frames.chunk_by(|one, other| one["instruction_addr"] == other["instruction_addr"]) {
                let sent = &same[0]["instruction_addr"];
                let Some(offset) = address(sent).checked_sub(start).filter(|offset| *offset < size) else { continue };
                // Servers step back from all but the newest.
                let call = if sent == newest { offset } else { offset - 1 };
                let expected = symbols(&loader, call);
                // The newest first. At the newest end of the trace the first may be cut, at the oldest end the last.
                let cut = if sent == oldest { 0 } else { expected.len().saturating_sub(same.len()) };
                for (frame, (function, line)) in same.iter().rev().zip(&expected[cut..]) {
                    let Some(function) = function else { continue };
                    assert_eq!(frame["lineno"].as_u64(), *line, "{scene}: {frame} {expected:?}");
                    let (function, name) = (plain(function), plain(frame["function"].as_str().unwrap()));
                    let is_same = function == name || function.strip_suffix("::{{closure}}") == Some(&name);
                    assert!(is_same || function.starts_with(&format!("{name}<")), "{scene}: {name} is {function}");
                    checked += 1;
                }
            }
        }
    }
    println!("  {checked} frames");
    let has_lines = cfg!(debug_assertions) || option_env!("CARGO_PROFILE_RELEASE_DEBUG").is_some();
    assert!(checked > 100 || !has_lines);
}

/// A name without what differs between mangling schemes: hashes and type arguments.
fn plain(name: &str) -> String {
    let name = name.rsplit_once("::h").filter(|(_, hash)| hash.len() == 16).map_or(name, |(name, _)| name);
    let mut plain = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('{') {
        plain.push_str(before);
        let (inside, after) = after.trim_start_matches('{').split_once('}').unwrap();
        plain.push_str(&format!("{{{{{}}}}}", inside.split(['#', ':']).next().unwrap()));
        rest = after.trim_start_matches('}');
    }
    plain + rest
}

fn images() {
    let (event, _) = event("plain_fn", &[]);
    let image = own_image(&event);
    let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let build_id = file.build_id().unwrap().expect("a build id");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(image["code_id"], hex(build_id));
    // Its first 16 bytes, as a UUID whose first three fields are little-endian.
    let at = |range: std::ops::Range<usize>| build_id[range].iter().rev().copied().collect::<Vec<u8>>();
    let debug_id = [at(0..4), at(4..6), at(6..8), build_id[8..16].to_vec()].concat();
    assert_eq!(image["debug_id"].as_str().unwrap().replace('-', ""), hex(&debug_id));
}

fn source_context() {
    if !cfg!(debug_assertions) {
        return println!("  skipped: a release build has no lines by default");
    }
    let (_, frames) = event("plain_fn", &["TEST_CONTEXT"]);
    let newest = frames.last().unwrap();
    assert!(newest["context_line"].as_str().unwrap().contains("panic!(\"a scene\")"), "{newest}");
    assert_eq!(newest["pre_context"].as_array().unwrap().len(), 3);
    assert!(newest["pre_context"][2].as_str().unwrap().contains("fn plain_fn"), "{newest}");
    let others = frames.iter().filter(|frame| frame["in_app"] != true);
    assert!(others.into_iter().all(|frame| frame["context_line"].is_null()));
}

fn recursion() {
    let (_, frames) = event("deep", &[]);
    let calls = frames
        .iter()
        .filter(|frame| frame["function"].as_str().is_some_and(|name| name.rsplit("::").next() == Some("down")));
    let count = calls.count();
    assert!((32..70).contains(&count), "{count}");
}

fn no_paths() {
    for scene in ["plain_fn", "dependency_callback"] {
        for envelope in envelopes(scene, &["TEST_NO_PATHS", "TEST_CONTEXT"]).0 {
            let text = String::from_utf8_lossy(&envelope.raw).into_owned();
            let home = std::env::var("HOME").unwrap_or_default();
            let package = env!("CARGO_MANIFEST_DIR");
            for path in [package, "registry/src", &home].iter().filter(|path| path.len() > 1) {
                let at = text.find(*path);
                assert!(at.is_none(), "{scene}: {}", &text[at.unwrap().saturating_sub(200)..][..400]);
            }
        }
    }
}

fn bare() {
    let (event, frames) = event("plain_fn", &["TEST_BARE"]);
    assert!(frames.iter().all(|frame| frame["function"].is_null() && frame["in_app"].is_null()));
    assert!(frames.iter().all(|frame| address(&frame["instruction_addr"]) > 0));
    let image = own_image(&event);
    let start = address(&image["image_addr"]);
    let range = start..start + image["image_size"].as_u64().unwrap();
    assert!(frames.iter().filter(|frame| range.contains(&address(&frame["instruction_addr"]))).count() > 3);
}

fn stripped() {
    let folder = support::Folder::new();
    std::fs::create_dir(folder.path()).unwrap();
    let program = folder.path().join("stripped");
    let own = std::env::current_exe().unwrap();
    let works = Command::new("strip").arg("-o").arg(&program).arg(&own).status();
    if !works.is_ok_and(|status| status.success()) {
        return println!("  skipped: strip is not there");
    }
    let receiver = Receiver::start();
    let mut command = Command::new(&program);
    command.env("SENTRY_TEST_CHILD", "scene").env("TEST_DSN", receiver.dsn()).env("TEST_SCENE", "plain_fn");
    assert!(command.env_remove("SENTRY_DSN").output().unwrap().status.success());
    let event = receiver.events().remove(0);
    let exception = &event["exception"]["values"][0];
    let frames = exception["stacktrace"]["frames"].as_array().unwrap();
    let images = event["debug_meta"]["images"].as_array().unwrap();
    let is_known = |frame: &&Value| {
        let at = address(&frame["instruction_addr"]);
        images.iter().any(|image| {
            let start = address(&image["image_addr"]);
            (start..start + image["image_size"].as_u64().unwrap()).contains(&at)
        })
    };
    let with_address = frames.iter().filter(|frame| !frame["instruction_addr"].is_null());
    assert!(with_address.clone().count() > 3 && with_address.clone().all(|frame| is_known(&frame)), "{event}");
    // The place of a panic is in the program itself.
    let newest = frames.last().unwrap();
    assert_eq!(newest["filename"].as_str().map(|file| file.ends_with("scenes/mod.rs")), Some(true), "{newest}");
    assert!(newest["lineno"].as_u64() > Some(0) && newest["in_app"] == true);
}

/// A library of C that calls back.
fn loaded_later() {
    let folder = support::Folder::new();
    std::fs::create_dir(folder.path()).unwrap();
    let (source, library) = (folder.path().join("later.c"), folder.path().join("liblater.so"));
    std::fs::write(&source, "int call_back(int (*f)(void)) { return f() + 1; }\n").unwrap();
    let args = ["-shared", "-fPIC", "-g", "-O0", "-Wl,--build-id", "-o"];
    let works = Command::new("cc").args(args).arg(&library).arg(&source).status();
    if !works.is_ok_and(|status| status.success()) {
        return println!("  skipped: cc cannot make a library");
    }
    let receiver = Receiver::start();
    let out = child::main("loads a library").env("TEST_DSN", receiver.dsn()).env("TEST_LIBRARY", &library).run();
    assert!(out.success(), "{out:?}");
    let later = receiver.events().into_iter().find(|event| event["logentry"].to_string().contains("from it")).unwrap();
    let images = later["debug_meta"]["images"].as_array().unwrap();
    let image = images.iter().find(|image| image["code_file"] == *library.to_str().unwrap()).expect("its image");
    assert!(image["code_id"].as_str().is_some_and(|id| id.len() == 40), "{image}");
    let frames = later["threads"]["values"][0]["stacktrace"]["frames"].as_array().unwrap();
    // The library that reads symbols knows what was loaded when it was first asked: its names are the server's to find.
    let start = address(&image["image_addr"]);
    let range = start..start + image["image_size"].as_u64().unwrap();
    let frame = frames.iter().find(|frame| range.contains(&address(&frame["instruction_addr"]))).expect("its frame");
    assert_eq!(frame["in_app"], false, "{frame}");
}

#[allow(unsafe_code, reason = "a library of C")]
fn loads_a_library() {
    extern "C" fn from_it() -> libc::c_int {
        sentry::capture_message("from it", sentry::Level::Error);
        1
    }
    let options = ClientOptions::new().dsn(&std::env::var("TEST_DSN").unwrap()).attach_stacktrace(true);
    let guard = sentry::init(options);
    sentry::capture_message("before it is there", sentry::Level::Error);
    assert!(guard.flush(Some(Duration::from_secs(20))));
    let path = std::ffi::CString::new(std::env::var("TEST_LIBRARY").unwrap()).unwrap();
    // SAFETY: the library is the one above, which has that function.
    let answer = unsafe {
        let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
        let function = libc::dlsym(library, c"call_back".as_ptr());
        assert!(!function.is_null());
        let call: extern "C" fn(extern "C" fn() -> libc::c_int) -> libc::c_int = std::mem::transmute(function);
        call(from_it)
    };
    assert_eq!(answer, 2);
    assert!(guard.flush(Some(Duration::from_secs(20))));
}

fn idle() {
    let receiver = Receiver::start();
    let out = child::main("idles").env("TEST_DSN", receiver.dsn()).run();
    assert!(out.success(), "{out:?}");
}

/// How often the program's file is mapped: once for each of its parts, and once more to read symbols from it.
fn idles() {
    let mapped = || {
        let own = std::env::current_exe().unwrap();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().filter(|line| line.ends_with(own.to_str().unwrap())).count()
    };
    let options = ClientOptions::new().dsn(&std::env::var("TEST_DSN").unwrap()).attach_stacktrace(true);
    let guard = sentry::init(options);
    let before = mapped();
    sentry::capture_message("a stack", sentry::Level::Error);
    assert!(guard.flush(Some(Duration::from_secs(20))));
    assert!(mapped() > before);
    support::wait_until(|| mapped() == before, Duration::from_secs(20));
}
