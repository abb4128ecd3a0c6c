//! Other systems: what the standard library knows, which is the system's name.

use sentry_core::protocol::OsContext;

use super::cgroup::Limits;

pub(super) struct Memory {
    pub(super) total: Option<u64>,
    pub(super) usable: Option<u64>,
}

pub(super) fn host_name() -> Option<String> {
    None
}

pub(super) fn os() -> Option<OsContext> {
    let name = match std::env::consts::OS {
        "" => return None,
        "macos" => "macOS",
        "ios" => "iOS",
        "windows" => "Windows",
        "freebsd" => "FreeBSD",
        "netbsd" => "NetBSD",
        "openbsd" => "OpenBSD",
        other => other,
    };
    Some(OsContext { name: Some(name.to_owned()), ..OsContext::default() })
}

pub(super) fn limits() -> Limits {
    Limits::default()
}

pub(super) fn memory() -> Memory {
    Memory { total: None, usable: None }
}
