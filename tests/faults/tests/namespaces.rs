//! Networks that take a network name space of one's own (rows 5, 6, 21 of the catalogue): name servers that are silent,
//! late or change their minds, and a line that is narrow. Runs where `unshare`, `ip` and `tc` are there and allowed, and says
//! so where they are not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test without libtest: clippy.toml exempts test functions only"
)]

#[path = "../../support/mod.rs"]
mod support;

use std::io::BufReader;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use sentry::protocol::client_report::Category;
use sentry::protocol::{Attachment, Event, Level};
use sentry::transports::DefaultTransportFactory;
use sentry::{Client, ClientOptions, Scope};
use support::http::{self, Reply};
use support::{Folder, Receiver, child, tools, wait_until};

fn main() {
    let children: &[(&str, fn())] =
        &[("silent", silent_name_server), ("moves", a_name_that_moves), ("narrow", narrow_line)];
    if child::main_dispatch(children) {
        return;
    }
    let resolver = Folder::new();
    std::fs::create_dir(resolver.path()).unwrap();
    let file = resolver.path().join("resolv.conf");
    std::fs::write(&file, "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n").unwrap();
    let asks_us = format!("ip link set lo up && mount --bind '{}' /etc/resolv.conf", file.display());
    in_name_space("5\ta silent name server", &asks_us, "silent");
    in_name_space("6\ta late name server, and a name that moves", &asks_us, "moves");
    let narrow = "ip link set lo up mtu 1500 && tc qdisc add dev lo root tbf rate 64kbit burst 4kb latency 300ms";
    in_name_space("21\t8 KB/s", narrow, "narrow");
}

/// Runs a child in a network and mount name space that was made ready by these commands.
fn in_name_space(row: &str, ready: &str, name: &str) {
    let Some(mut command) = tools::unshare("-Urnm", ready, ready) else {
        return println!("{row}: skipped: unshare, ip, mount or tc is not there, or not allowed");
    };
    let out = command.env("SENTRY_TEST_CHILD", name).stdin(Stdio::null()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{row}: {stdout}{stderr}");
    let says = stdout.lines().find_map(|line| line.strip_prefix("@@says=")).unwrap();
    println!("{row}: {says}");
}

fn client(dsn: &str, spool: &Folder) -> Client {
    let options = ClientOptions::new().dsn(dsn).transport(DefaultTransportFactory).diagnostics(|_: &str| {});
    Client::with_options(options.spool_dir(spool.path()))
}

fn capture(client: &Client, text: &str) {
    let event = Event { message: Some(text.to_owned()), level: Level::Error, ..Event::default() };
    client.capture_event(event, None);
}

fn silent_name_server() {
    let _silent = UdpSocket::bind("127.0.0.1:53").unwrap();
    let spool = Folder::new();
    let client = client("http://public@sentry.example:9/42", &spool);
    (0..3).for_each(|_| capture(&client, "x"));
    // Longer than a lookup may take.
    thread::sleep(Duration::from_secs(3));
    let start = Instant::now();
    client.close(Some(Duration::from_millis(50)));
    let took = start.elapsed();
    let row = client.stats().of(Category::Error);
    assert_eq!((row.stored, spool.files().len()), (3, 3), "{row:?}");
    assert!(took < Duration::from_millis(500), "{took:?}");
    child::report("says", &format!("3 of 3 stored, close(50 ms) took {:.1} ms", took.as_secs_f64() * 1e3));
}

fn a_name_that_moves() {
    let address = Arc::new(Mutex::new(Ipv4Addr::LOCALHOST));
    let answered = Arc::clone(&address);
    let name_server = UdpSocket::bind("127.0.0.1:53").unwrap();
    thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, from)) = name_server.recv_from(&mut query) {
            thread::sleep(Duration::from_millis(300));
            let _ = name_server.send_to(&dns_answer(&query[..length], *answered.lock().unwrap()), from);
        }
    });
    let spool = Folder::new();
    let first = Receiver::start();
    let port = first.address().port();
    let client = client(&format!("http://public@sentry.example:{port}/42"), &spool);
    capture(&client, "at the old address");
    wait_until(|| client.stats().of(Category::Error).delivered == 1, Duration::from_secs(30));
    drop(first);
    let moved = Ipv4Addr::new(127, 0, 0, 2);
    *address.lock().unwrap() = moved;
    let second = server(SocketAddr::from((moved, port)));
    capture(&client, "at the new address");
    wait_until(|| client.stats().of(Category::Error).delivered == 2, Duration::from_secs(30));
    assert_eq!(*second.lock().unwrap(), 1);
    child::report("says", "delivered, and at the new address after it moved");
}

/// A server at that address: how many events came.
fn server(address: SocketAddr) -> Arc<Mutex<usize>> {
    let listener = TcpListener::bind(address).unwrap();
    let count = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            while let Ok(Some(request)) = http::read_request(&mut reader, 0) {
                let body = request.decoded_body().unwrap();
                *counted.lock().unwrap() += usize::from(String::from_utf8_lossy(&body).contains("\"event\""));
                let _ = http::write_reply(&mut &stream, &Reply::json(200, "{}"));
            }
        }
    });
    count
}

/// What a name server says that knows an IPv4 address of every name and no other.
fn dns_answer(query: &[u8], address: Ipv4Addr) -> Vec<u8> {
    let end_of_name = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 1;
    let question = &query[12..end_of_name + 4];
    let is_ipv4 = question[question.len() - 4..question.len() - 2] == [0, 1];
    let mut answer = Vec::from(&query[..2]);
    answer.extend([0x81, 0x80, 0, 1, 0, u8::from(is_ipv4), 0, 0, 0, 0]);
    answer.extend(question);
    if is_ipv4 {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        answer.extend(address.octets());
    }
    answer
}

fn narrow_line() {
    let (receiver, spool) = (Receiver::start(), Folder::new());
    let client = client(&receiver.dsn(), &spool);
    let mut noise = 1_u32;
    let buffer = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 24) as u8
    });
    let mut scope = Scope::default();
    let (filename, buffer) = ("large".to_owned(), buffer.take(300_000).collect());
    scope.add_attachment(Attachment { filename, buffer, ..Attachment::default() });
    let large = Event { message: Some("large".to_owned()), level: Level::Error, ..Event::default() };
    let start = Instant::now();
    client.capture_event(large, Some(&scope));
    // It is on its way.
    thread::sleep(Duration::from_millis(200));
    (0..10).for_each(|_| capture(&client, "small"));
    receiver.wait("the small ones", |envelopes| envelopes.len() >= 10);
    let took = start.elapsed();
    let small = receiver.events().iter().filter(|event| event["logentry"].to_string().contains("small")).count();
    assert_eq!(small, 10);
    // Forty seconds are more than a request may take: it is kept, for a better line.
    wait_until(|| client.stats().of(Category::Error).delivered == 10, Duration::from_secs(20));
    let row = client.stats().of(Category::Error);
    assert_eq!((row.queued() + row.stored, row.lost_in_all()), (1, 0), "{row:?}");
    child::report("says", &format!("10 small ones in {:.1} s beside 300 KB, which are kept", took.as_secs_f64()));
    assert!(took < Duration::from_secs(30), "{took:?}");
}
