//! One trace through two processes over HTTP: a shop calls a payment service, which fails. Both report to the same inbox.
//!
//! Without `SENTRY_DSN` that inbox runs inside this process and prints the trace at the end. What to look at: the
//! service's transaction hangs below the shop's `http.client` span, with the service's error inside.

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use sentry::protocol::SpanStatus;
use sentry::{ClientOptions, TransactionContext, TransactionOrSpan};
use sentry_inbox::{Inbox, Style};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    match std::env::args().nth(1).as_deref() {
        Some("payments") => payments(),
        _ => shop(),
    }
}

fn options(release: &'static str) -> ClientOptions {
    // The DSNs of sentry.io name the organization; the inbox's cannot.
    let options = ClientOptions::new().release(release).traces_sample_rate(1.0).org_id(1.into());
    sentry::apply_defaults(options)
}

/// The head of the trace: decides whether it is sampled, and tells the service.
fn shop() -> Outcome {
    let mut options = options("shop@1.0.0");
    let inbox = if options.dsn.is_none() { Some(Inbox::start()?) } else { None };
    if let Some(inbox) = &inbox {
        options = options.dsn(&inbox.dsn());
    }
    let dsn = options.dsn.as_ref().map(ToString::to_string).unwrap_or_default();
    let guard = sentry::init(options);

    let mut service =
        Command::new(std::env::current_exe()?).arg("payments").env("SENTRY_DSN", dsn).stdout(Stdio::piped()).spawn()?;
    let mut address = String::new();
    BufReader::new(service.stdout.take().ok_or("no output")?).read_line(&mut address)?;

    let transaction = sentry::start_transaction(TransactionContext::new("POST /checkout", "http.server"));
    sentry::configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
    let query = transaction.start_child("db.query", "SELECT price FROM articles WHERE id = ?");
    std::thread::sleep(Duration::from_millis(5));
    query.finish();
    let status = pay(&transaction.clone().into(), address.trim())?;
    transaction.set_status(if status == 200 { SpanStatus::Ok } else { SpanStatus::InternalError });
    transaction.finish();

    service.wait()?;
    drop(guard);
    match inbox {
        Some(inbox) => println!("{}", inbox.render_traces(&Style::detect())),
        None => println!("The trace went to the server that SENTRY_DSN names."),
    }
    Ok(())
}

fn pay(parent: &TransactionOrSpan, address: &str) -> Result<u16, Box<dyn Error>> {
    let span = parent.start_child("http.client", &format!("POST http://{address}/pay"));
    let mut request = format!("POST /pay HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in span.iter_headers() {
        request += &format!("{name}: {value}\r\n");
    }
    let mut stream = TcpStream::connect(address)?;
    stream.write_all((request + "\r\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let status = line.split_whitespace().nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    span.set_data("http.response.status_code", status.into());
    span.finish();
    Ok(status)
}

/// The service: answers one request, as part of the trace it came with.
fn payments() -> Outcome {
    let guard = sentry::init(options("payments@2.3.0"));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let (mut stream, _) = listener.accept()?;
    let lines: Vec<String> =
        BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let headers = lines.iter().filter_map(|line| line.split_once(": "));

    let context = TransactionContext::continue_from_headers("POST /pay", "http.server", headers);
    let transaction = sentry::start_transaction(context);
    sentry::configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
    let charge = transaction.start_child("function", "charge the card");
    std::thread::sleep(Duration::from_millis(10));
    if let Err(error) = "4711-x".parse::<u64>() {
        sentry::capture_error(&error);
    }
    charge.finish();
    transaction.set_status(SpanStatus::InternalError);
    transaction.finish();
    stream.write_all(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")?;
    drop(guard);
    Ok(())
}
