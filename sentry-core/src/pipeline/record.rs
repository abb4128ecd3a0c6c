//! What is written to disk of an event before it is finished, and how another process finishes it.
//!
//! A record needs neither a hook nor a symbol, so that it can be made while both are out of reach: the event with its
//! scopes merged and the bare addresses of its stacks. Integrations add what those addresses mean to another process
//! ([`Integration::on_record`](crate::Integration::on_record)).

use super::{Pipeline, bare_stacktrace, event_to_record, place};
use crate::capture::{Capture, Kind};
use crate::hint::Hint;
use crate::protocol::client_report::{Category, LossSource, Reason};
use crate::protocol::{Envelope, EnvelopeItem, Event, MonitorCheckIn};
use crate::scope::{Attached, ScopeSnapshot};
use crate::session::attributes;
use crate::suppress;

impl Pipeline {
    /// The record of a capture. Integrations run; of the program's code, nothing does.
    pub(crate) fn record(&self, capture: &Capture) -> Envelope {
        let _mark = suppress::enter();
        let Capture { event_id, timestamp, level, .. } = *capture;
        let mut event = Event { event_id, timestamp, level, ..event_to_record(&capture.body) };
        for stack in &capture.stacks {
            place(&mut event, stack, bare_stacktrace(stack));
        }
        self.merge(&mut event, &capture.scope);
        for (_, integration) in &self.integrations {
            let _ = self.guarded(integration.name(), || integration.on_record(&mut event, &self.options));
        }
        self.fill_defaults(&mut event);
        // Should the process die of it, nobody else tells of its session.
        let session = capture.session.as_ref().filter(|_| capture.is_crash);
        let update = session.and_then(|session| session.foresee(capture.effect(), event.user.as_ref(), self));
        let mut envelope = self.bare_envelope_of(event, capture.kind, &capture.scope);
        if let Some(update) = update {
            envelope.add_item(update.into_update(attributes(self)));
        }
        let mut room = MAX_RECORDED_ATTACHMENTS;
        for attached in capture.scope.global.attachments().iter().chain(capture.scope.scope.attachments()) {
            if let Attached::Memory(attachment) = &**attached {
                if let Some(left) = room.checked_sub(attachment.buffer.len()) {
                    room = left;
                    envelope.add_item(attachment.clone());
                }
            }
        }
        envelope
    }

    /// The record of a check-in.
    pub(crate) fn record_check_in(&self, mut check_in: MonitorCheckIn) -> Envelope {
        if check_in.environment.is_none() {
            check_in.environment = self.options.environment.as_ref().map(|environment| environment.to_string());
        }
        check_in.into()
    }

    /// Finishes what an ended process recorded: integrations and hooks run, those of its scopes excepted. `None` when
    /// one of them dropped it, which is counted.
    pub(crate) fn recover(&self, envelope: Envelope) -> Option<Envelope> {
        let _mark = suppress::enter();
        let headers = envelope.headers().clone();
        let mut recovered = Envelope::new().with_headers(headers);
        let mut is_orphaned = false;
        for item in envelope.into_items() {
            let item = match item {
                EnvelopeItem::Event(event) => {
                    let finished = self.recover_event(*event, Kind::Event);
                    is_orphaned |= finished.is_none();
                    finished.map(|event| EnvelopeItem::Event(Box::new(event)))
                }
                EnvelopeItem::Feedback(event) => {
                    let finished = self.recover_event(*event, Kind::Feedback);
                    is_orphaned |= finished.is_none();
                    finished.map(|event| EnvelopeItem::Feedback(Box::new(event)))
                }
                EnvelopeItem::MonitorCheckIn(check_in) => {
                    let finished = self.finish_check_in(check_in, &ScopeSnapshot::default());
                    finished.and_then(|envelope| envelope.into_items().next())
                }
                other => Some(other),
            };
            match item {
                // They mean nothing without their event.
                Some(item) if is_orphaned && matches!(item, EnvelopeItem::Attachment(_)) => {
                    self.recorder.record_losses(item.losses(), Reason::EventProcessor)
                }
                Some(item) => recovered.add_item(item),
                None => {}
            }
        }
        recovered.items().next().is_some().then_some(recovered)
    }

    fn recover_event(&self, mut event: Event<'static>, kind: Kind) -> Option<Event<'static>> {
        let event_id = event.event_id;
        for (_, integration) in &self.integrations {
            let _ = self.guarded(integration.name(), || integration.on_recover(&mut event, &self.options));
        }
        let prepared = self.prepare(event, &ScopeSnapshot::default(), kind, &Hint::default());
        let sampled = prepared.and_then(|event| match kind == Kind::Event && !self.samples(&event) {
            true => Err(Reason::SampleRate),
            false => Ok(event),
        });
        match sampled {
            Ok(mut event) => {
                event.event_id = event_id;
                if let Some(max) = self.options.max_value_length {
                    super::cut::cut(&mut event, max);
                }
                Some(event)
            }
            Err(reason) => {
                let category = if kind == Kind::Event { Category::Error } else { Category::Feedback };
                self.recorder.record_loss(category, reason, 1);
                None
            }
        }
    }
}

/// More would take a dying process too long. The finished event has them all.
const MAX_RECORDED_ATTACHMENTS: usize = 1 << 20;
