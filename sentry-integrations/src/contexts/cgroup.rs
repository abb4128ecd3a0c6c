//! What a control group of Linux allows: the limits of a container or a service.

use sentry_core::protocol::{Map, Value};

/// The limits that hold for this process, those of the groups around its own included.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Limits {
    /// In bytes.
    pub(super) memory: Option<u64>,
    /// In processors, which need not be whole.
    pub(super) processors: Option<f64>,
    pub(super) processes: Option<u64>,
}

impl Limits {
    /// Reads them by `read`, which has the files of the system.
    pub(super) fn read(read: impl Fn(&str) -> Option<String>) -> Self {
        let own = read("/proc/self/cgroup").as_deref().and_then(unified).map(str::to_owned);
        let mut limits = Self::default();
        // In a container its own group is the root of what is seen.
        let mut group = own.unwrap_or_default();
        loop {
            let file = |name: &str| read(&format!("/sys/fs/cgroup{group}/{name}"));
            limits.tighten(Self {
                memory: file("memory.max").as_deref().and_then(number),
                processors: file("cpu.max").as_deref().and_then(quota),
                processes: file("pids.max").as_deref().and_then(number),
            });
            match group.rfind('/') {
                Some(parent) => group.truncate(parent),
                None => break,
            }
        }
        let old = |name: &str| read(&format!("/sys/fs/cgroup/{name}"));
        let time = |name: &str| old(name).unwrap_or_default().trim().to_owned();
        let times = [time("cpu/cpu.cfs_quota_us"), time("cpu/cpu.cfs_period_us")];
        limits.tighten(Self {
            memory: old("memory/memory.limit_in_bytes").as_deref().and_then(number).filter(|bytes| *bytes < NO_LIMIT),
            processors: quota(&times.join(" ")),
            processes: old("pids/pids.max").as_deref().and_then(number),
        });
        limits
    }

    fn tighten(&mut self, other: Self) {
        self.memory = [self.memory, other.memory].into_iter().flatten().min();
        self.processes = [self.processes, other.processes].into_iter().flatten().min();
        self.processors = [self.processors, other.processors].into_iter().flatten().reduce(f64::min);
    }

    /// As Sentry is to show them. Empty without limits.
    pub(super) fn to_values(self) -> Map<String, Value> {
        let values = [
            ("memory_limit", self.memory.map(Value::from)),
            ("cpu_limit", self.processors.map(Value::from)),
            ("pids_limit", self.processes.map(Value::from)),
        ];
        values.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }
}

/// The path of the process in the one hierarchy of version 2: `0::/path`.
fn unified(cgroup: &str) -> Option<&str> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?.trim_end_matches('/');
    // One of another name space is told by its way there.
    (path.len() <= LONGEST && !path.contains("..")).then_some(path)
}

/// A number, or `max`.
fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// `200000 100000` is the time of two processors; `max 100000` and `-1 100000` are no limit.
fn quota(text: &str) -> Option<f64> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period) = (quota.parse::<u32>().ok()?, period.parse::<u32>().ok()?);
    (period > 0 && quota > 0).then(|| f64::from(quota) / f64::from(period))
}

/// What version 1 says for none: the most that pages can number.
const NO_LIMIT: u64 = 1 << 60;
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(files: &[(&str, &str)]) -> Limits {
        Limits::read(|path| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned()))
    }

    #[test]
    fn the_tightest_limit_of_all_groups_holds() {
        let found = limits(&[
            ("/proc/self/cgroup", "1:name=systemd:/x\n0::/system.slice/shop.service\n"),
            ("/sys/fs/cgroup/system.slice/shop.service/memory.max", "1073741824\n"),
            ("/sys/fs/cgroup/system.slice/shop.service/cpu.max", "max 100000\n"),
            ("/sys/fs/cgroup/system.slice/memory.max", "536870912\n"),
            ("/sys/fs/cgroup/system.slice/cpu.max", "150000 100000\n"),
            ("/sys/fs/cgroup/system.slice/pids.max", "max\n"),
        ]);
        assert_eq!(found, Limits { memory: Some(512 << 20), processors: Some(1.5), processes: None });
    }

    #[test]
    fn containers_see_their_own_group_as_the_root() {
        let found = limits(&[
            ("/proc/self/cgroup", "0::/\n"),
            ("/sys/fs/cgroup/memory.max", "268435456\n"),
            ("/sys/fs/cgroup/pids.max", "100\n"),
        ]);
        assert_eq!(found, Limits { memory: Some(256 << 20), processors: None, processes: Some(100) });
        let values = found.to_values();
        assert_eq!((values.len(), &values["pids_limit"]), (2, &100.into()));
    }

    #[test]
    fn the_older_version_is_read_too() {
        let found = limits(&[
            ("/proc/self/cgroup", "4:memory:/docker/1\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n"),
            ("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
        ]);
        assert_eq!(found, Limits { memory: None, processors: Some(0.5), processes: None });
    }

    #[test]
    fn no_limit_is_none() {
        assert_eq!(limits(&[]), Limits::default());
        assert!(Limits::default().to_values().is_empty());
        for text in ["", "max", "-1 100000", "1 0", "x y", "99999999999999999999 1"] {
            assert_eq!(quota(text), None, "{text}");
        }
        assert_eq!(unified("0::/../../x"), None);
    }
}
