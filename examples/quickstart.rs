//! The main job in one run: a program panics, fails and reports, and its issues arrive readable.
//!
//! Without `SENTRY_DSN` the events go to an inbox inside this process, which prints them at the end; with it they go to
//! your Sentry. What to look at: for each issue, the newest frame of the stack is the line below that failed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its reader")]
#![expect(clippy::panic, reason = "the panic is what is shown")]

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use sentry::protocol::{Attachment, Map};
use sentry::{Breadcrumb, ClientOptions, Level, User};
use sentry_inbox::{Inbox, Style};

fn main() -> Result<(), Box<dyn Error>> {
    // `init` would read the environment by itself; asking first tells whether an inbox is needed.
    let mut options =
        sentry::apply_defaults(ClientOptions::new().maybe_release(sentry::release_name!()).attach_stacktrace(true));
    let inbox = if options.dsn.is_none() { Some(Inbox::start()?) } else { None };
    if let Some(inbox) = &inbox {
        options = options.dsn(&inbox.dsn());
    }
    let guard = sentry::init(options);

    panic_in_a_thread();
    error_with_its_sources();
    message_with_context();
    same_error_for_three_users();

    // Sends what is queued.
    drop(guard);
    match inbox {
        Some(inbox) => show(&inbox),
        None => println!("The events went to the server that SENTRY_DSN names."),
    }
    Ok(())
}

fn panic_in_a_thread() {
    let worker = std::thread::Builder::new().name("resize".to_owned()).spawn(|| resize_image(4, 0));
    // Joining tells that it panicked; the panic was captured where it happened.
    let _ = worker.map(std::thread::JoinHandle::join);
}

fn resize_image(width: u32, height: u32) -> u32 {
    if height == 0 {
        panic!("cannot resize to {width}x{height}");
    }
    width * height
}

fn error_with_its_sources() {
    if let Err(error) = load_settings(Path::new("no/such/settings.toml")) {
        sentry::capture_error(&error);
    }
}

fn load_settings(path: &Path) -> Result<String, SettingsError> {
    std::fs::read_to_string(path).map_err(|source| SettingsError { path: path.display().to_string(), source })
}

#[derive(Debug)]
struct SettingsError {
    path: String,
    source: std::io::Error,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "settings could not be loaded from {}", self.path)
    }
}

impl Error for SettingsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

fn message_with_context() {
    let steps = [("auth", "signed in"), ("cart", "3 articles added"), ("payment", "card declined")];
    for (category, message) in steps {
        sentry::add_breadcrumb(Breadcrumb {
            category: Some(category.to_owned()),
            message: Some(message.to_owned()),
            data: Map::from([("shop".to_owned(), "berlin".into())]),
            ..Breadcrumb::default()
        });
    }
    let configure = |scope: &mut sentry::Scope| {
        scope.set_user(Some(user(17)));
        scope.set_tag("payment.provider", "acme");
        scope.set_tag("retries", 3);
        scope.add_attachment(Attachment {
            filename: "cart.json".to_owned(),
            content_type: Some("application/json".to_owned()),
            buffer: br#"{"articles":3}"#.to_vec(),
            ..Attachment::default()
        });
    };
    sentry::with_scope(configure, || sentry::capture_message("checkout was given up", Level::Warning));
}

fn same_error_for_three_users() {
    for id in [1, 2, 3, 1, 2] {
        sentry::with_scope(|scope| scope.set_user(Some(user(id))), parse_the_order);
    }
}

fn parse_the_order() {
    if let Err(error) = "forty-two".parse::<u32>() {
        sentry::capture_error(&error);
    }
}

fn user(id: u32) -> User {
    User { id: Some(id.to_string()), ..User::default() }
}

fn show(inbox: &Inbox) {
    if !inbox.wait_events(8, Duration::from_secs(10)) {
        eprintln!("not all events arrived within 10 s");
    }
    let style = Style::detect();
    println!("{}", inbox.render_list(&style));
    for issue in inbox.issues().iter().rev() {
        println!("{}", inbox.render_issue(issue, &style));
    }
}
