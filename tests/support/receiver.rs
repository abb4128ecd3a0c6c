//! A well-behaved Sentry: takes envelopes over HTTP, checks them strictly, keeps them for the test.

use std::fs;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::envelope::{ParsedEnvelope, ReceivedItem};
use super::http::{self, ReadError, Reply, Request};
use super::listener::{Connection, Listener};

/// One envelope as it arrived.
#[derive(Clone, Debug)]
pub struct ReceivedEnvelope {
    pub request: Request,
    pub header: Value,
    pub items: Vec<ReceivedItem>,
    /// The envelope's bytes, decompressed.
    pub raw: Vec<u8>,
    /// What it was answered with.
    pub status: u16,
}

impl ReceivedEnvelope {
    /// Whether a client has to consider it delivered.
    pub fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first item of that type.
    pub fn item(&self, kind: &str) -> Option<&ReceivedItem> {
        self.items.iter().find(|item| item.kind() == kind)
    }

    /// The payload of the event item.
    pub fn event(&self) -> Option<Value> {
        self.item("event").map(ReceivedItem::json)
    }

    /// `event_id` of the envelope header.
    pub fn event_id(&self) -> Option<String> {
        self.header.get("event_id").and_then(Value::as_str).map(str::to_owned)
    }
}

/// A server that takes every envelope with 200, or answers as a closure says.
///
/// A request that is no envelope POST, and an envelope that breaks the format, fail the test: at the next `wait_*` call
/// or when the receiver is dropped.
pub struct Receiver {
    listener: Listener<ReceivedEnvelope>,
}

impl Receiver {
    /// Answers 200 with the envelope's id, as Sentry does.
    pub fn start() -> Receiver {
        Receiver::serve(|_, _, envelope| {
            Reply::json(200, &format!("{{\"id\":\"{}\"}}", envelope.event_id().unwrap_or_default()))
        })
    }

