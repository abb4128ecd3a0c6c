//! Tools that some tests need and some machines have: name spaces and system calls that fail.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The current binary in name spaces of its own, made `ready` by shell commands. `flags` are those of `unshare`; `None` where
/// it is not there, or `trial` does not work in such a place.
pub fn unshare(flags: &str, trial: &str, ready: &str) -> Option<Command> {
    let command = |script: &str| {
        let mut command = Command::new("unshare");
        command.args([flags, "sh", "-c", script]).arg(std::env::current_exe().expect("the path of this binary"));
        command
    };
    works(command(trial))?;
    Some(command(&format!("{ready} && exec \"$0\"")))
}

/// The current binary with system calls that are injected into, as `strace` describes it. `None` where that is not there or may
/// not trace.
pub fn strace(inject: &str) -> Option<Command> {
    static WORKS: OnceLock<bool> = OnceLock::new();
    let command = |inject: &str| {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-e"]).arg(format!("inject={inject}"));
        command
    };
    let works = WORKS.get_or_init(|| {
        // Harmless, while `inject` may be what ends a process.
        let mut trial = command("write:delay_enter=1");
        trial.arg("true");
        works(trial).is_some()
    });
    works.then(|| {
        let mut traced = command(inject);
        traced.arg(std::env::current_exe().expect("the path of this binary"));
        traced
    })
}

fn works(mut trial: Command) -> Option<()> {
    let status = trial.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success()).then_some(())
}
