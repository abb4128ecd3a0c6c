//! Capturing errors: typed, boxed, and as events of one's own. What to look at: types, modules and sources.

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use sentry::protocol::{Event, Exception, Level};

fn main() {
    let _guard = sentry::init(sentry::ClientOptions::new().attach_stacktrace(true));

    // A typed error: its type and module are known to the compiler.
    if let Err(error) = "1.5".parse::<u16>() {
        println!("captured {}", sentry::capture_error(&error));
    }

    // Behind `dyn Error` the type is guessed from its `Debug` text, the chain of sources is followed all the same.
    let boxed: Box<dyn Error> = "a plain text".into();
    println!("captured {}", sentry::capture_error(&*boxed));

    // An event made by hand.
    let exception = Exception { ty: "Quota".into(), value: Some("disk quota exceeded".into()), ..Exception::default() };
    let event = Event { level: Level::Warning, exception: vec![exception].into(), ..Event::new() };
    println!("captured {}", sentry::capture_event(event));
}
