//! A client for HTTP/1.1 that can go away at any moment.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection, which may serve several requests.
pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("a server"))
    }

    pub(crate) async fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) {
        let mut text =
            format!("{method} {target} HTTP/1.1\r\nhost: shop.example\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        self.0.write_all(format!("{text}\r\n{body}").as_bytes()).await.expect("an open connection");
    }

    /// The status and the body of an answer that says how long it is.
    pub(crate) async fn answer(&mut self) -> (u16, String) {
        let head = self.read_until(|text| text.contains("\r\n\r\n")).await;
        let (head, start) = head.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        let length = head
            .to_lowercase()
            .split("content-length: ")
            .nth(1)
            .map_or(0, |rest| rest.split("\r\n").next().and_then(|length| length.parse().ok()).expect("a length"));
        let mut body = start.to_owned();
        while body.len() < length {
            body.push_str(&self.read_until(|text| !text.is_empty()).await);
        }
        (status, body)
    }

    /// Asks for `/`, and returns what comes until the server closes.
    pub(crate) async fn send_and_close(mut self) -> String {
        self.send("GET", "/", &[], "").await;
        self.read_until(|_| false).await
    }

    /// Whatever comes until it satisfies `enough`, or the server closes.
    pub(crate) async fn read_until(&mut self, enough: impl Fn(&str) -> bool) -> String {
        let (mut text, mut buffer) = (String::new(), [0; 1024]);
        while !enough(&text) {
            match self.0.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(length) => text.push_str(&String::from_utf8_lossy(&buffer[..length])),
            }
        }
        text
    }
}

/// One request on a connection of its own.
pub(crate) async fn ask(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let mut connection = Connection::open(address).await;
    connection.send(method, target, headers, body).await;
    connection.answer().await
}

pub(crate) async fn get(address: SocketAddr, target: &str) -> (u16, String) {
    ask(address, "GET", target, &[], "").await
}
