//! Disks that misbehave (rows 44 to 63, 113 of the catalogue): the program never notices, what cannot be kept on disk is in
//! memory, and poison is neither sent nor read twice. What needs name spaces or another user runs where they are allowed,
//! and says so where not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test without libtest: clippy.toml exempts test functions only"
)]

#[path = "../../support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sentry::protocol::client_report::Category;
use sentry::protocol::{Event, Level};
use sentry::transports::DefaultTransportFactory;
use sentry::{Client, ClientOptions, SpoolFsync, SpoolOptions};
use support::{Folder, Receiver, child, tools, wait_until};

fn main() {
    if child::main_dispatch(&[("deliver", deliver), ("survive an outage", survive_an_outage), ("store", store)]) {
        return;
    }
    let tests: &[(&str, fn())] = &[
        ("50: paths that are no directory of ours", paths),
        ("51: a directory that is removed again and again", removed_while_running),
        ("57, 58: files cut at every byte, and with any bit flipped", poison),
        ("61, 63: links in the place of files and runs", links),
        ("113: only we can read it, whatever the umask", modes),
        ("46: files may not be large", file_size_limit),
        ("55: no more files can be opened", file_number_limit),
        ("52: files that somebody removes", removed_files),
        ("47: what cannot be forced to the medium", unforced),
        ("54: interrupted calls", interrupted),
        ("66: a file system without locks", without_locks),
        ("44: the disk is full", full_disk),
        ("45: no more files fit", full_of_files),
        ("48: the disk is read-only", read_only_disk),
        ("49, 62: the directory is another user's", another_user),
    ];
    for (name, test) in tests {
        println!("test {name} ...");
        test();
    }
    println!("\n{} passed or skipped, 0 failed", tests.len());
}

type Lines = Arc<Mutex<Vec<String>>>;

fn client(dsn: &str, spool: &Path) -> (Client, Lines) {
    let lines = Lines::default();
    let sink = Arc::clone(&lines);
    let fsync = if std::env::var_os("TEST_FSYNC").is_some() { SpoolFsync::Always } else { SpoolFsync::default() };
    let options = ClientOptions::new()
        .dsn(dsn)
        .transport(DefaultTransportFactory)
        .spool_dir(spool)
        .spool(SpoolOptions { fsync, ..SpoolOptions::default() })
        .diagnostics(move |line: &str| sink.lock().unwrap().push(line.to_owned()));
    (Client::with_options(options), lines)
}

fn capture(client: &Client, count: usize) {
    for _ in 0..count {
        let message = Some("x".repeat(1000));
        client.capture_event(Event { message, level: Level::Error, ..Event::default() }, None);
    }
}

fn books(client: &Client) -> (u64, u64, u64, u64, u64) {
    let row = client.stats().of(Category::Error);
    (row.captured, row.delivered, row.stored, row.queued(), row.lost_in_all())
}

fn paths() {
    let receiver = Receiver::start();
    let folder = Folder::new();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(folder.path()).unwrap();
    fs::write(at("file"), "mine").unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink("loop", at("loop")).unwrap();
    fs::create_dir(at("real")).unwrap();
    symlink("real", at("link")).unwrap();
    assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    let long = PathBuf::from(format!("/tmp/{}", "x/".repeat(2500)));
    let bad =
        [at("file"), at("dangling"), at("loop"), at("link"), at("fifo"), "/dev/full".into(), "/proc/x".into(), long];
    for path in &bad {
        let (client, lines) = client(&receiver.dsn(), path);
        capture(&client, 2);
        assert!(client.close(Some(Duration::from_secs(20))), "{path:?}");
        assert_eq!(books(&client), (2, 2, 0, 0, 0), "{path:?}");
        let lines = lines.lock().unwrap();
        assert!(lines.len() == 1 && lines[0].starts_with("sentry: the spool in "), "{path:?}: {lines:?}");
    }
    assert_eq!(fs::read_to_string(at("file")).unwrap(), "mine");
    // Nothing is no directory, and is not asked for.
    let (none, lines) = client(&receiver.dsn(), Path::new(""));
    capture(&none, 1);
    assert!(none.close(Some(Duration::from_secs(20))) && lines.lock().unwrap().is_empty());
    for path in [at("a/b/c"), at("real/../other"), at("not utf-8 \u{fffd}"), folder.path().join("x".repeat(200))] {
        let (client, lines) = client(&receiver.dsn(), &path);
        capture(&client, 1);
        assert!(client.close(Some(Duration::from_secs(20))) && lines.lock().unwrap().is_empty(), "{path:?}");
        assert!(path.join("v1").is_dir(), "{path:?}");
    }
}

