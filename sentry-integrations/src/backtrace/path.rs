//! Paths of source files: what to show of them, and whether they are somebody else's code.

use std::borrow::Cow;
use std::sync::OnceLock;

use sentry_core::fork::PerProcess;

/// The path as a person would name the file: relative, and the same on every machine that builds the program.
///
/// Rust's own sources, registry and git dependencies start at their package; the program's own files at the current
/// directory, or at the package's directory when the program was built elsewhere.
pub(crate) fn filename(path: &str) -> String {
    static DIRECTORY: PerProcess<OnceLock<Option<String>>> = PerProcess::new(OnceLock::new());
    let directory =
        DIRECTORY.get().get_or_init(|| std::env::current_dir().ok()?.into_os_string().into_string().ok()).as_deref();
    relative(path, directory)
}

/// Whether the file belongs to Rust or to a dependency fetched by cargo.
pub(crate) fn is_foreign(path: &str) -> bool {
    let path = with_slashes(path);
    is_rust(&path) || path.contains(REGISTRY) || path.contains(GIT)
}

/// The package of a file that belongs to Rust or to a dependency: `std`, `serde 1.0.219`.
pub(super) fn package(path: &str) -> Option<String> {
    let shown = foreign(path)?;
    match shown.strip_prefix(LIBRARY) {
        Some(library) => library.split_once('/').map(|(name, _)| name.to_owned()),
        None => {
            let package = shown.split('/').next()?;
            Some(name_and_version(package).map_or(package.to_owned(), |(name, version)| format!("{name} {version}")))
        }
    }
}

/// The module that a file of Rust or of a dependency usually holds: `serde::de` is in `serde-1.0.219/src/de/mod.rs`.
pub(super) fn module(path: &str) -> Option<String> {
    let shown = foreign(path)?;
    let (package, file) = shown.strip_prefix(LIBRARY).unwrap_or(&shown).split_once("/src/")?;
    let (package, _) = name_and_version(package).unwrap_or((package, ""));
    let file = file.strip_suffix(".rs")?;
    let inside = file.split('/').filter(|name| !matches!(*name, "mod" | "lib"));
    let mut module = package.replace('-', "_");
    for name in inside {
        module.push_str("::");
        module.push_str(name);
    }
    Some(module)
}

/// A file of Rust's or of a dependency, from its package on.
fn foreign(path: &str) -> Option<String> {
    is_foreign(path).then(|| relative(path, None))
}

/// `name-1.2.3` in two.
fn name_and_version(package: &str) -> Option<(&str, &str)> {
    package.match_indices('-').map(|(at, _)| package.split_at(at)).find_map(|(name, rest)| {
        let version = rest.get(1..)?;
        let (major, _) = version.split_once('.')?;
        (!major.is_empty() && major.bytes().all(|byte| byte.is_ascii_digit())).then_some((name, version))
    })
}

/// Whether the file is one of Rust's own sources.
pub(super) fn is_rust(path: &str) -> bool {
    path.starts_with(RUSTC) || path.starts_with(RUST_DEPS) || path.contains(RUST_SRC)
}

/// Whether the file is one of this SDK's sources, by where the compiler found this very file: elsewhere in a checkout,
/// a registry and a vendored copy, and nowhere else after `--remap-path-prefix`.
///
/// In the SDK's own workspace the facade's directory is called `src` as everybody's, and not told apart.
pub(super) fn is_sdk(path: &str) -> bool {
    beside(&with_slashes(file!()), &with_slashes(path))
}

/// Whether `path` is in one of the SDK's packages, when `this` is the path of this file.
fn beside(this: &str, path: &str) -> bool {
    let Some(package) = this.strip_suffix("/src/backtrace/path.rs") else { return false };
    let Some((around, version)) = package.rsplit_once("sentry-integrations") else { return false };
    let inside = if is_absolute(around) {
        path.strip_prefix(around)
    } else {
        // Relative to where the compiler ran, which debug information puts in front.
        PACKAGES.iter().find_map(|name| {
            let start = path.rfind(&format!("/{around}{name}{version}/src/"))?;
            path.get(start + 1..)?.strip_prefix(around)
        })
    };
    let Some(inside) = inside else { return false };
    let in_package = |name: &&str| {
        inside
            .strip_prefix(*name)
            .and_then(|rest| rest.strip_prefix(version))
            .is_some_and(|rest| rest.starts_with("/src/"))
    };
    PACKAGES.iter().any(in_package) || (version.is_empty() && is_absolute(around) && inside.starts_with("src/"))
}

pub(super) fn is_absolute(path: &str) -> bool {
    let mut bytes = path.bytes();
    match (bytes.next(), bytes.next(), bytes.next()) {
        (Some(b'/'), ..) | (Some(b'\\'), Some(b'\\'), _) => true,
        (Some(drive), Some(b':'), Some(b'/' | b'\\')) => drive.is_ascii_alphabetic(),
        _ => false,
    }
}

