//! The README's patch in a program whose lock file names the official crates: nothing official is left, and types that
//! it takes from companion crates are ours.
//!
//! The program depends on everything that the patch names. It is checked, not run: whose types it compiles with is all
//! there is to know. It needs nothing from the registry but what our own tests are built from, and `url`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "clippy.toml exempts test functions, not the helpers they call; a skipped test says so"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const CHECKOUT: &str = env!("CARGO_MANIFEST_DIR");

/// Moves values between `sentry` and its companions in all directions, and wants `url::Url`.
const PROGRAM: &str = r#"
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dsn: sentry_types::Dsn = "https://key@host/1".parse()?;
    let _: url::Url = sentry::types::Dsn::envelope_api_url(&dsn);
    let hub: std::sync::Arc<sentry::Hub> = sentry_core::Hub::current();
    let options = sentry::ClientOptions::new()
        .add_integration(sentry_panic::PanicIntegration::new())
        .add_integration(sentry_contexts::ContextIntegration::new())
        .add_integration(sentry_debug_images::DebugImagesIntegration::new())
        .add_integration(sentry_backtrace::AttachStacktraceIntegration::new());
    hub.bind_client(Some(std::sync::Arc::new(sentry_core::Client::from((dsn, options)))));
    let mut event = sentry::protocol::Event::new();
    event.stacktrace = sentry_backtrace::current_stacktrace();
    event.contexts.insert("os".into(), sentry_contexts::utils::rust_context());
    event.debug_meta.to_mut().images = sentry_debug_images::debug_images();
    let event: sentry_types::protocol::v7::Event<'static> = event;
    hub.capture_event(event);
    Ok(())
}
"#;

#[test]
fn the_patch_leaves_nothing_official_in_a_locked_program() {
    let patch = patch_of_the_readme();
    let names: Vec<&str> = patch.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    for folder in
        std::fs::read_dir(Path::new(CHECKOUT).join("compat")).expect("compat").map(|there| there.expect("entry"))
    {
        let name = folder.file_name().into_string().expect("text");
        assert!(!folder.path().join("src").is_dir() || names.contains(&&*name), "the README's patch lacks {name}");
    }

    let program = Program::write(&patch, &names);
    let Some(tree) = program.cargo(&["tree", "--prefix", "none", "--edges", "normal,build"]) else { return };
    for name in &names {
        assert!(tree.lines().any(|line| line.starts_with(&format!("{name} v0.49.5 ({CHECKOUT}"))), "{name} in {tree}");
    }
    for line in tree.lines().filter(|line| line.starts_with("sentry")) {
        assert!(line.contains(&format!("({CHECKOUT}")), "{line}");
    }
    let inverted = program.cargo(&["tree", "-i", "sentry-core"]).expect("the tree was there");
    assert!(inverted.starts_with(&format!("sentry-core v0.49.5 ({CHECKOUT}")), "{inverted}");
    let lock = program.lock();
    for package in lock.split("[[package]]").filter(|package| package.contains("name = \"sentry")) {
        assert!(!package.contains("source = "), "{package}");
    }
    assert!(!lock.contains("patch.unused"), "{lock}");

    program.cargo(&["check", "--quiet"]);
}

/// The README's block with the paths of this checkout.
fn patch_of_the_readme() -> String {
    let readme = include_str!("../README.md");
    let (_, rest) = readme.split_once("```toml\n[patch.crates-io]\n").expect("the README has the block");
    let (block, _) = rest.split_once("```").expect("its end");
    let checkout = CHECKOUT.replace('\\', "/");
    format!("[patch.crates-io]\n{}", block.replace("\"../sentry", &format!("\"{checkout}")))
}

/// A small program in a folder of its own. What it builds is kept from run to run.
struct Program(PathBuf);

impl Program {
    fn write(patch: &str, names: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compat");
        std::fs::create_dir_all(folder.join("src")).expect("a folder");
        let program = Self(folder);
        let mut dependencies = String::new();
        for name in names.iter().filter(|name| **name != "sentry") {
            let _ = writeln!(dependencies, "{name} = \"0.49\"");
        }
        // Without the transport, which is half of the build and has no part in this.
        program.put(
            "Cargo.toml",
            &format!(
                "[workspace]\n\n[package]\nname = \"dependent\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                 [dependencies]\nurl = \"2\"\n{dependencies}\n\
                 [dependencies.sentry]\nversion = \"0.49\"\ndefault-features = false\n\
                 features = [\"backtrace\", \"contexts\", \"debug-images\", \"panic\"]\n\n{patch}"
            ),
        );
        program.put("Cargo.lock", &official_lock(names));
        program.put("src/main.rs", PROGRAM);
        program
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("written");
    }

    fn lock(&self) -> String {
        std::fs::read_to_string(self.0.join("Cargo.lock")).expect("a lock file")
    }

    /// What cargo prints. It asks the registry only for what was never fetched; `None` where that fails too.
    fn cargo(&self, arguments: &[&str]) -> Option<String> {
        let run = |offline: &[&str]| {
            let mut command = Command::new(env!("CARGO"));
            command.args(arguments).args(offline).current_dir(&self.0).env("CARGO_TARGET_DIR", self.0.join("target"));
            let out = command.output().expect("cargo runs");
            let said = String::from_utf8_lossy(&out.stderr).into_owned();
            if out.status.success() { Ok(String::from_utf8_lossy(&out.stdout).into_owned()) } else { Err(said) }
        };
        let result = match run(&["--offline"]) {
            Err(error) if error.contains("--offline") => run(&[]),
            result => result,
        };
        // The second attempt says `--offline` where cargo's configuration forbids the network.
        let unreachable = |error: &str| error.contains("failed to download from") || error.contains("--offline");
        let official = |error: &str| error.contains("download `sentry") || error.contains("crates/sentry");
        match result {
            Ok(shown) => Some(shown),
            Err(error) if unreachable(&error) && !official(&error) => {
                eprintln!("skipped: a package was never fetched, and the registry cannot be reached: {error}");
                None
            }
            Err(error) => panic!("cargo {arguments:?}: {error}"),
        }
    }
}

/// A lock file as a program has it that was built with the official crates: those, and the other packages as our own
/// lock file has them. The sums of the official ones are made up; nothing may be downloaded to compare.
fn official_lock(names: &[&str]) -> String {
    let ours = include_str!("../Cargo.lock");
    let mut packages = ours.split("[[package]]\n");
    let mut lock = packages.next().expect("a head").to_owned();
    for package in packages.filter(|package| package.contains("source = ")) {
        let _ = write!(lock, "[[package]]\n{}\n\n", package.trim_end());
    }
    let needs = |all: &[&str]| all.iter().fold(String::new(), |list, name| format!("{list} \"{name}\",\n"));
    for name in names {
        let needed = match *name {
            "sentry" => names.iter().copied().filter(|name| *name != "sentry").collect(),
            "sentry-core" => vec!["sentry-types"],
            "sentry-types" => vec!["serde", "uuid", "url"],
            _ => vec!["sentry-core"],
        };
        let _ = write!(
            lock,
            "[[package]]\nname = \"{name}\"\nversion = \"0.49.5\"\n\
             source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{}\"\n\
             dependencies = [\n{}]\n\n",
            "5e".repeat(32),
            needs(&needed),
        );
    }
    let _ = write!(
        lock,
        "[[package]]\nname = \"dependent\"\nversion = \"0.0.0\"\ndependencies = [\n{} \"url\",\n]\n",
        needs(names)
    );
    lock
}
