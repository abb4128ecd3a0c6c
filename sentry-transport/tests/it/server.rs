//! A server on a loopback port that hands every request to the test and does as it is told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use flate2::read::GzDecoder;
use sentry_core::protocol::Value;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Receiver<Request>,
    connections: Arc<AtomicUsize>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    is_over: Arc<AtomicBool>,
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Counted from 0 in the order of their opening.
    pub(crate) connection: usize,
    /// Counted from 0, on all connections.
    pub(crate) number: usize,
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What the server does with a request it has read.
pub(crate) enum Act {
    /// Sends these bytes and keeps the connection.
    Send(Vec<u8>),
    SendAndClose(Vec<u8>),
    Close,
    /// Says nothing for as long as the client keeps the connection.
    Hold,
    /// Sends these bytes, then never stops sending.
    Endless(Vec<u8>),
}

/// An answer with headers (each with its line end) and a body.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Status\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

pub(crate) fn ok() -> Act {
    Act::Send(answer(200, "", "{}"))
}

impl Server {
    pub(crate) fn start(act: impl Fn(&Request) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = unbounded();
        let server =
            Self { address, requests, connections: Arc::default(), open: Arc::default(), is_over: Arc::default() };
        let (connections, open, is_over) =
            (Arc::clone(&server.connections), Arc::clone(&server.open), Arc::clone(&server.is_over));
        let (act, numbers) = (Arc::new(act), Arc::new(AtomicUsize::new(0)));
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if is_over.load(Ordering::Acquire) {
                    return;
                }
                let connection = connections.fetch_add(1, Ordering::AcqRel);
                open.lock().unwrap().push(stream.try_clone().unwrap());
                let (act, numbers, sender) = (Arc::clone(&act), Arc::clone(&numbers), sender.clone());
                thread::spawn(move || serve(&stream, connection, &numbers, &sender, &*act));
            }
        });
        server
    }

    pub(crate) fn dsn(&self) -> String {
        format!("http://publickey@{}/42", self.address)
    }

    /// Waits for the next request.
    #[track_caller]
    pub(crate) fn next(&self) -> Request {
        self.requests.recv_timeout(Duration::from_secs(20)).expect("a request")
    }

    /// The requests that came and were not looked at.
    pub(crate) fn rest(&self) -> VecDeque<Request> {
        self.requests.try_iter().collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(there, _)| there.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn body_len(&self) -> usize {
        self.body.len()
    }

    /// The envelope: header, then header and payload of each item.
    pub(crate) fn envelope(&self) -> (Value, Vec<(Value, Value)>) {
        let mut text = String::new();
        match self.header("content-encoding") {
            Some("gzip") => GzDecoder::new(&*self.body).read_to_string(&mut text).unwrap(),
            None => (&*self.body).read_to_string(&mut text).unwrap(),
            other => panic!("{other:?}"),
        };
        let mut lines = text.lines().map(|line| line.parse::<Value>().expect("a line of JSON"));
        let header = lines.next().expect("a header");
        let mut items = Vec::new();
        while let (Some(item), Some(payload)) = (lines.next(), lines.next()) {
            items.push((item, payload));
        }
        (header, items)
    }

    /// The message of the event in it.
    pub(crate) fn message(&self) -> String {
        let (_, items) = self.envelope();
        let event = items.iter().find(|(item, _)| item["type"] == "event").map(|(_, event)| event).expect("an event");
        let message = [&event["message"], &event["logentry"]["message"], &event["logentry"]["formatted"]];
        message.iter().find_map(|text| text.as_str()).expect("a message").to_owned()
    }

    /// `(category, reason, quantity)` of the client reports in it.
    pub(crate) fn reported(&self) -> Vec<(String, String, u64)> {
        let (_, items) = self.envelope();
        let reports = items.iter().filter(|(item, _)| item["type"] == "client_report");
        let rows = reports.flat_map(|(_, report)| report["discarded_events"].as_array().unwrap().clone());
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        rows.map(|row| (text(&row, "category"), text(&row, "reason"), row["quantity"].as_u64().unwrap())).collect()
    }
}

fn serve(
    stream: &TcpStream,
    connection: usize,
    numbers: &AtomicUsize,
    sender: &Sender<Request>,
    act: &dyn Fn(&Request) -> Act,
) {
    let mut reader = BufReader::new(stream);
    let mut out = stream;
    while let Some(mut request) = read_request(&mut reader, connection) {
        request.number = numbers.fetch_add(1, Ordering::AcqRel);
        let _ = sender.send(request.clone());
        let sent = match act(&request) {
            Act::Send(bytes) => out.write_all(&bytes),
            Act::SendAndClose(bytes) => {
                let _ = out.write_all(&bytes);
                break;
            }
            Act::Close => break,
            Act::Hold => {
                let _ = reader.read(&mut [0]);
                break;
            }
            Act::Endless(bytes) => {
                let mut sent = out.write_all(&bytes);
                while sent.is_ok() {
                    sent = out.write_all(&[b'x'; 4096]);
                }
                sent
            }
        };
        if sent.is_err() {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn read_request(reader: &mut impl BufRead, connection: usize) -> Option<Request> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    let mut request = Request { connection, number: 0, line: line.trim_end().to_owned(), headers, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}
