//! The global scope: one for the process, laid under every event of every hub and thread (spec SCP-02).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{Lease, Scope, ScopeData};
use crate::fork::PerProcess;
use crate::sync::RwLock;

static GLOBAL: PerProcess<RwLock<Option<ScopeData>>> = PerProcess::new(RwLock::new(None));
/// Whether the global scope was ever written: most programs never do, and then a capture pays one load for it.
static WRITTEN: AtomicBool = AtomicBool::new(false);

/// Changes the global scope: what is set here is on every event of the process, whatever hub or thread it comes from.
///
/// It works before `init` as well as after it. The closure runs without a lock; see [`Scope`] for what it sees.
/// Breadcrumbs have no place here.
///
/// ```
/// sentry_core::configure_global_scope(|scope| scope.set_tag("region", "eu-1"));
/// ```
pub fn configure_global_scope<F, R>(f: F) -> R
where
    F: FnOnce(&mut Scope) -> R,
{
    // Hubs count from 1 << 32 on.
    static LEASES: AtomicU64 = AtomicU64::new(0);
    let lease = Lease(LEASES.fetch_add(1, Ordering::Relaxed));
    let mut view = Scope::view(GLOBAL.get().read().clone().unwrap_or_default(), lease);
    let result = f(&mut view);
    let base = view.release_base(lease);
    drop(base);
    let mut global = GLOBAL.get().write();
    view.replay_on(global.get_or_insert_default(), lease);
    WRITTEN.store(true, Ordering::Release);
    drop(global);
    result
}

pub(super) fn snapshot() -> ScopeData {
    if !WRITTEN.load(Ordering::Acquire) {
        return ScopeData::default();
    }
    GLOBAL.get().read().clone().unwrap_or_default()
}
