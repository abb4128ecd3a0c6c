//! Runs the current test binary again, as a child that may crash, hang or be killed without taking the test along.
//!
//! In a normal test binary:
//!
//! ```ignore
//! #[test]
//! fn exits_in_time() {
//!     if child::is("exits-in-time") {
//!         return child_body();
//!     }
//!     let out = child::spawn("shutdown::exits_in_time", "exits-in-time").env("TEST_DSN", receiver.dsn()).run();
//!     assert!(out.success(), "{out:?}");
//! }
//! ```
//!
//! libtest runs tests on threads of its own. What happens on the main thread is tested by a file with `harness = false`:
//! its `main` starts with `if child::main_dispatch(&[("panics", panics)]) { return; }` and goes on with [`run`].

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::folder::Folder;
use super::gate::{Deadline, wait_until};

/// Whether this process is the child of that name. Call it first in the test.
pub fn is(name: &str) -> bool {
    let is = env::var(SELECTOR).is_ok_and(|selected| selected == name);
    if is {
        report("child", name);
    }
    is
}

/// In a `harness = false` file: runs the child this process was started as, and says whether there was one.
pub fn main_dispatch(children: &[(&str, fn())]) -> bool {
    let Ok(selected) = env::var(SELECTOR) else { return false };
    let (name, body) = children.iter().find(|(name, _)| *name == selected).expect("a child of that name");
    report("child", name);
    body();
    true
}

/// In a child that is to be killed: says that it has begun, for [`Running::wait_ready`].
pub fn ready() {
    let folder = PathBuf::from(env::var_os(READY).expect("started with Spawn::tells_ready"));
    std::fs::write(folder.join(std::process::id().to_string()), "").expect("a file to say so");
}

/// In a child: prints a value for the parent to read with [`Outcome::value`].
pub fn report(key: &str, value: &str) {
    assert!(!key.contains('=') && !value.contains('\n'), "one line, split at the first =");
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{MARK}{key}={value}\n").as_bytes()).and_then(|()| out.flush()).expect("stdout");
}

/// Prepares the test at that path of the current binary as the child `name`.
pub fn spawn(test_path: &str, name: &str) -> Spawn {
    Spawn::new(name, &["--exact", test_path, "--include-ignored", "--nocapture", "--test-threads=1"])
}

/// Runs the current `harness = false` binary as the child `name`.
#[track_caller]
pub fn run(name: &str, envs: &[(&str, &str)]) -> Outcome {
    envs.iter().fold(main(name), |spawn, (key, value)| spawn.env(key, value)).run()
}

/// Cargo puts examples beside the tests' own folder.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of this binary");
    let target = test.ancestors().nth(2).expect("target/debug/deps/test");
    target.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// Prepares the current `harness = false` binary as the child `name`.
pub fn main(name: &str) -> Spawn {
    Spawn::new(name, &[])
}

/// A child about to be started, in an environment without proxies and `SENTRY_*`.
#[must_use]
pub struct Spawn {
    name: String,
    args: Vec<OsString>,
    envs: Vec<(OsString, OsString)>,
    timeout: Duration,
    stderr: Stderr,
}

#[derive(PartialEq)]
enum Stderr {
    Captured,
    Closed,
    Full,
}

impl Spawn {
    fn new(name: &str, args: &[&str]) -> Spawn {
        let (args, timeout) = (args.iter().map(OsString::from).collect(), DEFAULT_TIMEOUT);
        Spawn { name: name.to_owned(), args, envs: Vec::new(), timeout, stderr: Stderr::Captured }
    }

    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Spawn {
        self.envs.push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// After that the child is killed, 30 s unless told.
    pub fn timeout(mut self, timeout: Duration) -> Spawn {
        self.timeout = timeout;
        self
    }

    /// The child says in `folder` that it has begun.
    pub fn tells_ready(self, folder: &Folder) -> Spawn {
        std::fs::create_dir_all(folder.path()).expect("a folder");
        self.env(READY, folder.path())
    }

    /// Starts the child with its standard error closed. (Rust's runtime opens `/dev/null` in its place.)
    pub fn close_stderr(mut self) -> Spawn {
        self.stderr = Stderr::Closed;
        self
    }

    /// Starts the child with a standard error every write to which fails: there `eprintln!` panics. Linux only.
    pub fn full_stderr(mut self) -> Spawn {
        self.stderr = Stderr::Full;
        self
    }

    /// Runs the child to its end, or to the timeout. Panics when it never came to its [`is`].
    #[track_caller]
    pub fn run(self) -> Outcome {
        self.start().wait()
    }

    /// Starts the child, for tests that kill it at a time of their own.
    pub fn start(self) -> Running {
        let mut command = self.command();
        for name in UNINHERITED {
            command.env_remove(name);
        }
        command.env(SELECTOR, &self.name).envs(self.envs).args(&self.args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if self.stderr == Stderr::Full {
            command.stderr(std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full"));
        }
        let started = Instant::now();
        let mut child = command.spawn().expect("a child process");
        let stdout = read_aside(child.stdout.take().expect("piped"));
        let stderr = match child.stderr.take() {
            Some(pipe) => read_aside(pipe),
            None => read_aside(std::io::empty()),
        };
        Running { name: self.name, child, started, deadline: Deadline::after(self.timeout), stdout, stderr }
    }

    fn command(&self) -> Command {
        let binary = env::current_exe().expect("the path of this binary");
        if self.stderr != Stderr::Closed {
            return Command::new(binary);
        }
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec \"$0\" \"$@\" 2>&-"]).arg(binary);
        shell
    }
}

/// A child on its way. Dropping it kills it.
pub struct Running {
    name: String,
    child: Child,
    started: Instant,
    deadline: Deadline,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until a child that [`ready`] was called in has called it.
    #[track_caller]
    pub fn wait_ready(&self, folder: &Folder) {
        let file = folder.path().join(self.id().to_string());
        wait_until(|| file.exists(), Duration::from_secs(30));
    }

