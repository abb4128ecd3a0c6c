//! A Sentry server for one developer: takes envelopes on loopback, groups their events into issues and renders those as text,
//! and beside them traces, logs, metrics, sessions, check-ins and feedback.
//!
//! It runs inside the program that uses it (a quickstart, a test) or alone as the binary `sentry-inbox`. Everything is in
//! memory and bounded; nothing is printed, stored or sent on unless asked for.
//!
//! ```
//! let inbox = sentry_inbox::Inbox::start()?;
//! assert!(inbox.dsn().starts_with("http://inbox@127.0.0.1:"));
//! assert!(inbox.issues().is_empty());
//! # Ok::<(), std::io::Error>(())
//! ```

mod body;
mod feedback;
mod frame;
mod group;
mod issue;
mod json;
mod kept;
mod log;
mod metric;
mod monitor;
mod overview;
mod payload;
mod render;
mod server;
mod session;
mod store;
mod telemetry;
mod trace;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use issue::{Issue, IssueAttachment};
pub use render::Style;

/// A running receiver. Dropping it stops the server: within two seconds, usually at once; requests under way are cut off.
///
/// All methods take `&self` and may be called from any thread. One lock guards the state; the server holds it while it
/// files an event, readers while they copy.
#[derive(Debug)]
pub struct Inbox {
    // The server goes first: nothing is filed any more when the store follows.
    server: server::Server,
    store: Arc<store::Store>,
}

impl Inbox {
    /// Starts on a free port of 127.0.0.1. If the variable `SENTRY_INBOX_KEEP` names a directory, the envelopes are kept
    /// there, see [`InboxBuilder::keep_envelopes`].
    ///
    /// # Errors
    /// What the operating system says when it gives no socket or no thread.
    #[expect(clippy::disallowed_methods, reason = "a variable of the inbox's own, not the SDK's")]
    pub fn start() -> io::Result<Inbox> {
        match std::env::var_os("SENTRY_INBOX_KEEP") {
            Some(directory) => Inbox::builder().keep_envelopes(directory).start(),
            None => Inbox::builder().start(),
        }
    }

    /// Starts on the given address; port 0 takes a free one.
    ///
    /// # Errors
    /// `InvalidInput` for an address that is not loopback: there is no access control, so nobody else may reach it.
    /// Otherwise as [`Inbox::start`], `AddrInUse` included.
    pub fn bind(addr: SocketAddr) -> io::Result<Inbox> {
        Inbox::builder().addr(addr).start()
    }

