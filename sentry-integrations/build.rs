//! Asks the compiler for its version, for the context `rust`. A compiler that does not answer leaves it out.

use std::env;
use std::process::Command;

#[expect(clippy::disallowed_methods, reason = "cargo names the compiler in a variable")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC");
    let Some(output) = env::var_os("RUSTC").and_then(|rustc| Command::new(rustc).arg("--version").output().ok()) else {
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    // `rustc 1.85.0-nightly (0123abcd 2025-01-01)`
    let Some(version) = text.strip_prefix("rustc ").and_then(|rest| rest.split_whitespace().next()) else { return };
    let channel = match version.split_once('-').map(|(_, channel)| channel) {
        None => "stable",
        Some(channel) if channel.starts_with("beta") => "beta",
        Some("nightly") => "nightly",
        Some(_) => "dev",
    };
    println!("cargo::rustc-env=SENTRY_BUILD_RUSTC_VERSION={version}");
    println!("cargo::rustc-env=SENTRY_BUILD_RUSTC_CHANNEL={channel}");
}
