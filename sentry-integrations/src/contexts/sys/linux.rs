//! Linux and Android: everything is in files the kernel and the distribution keep.

use std::fs::File;
use std::io::Read;

use sentry_core::protocol::{Map, OsContext};

use super::cgroup::Limits;
use super::os_release::distribution;

pub(super) struct Memory {
    /// Of the machine.
    pub(super) total: Option<u64>,
    /// Of the container, if it has less.
    pub(super) usable: Option<u64>,
}

pub(super) fn host_name() -> Option<String> {
    read("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

pub(super) fn os() -> Option<OsContext> {
    let kernel = read("/proc/sys/kernel/osrelease").map(|version| version.trim().to_owned());
    let release = read("/etc/os-release").or_else(|| read("/usr/lib/os-release"));
    Some(OsContext {
        name: Some(if cfg!(target_os = "android") { "Android" } else { "Linux" }.to_owned()),
        version: kernel.clone(),
        kernel_version: kernel,
        other: release.as_deref().map_or_else(Map::new, distribution),
        ..OsContext::default()
    })
}

pub(super) fn memory() -> Memory {
    let total = read("/proc/meminfo").as_deref().and_then(total);
    Memory { total, usable: limits().memory.zip(total).and_then(|(limit, total)| (limit < total).then_some(limit)) }
}

pub(super) fn limits() -> Limits {
    Limits::read(read)
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok()?.checked_mul(1024)
}

/// A text file, as far as it can be expected to be of use.
fn read(path: &str) -> Option<String> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(LONGEST).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

const LONGEST: u64 = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        for (text, expected) in [
            ("MemTotal:        4028752 kB\nMemFree: 1 kB\n", Some(4_028_752 * 1024)),
            ("MemFree: 1 kB\nMemTotal: 5 kB", Some(5120)),
            ("MemTotal: 18446744073709551615 kB", None),
            ("MemTotal: 5", None),
            ("", None),
        ] {
            assert_eq!(total(text), expected, "{text}");
        }
    }

    #[test]
    fn this_system_is_known() {
        let os = os().unwrap();
        assert_eq!(os.name.as_deref(), Some(if cfg!(target_os = "android") { "Android" } else { "Linux" }));
        assert!(os.kernel_version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit())));
        assert!(host_name().is_some_and(|name| !name.contains('\n')));
        assert_eq!(read("/nonexistent"), None);
    }
}