    /// Answers what `reply` says for the n-th request, counted from 0 over all connections. It runs on the connection's
    /// thread, without a lock: it may block, on a [`super::Gate`] for example.
    pub fn with(reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Receiver {
        Receiver::serve(move |index, request, _| reply(index, request))
    }

    /// A server that is not there, by the word of a proxy, until it is told to be.
    pub fn absent() -> (Receiver, Arc<AtomicBool>) {
        let is_there = Arc::new(AtomicBool::new(false));
        let there = Arc::clone(&is_there);
        let receiver = Receiver::with(move |_, _| match there.load(Ordering::SeqCst) {
            true => Reply::json(200, "{}"),
            false => Reply::status(503),
        });
        (receiver, is_there)
    }

    fn serve(reply: impl Fn(usize, &Request, &ParsedEnvelope) -> Reply + Send + Sync + 'static) -> Receiver {
        let counter = AtomicUsize::new(0);
        let listener = Listener::start("receiver", move |connection: &Connection<ReceivedEnvelope>| {
            let mut reader = BufReader::new(&connection.stream);
            while let Some(request) = next_request(&mut reader, connection.index) {
                let (raw, envelope) = decode(&request).unwrap_or_else(|why| panic!("{why}"));
                let reply = reply(counter.fetch_add(1, Ordering::SeqCst), &request, &envelope);
                let ParsedEnvelope { header, items } = envelope;
                // Kept first, answered then: what a client knows to be delivered is visible to the test.
                connection.record(ReceivedEnvelope { request, header, items, raw, status: reply.status });
                if http::write_reply(&mut &connection.stream, &reply).is_err() {
                    break;
                }
            }
        });
        Receiver { listener }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// `http://public@127.0.0.1:PORT/42`
    pub fn dsn(&self) -> String {
        self.listener.dsn()
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.listener.connections()
    }

    /// Everything that came so far, refused envelopes included, in order of their answers.
    pub fn envelopes(&self) -> Vec<ReceivedEnvelope> {
        self.listener.records()
    }

    /// The payloads of the events in accepted envelopes, so far.
    pub fn events(&self) -> Vec<Value> {
        accepted_events(&self.envelopes())
    }

    /// Waits for that many envelopes, refused ones included; panics after 10 s with what came.
    #[track_caller]
    pub fn wait_envelopes(&self, count: usize) -> Vec<ReceivedEnvelope> {
        self.wait(&format!("{count} envelopes"), |envelopes| envelopes.len() >= count)
    }

    /// Waits for that many events in accepted envelopes; panics after 10 s with what came.
    #[track_caller]
    pub fn wait_events(&self, count: usize) -> Vec<Value> {
        let what = format!("{count} events");
        accepted_events(&self.wait(&what, |envelopes| accepted_events(envelopes).len() >= count))
    }

    /// Waits until what came satisfies `enough`; panics after 10 s with what came.
    #[track_caller]
    pub fn wait(&self, what: &str, enough: impl Fn(&[ReceivedEnvelope]) -> bool) -> Vec<ReceivedEnvelope> {
        self.listener.wait(what, WAIT_LIMIT, enough)
    }

    /// Writes each envelope's bytes into a file of its own, `0000.envelope` and on, for other readers to judge.
    pub fn dump(&self, directory: &Path) {
        fs::create_dir_all(directory).expect("a directory for the dump");
        for (index, envelope) in self.envelopes().iter().enumerate() {
            fs::write(directory.join(format!("{index:04}.envelope")), &envelope.raw).expect("a file of the dump");
        }
    }
}

fn next_request(reader: &mut BufReader<&std::net::TcpStream>, connection: usize) -> Option<Request> {
    match http::read_request(reader, connection) {
        Ok(request) => request,
        Err(ReadError::Io(_)) => None,
        // A client that is killed while it sends is cut off here.
        Err(ReadError::Malformed(what)) if what.starts_with("end ") || what.contains("cut off") => None,
        Err(ReadError::Malformed(what)) => panic!("malformed request: {what}"),
    }
}

fn decode(request: &Request) -> Result<(Vec<u8>, ParsedEnvelope), String> {
    let path = request.path.split('?').next().unwrap_or_default();
    if request.method != "POST" || path != "/api/42/envelope/" {
        return Err(format!("{} {} is not where envelopes go", request.method, request.path));
    }
    let raw = request.decoded_body()?;
    match ParsedEnvelope::parse(&raw) {
        Ok(envelope) => Ok((raw, envelope)),
        Err(why) => Err(format!("{why}\n{}", String::from_utf8_lossy(&raw))),
    }
}

fn accepted_events(envelopes: &[ReceivedEnvelope]) -> Vec<Value> {
    envelopes.iter().filter(|envelope| envelope.is_accepted()).filter_map(ReceivedEnvelope::event).collect()
}

const WAIT_LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::Gate;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    fn event(id: &str) -> Vec<u8> {
        let payload = format!("{{\"event_id\":\"{id}\"}}");
        let header = format!("{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\",\"length\":{}}}\n", payload.len());
        format!("{header}{payload}\n").into_bytes()
    }

    fn send(mut stream: &TcpStream, headers: &str, body: &[u8]) {
        let head =
            format!("POST /api/42/envelope/ HTTP/1.1\r\nContent-Length: {}\r\n{headers}\r\n", body.len()).into_bytes();
        stream.write_all(&[&head, body].concat()).unwrap();
    }

    /// Reads one response; in these tests they all end in `}`.
    fn response(mut stream: &TcpStream) -> String {
        let mut text = String::new();
        while !text.ends_with('}') {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            text.push(byte[0] as char);
        }
        text
    }

    #[test]
    fn envelopes_are_answered_decoded_and_kept() {
        let receiver = Receiver::start();
        let stream = TcpStream::connect(receiver.address()).unwrap();
        send(&stream, "", &event("aa"));
        assert!(response(&stream).ends_with("Content-Length: 11\r\n\r\n{\"id\":\"aa\"}"));
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&event("bb")).unwrap();
        send(&stream, "Content-Encoding: gzip\r\n", &encoder.finish().unwrap());
        response(&stream);

        let envelopes = receiver.wait_envelopes(2);
        assert_eq!(receiver.connections(), 1);
        assert_eq!(envelopes[1].event_id().as_deref(), Some("bb"));
        assert_eq!(envelopes[1].raw, event("bb"));
        assert_eq!(receiver.wait_events(2)[0]["event_id"], "aa");

        let directory = std::env::temp_dir().join(format!("receiver-dump-{}", std::process::id()));
        receiver.dump(&directory);
        assert_eq!(fs::read(directory.join("0001.envelope")).unwrap(), event("bb"));
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_closure_answers_and_refused_events_do_not_count() {
        let gate = Gate::new();
        let inside = gate.clone();
        let receiver = Receiver::with(move |index, _| {
            inside.pass();
            Reply::json(if index == 0 { 503 } else { 200 }, "{}")
        });
        let stream = TcpStream::connect(receiver.address()).unwrap();
        send(&stream, "", &event("aa"));
        gate.wait_started(1);
        assert_eq!(receiver.envelopes().len(), 0);
        gate.release();
        assert!(response(&stream).starts_with("HTTP/1.1 503"));
        send(&stream, "", &event("aa"));
        assert_eq!(receiver.wait_events(1).len(), 1);
        assert_eq!(receiver.envelopes().len(), 2);
    }

    #[test]
    #[should_panic(expected = "the server saw: connection 0: envelope header")]
    fn a_broken_envelope_fails_the_wait() {
        let receiver = Receiver::start();
        let stream = TcpStream::connect(receiver.address()).unwrap();
        send(&stream, "", b"nonsense");
        receiver.wait_envelopes(1);
    }

    #[test]
    #[should_panic(expected = "is not where envelopes go")]
    fn a_wrong_address_fails_the_drop() {
        let receiver = Receiver::start();
        let mut stream = TcpStream::connect(receiver.address()).unwrap();
        stream.write_all(b"GET /api/42/envelope/ HTTP/1.1\r\n\r\n").unwrap();
        // The connection ends when its thread has panicked.
        stream.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
        let _ = stream.read(&mut [0]);
    }
}
