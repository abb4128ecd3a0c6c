//! How a check-in becomes an envelope: defaults, and `before_send_check_in`. No scope, processor or integration has a
//! part in it (spec §24).

use std::sync::Arc;

use super::Pipeline;
use crate::hub::{Hub, SwitchGuard};
use crate::protocol::client_report::{Category, Reason};
use crate::protocol::{Envelope, MonitorCheckIn};
use crate::scope::ScopeSnapshot;
use crate::suppress;

impl Pipeline {
    /// Makes the envelope of a check-in; `None` when the hook dropped it, which is then counted.
    pub(crate) fn finish_check_in(&self, mut check_in: MonitorCheckIn, scope: &ScopeSnapshot) -> Option<Envelope> {
        let check_in_id = check_in.check_in_id;
        if check_in.environment.is_none() {
            check_in.environment = self.options.environment.as_ref().map(|environment| environment.to_string());
        }
        let asked = match &self.options.before_send_check_in {
            Some(before_send_check_in) => {
                let _mark = suppress::enter();
                let _switch = SwitchGuard::new(Arc::new(Hub::of_snapshot(scope)));
                self.guarded("before_send_check_in", || before_send_check_in(check_in)).ok().flatten()
            }
            None => Some(check_in),
        };
        if asked.is_none() {
            self.recorder.record_loss(Category::Monitor, Reason::BeforeSend, 1);
        }
        // The id is the one the caller was told: start and end of a job are told from others by it.
        asked.map(|check_in| Envelope::from(MonitorCheckIn { check_in_id, ..check_in }))
    }
}
