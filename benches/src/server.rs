//! The loopback server both crates send to: answers 200 at once, late, after an outage or never, and counts afterwards.

use std::collections::HashSet;
use std::io::BufReader;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{self, Reply, Request};

/// What the server does with a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Answers, and forgets what it read.
    Answer,
    /// Answers, and keeps requests for [`Server::received`].
    Keep,
    /// Like [`Mode::Keep`], with [`LATE`] between reading a request and its answer, on each connection by itself.
    KeepLate,
    /// Like [`Mode::Keep`], behind a proxy that says 503 for [`OUTAGE`] from the first request on.
    KeepAfterOutage,
    /// Accepts, and never answers.
    Silent,
}

/// A server for the rest of the program's life: its threads end with the process.
pub struct Server {
    address: SocketAddr,
    kept: Arc<Mutex<Vec<Request>>>,
}

/// What came.
pub struct Received {
    /// Events with different ids.
    pub events: usize,
    /// Structured logs.
    pub logs: usize,
    /// Bytes of all request bodies, as they came over the wire.
    pub bytes: usize,
}

impl Server {
    pub fn start(mode: Mode) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = listener.local_addr().expect("the port's number");
        let kept = Arc::new(Mutex::new(Vec::new()));
        let for_threads = Arc::clone(&kept);
        let first_request = Arc::new(OnceLock::new());
        thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().flatten() {
                let (kept, first_request) = (Arc::clone(&for_threads), Arc::clone(&first_request));
                match mode {
                    Mode::Silent => silent.push(stream),
                    _ => drop(thread::spawn(move || answer_all(&stream, mode, &kept, &first_request))),
                }
            }
        });
        Server { address, kept }
    }

    pub fn dsn(&self) -> String {
        format!("http://public@{}/42", self.address)
    }

    /// Counts what was kept since the last time. Slow: not while something is measured.
    pub fn received(&self) -> Received {
        let requests = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        let bytes = requests.iter().map(|request| request.body.len()).sum();
        let events: HashSet<String> = requests.iter().filter_map(event_id).collect();
        let logs = requests.iter().filter_map(log_count).sum();
        Received { events: events.len(), logs, bytes }
    }
}

fn answer_all(stream: &TcpStream, mode: Mode, kept: &Mutex<Vec<Request>>, first_request: &OnceLock<Instant>) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let reply = Reply::json(200, "{\"id\":\"0\"}");
    while let Ok(Some(request)) = http::read_request(&mut reader, 0) {
        if mode == Mode::KeepAfterOutage && first_request.get_or_init(Instant::now).elapsed() < OUTAGE {
            if http::write_reply(&mut &*stream, &Reply::status(503)).is_err() {
                return;
            }
            continue;
        }
        if mode != Mode::Answer {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        }
        if mode == Mode::KeepLate {
            thread::sleep(LATE);
        }
        if http::write_reply(&mut &*stream, &reply).is_err() {
            return;
        }
    }
}

/// The id of the envelope, when it holds an event.
fn event_id(request: &Request) -> Option<String> {
    let [header, item] = headers(request)?;
    (item.get("type")? == "event").then(|| header.get("event_id").map(Value::to_string))?
}

/// How many logs the envelope holds.
fn log_count(request: &Request) -> Option<usize> {
    let [_, item] = headers(request)?;
    let count = item.get("item_count")?.as_u64()?;
    (item.get("type")? == "log").then(|| usize::try_from(count).ok())?
}

/// The headers of the envelope and of its first item.
fn headers(request: &Request) -> Option<[Value; 2]> {
    let body = request.decoded_body().ok()?;
    let mut lines = body.split(|byte| *byte == b'\n');
    let header = serde_json::from_slice(lines.next()?).ok()?;
    Some([header, serde_json::from_slice(lines.next()?).ok()?])
}

/// What [`Mode::KeepLate`] takes for an answer.
const LATE: Duration = Duration::from_millis(50);
/// How long [`Mode::KeepAfterOutage`] refuses.
const OUTAGE: Duration = Duration::from_secs(2);
