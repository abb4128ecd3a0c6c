//! A test as a process of its own: the certificates are chosen by variables, which no thread may set for others.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// In a process where `SSL_CERT_FILE` names a file that is still empty, that file. Elsewhere `None`, once the test `name`
/// has passed in such a process.
#[track_caller]
pub(crate) fn certificate_file(name: &str) -> Option<PathBuf> {
    if std::env::var_os(MARKER).is_some() {
        return Some(std::env::var_os("SSL_CERT_FILE").expect("set below").into());
    }
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.pem", std::process::id()));
    fs::write(&file, "").unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("trust::{name}")])
        .env(MARKER, "1")
        .env("SSL_CERT_FILE", &file)
        .env_remove("SSL_CERT_DIR")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let _ = output.read_to_string(&mut text);
        let _ = sender.send(text);
    });
    let text = ended.recv_timeout(LONGEST);
    let _ = child.kill();
    let _ = child.wait();
    let _ = fs::remove_file(&file);
    let text = text.expect("the child ends");
    assert!(text.contains("test result: ok. 1 passed"), "in the child: {text}");
    None
}

const MARKER: &str = "SENTRY_TEST_TLS_CHILD";
const LONGEST: Duration = Duration::from_secs(90);
