//! Whether there is anyone to capture for: the counters that make a disabled call cost a load and a branch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::client::Client;
use crate::fork::PerProcess;
use crate::sync::RwLock;

/// How many clients are open.
static OPEN: AtomicUsize = AtomicUsize::new(0);
/// Moves with every change of who sends what; what a hub has looked up before is stale then.
static GENERATION: AtomicU64 = AtomicU64::new(1);
/// The client of all hubs that are not bound to one.
static PROCESS_CLIENT: PerProcess<RwLock<Option<Arc<Client>>>> = PerProcess::new(RwLock::new(None));

/// Whether any client of the process is open.
#[inline]
pub(crate) fn any_open() -> bool {
    OPEN.load(Ordering::Acquire) > 0
}

pub(crate) fn client_opened() {
    OPEN.fetch_add(1, Ordering::AcqRel);
    advance();
}

pub(crate) fn client_closed() {
    OPEN.fetch_sub(1, Ordering::AcqRel);
    advance();
}

#[inline]
pub(super) fn generation() -> u64 {
    GENERATION.load(Ordering::Acquire)
}

pub(crate) fn advance() {
    GENERATION.fetch_add(1, Ordering::AcqRel);
}

/// Lets `look` at the process-wide client, unless it is closed. No handle is made of it, whose end might be the client's.
pub(super) fn with_process_client<R>(look: impl FnOnce(Option<&Arc<Client>>) -> R) -> R {
    look(PROCESS_CLIENT.get().read().as_ref().filter(|client| !client.is_closed()))
}

pub(super) fn set_process_client(client: Arc<Client>) {
    let previous = PROCESS_CLIENT.get().write().replace(client);
    advance();
    drop(previous);
}
