//! Names to addresses, within a bound of time and without asking anew for every request.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use sentry_core::clock;

/// Looks names up and remembers them for a minute, or until a connection fails.
///
/// The system's lookup cannot be bounded, so it runs on a short-lived thread of its own; one that is stuck is left
/// alone, and while too many are stuck no more are started.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    known: Mutex<Vec<Known>>,
    running: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Known {
    name: String,
    until: Instant,
    addresses: Vec<SocketAddr>,
}

/// Why there is no address.
#[derive(Debug)]
pub(crate) enum LookupError {
    TimedOut,
    Failed(io::Error),
}

impl Lookups {
    /// The addresses of `host:port`. A literal address costs nothing.
    pub(crate) fn find(&self, name: &str, timeout: Duration) -> Result<Vec<SocketAddr>, LookupError> {
        if let Ok(address) = name.parse() {
            return Ok(vec![address]);
        }
        let now = clock::now();
        if let Some(known) = self.known().iter().find(|known| known.name == name && now < known.until) {
            return Ok(known.addresses.clone());
        }
        let addresses = self.ask(name, timeout)?;
        let mut known = self.known();
        known.retain(|known| known.name != name && now < known.until);
        // The server and its proxy; a redirect or a changed name cannot make it grow.
        known.truncate(MAX_KNOWN - 1);
        known.push(Known { name: name.to_owned(), until: now + REMEMBERED, addresses: addresses.clone() });
        Ok(addresses)
    }

    /// A connection failed: the addresses may have changed.
    pub(crate) fn forget(&self) {
        self.known().clear();
    }

    fn ask(&self, name: &str, timeout: Duration) -> Result<Vec<SocketAddr>, LookupError> {
        if self.running.fetch_add(1, Ordering::AcqRel) >= MAX_RUNNING {
            self.running.fetch_sub(1, Ordering::AcqRel);
            return Err(LookupError::TimedOut);
        }
        let (answer, wait) = bounded(1);
        let (asked, running) = (name.to_owned(), Running(Arc::clone(&self.running)));
        let ask = move || {
            let found = asked.to_socket_addrs().map(Iterator::collect);
            drop(running);
            let _ = answer.send(found);
        };
        thread::Builder::new().name("sentry-lookup".to_owned()).spawn(ask).map_err(LookupError::Failed)?;
        match wait.recv_timeout(timeout) {
            Ok(found) => found.map_err(LookupError::Failed),
            Err(_) => Err(LookupError::TimedOut),
        }
    }

    fn known(&self) -> MutexGuard<'_, Vec<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("the lookup of its name took too long"),
            Self::Failed(error) => write!(f, "the lookup of its name failed: {error}"),
        }
    }
}

/// Counts a lookup out, however its thread ends.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

const REMEMBERED: Duration = Duration::from_secs(60);
const MAX_KNOWN: usize = 4;
const MAX_RUNNING: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_need_no_lookup() {
        let lookups = Lookups::default();
        for name in ["127.0.0.1:80", "[::1]:9000"] {
            assert_eq!(lookups.find(name, Duration::ZERO).unwrap(), [name.parse().unwrap()]);
        }
        assert!(lookups.known().is_empty());
    }

    #[test]
    fn names_are_remembered_until_forgotten() {
        let lookups = Lookups::default();
        let first = lookups.find("localhost:80", Duration::from_secs(10)).unwrap();
        assert!(first.iter().all(|address| address.port() == 80 && address.ip().is_loopback()) && !first.is_empty());
        // From here on no lookup can be made.
        lookups.running.store(MAX_RUNNING, Ordering::Release);
        assert_eq!(lookups.find("localhost:80", Duration::from_secs(10)).unwrap(), first);
        lookups.forget();
        assert!(matches!(lookups.find("localhost:80", Duration::from_secs(10)), Err(LookupError::TimedOut)));
    }

    #[test]
    fn stuck_lookups_are_not_joined_by_more() {
        let lookups = Lookups::default();
        lookups.running.store(MAX_RUNNING, Ordering::Release);
        assert!(matches!(lookups.find("localhost:80", Duration::from_secs(10)), Err(LookupError::TimedOut)));
        assert_eq!(lookups.running.load(Ordering::Acquire), MAX_RUNNING);
    }
}
