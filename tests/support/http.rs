//! Just enough HTTP/1.1 to be a server in a test: reads one request within bounds, writes one response.

use std::io::{self, BufRead, Read, Write};

/// One request as it came over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `POST` and so on, as sent.
    pub method: String,
    /// The request target, query included.
    pub path: String,
    /// Names and values in order of arrival, values without surrounding whitespace.
    pub headers: Vec<(String, String)>,
    /// The body with a chunked framing removed and a content encoding left in place.
    pub body: Vec<u8>,
    /// Which accepted connection it came over, from 0; two requests with the same number shared a connection.
    pub connection: usize,
}

impl Request {
    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// How many headers of that name there are.
    pub fn header_count(&self, name: &str) -> usize {
        self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).count()
    }

    /// The body without its `Content-Encoding`, which is none or gzip.
    ///
    /// # Errors
    ///
    /// When the body is not what the header says, or is followed by other bytes.
    pub fn decoded_body(&self) -> Result<Vec<u8>, String> {
        match self.header("content-encoding") {
            None | Some("identity") => Ok(self.body.clone()),
            Some("gzip") => gunzip(&self.body),
            Some(other) => Err(format!("content-encoding {other:?} is not known here")),
        }
    }
}

/// One response; `Content-Length` is added when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// A reply without headers of its own and without a body.
    pub fn status(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: Vec::new() }
    }

    /// A reply with a JSON body.
    pub fn json(status: u16, body: &str) -> Reply {
        Reply::status(status).header("Content-Type", "application/json").body(body.as_bytes())
    }

    pub fn header(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, body: &[u8]) -> Reply {
        self.body = body.to_vec();
        self
    }
}

/// Why there is no request.
#[derive(Debug)]
pub enum ReadError {
    /// The connection broke or timed out; no fault of the client's by itself.
    Io(io::Error),
    /// The client broke HTTP or a bound of this reader.
    Malformed(String),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        ReadError::Io(error)
    }
}

/// Reads one request; `None` when the peer closed before its first byte.
///
/// # Errors
///
/// See [`ReadError`]. A connection that ends inside a request is malformed.
pub fn read_request(reader: &mut impl BufRead, connection: usize) -> Result<Option<Request>, ReadError> {
    let mut head_bytes = 0;
    let Some(line) = read_line(reader, &mut head_bytes)? else {
        return Ok(None);
    };
    let mut words = line.split(' ');
    let (Some(method), Some(path), Some("HTTP/1.1"), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return malformed(format!("request line {line:?}"));
    };
    let (method, path) = (method.to_owned(), path.to_owned());
    let headers = read_headers(reader, &mut head_bytes)?;
    let mut request = Request { method, path, headers, body: Vec::new(), connection };
    request.body = read_body(reader, &request)?;
    Ok(Some(request))
}

/// Writes a whole response in one call; the connection stays open.
///
/// # Errors
///
/// Those of the writer.
pub fn write_reply(writer: &mut impl Write, reply: &Reply) -> io::Result<()> {
    let mut bytes = format!("HTTP/1.1 {} Scripted\r\n", reply.status).into_bytes();
    for (name, value) in &reply.headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", reply.body.len()).as_bytes());
    bytes.extend_from_slice(&reply.body);
    writer.write_all(&bytes)?;
    writer.flush()
}

fn read_headers(reader: &mut impl BufRead, head_bytes: &mut usize) -> Result<Vec<(String, String)>, ReadError> {
    let mut headers = Vec::new();
    loop {
        let Some(line) = read_line(reader, head_bytes)? else {
            return malformed("end inside the head");
        };
        if line.is_empty() {
            return Ok(headers);
        }
        let Some((name, value)) = line.split_once(':') else {
            return malformed(format!("header line {line:?}"));
        };
        if name.is_empty() || name.contains(|c: char| c.is_ascii_whitespace() || c.is_ascii_control()) {
            return malformed(format!("header name {name:?}"));
        }
        headers.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
    }
}

fn read_body(reader: &mut impl BufRead, request: &Request) -> Result<Vec<u8>, ReadError> {
    let (lengths, codings) = (request.header_count("content-length"), request.header_count("transfer-encoding"));
    match (lengths, codings) {
        (0, 0) => Ok(Vec::new()),
        (1, 0) => {
            let text = request.header("content-length").unwrap_or_default();
            match text.parse::<usize>() {
                Ok(length) if length <= MAX_BODY_BYTES => read_exactly(reader, length),
                _ => malformed(format!("content-length {text:?}")),
            }
        }
        (0, 1) if request.header("transfer-encoding") == Some("chunked") => read_chunks(reader),
        _ => malformed("more or other framing headers than one"),
    }
}

fn read_chunks(reader: &mut impl BufRead) -> Result<Vec<u8>, ReadError> {
    let mut body = Vec::new();
    loop {
        let size_line = read_line(reader, &mut 0)?.unwrap_or_default();
        let digits = size_line.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(digits, 16) else {
            return malformed(format!("chunk size {size_line:?}"));
        };
        if size > MAX_BODY_BYTES - body.len() {
            return malformed("chunked body too large");
        }
        if size == 0 {
            read_headers(reader, &mut 0)?;
            return Ok(body);
        }
        body.extend(read_exactly(reader, size)?);
        if read_exactly(reader, 2)? != b"\r\n" {
            return malformed("chunk without its line end");
        }
    }
}