    /// A receiver with more settings than an address.
    pub fn builder() -> InboxBuilder {
        InboxBuilder { addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), keep: None }
    }

    /// The DSN that makes an SDK send here, for example `http://inbox@127.0.0.1:40123/1`. Any other key or project works too.
    #[must_use]
    pub fn dsn(&self) -> String {
        format!("http://inbox@{}/1", self.server.addr())
    }

    /// A copy of all issues, the one with the newest arrival first. Deep: its cost grows with the latest events.
    #[must_use]
    pub fn issues(&self) -> Vec<Issue> {
        self.store.issues()
    }

    /// How many well-formed envelopes have arrived, whatever was in them.
    #[must_use]
    pub fn envelopes_received(&self) -> u64 {
        self.store.envelopes()
    }

    /// How many events have been filed under an issue.
    #[must_use]
    pub fn events_received(&self) -> u64 {
        self.store.events()
    }

    /// Blocks until at least `n` events have been received since the start; false when `timeout` passed first.
    #[must_use]
    pub fn wait_events(&self, n: u64, timeout: Duration) -> bool {
        self.store.wait_events(n, timeout)
    }

    /// How many things have arrived: events, transactions, single log entries, single metrics, session updates, items of
    /// aggregated sessions, check-ins and feedbacks.
    #[must_use]
    pub fn items_received(&self) -> u64 {
        self.store.items()
    }

    /// Blocks until at least `n` things, as [`Inbox::items_received`] counts them, have arrived since the start; false when
    /// `timeout` passed first.
    #[must_use]
    pub fn wait_items(&self, n: u64, timeout: Duration) -> bool {
        self.store.wait_items(n, timeout)
    }

    /// Everything: the issues as a table, traces, logs, metrics, releases, monitors and feedback, each under a title and
    /// only where there is something. Ends in a newline.
    ///
    /// ```
    /// let inbox = sentry_inbox::Inbox::start()?;
    /// assert_eq!(inbox.render_all(&sentry_inbox::Style::plain()), "Nothing yet.\n");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn render_all(&self, style: &Style) -> String {
        overview::overview(&self.store, *style)
    }

    /// The newest 50 traces as trees, the newest last: spans below the span they name as their parent, whoever sent it, and
    /// errors where they arose. 500 traces are kept, 50,000 spans in all of them and 10,000 in one. Empty when no
    /// transaction has arrived.
    #[must_use]
    pub fn render_traces(&self, style: &Style) -> String {
        render::traces(&self.store.telemetry(|telemetry| telemetry.traces.clone()), *style)
    }

    /// The newest 200 of the 5,000 structured log entries kept, by the sender's time; without the attributes that SDKs add
    /// (`sentry.…`). Empty when none has arrived.
    #[must_use]
    pub fn render_logs(&self, style: &Style) -> String {
        render::logs(&self.store.telemetry(|telemetry| telemetry.logs.clone()), *style)
    }

    /// Metrics by name, type, unit and attributes (but those that SDKs add) as an aligned table; the last 1,000 such series are kept, and for the
    /// percentiles of a distribution its last 1,000 values. Empty when none has arrived.
    #[must_use]
    pub fn render_metrics(&self, style: &Style) -> String {
        render::metrics(&self.store.telemetry(|telemetry| telemetry.metrics.clone()), *style)
    }

    /// How the sessions of the last 200 releases ended, as an aligned table. Empty when no session has arrived.
    #[must_use]
    pub fn render_releases(&self, style: &Style) -> String {
        render::releases(&self.store.telemetry(|telemetry| telemetry.releases.clone()), *style)
    }

    /// The last 200 monitors and how their last runs ended, as an aligned table. Runs that never came are not noticed.
    /// Empty when no check-in has arrived.
    #[must_use]
    pub fn render_monitors(&self, style: &Style) -> String {
        render::monitors(&self.store.telemetry(|telemetry| telemetry.monitors.clone()), *style)
    }

    /// The last 500 feedbacks as an aligned table. Empty when none has arrived.
    #[must_use]
    pub fn render_feedback(&self, style: &Style) -> String {
        render::feedback(&self.store.telemetry(|telemetry| telemetry.feedback.clone()), *style)
    }

    /// One line for each thing but events among those that arrived with these numbers, the first being 0; of the last 1,000
    /// only. What has arrived since an earlier look is `earlier..inbox.items_received()`.
    #[must_use]
    pub fn render_news(&self, numbers: Range<u64>, style: &Style) -> String {
        self.store.news(&numbers).iter().map(|news| render::news(news, *style)).collect()
    }

    /// All issues as an aligned table, ages relative to now. Ends in a newline.
    #[must_use]
    pub fn render_list(&self, style: &Style) -> String {
        render::list(&self.issues(), *style, sentry_core::clock::wall())
    }

    /// One issue with its latest event in full. Reads the source files its frames name, where they are on this machine;
    /// give it a copy from [`Inbox::issues`].
    #[must_use]
    pub fn render_issue(&self, issue: &Issue, style: &Style) -> String {
        render::issue(issue, *style, sentry_core::clock::wall(), &render::read_source)
    }

    /// One line without its end, for an issue that was shown before and got another event.
    #[must_use]
    pub fn render_again(&self, issue: &Issue, style: &Style) -> String {
        render::again(issue, *style)
    }
}

/// Settings of an [`Inbox`], made by [`Inbox::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing listens before `start`"]
pub struct InboxBuilder {
    addr: SocketAddr,
    keep: Option<PathBuf>,
}

impl InboxBuilder {
    /// Where to listen; a free port of 127.0.0.1 by default. Must be loopback.
    pub fn addr(mut self, addr: SocketAddr) -> Self {
        self.addr = addr;
        self
    }

    /// Also writes each envelope, decompressed, malformed ones too, as `000001.envelope` and so on into `dir`; existing
    /// files are not overwritten. Off by default. A file that cannot be written is answered with status 500.
    pub fn keep_envelopes(mut self, dir: impl Into<PathBuf>) -> Self {
        self.keep = Some(dir.into());
        self
    }

    /// Binds the socket, makes the directory and starts the thread.
    ///
    /// # Errors
    /// As [`Inbox::bind`], and when the directory cannot be made.
    pub fn start(self) -> io::Result<Inbox> {
        if !self.addr.ip().is_loopback() {
            let reason = format!("{} is not a loopback address", self.addr.ip());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        if let Some(dir) = &self.keep {
            std::fs::create_dir_all(dir)?;
        }
        let store = Arc::new(store::Store::new(self.keep));
        let server = server::Server::start(self.addr, Arc::clone(&store))?;
        Ok(Inbox { server, store })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_cannot_be_let_in() {
        let refused = Inbox::bind(SocketAddr::from(([0, 0, 0, 0], 0))).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(refused.to_string(), "0.0.0.0 is not a loopback address");
    }

    #[test]
    fn the_dsn_names_the_bound_port() {
        let inbox = Inbox::start().unwrap();
        let port = inbox.server.addr().port();
        assert_ne!(port, 0);
        assert_eq!(inbox.dsn(), format!("http://inbox@127.0.0.1:{port}/1"));
    }

    #[test]
    fn a_taken_port_is_an_error() {
        let inbox = Inbox::start().unwrap();
        assert_eq!(Inbox::bind(inbox.server.addr()).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn a_dropped_inbox_frees_its_port() {
        let inbox = Inbox::start().unwrap();
        let addr = inbox.server.addr();
        drop(inbox);
        assert!(std::net::TcpStream::connect(addr).is_err());
    }
}
