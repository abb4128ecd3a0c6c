//! A server that follows a script: reads, sleeps, answers, resets or goes silent, in that order and no other.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::http::{self, ReadError, Reply, Request};
use super::listener::{Connection, Listener};

/// What the server does next on a connection. A script that has come to its end closes the connection.
#[derive(Clone, Debug)]
pub enum Step {
    /// Reads one whole request and records it. When the client closed instead, the script ends.
    ReadRequest,
    /// Reads that many bytes and forgets them. When the client closed instead, the script ends.
    ReadBytes(usize),
    /// Does nothing for a while.
    Sleep(Duration),
    /// Sends these bytes, whatever they are.
    Write(Vec<u8>),
    /// Sends a response with a `Content-Length` and keeps the connection.
    Respond { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// Ends the connection with a TCP reset. Only a server that has bytes left unread can do that with std: put this
    /// after [`Step::ReadBytes`] or at the start, not after [`Step::ReadRequest`].
    Reset,
    /// Says in order that nothing more comes, and ends the script.
    Close,
    /// Keeps the connection open and silent until the client closes it or the server is dropped.
    Hold,
    /// Does these again and again.
    Loop(Vec<Step>),
}

impl Step {
    /// A response without headers of its own.
    pub fn respond(status: u16, body: &str) -> Step {
        Step::Respond { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    /// Answers every request on the connection alike.
    pub fn answer_all(status: u16, body: &str) -> Vec<Step> {
        vec![Step::Loop(vec![Step::ReadRequest, Step::respond(status, body)])]
    }
}

/// Runs one script for each connection; the last one again for all further connections.
pub struct ScriptedServer {
    listener: Listener<Request>,
}

impl ScriptedServer {
    pub fn start(scripts: Vec<Vec<Step>>) -> ScriptedServer {
        assert!(!scripts.is_empty(), "a server needs a script");
        let listener = Listener::start("scripted", move |connection: &Connection<Request>| {
            let script = scripts.get(connection.index).or(scripts.last()).expect("at least one script");
            Run { connection, reader: BufReader::new(&connection.stream) }.steps(script);
        });
        ScriptedServer { listener }
    }

    /// Accepts, reads nothing and never answers.
    pub fn silent() -> ScriptedServer {
        ScriptedServer::start(vec![vec![Step::Hold]])
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// `http://public@127.0.0.1:PORT/42`
    pub fn dsn(&self) -> String {
        self.listener.dsn()
    }

    /// The requests read whole so far.
    pub fn requests(&self) -> Vec<Request> {
        self.listener.records()
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.listener.connections()
    }

    /// Waits for at least that many requests; panics after 10 s with what came.
    #[track_caller]
    pub fn wait_requests(&self, count: usize) -> Vec<Request> {
        self.wait_requests_within(count, WAIT_LIMIT)
    }

    /// Waits for at least that many requests; panics at the limit with what came.
    #[track_caller]
    pub fn wait_requests_within(&self, count: usize, limit: Duration) -> Vec<Request> {
        self.listener.wait(&format!("{count} requests"), limit, |requests| requests.len() >= count)
    }
}

struct Run<'a> {
    connection: &'a Connection<Request>,
    reader: BufReader<&'a TcpStream>,
}

impl Run<'_> {
    /// `None` when the connection is over.
    fn steps(&mut self, steps: &[Step]) -> Option<()> {
        for step in steps {
            self.step(step)?;
            if self.connection.is_stopping() {
                return None;
            }
        }
        Some(())
    }

    fn step(&mut self, step: &Step) -> Option<()> {
        let mut stream = &self.connection.stream;
        match step {
            Step::ReadRequest => self.read_request(),
            Step::ReadBytes(count) => self.read_bytes(*count),
            Step::Sleep(duration) => {
                self.connection.sleep(*duration);
                Some(())
            }
            Step::Write(bytes) => stream.write_all(bytes).and_then(|()| stream.flush()).ok(),
            Step::Respond { status, headers, body } => {
                let reply = Reply { status: *status, headers: headers.clone(), body: body.clone() };
                http::write_reply(&mut stream, &reply).ok()
            }
            Step::Reset => {
                // A socket closed with unread bytes resets; so wait until there are some.
                let _ = stream.set_read_timeout(Some(RESET_WAIT));
                let _ = stream.peek(&mut [0]);
                None
            }
            Step::Close => {
                let _ = stream.shutdown(Shutdown::Write);
                None
            }
            Step::Hold => {
                // Reading would make room for more; a peer's close is seen by peeking past nothing.
                while !self.connection.is_stopping() && !self.peer_closed() {
                    self.connection.sleep(HOLD_LOOK);
                }
                None
            }
            Step::Loop(steps) => loop {
                self.steps(steps)?;
                assert!(!steps.is_empty(), "a loop needs a step");
            },
        }
    }

    fn read_request(&mut self) -> Option<()> {
        match http::read_request(&mut self.reader, self.connection.index) {
            Ok(request) => {
                self.connection.record(request?);
                Some(())
            }
            Err(ReadError::Io(_)) => None,
            // The client may well give up in the middle; only what it did send can be wrong.
            Err(ReadError::Malformed(_)) if self.peer_closed() => None,
            Err(ReadError::Malformed(what)) => panic!("malformed request: {what}"),
        }
    }

    /// Reads past the buffer only what is asked for, so that [`Step::Reset`] finds the rest unread.
    fn read_bytes(&mut self, count: usize) -> Option<()> {
        let buffered = self.reader.buffer().len().min(count);
        self.reader.consume(buffered);
        let missing = (count - buffered) as u64;
        let read = io::copy(&mut Read::take(&mut &self.connection.stream, missing), &mut io::sink()).ok()?;
        (read == missing).then_some(())
    }

    /// Whether the peer's end has been read up to.
    fn peer_closed(&self) -> bool {
        let stream = &self.connection.stream;
        let _ = stream.set_nonblocking(true);
        let peeked = stream.peek(&mut [0]);
        let _ = stream.set_nonblocking(false);
        match peeked {
            Ok(bytes) => bytes == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}

const WAIT_LIMIT: Duration = Duration::from_secs(10);
const RESET_WAIT: Duration = Duration::from_secs(5);
const HOLD_LOOK: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const POST: &[u8] = b"POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\nab";

    fn connect(server: &ScriptedServer) -> TcpStream {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
        stream
    }

    fn read_all(mut stream: &TcpStream) -> io::Result<String> {
        let mut text = String::new();
        stream.read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn scripts_run_by_connection_and_the_last_repeats() {
        let once = vec![Step::ReadRequest, Step::Write(b"raw".to_vec()), Step::Close];
        let server = ScriptedServer::start(vec![once, Step::answer_all(503, "busy")]);
        assert_eq!(server.dsn(), format!("http://public@{}/42", server.address()));
        let first = connect(&server);
        (&first).write_all(POST).unwrap();
        assert_eq!(read_all(&first).unwrap(), "raw");
        for _ in 0..2 {
            let later = connect(&server);
            (&later).write_all(POST).unwrap();
            (&later).write_all(POST).unwrap();
            later.shutdown(Shutdown::Write).unwrap();
            assert_eq!(read_all(&later).unwrap().matches("HTTP/1.1 503").count(), 2);
        }
        let requests = server.wait_requests(5);
        let connections: Vec<_> = requests.iter().map(|request| request.connection).collect();
        assert_eq!(connections, [0, 1, 1, 2, 2]);
        assert_eq!(server.connections(), 3);
        assert_eq!(requests[4].body, b"ab");
    }

    #[test]
    fn a_reset_is_a_reset_and_a_close_is_an_end() {
        let server = ScriptedServer::start(vec![
            vec![Step::ReadBytes(5), Step::Reset],
            vec![Step::Reset],
            vec![Step::ReadRequest, Step::Close],
        ]);
        for _ in 0..2 {
            let stream = connect(&server);
            (&stream).write_all(POST).unwrap();
            assert_eq!(read_all(&stream).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        }
        let stream = connect(&server);
        (&stream).write_all(POST).unwrap();
        assert_eq!(read_all(&stream).unwrap(), "");
    }

    #[test]
    fn dropping_ends_whatever_is_going_on() {
        let long = Duration::from_secs(3600);
        let server = ScriptedServer::start(vec![
            vec![Step::Hold],
            vec![Step::Sleep(long)],
            vec![Step::ReadRequest],
            vec![Step::Write(vec![0; 64 << 20])],
            vec![Step::Loop(vec![Step::Sleep(Duration::ZERO)])],
        ]);
        let streams: Vec<_> = (0..5).map(|_| connect(&server)).collect();
        super::super::wait_until(|| server.connections() == 5, WAIT_LIMIT);
        let before = Instant::now();
        drop(server);
        assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
        drop(streams);
    }

    #[test]
    #[should_panic(expected = "waited 30ms for 2 requests; 1 came")]
    fn waiting_in_vain_shows_what_came() {
        let server = ScriptedServer::start(vec![Step::answer_all(200, "")]);
        let stream = connect(&server);
        (&stream).write_all(POST).unwrap();
        server.wait_requests(1);
        server.wait_requests_within(2, Duration::from_millis(30));
    }

    #[test]
    #[should_panic(expected = "the server saw: connection 0: malformed request: request line")]
    fn malformed_requests_reach_the_test() {
        let server = ScriptedServer::start(vec![Step::answer_all(200, "")]);
        let stream = connect(&server);
        (&stream).write_all(b"nonsense\r\n\r\n").unwrap();
        server.wait_requests(1);
    }
}
