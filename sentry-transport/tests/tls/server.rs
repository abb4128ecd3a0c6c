//! A TLS server on a loopback port that answers every request with 200 and hands its body to the test.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::authority::{Authority, Identity};

pub(crate) struct Server {
    address: SocketAddr,
    bodies: Receiver<(usize, String)>,
    is_over: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(identity: Identity) -> Self {
        Self::with(identity, None)
    }

    /// Wants a certificate of the client too, which it never gets.
    pub(crate) fn for_known_clients(identity: Identity, authority: &Authority) -> Self {
        Self::with(identity, Some(authority))
    }

    fn with(identity: Identity, clients: Option<&Authority>) -> Self {
        let config = Arc::new(config(identity, clients));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, bodies) = channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().take(MAX_CONNECTIONS).enumerate() {
                if over.load(Ordering::Acquire) {
                    return;
                }
                let (config, sender) = (Arc::clone(&config), sender.clone());
                thread::spawn(move || serve(stream?, connection, config, &sender));
            }
        });
        Self { address, bodies, is_over }
    }

    pub(crate) fn dsn(&self) -> String {
        format!("https://publickey@{}/42", self.address)
    }

    /// The next body, with the number of the connection it came on.
    #[track_caller]
    pub(crate) fn next(&self) -> (usize, String) {
        self.bodies.recv_timeout(PATIENCE).expect("a request")
    }

    /// The bodies that came and were not looked at.
    pub(crate) fn rest(&self) -> Vec<(usize, String)> {
        self.bodies.try_iter().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
    }
}

fn config(identity: Identity, clients: Option<&Authority>) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = match clients {
        None => builder.unwrap().with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.certificate()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.unwrap().with_client_cert_verifier(verifier)
        }
    };
    builder.with_single_cert(vec![identity.certificate], identity.key).unwrap()
}

fn serve(
    mut socket: TcpStream,
    number: usize,
    config: Arc<ServerConfig>,
    sender: &Sender<(usize, String)>,
) -> io::Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut connection = ServerConnection::new(config).unwrap();
    if connection.complete_io(&mut socket).is_err() {
        // Closing over unread bytes would reset the connection, and the client might miss the alert.
        let mut rest = socket.take(MAX_BODY);
        io::copy(&mut rest, &mut io::sink())?;
        return Ok(());
    }
    let mut stream = BufReader::new(StreamOwned::new(connection, socket));
    while let Some(body) = read_body(&mut stream)? {
        let _ = sender.send((number, body));
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")?;
        stream.get_mut().flush()?;
    }
    Ok(())
}

fn read_body(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
            _ if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = String::new();
    stream.take(length).read_to_string(&mut body)?;
    Ok(Some(body))
}

const PATIENCE: Duration = Duration::from_secs(20);
const MAX_CONNECTIONS: usize = 32;
const MAX_BODY: u64 = 1 << 20;