fn removed_while_running() {
    let (receiver, folder) = (Receiver::start(), Folder::new());
    let (client, _) = client(&receiver.dsn(), folder.path());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Acquire) {
                let _ = fs::remove_dir_all(folder.path());
                thread::sleep(Duration::from_millis(1));
            }
        });
        for _ in 0..200 {
            capture(&client, 1);
            thread::sleep(Duration::from_micros(500));
        }
        assert!(client.flush(Some(Duration::from_secs(20))));
        is_over.store(true, Ordering::Release);
    });
    assert_eq!(books(&client), (200, 200, 0, 0, 0));
}

/// The directory of a run whose process is gone, with one file in it.
fn dead_run(receiver: &Receiver, folder: &Folder) -> PathBuf {
    let out = child::main("store").env("TEST_DSN", receiver.dsn()).env("TEST_SPOOL", folder.path()).run();
    assert_eq!(out.signal(), Some(6), "{out:?}");
    let [file] = &folder.files()[..] else { panic!("{:?}", folder.files()) };
    file.clone()
}

/// Leaves one event on disk.
fn store() {
    let (client, _) = client(&std::env::var("TEST_DSN").unwrap(), &spool_dir());
    capture(&client, 1);
    wait_until(|| books(&client).2 == 1, Duration::from_secs(20));
    std::process::abort();
}

fn spool_dir() -> PathBuf {
    std::env::var_os("TEST_SPOOL").unwrap().into()
}

/// The name of another file with the same content.
fn renumbered(name: &str, number: usize) -> String {
    let fields: Vec<&str> = name.split('-').collect();
    format!("{}-{number:08x}-{}", fields[0], fields[2..].join("-"))
}

fn poison() {
    let (receiver, is_there) = Receiver::absent();
    let folder = Folder::new();
    let file = dead_run(&receiver, &folder);
    let (run, name) = (file.parent().unwrap(), file.file_name().unwrap().to_str().unwrap());
    let good = fs::read(&file).unwrap();
    let mut number = 1000;
    let mut plant = |bytes: &[u8]| {
        number += 1;
        fs::write(run.join(renumbered(name, number)), bytes).unwrap();
    };
    for cut in 0..good.len() {
        plant(&good[..cut]);
    }
    for bit in 0..good.len() * 8 {
        if bit % 5 == 0 {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            plant(&flipped);
        }
    }
    plant(&vec![0; good.len()]);
    plant(&[good.clone(), b"\n".to_vec()].concat());
    let huge = fs::File::create(run.join(renumbered(name, 9_999_999))).unwrap();
    huge.set_len(4 << 30).unwrap();
    println!("  {} files of poison and a good one", number - 999);
    is_there.store(true, Ordering::Release);
    let (client, lines) = client(&receiver.dsn(), folder.path());
    let is_bad = |file: &PathBuf| file.parent().unwrap().ends_with("bad");
    wait_until(|| folder.files().iter().all(is_bad), Duration::from_secs(60));
    assert!(client.close(Some(Duration::from_secs(20))));
    assert_eq!(receiver.events().len(), 1);
    let bad: u64 = folder.files().iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(folder.files().len() <= 5 && bad <= 1 << 20);
    assert!(lines.lock().unwrap().len() <= 3, "{:?}", lines.lock().unwrap());
}

