//! Clocks and percentiles.

use std::sync::OnceLock;
use std::time::Instant;

/// One measurement, per call.
#[derive(Clone, Copy, Default)]
pub struct Sample {
    /// Wall time in nanoseconds.
    pub wall: f64,
    /// CPU time of this thread in nanoseconds.
    pub cpu: f64,
}

/// Times that many calls as one sample, and takes off what the clocks cost.
pub fn time(calls: usize, mut call: impl FnMut()) -> Sample {
    let cost = clock_cost();
    let sample = time_raw(|| {
        for _ in 0..calls {
            call();
        }
    });
    let calls = calls.max(1) as f64;
    Sample { wall: (sample.wall - cost.wall).max(0.0) / calls, cpu: (sample.cpu - cost.cpu).max(0.0) / calls }
}

/// CPU time used by this process so far, in nanoseconds.
pub fn process_cpu() -> f64 {
    cpu_clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Peak resident memory of this process, in bytes.
pub fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(f64::NAN) * 1024.0
}

/// Samples of one row and one crate.
#[derive(Clone, Copy)]
pub struct Summary {
    pub p50: f64,
    pub min: f64,
    pub p99: f64,
    /// The mean.
    pub cpu: f64,
    /// The median of the samples that came first after a pause; they count for nothing else.
    pub first: f64,
}

impl Summary {
    pub fn of(firsts: &[Sample], samples: &[Sample]) -> Summary {
        let cpu = samples.iter().map(|sample| sample.cpu).sum::<f64>() / samples.len().max(1) as f64;
        let [p50, min, p99] = percentiles(samples, [0.5, 0.0, 0.99]);
        let [first] = percentiles(firsts, [0.5]);
        Summary { p50, min, p99, cpu, first }
    }

    /// One line, for [`Summary::parse`] in the parent.
    pub fn to_line(self) -> String {
        format!("{} {} {} {} {}", self.p50, self.min, self.p99, self.cpu, self.first)
    }

    pub fn parse(line: &str) -> Option<Summary> {
        let mut numbers = line.split_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Summary { p50: next()?, min: next()?, p99: next()?, cpu: next()?, first: next()? })
    }
}

/// Of the wall times, not a number where there are none.
fn percentiles<const N: usize>(samples: &[Sample], shares: [f64; N]) -> [f64; N] {
    let mut walls: Vec<f64> = samples.iter().map(|sample| sample.wall).collect();
    walls.sort_by(f64::total_cmp);
    let last = walls.len() as f64 - 1.0;
    shares.map(|share| walls.get((last * share).round() as usize).copied().unwrap_or(f64::NAN))
}

fn time_raw(work: impl FnOnce()) -> Sample {
    let cpu = cpu_clock(libc::CLOCK_THREAD_CPUTIME_ID);
    let start = Instant::now();
    work();
    let wall = start.elapsed();
    Sample { wall: wall.as_nanos() as f64, cpu: cpu_clock(libc::CLOCK_THREAD_CPUTIME_ID) - cpu }
}

/// What measuring nothing gives: the medians of many tries.
fn clock_cost() -> Sample {
    static COST: OnceLock<Sample> = OnceLock::new();
    *COST.get_or_init(|| {
        let tries: Vec<Sample> = (0..2_000).map(|_| time_raw(|| ())).collect();
        let median = |value: fn(&Sample) -> f64| {
            let mut values: Vec<f64> = tries.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        Sample { wall: median(|sample| sample.wall), cpu: median(|sample| sample.cpu) }
    })
}

fn cpu_clock(clock: libc::clockid_t) -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec of ours, and the clock exists on every Linux.
    let result = unsafe { libc::clock_gettime(clock, &mut time) };
    if result != 0 {
        return f64::NAN;
    }
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
