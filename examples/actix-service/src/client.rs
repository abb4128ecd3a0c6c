//! Asks the service a few things, as browsers would.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) fn ask(address: SocketAddr) -> io::Result<()> {
    for (user, path) in [(1, "/orders/1"), (2, "/orders/2"), (3, "/orders/9"), (4, "/orders/3/receipt")] {
        show(path, &get(address, user, path)?);
    }
    Ok(())
}

fn get(address: SocketAddr, user: u32, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET {path}?token=secret HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nX-User: {user}\r\n\
         Authorization: Bearer secret\r\n\r\n"
    )?;
    let mut answer = String::new();
    // A handler that panics ends the connection without one.
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn show(path: &str, answer: &str) {
    println!("GET {path}: {}", answer.lines().next().unwrap_or("no answer"));
    for line in answer.lines().filter(|line| line.starts_with("x-sentry-event")) {
        println!("  {line}");
    }
}