fn relative(path: &str, directory: Option<&str>) -> String {
    let path = with_slashes(path);
    let path = path.strip_prefix("./").unwrap_or(&path);
    let shown = if let Some(file) = path.strip_prefix(RUST_DEPS) {
        Some(file)
    } else if let Some(rest) = path.strip_prefix(RUSTC) {
        rest.split_once('/').map(|(_commit, file)| file)
    } else if let Some((_, file)) = path.split_once(RUST_SRC) {
        Some(file)
    } else if let Some((_, rest)) = path.split_once(REGISTRY) {
        rest.split_once('/').map(|(_index, file)| file)
    } else if let Some((_, rest)) = path.split_once(GIT) {
        return checkout(rest).unwrap_or_else(|| path.to_owned());
    } else if is_absolute(path) {
        below(path, directory).or_else(|| from_package(path))
    } else {
        None
    };
    shown.unwrap_or(path).to_owned()
}

/// `name-hash/revision/file` as `name/file`.
fn checkout(rest: &str) -> Option<String> {
    let (repository, rest) = rest.split_once('/')?;
    let (_revision, file) = rest.split_once('/')?;
    let name = repository.rsplit_once('-').map_or(repository, |(name, _hash)| name);
    Some(format!("{name}/{file}"))
}

fn below<'a>(path: &'a str, directory: Option<&str>) -> Option<&'a str> {
    let directory = with_slashes(directory?);
    let directory = directory.trim_end_matches('/');
    if directory.is_empty() {
        return None;
    }
    path.strip_prefix(directory)?.strip_prefix('/')
}

/// Cargo's layout tells where a package begins: one directory above the last of these.
fn from_package(path: &str) -> Option<&str> {
    let inside = ["/src/", "/tests/", "/examples/", "/benches/"].iter().filter_map(|part| path.rfind(part)).max()?;
    let package = path.get(..inside)?.rfind('/')?;
    path.get(package + 1..)
}

fn with_slashes(path: &str) -> Cow<'_, str> {
    if path.contains('\\') { Cow::Owned(path.replace('\\', "/")) } else { Cow::Borrowed(path) }
}

