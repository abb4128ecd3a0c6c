//! Starting the SDK, and the guard that ends it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use sentry_core::{Client, ClientOptions, OptionsProblem, bind_process_client};
#[cfg(feature = "release-health")]
use sentry_core::{Hub, SessionMode, protocol::SessionStatus};

use crate::defaults::apply_defaults;

/// Starts the SDK and makes its client the one of the process.
///
/// Takes a DSN (`&str`, `String`, [`Dsn`](crate::types::Dsn)), [`ClientOptions`], a pair of both, or `()` to take the
/// DSN from `SENTRY_DSN`. It may be called at any time and on any thread: threads that used the SDK before it report
/// after it. Costs some hundred microseconds on this thread (setting up integrations, starting one thread).
///
/// Bad values never panic: a DSN that cannot be used disables the client, and one line on standard error names the
/// wrong part. [`try_init`] returns it instead.
///
/// ```
/// let _guard = sentry::init(());
/// ```
pub fn init<C>(opts: C) -> ClientInitGuard
where
    C: Into<ClientOptions>,
{
    start(apply_defaults(opts.into()))
}

/// Like [`init`], but refuses options that could not be used as given.
///
/// # Errors
///
/// All that was wrong, from the program and from the environment. Nothing has been started then.
///
/// ```
/// let error = sentry::try_init("https://no-key.example/1").expect_err("the key is missing");
/// assert!(error.to_string().starts_with("DSN: "));
/// ```
pub fn try_init<C>(opts: C) -> Result<ClientInitGuard, InitError>
where
    C: Into<ClientOptions>,
{
    let opts = apply_defaults(opts.into());
    match opts.problems() {
        [] => Ok(start(opts)),
        problems => Err(InitError { problems: problems.to_vec() }),
    }
}

fn start(opts: ClientOptions) -> ClientInitGuard {
    let client = Arc::new(Client::with_options(opts));
    bind_process_client(Arc::clone(&client));
    #[cfg(feature = "release-health")]
    let session = session_of_the_run(&client);
    ClientInitGuard {
        client,
        #[cfg(feature = "release-health")]
        session,
    }
}

/// The hub in which the session of this run was begun, if that was asked for.
#[cfg(feature = "release-health")]
fn session_of_the_run(client: &Client) -> Option<Arc<Hub>> {
    let options = client.options();
    if !options.auto_session_tracking || options.session_mode != SessionMode::Application {
        return None;
    }
    let hub = Hub::current();
    hub.start_session();
    Some(hub)
}

/// Keeps the SDK running; dropping it sends what is queued, within
/// [`ClientOptions::shutdown_timeout`](ClientOptions), and closes the client. With
/// [`auto_session_tracking`](field@ClientOptions::auto_session_tracking) it ends the session of the run: as crashed if a
/// panic drops it.
///
/// Bind it to a name: `let _guard = ..`. `let _ = ..` drops it at once.
#[must_use = "dropping the guard closes the client: keep it until the program ends"]
pub struct ClientInitGuard {
    client: Arc<Client>,
    #[cfg(feature = "release-health")]
    session: Option<Arc<Hub>>,
}

impl ClientInitGuard {
    /// Whether anything captured can be sent.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.client.is_enabled()
    }
}

impl Deref for ClientInitGuard {
    type Target = Client;

    fn deref(&self) -> &Self::Target {
        &self.client
    }
}

impl Drop for ClientInitGuard {
    fn drop(&mut self) {
        #[cfg(feature = "release-health")]
        if let Some(hub) = &self.session {
            // A panic that reaches the guard ends the program.
            let crashed = std::thread::panicking();
            hub.end_session_with_status(if crashed { SessionStatus::Crashed } else { SessionStatus::Exited });
        }
        self.client.close(None);
    }
}

impl fmt::Debug for ClientInitGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientInitGuard").field(&self.client).finish()
    }
}

/// Why [`try_init`] did not start the SDK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitError {
    problems: Vec<OptionsProblem>,
}

impl InitError {
    /// Everything that was wrong, at least one.
    #[must_use]
    pub fn problems(&self) -> &[OptionsProblem] {
        &self.problems
    }
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if n > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for InitError {}