/// One line without its `\r\n`; `None` at the end of the stream before its first byte.
fn read_line(reader: &mut impl BufRead, head_bytes: &mut usize) -> Result<Option<String>, ReadError> {
    let mut line = Vec::new();
    reader.take((MAX_HEAD_BYTES - *head_bytes) as u64).read_until(b'\n', &mut line)?;
    if line.is_empty() && *head_bytes == 0 {
        return Ok(None);
    }
    *head_bytes += line.len();
    let Some(content) = line.strip_suffix(b"\r\n") else {
        return malformed(format!("line cut off or over {MAX_HEAD_BYTES} bytes: {:?}", String::from_utf8_lossy(&line)));
    };
    match std::str::from_utf8(content) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(_) => malformed("head is not UTF-8"),
    }
}

fn read_exactly(reader: &mut impl BufRead, length: usize) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    reader.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return malformed(format!("end after {} of {length} body bytes", bytes.len()));
    }
    Ok(bytes)
}

fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut decoded = Vec::new();
    let mut decoder = flate2::bufread::GzDecoder::new(bytes).take(MAX_DECODED_BYTES + 1);
    decoder.read_to_end(&mut decoded).map_err(|error| format!("gzip body: {error}"))?;
    if decoded.len() as u64 > MAX_DECODED_BYTES {
        return Err(format!("gzip body over {MAX_DECODED_BYTES} bytes"));
    }
    let rest = decoder.into_inner().into_inner();
    if !rest.is_empty() {
        return Err(format!("{} bytes after the gzip stream", rest.len()));
    }
    Ok(decoded)
}

fn malformed<T>(what: impl Into<String>) -> Result<T, ReadError> {
    Err(ReadError::Malformed(what.into()))
}

const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;
const MAX_DECODED_BYTES: u64 = 256 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<Request>, String> {
        read_request(&mut io::BufReader::with_capacity(3, bytes), 7).map_err(|error| match error {
            ReadError::Io(error) => error.to_string(),
            ReadError::Malformed(what) => what,
        })
    }

    #[test]
    fn requests_are_read_whole() {
        let request =
            read(b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nX-One:  1 \r\nCONTENT-length: 5\r\n\r\nhello").unwrap().unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/a?b=c"));
        assert_eq!(request.header("x-one"), Some("1"));
        assert_eq!(request.body, b"hello");
        assert_eq!(request.connection, 7);

        let chunked =
            b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(read(chunked).unwrap().unwrap().body, b"abcd0123456789");
        assert_eq!(read(b"GET / HTTP/1.1\r\n\r\n").unwrap().unwrap().body, b"");
        assert_eq!(read(b""), Ok(None));
    }

    #[test]
    fn broken_requests_are_refused() {
        let endless = [b"GET / HTTP/1.1\r\nA: ".to_vec(), vec![b'a'; MAX_HEAD_BYTES]].concat();
        let cases: [(&[u8], &str); 12] = [
            (b"GET /\r\n\r\n", "request line"),
            (b"GET / HTTP/1.0\r\n\r\n", "request line"),
            (b"GET / HTTP/1.1\r\nbad\r\n\r\n", "header line"),
            (b"GET / HTTP/1.1\r\nbad name: x\r\n\r\n", "header name"),
            (b"GET / HTTP/1.1\r\nA: b\r\n", "cut off"),
            (b"GET / HTTP/1.1\nA: b\n\n", "cut off"),
            (&endless, "cut off"),
            (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc", "end after 3 of 5"),
            (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "content-length"),
            (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na", "framing"),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "chunk size"),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", "line end"),
        ];
        for (bytes, reason) in cases {
            let error = read(bytes).expect_err(reason);
            assert!(error.contains(reason), "{error:?} for {reason:?}");
        }
    }

    #[test]
    fn gzip_bodies_are_decoded_and_nothing_may_follow() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(b"payload").unwrap();
        let body = encoder.finish().unwrap();
        let headers = vec![("Content-Encoding".to_owned(), "gzip".to_owned())];
        let mut request = Request { method: String::new(), path: String::new(), headers, body, connection: 0 };
        assert_eq!(request.decoded_body().unwrap(), b"payload");
        request.body.push(0);
        assert_eq!(request.decoded_body().unwrap_err(), "1 bytes after the gzip stream");
        request.body.truncate(12);
        assert!(request.decoded_body().unwrap_err().starts_with("gzip body"));
    }

    #[test]
    fn replies_carry_their_length() {
        let mut written = Vec::new();
        write_reply(&mut written, &Reply::json(200, "{}").header("X-A", "1")).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert_eq!(
            text,
            "HTTP/1.1 200 Scripted\r\nContent-Type: application/json\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n{}"
        );
    }
}