fn links() {
    let (receiver, is_there) = Receiver::absent();
    let folder = Folder::new();
    let file = dead_run(&receiver, &folder);
    let (run, name) = (file.parent().unwrap(), file.file_name().unwrap().to_str().unwrap());
    let outside = Folder::new();
    fs::create_dir(outside.path()).unwrap();
    let victim = outside.path().join("victim");
    fs::copy(&file, &victim).unwrap();
    symlink(&victim, run.join(renumbered(name, 1))).unwrap();
    fs::hard_link(&victim, run.join(renumbered(name, 2))).unwrap();
    let other = Folder::new();
    fs::create_dir_all(other.path().join("new")).unwrap();
    fs::copy(&file, other.path().join("new").join(renumbered(name, 3))).unwrap();
    let dsn_dir = run.parent().unwrap().parent().unwrap();
    symlink(other.path(), dsn_dir.join("run-0000000000000000")).unwrap();
    is_there.store(true, Ordering::Release);
    let (client, _) = client(&receiver.dsn(), folder.path());
    wait_until(|| receiver.events().len() == 1, Duration::from_secs(20));
    assert!(client.close(Some(Duration::from_secs(20))));
    assert_eq!(receiver.events().len(), 1, "what is linked is not sent");
    assert_eq!(fs::read(&victim).unwrap().len() as u64, fs::metadata(&victim).unwrap().len());
    assert!(!fs::read(&victim).unwrap().is_empty(), "and not touched");
    assert_eq!(other.files().len(), 1);
}

/// Runs a child through a shell that first changes something about it.
fn shell(first: &str, name: &str, receiver: &Receiver, folder: &Folder) -> std::process::Output {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{first}; exec \"$0\"")).arg(std::env::current_exe().unwrap());
    with_child(command, name, receiver, folder)
}

fn with_child(mut command: Command, name: &str, receiver: &Receiver, folder: &Folder) -> std::process::Output {
    command.env("SENTRY_TEST_CHILD", name).env("TEST_DSN", receiver.dsn()).env("TEST_SPOOL", folder.path());
    command.env_remove("SENTRY_DSN").stdin(Stdio::null()).output().unwrap()
}

/// All has to arrive, whatever the disk is like.
fn deliver() {
    let (client, lines) = client(&std::env::var("TEST_DSN").unwrap(), &spool_dir());
    capture(&client, 50);
    assert!(client.close(Some(Duration::from_secs(20))));
    assert_eq!(books(&client), (50, 50, 0, 0, 0));
    println!("{}", lines.lock().unwrap().join("\n"));
}

#[track_caller]
fn expect_delivered(out: &std::process::Output, receiver: &Receiver, says: Option<&str>) {
    let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{stdout}{stderr}");
    assert_eq!(receiver.events().len(), 50);
    let count = says.map_or(0, |says| stdout.matches(says).count());
    assert_eq!(count, usize::from(says.is_some()), "{stdout}");
}

fn modes() {
    let (receiver, _) = Receiver::absent();
    let folder = Folder::new();
    let out = shell("umask 000", "store", &receiver, &folder);
    assert!(!out.status.success());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files = folder.files();
    assert_eq!(mode(&files[0]), 0o600);
    let dirs = files[0].ancestors().skip(1).take_while(|dir| dir.starts_with(folder.path()));
    assert!(dirs.into_iter().all(|dir| mode(dir) == 0o700));
}

fn file_size_limit() {
    let (receiver, folder) = (Receiver::start(), Folder::new());
    let out = shell("trap '' XFSZ; ulimit -f 1", "deliver", &receiver, &folder);
    expect_delivered(&out, &receiver, Some("the spool in "));
}

fn file_number_limit() {
    let (receiver, folder) = (Receiver::start(), Folder::new());
    let out = shell("ulimit -n 9", "deliver", &receiver, &folder);
    let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{stdout}{stderr}");
}

/// Waits in the middle for the server to be there.
fn survive_an_outage() {
    let (client, _) = client(&std::env::var("TEST_DSN").unwrap(), &spool_dir());
    capture(&client, 300);
    wait_until(|| books(&client).2 > 0 && books(&client).3 < 300, Duration::from_secs(20));
    child::report("stored", &books(&client).2.to_string());
    fs::write(std::env::var_os("TEST_READY").unwrap(), "").unwrap();
    wait_until(|| books(&client).1 + books(&client).4 == 300, Duration::from_secs(100));
    child::report("lost", &books(&client).4.to_string());
}

