//! The HTTP shell: one thread, one loopback socket, one endpoint for senders and one for a look at what they sent.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

use crate::body::{self, DecodeError};
use crate::overview::overview;
use crate::render::Style;
use crate::store::{Rejection, Store};

/// The listening thread. Dropping it stops the thread.
#[derive(Debug)]
pub(crate) struct Server {
    addr: SocketAddr,
    /// Dropping the sender is the signal.
    stop: Option<oneshot::Sender<()>>,
    /// Disconnects when the thread is at its end.
    ended: mpsc::Receiver<Infallible>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds before it returns, so that the address is known and clients may connect at once.
    pub(crate) fn start(addr: SocketAddr, store: Arc<Store>) -> io::Result<Server> {
        let listener = std::net::TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let (ending, ended) = mpsc::channel();
        let thread = std::thread::Builder::new().name("sentry-inbox".to_owned()).spawn(move || {
            let _ending = ending;
            let runtime = runtime;
            runtime.spawn(accept(listener, store));
            // An error is the expected answer: nobody ever sends.
            let _ = runtime.block_on(stopped);
            // The runtime goes first and takes listener and connections with it.
        })?;
        Ok(Server { addr, stop: Some(stop), ended, thread: Some(thread) })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A large body may be being read right now; the thread ends by itself after it.
        if self.ended.recv_timeout(STOP_LIMIT) == Err(mpsc::RecvTimeoutError::Disconnected) {
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }
}

async fn accept(listener: TcpListener, store: Arc<Store>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    talk(stream, store).await;
                    drop(place);
                });
            }
            // Out of file descriptors, or a client that left while it queued.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn talk(stream: TcpStream, store: Arc<Store>) {
    let service = service_fn(move |request| {
        let store = Arc::clone(&store);
        async move { Ok::<_, Infallible>(answer(request, &store).await.into_response()) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(READ_LIMIT);
    // Its error is the client's: it went away or does not speak HTTP, and hyper has told it.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, store: &Store) -> Reply {
    if request.uri().path() == "/" && request.method() == Method::GET && names_this_machine(request.headers()) {
        return Reply { status: StatusCode::OK, content: Content::Text(overview(store, Style::plain())) };
    }
    if !is_envelope_path(request.uri().path()) {
        return Reply::refused(StatusCode::NOT_FOUND, "no such endpoint");
    }
    if request.method() != Method::POST {
        return Reply::refused(StatusCode::METHOD_NOT_ALLOWED, "only POST is allowed");
    }
    let (head, body) = request.into_parts();
    if body.size_hint().lower() > MAX_WIRE as u64 {
        return Reply::refused(StatusCode::PAYLOAD_TOO_LARGE, &DecodeError::TooLarge.to_string());
    }
    let collected = tokio::time::timeout(READ_LIMIT, Limited::new(body, MAX_WIRE).collect()).await;
    let wire = match collected {
        Ok(Ok(wire)) => wire.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Reply::refused(StatusCode::PAYLOAD_TOO_LARGE, &DecodeError::TooLarge.to_string());
        }
        Ok(Err(error)) => return Reply::refused(StatusCode::BAD_REQUEST, &format!("the body cannot be read: {error}")),
        Err(_) => return Reply::refused(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
    };
    take(&head.headers, head.uri.query(), &wire, store)
}

/// The part of the answer that needs no socket.
fn take(headers: &HeaderMap, query: Option<&str>, wire: &[u8], store: &Store) -> Reply {
    let encoding = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    let body = match body::decode(encoding, wire) {
        Ok(body) => body,
        Err(error) => {
            let status = match error {
                DecodeError::Unsupported(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                DecodeError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                DecodeError::Corrupt(_) => StatusCode::BAD_REQUEST,
            };
            return Reply::refused(status, &error.to_string());
        }
    };
    if !is_authorized(headers, query, &body) {
        return Reply::refused(StatusCode::FORBIDDEN, "missing authorization information");
    }
    match store.accept(&body) {
        Ok(Some(id)) => Reply::json(StatusCode::OK, json!({ "id": id.simple().to_string() })),
        Ok(None) => Reply::json(StatusCode::OK, json!({})),
        Err(Rejection::Malformed(reason)) => Reply::refused(StatusCode::BAD_REQUEST, &reason),
        Err(Rejection::NotKept(error)) => {
            Reply::refused(StatusCode::INTERNAL_SERVER_ERROR, &format!("the envelope cannot be kept: {error}"))
        }
    }
}

struct Reply {
    status: StatusCode,
    content: Content,
}

enum Content {
    Json(Value),
    Text(String),
}

impl Reply {
    fn json(status: StatusCode, value: Value) -> Reply {
        Reply { status, content: Content::Json(value) }
    }

    fn refused(status: StatusCode, detail: &str) -> Reply {
        Reply::json(status, json!({ "detail": detail }))
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        let (media, text) = match self.content {
            Content::Json(value) => ("application/json", value.to_string()),
            Content::Text(text) => ("text/plain; charset=utf-8", text),
        };
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

/// `/api/{project}/envelope/`, the last slash being optional as at Relay.
fn is_envelope_path(path: &str) -> bool {
    let project = path.strip_prefix("/api/").and_then(|rest| {
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        rest.strip_suffix("/envelope")
    });
    project.is_some_and(|project| !project.is_empty() && !project.contains('/'))
}

/// A page elsewhere may point its own name at this machine and read what it gets: such a name is not answered.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || host.parse().is_ok_and(|addr: SocketAddr| addr.ip().is_loopback())
}

/// Any key is welcome, but there must be one: in a header, in the query, or in the DSN of the envelope's first line.
fn is_authorized(headers: &HeaderMap, query: Option<&str>, body: &[u8]) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(has_key);
    header("x-sentry-auth") || header(AUTHORIZATION.as_str()) || query.is_some_and(query_has_key) || names_dsn(body)
}

fn has_key(header: &str) -> bool {
    let scheme = header.trim_start().split_once(char::is_whitespace);
    let pairs = scheme.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("sentry")).map(|(_, pairs)| pairs);
    pairs.is_some_and(|pairs| pairs.split(',').any(|pair| is_key_pair(pair.trim())))
}

fn query_has_key(query: &str) -> bool {
    query.split('&').any(is_key_pair)
}

fn is_key_pair(pair: &str) -> bool {
    pair.strip_prefix("sentry_key=").is_some_and(|key| !key.is_empty())
}

fn names_dsn(body: &[u8]) -> bool {
    let line = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let header: Option<Value> = serde_json::from_slice(line).ok();
    header.as_ref().and_then(|header| header.get("dsn")?.as_str()).is_some_and(|dsn| dsn.contains('@'))
}

/// As Relay: 100 MiB before decompression.
const MAX_WIRE: usize = 100 << 20;
const MAX_CONNECTIONS: usize = 256;
/// For the head of a request, and again for its body; idle connections end with the first.
const READ_LIMIT: Duration = Duration::from_secs(30);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const STOP_LIMIT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const ENVELOPE: &str =
        "{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n{\"type\":\"event\"}\n{\"message\":\"hi\"}\n";
    const AUTH: &str = "X-Sentry-Auth: Sentry sentry_version=7, sentry_key=inbox\r\n";

    struct Running {
        server: Server,
        store: Arc<Store>,
    }

    fn running() -> Running {
        let store = Arc::new(Store::new(None));
        let server = Server::start("127.0.0.1:0".parse().unwrap(), Arc::clone(&store)).unwrap();
        Running { server, store }
    }

    impl Running {
        fn send(&self, line: &str, headers: &str, body: &[u8]) -> (u16, String) {
            let mut stream = TcpStream::connect(self.server.addr()).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            let length = body.len();
            let head =
                format!("{line} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
            stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
            let mut reply = String::new();
            stream.read_to_string(&mut reply).unwrap();
            let (head, body) = reply.split_once("\r\n\r\n").unwrap();
            (head[9..12].parse().unwrap(), body.to_owned())
        }
    }

    #[test]
    fn an_envelope_is_taken_and_its_id_given_back() {
        let running = running();
        let reply = running.send("POST /api/1/envelope/", AUTH, ENVELOPE.as_bytes());
        assert_eq!(reply, (200, "{\"id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}".to_owned()));
        assert_eq!(running.store.issues()[0].title, "hi");
    }

    #[test]
    fn compressed_envelopes_are_taken() {
        let running = running();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(ENVELOPE.as_bytes()).unwrap();
        let body = encoder.finish().unwrap();
        let headers = format!("{AUTH}Content-Encoding: gzip\r\n");
        assert_eq!(running.send("POST /api/1/envelope/", &headers, &body).0, 200);
        assert_eq!(running.store.events(), 1);
    }

    #[test]
    fn other_requests_are_refused_with_a_reason() {
        let running = running();
        let gzip = format!("{AUTH}Content-Encoding: gzip\r\n");
        let brotli = format!("{AUTH}Content-Encoding: br\r\n");
        let missing = "{\"detail\":\"missing authorization information\"}";
        let nowhere = "{\"detail\":\"no such endpoint\"}";
        let table: [(&str, &str, &str, u16, &str); 8] = [
            ("GET /api/1/envelope/", AUTH, "", 405, "{\"detail\":\"only POST is allowed\"}"),
            ("PUT /api/1/envelope/", AUTH, ENVELOPE, 405, "{\"detail\":\"only POST is allowed\"}"),
            ("POST /", AUTH, ENVELOPE, 404, nowhere),
            ("POST /api/1/store/", AUTH, ENVELOPE, 404, nowhere),
            ("POST /api/1/envelope/", "", ENVELOPE, 403, missing),
            ("POST /api/1/envelope/", "X-Sentry-Auth: Sentry sentry_key=\r\n", ENVELOPE, 403, missing),
            ("POST /api/1/envelope/", &brotli, ENVELOPE, 415, "{\"detail\":\"unsupported content encoding br\"}"),
            (
                "POST /api/1/envelope/",
                &gzip,
                ENVELOPE,
                400,
                "{\"detail\":\"the body cannot be decompressed: invalid gzip header\"}",
            ),
        ];
        for (line, headers, body, status, reply) in table {
            assert_eq!(running.send(line, headers, body.as_bytes()), (status, reply.to_owned()), "{line} {headers}");
        }
        assert_eq!(running.store.envelopes(), 0);
    }

    #[test]
    fn the_overview_is_for_this_machine_only() {
        let running = running();
        let port = running.server.addr().port();
        let look = |host: &str| {
            let mut stream = TcpStream::connect(running.server.addr()).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            let mut reply = String::new();
            stream.read_to_string(&mut reply).unwrap();
            reply
        };
        running.send("POST /api/1/envelope/", AUTH, ENVELOPE.as_bytes());
        for host in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")] {
            let reply = look(&host);
            assert!(reply.starts_with("HTTP/1.1 200") && reply.contains("\nINBOX-1  "), "{host}: {reply}");
        }
        for host in [format!("evil.example:{port}"), format!("192.0.2.1:{port}"), String::new()] {
            assert!(look(&host).starts_with("HTTP/1.1 404"), "{host}");
        }
    }

    #[test]
    fn a_malformed_envelope_is_refused_with_the_parsers_reason() {
        let running = running();
        let (status, reply) = running.send("POST /api/1/envelope/", AUTH, b"{}\n{\"type\":\"event\"}\n{not json}\n");
        assert_eq!(status, 400);
        let reply: Value = serde_json::from_str(&reply).unwrap();
        let detail = reply["detail"].as_str().unwrap();
        assert!(detail.contains("line 1 column 2"), "{detail}");
    }

    #[test]
    fn the_key_may_be_in_any_of_four_places() {
        let running = running();
        let with_dsn = "{\"dsn\":\"http://k@localhost/1\"}\n";
        let table = [
            ("POST /api/1/envelope/?sentry_version=7&sentry_key=k", "", "{}\n"),
            ("POST /api/some-project/envelope", "Authorization: Sentry sentry_key=k\r\n", "{}\n"),
            ("POST /api/1/envelope/", "", with_dsn),
            ("POST /api/1/envelope/", AUTH, "{}\n"),
        ];
        for (line, headers, body) in table {
            assert_eq!(running.send(line, headers, body.as_bytes()), (200, "{}".to_owned()), "{line} {headers}");
        }
    }

    #[test]
    fn paths() {
        let table = [
            ("/api/1/envelope/", true),
            ("/api/1/envelope", true),
            ("/api//envelope/", false),
            ("/api/envelope/", false),
            ("/api/1/2/envelope/", false),
            ("/api/1/envelope//", false),
            ("/1/envelope/", false),
        ];
        for (path, expected) in table {
            assert_eq!(is_envelope_path(path), expected, "{path}");
        }
    }

    #[test]
    fn one_connection_carries_many_requests() {
        let running = running();
        let mut stream = TcpStream::connect(running.server.addr()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let request = format!("POST /api/1/envelope/ HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Length: 3\r\n\r\n{{}}\n");
        for sent in 1..=3 {
            stream.write_all(request.as_bytes()).unwrap();
            let mut reply = Vec::new();
            while !reply.ends_with(b"\r\n\r\n{}") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                reply.push(byte[0]);
            }
            assert_eq!(running.store.envelopes(), sent);
        }
    }

    #[test]
    fn a_declared_length_beyond_the_limit_is_refused_unread() {
        let running = running();
        let mut stream = TcpStream::connect(running.server.addr()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let length = MAX_WIRE + 1;
        let head = format!("POST /api/1/envelope/ HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 413");
    }

    #[test]
    fn an_open_connection_does_not_hold_up_the_end() {
        let running = running();
        let mut stream = TcpStream::connect(running.server.addr()).unwrap();
        stream.write_all(b"POST /api/1/envelope/ HTTP/1.1\r\nContent-Length: 10\r\n\r\n{").unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let Running { server, .. } = running;
        drop(server);
        // The other end is closed, not merely silent.
        match stream.read(&mut [0]) {
            Ok(read) => assert_eq!(read, 0),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        }
    }
}
