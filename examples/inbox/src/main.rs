//! The receiver as a program: says which DSN to use, then prints each event that comes, and a line for all else.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use sentry_inbox::{Inbox, Style};

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let outcome = match Command::parse(arguments.iter().map(String::as_str)) {
        Ok(Command::Help) => io::stdout().write_all(HELP.as_bytes()),
        Ok(Command::Run { port }) => run(port),
        Err(reason) => {
            // Nobody is left to tell when standard error fails as well.
            let _ = writeln!(io::stderr(), "sentry-inbox: {reason}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of a pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "sentry-inbox: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Command {
    Help,
    Run { port: u16 },
}

impl Command {
    fn parse<'a>(mut arguments: impl Iterator<Item = &'a str>) -> Result<Command, String> {
        let mut port = 0;
        while let Some(argument) = arguments.next() {
            let value = match argument.split_once('=') {
                _ if matches!(argument, "-h" | "--help") => return Ok(Command::Help),
                _ if argument == "--port" => arguments.next(),
                Some(("--port", value)) => Some(value),
                _ => return Err(format!("unknown argument {argument}")),
            };
            let value = value.ok_or("--port needs a number")?;
            port = value.parse().map_err(|_| format!("{value} is not a port"))?;
        }
        Ok(Command::Run { port })
    }
}

/// Ends only with an error.
#[expect(clippy::disallowed_methods, reason = "the settings of a program may come from its environment")]
fn run(port: u16) -> io::Result<()> {
    let mut builder = Inbox::builder().addr(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    if let Some(dir) = std::env::var_os("SENTRY_INBOX_KEEP").filter(|dir| !dir.is_empty()) {
        builder = builder.keep_envelopes(dir);
    }
    let inbox = builder.start()?;
    let style = Style::detect();
    let mut out = io::stdout().lock();
    write!(out, "Send events here with\n\n    export SENTRY_DSN={}\n\n", inbox.dsn())?;
    out.flush()?;

    let mut printed: HashMap<String, u64> = HashMap::new();
    let mut seen = 0;
    loop {
        if !inbox.wait_items(seen + 1, LONG) {
            continue;
        }
        let now = inbox.items_received();
        write!(out, "{}", inbox.render_news(seen..now, &style))?;
        seen = now;
        let issues = inbox.issues();
        // The list has the newest first; a reader of a log wants it last.
        for issue in issues.iter().rev() {
            match printed.get(&issue.id) {
                None => writeln!(out, "{}", inbox.render_issue(issue, &style))?,
                Some(count) if *count < issue.count => writeln!(out, "{}\n", inbox.render_again(issue, &style))?,
                Some(_) => {}
            }
        }
        out.flush()?;
        printed = issues.into_iter().map(|issue| (issue.id, issue.count)).collect();
    }
}

const LONG: Duration = Duration::from_secs(3600);

const HELP: &str = "\
sentry-inbox: a Sentry server for one developer

Usage: sentry-inbox [--port N]

Listens on 127.0.0.1, groups the events that come into issues and prints each new one in full. Transactions, logs, metrics,
sessions, check-ins and feedback are a line each. An overview of everything is at http://127.0.0.1:PORT/.

  --port N    the port to listen on; without it any free one
  -h, --help  this text

Environment:
  SENTRY_INBOX_KEEP  a directory to write each received envelope to
  NO_COLOR           no colours, even on a terminal
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let table: [(&[&str], Result<Command, &str>); 8] = [
            (&[], Ok(Command::Run { port: 0 })),
            (&["--port", "9000"], Ok(Command::Run { port: 9000 })),
            (&["--port=9000"], Ok(Command::Run { port: 9000 })),
            (&["--port", "1", "--help"], Ok(Command::Help)),
            (&["-h"], Ok(Command::Help)),
            (&["--port"], Err("--port needs a number")),
            (&["--port", "65536"], Err("65536 is not a port")),
            (&["--prot=1"], Err("unknown argument --prot=1")),
        ];
        for (arguments, expected) in table {
            assert_eq!(Command::parse(arguments.iter().copied()), expected.map_err(str::to_owned), "{arguments:?}");
        }
    }
}
