//! Which frames are the program's own: Sentry shows and groups by those.

use sentry_core::ClientOptions;
use sentry_core::protocol::Frame;

use super::{function, path};

/// Whether the frame is the program's own; the first rule that applies decides:
///
/// 1. the module or function begins with one of `in_app_include`: yes; with one of `in_app_exclude`: no;
/// 2. no function name, or one of the SDK: no;
/// 3. a source file of Rust, a registry or a git dependency: no; another source file in Rust: yes;
/// 4. without a source file: yes for Rust names, but those of well-known libraries; C is not.
pub(super) fn is_in_app(frame: &Frame, options: &ClientOptions) -> bool {
    if begins_with_any(frame, &options.in_app_include) {
        return true;
    }
    if begins_with_any(frame, &options.in_app_exclude) || is_sdk(frame) {
        return false;
    }
    let Some(name) = frame.function.as_deref() else { return false };
    match file(frame) {
        Some(file) if path::is_foreign(file) => false,
        // Shortened already, by whoever made the frame.
        Some(file) if file.starts_with("library/") && root(frame).is_some_and(|root| RUST.contains(&root)) => false,
        Some(file) => file.ends_with(".rs"),
        None => function::crate_root(name).is_some_and(|root| !RUST.contains(&root) && !LIBRARIES.contains(&root)),
    }
}

/// Whether the frame is one of this SDK: by its crate or, where debug information has names without paths
/// (`debug = "line-tables-only"`), by its file.
pub(super) fn is_sdk(frame: &Frame) -> bool {
    match root(frame) {
        Some(root) => SDK.contains(&root),
        None => file(frame).is_some_and(path::is_sdk),
    }
}

/// Whether the frame is one of Rust's own or of the crate that unwinds for us: by its file, else by its crate.
pub(super) fn is_rust(frame: &Frame) -> bool {
    match (frame.function.as_deref(), file(frame)) {
        (Some("rust_begin_unwind" | "rust_panic" | "__rust_try" | "_Unwind_Backtrace"), _) => true,
        (_, Some(file)) if path::is_foreign(file) => path::is_rust(file) || file.contains("/backtrace-0.3."),
        (_, Some(_)) => false,
        (_, None) => root(frame).is_some_and(|root| RUST.contains(&root)),
    }
}

fn root(frame: &Frame) -> Option<&str> {
    function::crate_root(frame.function.as_deref()?)
}

fn file(frame: &Frame) -> Option<&str> {
    frame.abs_path.as_deref().or(frame.filename.as_deref())
}

fn begins_with_any(frame: &Frame, prefixes: &[&str]) -> bool {
    let names = [frame.module.as_deref(), frame.function.as_deref().map(|name| name.trim_start_matches(['<', '&']))];
    prefixes.iter().any(|prefix| !prefix.is_empty() && names.iter().flatten().any(|name| name.starts_with(prefix)))
}

const SDK: &[&str] = &["sentry", "sentry_core", "sentry_integrations", "sentry_transport"];

/// Crates that come with Rust, and those it is built of.
const RUST: &[&str] = &[
    "__rustc",
    "addr2line",
    "adler2",
    "alloc",
    "backtrace",
    "backtrace_rs",
    "core",
    "gimli",
    "hashbrown",
    "miniz_oxide",
    "object",
    "panic_abort",
    "panic_unwind",
    "proc_macro",
    "rustc_demangle",
    "std",
    "std_detect",
    "test",
    "unwind",
];