/// The sources of the standard library as its builders name them; a commit or version follows.
const RUSTC: &str = "/rustc/";
/// Where they begin.
const LIBRARY: &str = "library/";
/// The packages it is built of.
const RUST_DEPS: &str = "/rust/deps/";
/// Its sources where the component `rust-src` is installed.
const RUST_SRC: &str = "/lib/rustlib/src/rust/";
/// Packages from a registry; the registry's name follows.
const REGISTRY: &str = "/registry/src/";
/// Packages from git.
const GIT: &str = "/git/checkouts/";
/// This SDK's, with the facade last: the others begin with its name.
const PACKAGES: &[&str] = &["sentry-core", "sentry-integrations", "sentry-transport", "sentry"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_modules_of_others_are_in_their_paths() {
        for (path, expected) in [
            ("/rustc/0123/library/core/src/option.rs", Some(("core", "core::option"))),
            ("/rustc/0123/library/std/src/sys/mod.rs", Some(("std", "std::sys"))),
            ("/rust/deps/hashbrown-0.15.2/src/raw/mod.rs", Some(("hashbrown 0.15.2", "hashbrown::raw"))),
            (
                "/h/.cargo/registry/src/index-1/serde-json-1.0.0+x/src/de.rs",
                Some(("serde-json 1.0.0+x", "serde_json::de")),
            ),
            ("C:\\h\\registry\\src\\index-1\\a-1-b-2.0\\src\\lib.rs", Some(("a-1-b 2.0", "a_1_b"))),
            ("/h/.cargo/git/checkouts/ours-12ab/34cd/src/net/tcp.rs", Some(("ours", "ours::net::tcp"))),
            ("/work/shop/src/main.rs", None),
            ("src/main.rs", None),
        ] {
            let expected = expected.map(|(package, module)| (package.to_owned(), module.to_owned()));
            assert_eq!(package(path).zip(module(path)), expected, "{path}");
        }
        assert_eq!(module("/rustc/0123/library/core/build.rs"), None);
    }

    #[test]
    fn paths_are_shown_from_their_package() {
        for (path, expected) in [
            ("/rustc/0123abcd/library/core/src/option.rs", "library/core/src/option.rs"),
            ("/rustc/1.85.0\\library\\std\\src\\rt.rs", "library/std/src/rt.rs"),
            ("/home/a/.rustup/toolchains/x/lib/rustlib/src/rust/library/std/src/rt.rs", "library/std/src/rt.rs"),
            (
                "/home/a/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/serde-1.0.1/src/de.rs",
                "serde-1.0.1/src/de.rs",
            ),
            ("C:\\Users\\a\\.cargo\\registry\\src\\github.com-1\\log-0.4.1\\src\\lib.rs", "log-0.4.1/src/lib.rs"),
            ("/home/a/.cargo/git/checkouts/my-lib-0a1b2c3d/4e5f6a7/core/src/lib.rs", "my-lib/core/src/lib.rs"),
            ("/work/shop/src/checkout.rs", "src/checkout.rs"),
            ("/work/shop/api/src/lib.rs", "api/src/lib.rs"),
            ("/work/shopping/src/lib.rs", "shopping/src/lib.rs"),
            ("/build/ws/api/src/lib.rs", "api/src/lib.rs"),
            ("/build/ws/api/tests/src/it.rs", "tests/src/it.rs"),
            ("D:\\ws\\api\\src\\a\\b.rs", "api/src/a/b.rs"),
            ("/rust/deps/hashbrown-0.15.2/src/raw/mod.rs", "hashbrown-0.15.2/src/raw/mod.rs"),
            ("/generated/out.rs", "/generated/out.rs"),
            ("./src/main.rs", "src/main.rs"),
            ("src/main.rs", "src/main.rs"),
            ("/rustc/odd", "/rustc/odd"),
            ("", ""),
        ] {
            assert_eq!(relative(path, Some("/work/shop")), expected, "{path}");
        }
    }

    #[test]
    fn the_root_directory_is_nobodys_project() {
        assert_eq!(relative("/build/api/src/lib.rs", Some("/")), "api/src/lib.rs");
        assert_eq!(relative("/build/api/src/lib.rs", None), "api/src/lib.rs");
        assert_eq!(relative("C:\\ws\\src\\lib.rs", Some("C:\\ws")), "src/lib.rs");
    }

    #[test]
    fn foreign_code_is_known_by_its_path() {
        for (path, foreign) in [
            ("/rustc/0123abcd/library/core/src/option.rs", true),
            ("/x/lib/rustlib/src/rust/library/std/src/rt.rs", true),
            ("C:\\.cargo\\registry\\src\\x\\log-0.4.1\\src\\lib.rs", true),
            ("/x/.cargo/git/checkouts/a-1/2/src/lib.rs", true),
            ("/rust/deps/hashbrown-0.15.2/src/raw/mod.rs", true),
            ("/home/me/rustc/src/main.rs", false),
            ("/home/me/library/core/src/lib.rs", false),
            ("./src/main.rs", false),
        ] {
            assert_eq!(is_foreign(path), foreign, "{path}");
        }
    }

    #[test]
    fn the_sdks_sources_are_known_by_where_this_one_is() {
        let registry = "/r/registry/src/index-1/sentry-integrations-0.49.5/src/backtrace/path.rs";
        let checkout = "/work/sdk/sentry-integrations/src/backtrace/path.rs";
        let workspace = "sentry-integrations/src/backtrace/path.rs";
        for (this, path, ours) in [
            (registry, "/r/registry/src/index-1/sentry-core-0.49.5/src/hub/mod.rs", true),
            (registry, "/r/registry/src/index-1/sentry-0.49.5/src/init.rs", true),
            (registry, "/r/registry/src/index-1/sentry-core-0.30.0/src/hub.rs", false),
            (registry, "/r/registry/src/index-1/serde-1.0.0/src/lib.rs", false),
            (registry, "/work/shop/src/main.rs", false),
            (checkout, "/work/sdk/sentry-transport/src/lib.rs", true),
            (checkout, "/work/sdk/src/init.rs", true),
            (checkout, "/work/sdk/sentry-core/tests/it.rs", false),
            (checkout, "/work/sdk/examples/inbox/src/main.rs", false),
            (checkout, "/work/shop/src/main.rs", false),
            (workspace, "/work/sdk/sentry-core/src/hub/mod.rs", true),
            (workspace, "/work/sdk/sentry-integrations/tests/stacks.rs", false),
            (workspace, "/work/sdk/src/init.rs", false),
            ("odd.rs", "/work/sdk/sentry-core/src/hub/mod.rs", false),
        ] {
            assert_eq!(beside(this, path), ours, "{path} beside {this}");
        }
        assert!(is_sdk(&format!("/x/{}", file!())) || is_absolute(file!()));
    }

    #[test]
    fn absolute_paths_of_both_worlds() {
        for (path, absolute) in [
            ("/a", true),
            ("C:\\a", true),
            ("c:/a", true),
            ("\\\\host\\a", true),
            ("a/b", false),
            ("C:a", false),
            ("", false),
        ] {
            assert_eq!(is_absolute(path), absolute, "{path}");
        }
    }
}
