//! The bridge to `actix-web`: real servers over sockets, whose events are looked at on the wire.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "clippy.toml exempts test functions, not the helpers they call"
)]

#[path = "../../../support/mod.rs"]
mod support;

mod bodies;
mod ends;
mod errors;
mod hubs;
mod isolation;
mod login;
mod sessions;
mod traces;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use sentry::integrations::actix::Sentry;
use sentry::{Client, ClientOptions, Hub};
use serde_json::Value;
use support::{ReceivedEnvelope, Receiver};

/// A client, a server of `actix-web`, and a Sentry.
struct Service {
    receiver: Receiver,
    client: Arc<Client>,
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    fn start(options: ClientOptions, routes: fn(&mut ServiceConfig)) -> Self {
        Self::with(options, Sentry::with_transaction(), routes)
    }

    /// `middleware` gets a hub of the client's.
    fn with(options: ClientOptions, middleware: Sentry, routes: fn(&mut ServiceConfig)) -> Self {
        let (receiver, client) = client(options);
        let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
        let middleware = middleware.into_builder().with_hub(hub).finish();
        Self::serve(receiver, client, middleware, routes)
    }

    fn serve(receiver: Receiver, client: Arc<Client>, middleware: Sentry, routes: fn(&mut ServiceConfig)) -> Self {
        let (ready, started) = mpsc::channel();
        let serve = move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || App::new().wrap(middleware.clone()).configure(routes))
                    .workers(2)
                    // What notices that a client has gone away while its request is handled.
                    .h1_allow_half_closed(false)
                    .disable_signals()
                    .bind(("127.0.0.1", 0))
                    .expect("a port");
                let address = server.addrs()[0];
                let server = server.run();
                ready.send((address, server.handle())).expect("the test waits");
                server.await.expect("a clean end");
            });
        };
        let thread = thread::spawn(serve);
        let (address, handle) = started.recv().expect("the server starts");
        Self { receiver, client, address, handle, thread: Some(thread) }
    }

    /// Sends a request, and returns the answer with its head.
    fn send(&self, request: &str) -> String {
        self.send_bytes(request.as_bytes())
    }

    fn send_bytes(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).expect("a request");
        let mut answer = Vec::new();
        // A handler that panics ends the connection.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
        stream
    }

    fn get(&self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"))
    }

    fn post(&self, path: &str, content_type: &str, body: &str) -> String {
        let length = body.len();
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Type: {content_type}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// Ends the server, then the client, and returns what arrived.
    fn end(mut self) -> Received {
        self.stop();
        // Symbols of panics take their time on a busy machine.
        assert!(self.client.close(Some(Duration::from_secs(30))));
        for row in self.client.stats().categories() {
            assert_eq!(row.captured, row.delivered + row.lost_in_all(), "{row:?}");
        }
        Received(self.receiver.envelopes())
    }

    fn stop(&mut self) {
        drop(self.handle.stop(true));
        if let Some(thread) = self.thread.take() {
            thread.join().expect("no panic outside of handlers");
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.stop();
        }
    }
}

fn client(options: ClientOptions) -> (Receiver, Arc<Client>) {
    let receiver = Receiver::start();
    let options = options.dsn(&receiver.dsn()).environment("test").release("it@1.0.0");
    let client = Arc::new(Client::with_options(sentry::apply_defaults(options)));
    (receiver, client)
}

fn traced() -> ClientOptions {
    ClientOptions::new().traces_sample_rate(1.0)
}

/// What a server got.
struct Received(Vec<ReceivedEnvelope>);

impl Received {
    fn of(&self, kind: &str) -> Vec<Value> {
        self.0
            .iter()
            .flat_map(|envelope| &envelope.items)
            .filter(|item| item.kind() == kind)
            .map(|item| item.json())
            .collect()
    }

    fn events(&self) -> Vec<Value> {
        self.of("event")
    }

    fn transactions(&self) -> Vec<Value> {
        self.of("transaction")
    }

    #[track_caller]
    fn event(&self) -> Value {
        let events = self.events();
        assert_eq!(events.len(), 1, "{events:#?}");
        events[0].clone()
    }

    #[track_caller]
    fn transaction(&self) -> Value {
        let transactions = self.transactions();
        assert_eq!(transactions.len(), 1, "{transactions:#?}");
        transactions[0].clone()
    }

    /// All bytes that left, decompressed.
    fn text(&self) -> String {
        self.0.iter().map(|envelope| String::from_utf8_lossy(&envelope.raw)).collect()
    }
}

fn crumbs(event: &Value) -> Vec<&str> {
    let values = event["breadcrumbs"]["values"].as_array().map(Vec::as_slice).unwrap_or_default();
    values.iter().map(|crumb| crumb["message"].as_str().expect("a message")).collect()
}