    /// Kills it (SIGKILL); [`Running::wait`] tells how it ended.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child to kill");
    }

    /// Waits for its end, kills it at the timeout. Panics when it never came to its [`is`].
    #[track_caller]
    pub fn wait(mut self) -> Outcome {
        let mut timed_out = false;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child to wait for") {
                break status;
            }
            if self.deadline.has_passed() {
                timed_out = true;
                self.kill();
                break self.child.wait().expect("a killed child");
            }
            thread::park_timeout(Duration::from_millis(1));
        };
        let elapsed = self.started.elapsed();
        // Processes it left behind may hold the pipes open.
        let text = |pipe: &Receiver<String>| pipe.recv_timeout(PIPE_GRACE).unwrap_or_default();
        let (stdout, stderr) = (text(&self.stdout), text(&self.stderr));
        let outcome = Outcome { status, stdout, stderr, elapsed, timed_out };
        assert_eq!(
            outcome.value("child").as_deref(),
            Some(self.name.as_str()),
            "the child never came to is(..): is its test's path right? {outcome:#?}"
        );
        outcome
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a child ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub status: ExitStatus,
    /// With libtest's own lines, when the child is a test.
    pub stdout: String,
    pub stderr: String,
    /// From before the start to the end of the process, to about a millisecond.
    pub elapsed: Duration,
    /// Whether it had to be killed at its timeout.
    pub timed_out: bool,
}

impl Outcome {
    pub fn success(&self) -> bool {
        self.status.success() && !self.timed_out
    }

    /// The signal that ended it; `None` where there are no signals.
    pub fn signal(&self) -> Option<i32> {
        #[cfg(unix)]
        return std::os::unix::process::ExitStatusExt::signal(&self.status);
        #[cfg(not(unix))]
        return None;
    }

    /// The last value the child reported under that key.
    pub fn value(&self, key: &str) -> Option<String> {
        self.values(key).pop()
    }

    /// All values the child reported under that key.
    pub fn values(&self, key: &str) -> Vec<String> {
        let lines = self.stdout.lines().filter_map(|line| line.strip_prefix(MARK)?.split_once('='));
        lines.filter(|(name, _)| *name == key).map(|(_, value)| value.to_owned()).collect()
    }
}

fn read_aside(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let read = move || {
        let mut bytes = Vec::new();
        let _ = pipe.take(MAX_OUTPUT_BYTES).read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    };
    thread::Builder::new().name("child-output".to_owned()).spawn(read).expect("a thread for the child's output");
    receiver
}

const READY: &str = "SENTRY_TEST_READY";
const SELECTOR: &str = "SENTRY_TEST_CHILD";
const MARK: &str = "@@";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const PIPE_GRACE: Duration = Duration::from_secs(2);
const MAX_OUTPUT_BYTES: u64 = 64 * 1024 * 1024;
/// What would make a child behave differently on another machine.
const UNINHERITED: [&str; 18] = [
    "SENTRY_DSN",
    "SENTRY_RELEASE",
    "SENTRY_ENVIRONMENT",
    "SENTRY_SPOOL_DIR",
    "SENTRY_TRACE",
    "SENTRY_BAGGAGE",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_VERIFY",
    "SSL_CERT_FILE",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Where this module is depends on the binary that includes it.
    fn path(test: &str) -> String {
        format!("{}::{test}", module_path!().split_once("::").unwrap().1)
    }

    #[test]
    fn a_child_reports_and_exits() {
        if is("reports") {
            report("dsn", &env::var("TEST_DSN").unwrap());
            report("proxy", &env::var("HTTP_PROXY").unwrap_or_default());
            std::process::exit(7);
        }
        let out = spawn(&path("a_child_reports_and_exits"), "reports").env("TEST_DSN", "a=b").run();
        assert_eq!(out.status.code(), Some(7));
        assert_eq!(out.value("dsn").as_deref(), Some("a=b"));
        assert_eq!(out.value("proxy").as_deref(), Some(""));
        assert!(!out.timed_out && !out.success() && out.signal().is_none());
    }

    #[test]
    fn a_child_that_hangs_is_killed() {
        if is("hangs") {
            loop {
                thread::park();
            }
        }
        let out = spawn(&path("a_child_that_hangs_is_killed"), "hangs").timeout(Duration::from_millis(300)).run();
        assert!(out.timed_out && !out.success());
        assert!(out.elapsed >= Duration::from_millis(300) && out.elapsed < Duration::from_secs(10));
    }

    #[test]
    fn stderr_is_captured_closed_or_full() {
        if is("stderr") {
            let result = std::io::stderr().write_all(b"said to stderr");
            return report("written", &result.is_ok().to_string());
        }
        let spawn = || spawn(&path("stderr_is_captured_closed_or_full"), "stderr");
        let (captured, closed) = (spawn().run(), spawn().close_stderr().run());
        assert!(captured.success() && captured.stderr.contains("said to stderr"), "{captured:?}");
        assert!(closed.success() && closed.stderr.is_empty(), "{closed:?}");
        if cfg!(target_os = "linux") {
            assert_eq!(spawn().full_stderr().run().value("written").as_deref(), Some("false"));
        }
    }

    #[test]
    #[should_panic(expected = "never came to is(..)")]
    fn a_wrong_path_is_noticed() {
        spawn("no::such::test", "x").run();
    }
}
