//! Who asks for pages: a client that speaks just enough HTTP.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) async fn visit(address: SocketAddr) -> io::Result<()> {
    for page in [
        "/articles/7",
        "/articles/0",
        "/articles/100",
        "/orders/12?coupon=SUMMER",
        "/orders/twelve",
        "/report",
        "/health",
    ] {
        println!("{:<26} {}", page, ask(address, page).await?);
    }
    Ok(())
}

/// The first line of the answer.
async fn ask(address: SocketAddr, page: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET {page} HTTP/1.1\r\nhost: shop.example\r\nuser-agent: visitor\r\nauthorization: Bearer 1234\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.lines().next().unwrap_or("(the connection was closed)").to_owned())
}