/// Libraries one meets in a great many programs, for programs built without debug information.
const LIBRARIES: &[&str] = &[
    "actix",
    "actix_http",
    "actix_rt",
    "actix_server",
    "actix_service",
    "actix_web",
    "aho_corasick",
    "anyhow",
    "arc_swap",
    "async_channel",
    "async_executor",
    "async_io",
    "async_std",
    "async_trait",
    "aws_config",
    "aws_smithy_runtime",
    "axum",
    "axum_core",
    "bincode",
    "bytes",
    "chrono",
    "clap",
    "clap_builder",
    "color_eyre",
    "criterion",
    "crossbeam",
    "crossbeam_channel",
    "crossbeam_deque",
    "crossbeam_epoch",
    "crossbeam_utils",
    "dashmap",
    "deadpool",
    "diesel",
    "env_logger",
    "eyre",
    "flate2",
    "flume",
    "futures",
    "futures_channel",
    "futures_core",
    "futures_executor",
    "futures_util",
    "h2",
    "http",
    "http_body",
    "http_body_util",
    "hyper",
    "hyper_rustls",
    "hyper_util",
    "indexmap",
    "itertools",
    "lazy_static",
    "libc",
    "log",
    "lru",
    "memchr",
    "mio",
    "moka",
    "native_tls",
    "nom",
    "num_cpus",
    "once_cell",
    "opentelemetry",
    "opentelemetry_sdk",
    "parking_lot",
    "parking_lot_core",
    "pin_project_lite",
    "poem",
    "polling",
    "postgres",
    "prometheus",
    "prost",
    "quinn",
    "r2d2",
    "rand",
    "rayon",
    "rayon_core",
    "redis",
    "regex",
    "regex_automata",
    "regex_syntax",
    "reqwest",
    "rocket",
    "rusqlite",
    "rustls",
    "salvo",
    "scopeguard",
    "sea_orm",
    "serde",
    "serde_core",
    "serde_json",
    "serde_yaml",
    "slog",
    "smallvec",
    "smol",
    "snafu",
    "sqlx",
    "sqlx_core",
    "tauri",
    "thiserror",
    "time",
    "tokio",
    "tokio_postgres",
    "tokio_rustls",
    "tokio_stream",
    "tokio_util",
    "toml",
    "tonic",
    "tower",
    "tower_http",
    "tower_layer",
    "tower_service",
    "tracing",
    "tracing_core",
    "tracing_futures",
    "tracing_log",
    "tracing_subscriber",
    "tungstenite",
    "ureq",
    "url",
    "uuid",
    "want",
    "warp",
    "winit",
    "zstd",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, file: &str) -> Frame {
        let set = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Frame {
            function: set(function),
            module: function::module(function).map(str::to_owned),
            abs_path: set(file),
            ..Frame::default()
        }
    }

    #[test]
    fn the_programs_own_frames_are_known_by_file_then_by_crate() {
        let options = ClientOptions::new();
        for (function, file, own) in [
            ("shop::pay", "/work/shop/src/main.rs", true),
            ("<shop::Cart as core::fmt::Display>::fmt", "/work/shop/src/cart.rs", true),
            ("core::pay", "/work/core/src/lib.rs", true),
            ("exported_to_c", "/work/shop/src/ffi.rs", true),
            ("pay", "./src/main.rs", true),
            ("core::option::Option<T>::map", "/rustc/0123/library/core/src/option.rs", false),
            ("core::option::Option<T>::map", "library/core/src/option.rs", false),
            ("serde::de::read", "/root/.cargo/registry/src/index-1/serde-1.0.0/src/de.rs", false),
            ("ours::lib", "/root/.cargo/git/checkouts/ours-1/2/src/lib.rs", false),
            ("sentry::capture", "/work/sdk/src/lib.rs", false),
            ("sentry_core::hub::Hub::capture", "", false),
            ("sentry_integrations::panic::hook", "/x/src/panic.rs", false),
            ("run", concat!("/x/", file!()), false),
            ("sentry_like::pay", "/work/sentry_like/src/lib.rs", true),
            ("qsort_r", "./stdlib/qsort.c", false),
            ("shop::pay", "", true),
            ("std::rt::lang_start", "", false),
            ("<alloc::boxed::Box<F,A> as core::ops::function::Fn<Args>>::call", "", false),
            ("tokio::runtime::park", "", false),
            ("<shop::Cart as tokio::io::AsyncRead>::poll_read", "", true),
            ("main", "", false),
            ("__libc_start_main", "", false),
            ("", "", false),
            ("", "/work/shop/src/main.rs", false),
        ] {
            assert_eq!(is_in_app(&frame(function, file), &options), own, "{function} in {file:?}");
        }
    }

    #[test]
    fn the_programs_word_comes_first_and_inclusion_before_exclusion() {
        let mut options = ClientOptions::new();
        options.in_app_include = vec!["ours::", "tokio::special", ""];
        options.in_app_exclude = vec!["shop::vendored", "tokio"];
        let foreign = "/root/.cargo/git/checkouts/ours-1/2/src/lib.rs";
        for (function, file, own) in [
            ("ours::lib", foreign, true),
            ("<ours::Lib as core::fmt::Debug>::fmt", foreign, true),
            ("others::lib", foreign, false),
            ("tokio::special::f", "", true),
            ("shop::vendored::f", "/work/shop/src/vendored.rs", false),
            ("shop::pay", "/work/shop/src/main.rs", true),
        ] {
            assert_eq!(is_in_app(&frame(function, file), &options), own, "{function}");
        }
    }

    #[test]
    fn the_lists_are_in_order() {
        for list in [SDK, RUST, LIBRARIES] {
            assert!(list.is_sorted(), "{list:?}");
        }
    }
}