fn removed_files() {
    let (receiver, is_there) = Receiver::absent();
    let folder = Folder::new();
    let (client, _) = client(&receiver.dsn(), folder.path());
    capture(&client, 50);
    wait_until(|| books(&client).2 == 50, Duration::from_secs(20));
    folder.files().iter().take(20).for_each(|file| fs::remove_file(file).unwrap());
    is_there.store(true, Ordering::Release);
    wait_until(|| books(&client).2 == 0 && books(&client).3 == 0, Duration::from_secs(60));
    assert_eq!(books(&client), (50, 30, 0, 0, 20));
    assert_eq!(receiver.events().len(), 30);
}

/// Runs a child, some calls of which fail. Says so where that cannot be done.
fn with_failing_calls(inject: &str) {
    let Some(mut command) = tools::strace(inject) else {
        return println!("  skipped: strace is not there, or may not trace");
    };
    let (receiver, folder) = (Receiver::start(), Folder::new());
    command.env("TEST_FSYNC", "1");
    expect_delivered(&with_child(command, "deliver", &receiver, &folder), &receiver, None);
}

fn unforced() {
    with_failing_calls("fsync,fdatasync:error=EIO:when=1+3");
}

fn interrupted() {
    with_failing_calls("openat,write,read,renameat,rename,unlink,fsync,flock:error=EINTR:when=40+7");
}

fn without_locks() {
    with_failing_calls("flock:error=ENOLCK");
}

/// Runs a program in a mount name space of its own. `false`, which is said, where that is not allowed.
fn mounted(mount: &str, run: impl FnOnce(Command)) {
    match tools::unshare("-Urm", "mount -t tmpfs tmpfs /mnt", mount) {
        Some(command) => run(command),
        None => println!("  skipped: unshare is not there, or may not mount"),
    }
}

fn outage_on(mount: &str) {
    mounted(mount, |mut command| {
        let (receiver, is_there) = Receiver::absent();
        let (folder, ready) = (Folder::new(), Folder::new());
        fs::create_dir(folder.path()).unwrap();
        let waits = ready.path().to_owned();
        let there = Arc::clone(&is_there);
        let opener = thread::spawn(move || {
            wait_until(|| waits.exists(), Duration::from_secs(30));
            let _ = fs::remove_file(&waits);
            there.store(true, Ordering::Release);
        });
        command.env("TEST_READY", ready.path());
        let out = with_child(command, "survive an outage", &receiver, &folder);
        opener.join().unwrap();
        let stdout = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success(), "{stdout}{}", String::from_utf8_lossy(&out.stderr));
        let value = |key: &str| {
            let line = stdout.lines().find_map(|line| line.strip_prefix(&format!("@@{key}="))).unwrap();
            line.parse::<usize>().unwrap()
        };
        println!("  of 300: {} on disk, the rest in memory; {} lost", value("stored"), value("lost"));
        assert_eq!((receiver.events().len(), value("lost")), (300, 0));
        assert!(value("stored") < 300);
    });
}

fn full_disk() {
    outage_on("mount -t tmpfs -o size=96k tmpfs \"$TEST_SPOOL\"");
}

fn full_of_files() {
    outage_on("mount -t tmpfs -o nr_inodes=40 tmpfs \"$TEST_SPOOL\"");
}

fn read_only_disk() {
    let mount = "mount --bind \"$TEST_SPOOL\" \"$TEST_SPOOL\" && mount -o remount,bind,ro \"$TEST_SPOOL\"";
    mounted(mount, |command| {
        let (receiver, folder) = (Receiver::start(), Folder::new());
        fs::create_dir(folder.path()).unwrap();
        let out = with_child(command, "deliver", &receiver, &folder);
        expect_delivered(&out, &receiver, Some("the spool in "));
    });
}

fn another_user() {
    let (receiver, folder) = (Receiver::start(), Folder::new());
    fs::create_dir(folder.path()).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let binary = std::env::temp_dir().join(format!("sentry-test-binary-{}", std::process::id()));
    fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    let setpriv = |program: &Path| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
        command
    };
    let works = setpriv("true".as_ref()).stderr(Stdio::null()).status();
    if works.is_ok_and(|status| status.success()) {
        let out = with_child(setpriv(&binary), "deliver", &receiver, &folder);
        expect_delivered(&out, &receiver, Some("the spool in "));
    } else {
        println!("  skipped: setpriv is not there, or may not change the user");
    }
    let _ = fs::remove_file(&binary);
}
