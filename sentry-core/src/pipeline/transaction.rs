//! How a finished transaction becomes an envelope: ignore list, scopes, processors, integrations, defaults, and
//! `before_send_transaction`, in this order. Whatever drops it is counted with its spans (spec CRP-30, CRP-31).

use std::sync::Arc;

use super::{Pipeline, fill, number, paths};
use crate::hub::{Hub, SwitchGuard};
use crate::performance::FinishedTransaction;
use crate::protocol::client_report::{Category, Reason};
use crate::protocol::{DynamicSamplingContext, Envelope, EnvelopeHeaders, Transaction};
use crate::scope::ScopeSnapshot;
use crate::suppress;

impl Pipeline {
    /// Makes the envelope of a transaction; `None` when something dropped it, which is then counted.
    pub(crate) fn finish_transaction(&self, finished: FinishedTransaction, scope: &ScopeSnapshot) -> Option<Envelope> {
        let _mark = suppress::enter();
        let _switch = SwitchGuard::new(Arc::new(Hub::of_snapshot(scope)));
        let event_id = finished.event_id;
        let sampling_context = finished.sampling_context();
        let mut remaining = finished.spans;
        match self.prepare_transaction(finished, scope, &mut remaining) {
            Ok(transaction) => {
                let transaction = Transaction { event_id, ..transaction };
                let mut headers = EnvelopeHeaders::new().with_event_id(event_id);
                if *sampling_context != DynamicSamplingContext::default() {
                    headers = headers.with_trace(DynamicSamplingContext::clone(&sampling_context));
                }
                let mut envelope = Envelope::new().with_headers(headers);
                envelope.add_item(transaction);
                Some(envelope)
            }
            Err(reason) => {
                self.recorder.record_loss(Category::Transaction, reason, 1);
                self.count_spans(reason, remaining.saturating_add(1));
                None
            }
        }
    }

    /// `remaining` is how many spans are not accounted for yet.
    fn prepare_transaction(
        &self,
        finished: FinishedTransaction,
        scope: &ScopeSnapshot,
        remaining: &mut usize,
    ) -> Result<Transaction<'static>, Reason> {
        if self.options.ignore_transactions.iter().any(|ignored| finished.is_named(ignored)) {
            return Err(Reason::EventProcessor);
        }
        let (mut transaction, inside) = finished.into_protocol(self);
        scope.scope.merge_into_transaction(&mut transaction);
        inside.merge_into_transaction(&mut transaction);
        scope.global.merge_into_transaction(&mut transaction);
        for (_, integration) in &self.integrations {
            let run = || integration.process_transaction(transaction, &self.options);
            transaction = self.guarded(integration.name(), run).ok().flatten().ok_or(Reason::EventProcessor)?;
            self.count_removed(&transaction, remaining, Reason::EventProcessor);
        }
        let options = &self.options;
        fill(&mut transaction.release, &options.release);
        fill(&mut transaction.dist, &options.dist);
        fill(&mut transaction.environment, &options.environment);
        fill(&mut transaction.server_name, &options.server_name);
        if transaction.platform == "other" {
            transaction.platform = "native".into();
        }
        transaction.sdk.get_or_insert_with(|| self.sdk_info());
        if !options.include_absolute_paths {
            paths::shorten_transaction(&mut transaction);
        }
        if let Some(before_send) = &options.before_send_transaction {
            let run = || before_send(transaction);
            transaction = self.guarded("before_send_transaction", run).ok().flatten().ok_or(Reason::BeforeSend)?;
            self.count_removed(&transaction, remaining, Reason::BeforeSend);
        }
        Ok(transaction)
    }

    /// Counts the spans that somebody took out.
    fn count_removed(&self, transaction: &Transaction<'_>, remaining: &mut usize, reason: Reason) {
        let left = transaction.spans.len();
        match remaining.checked_sub(left) {
            Some(removed) => self.count_spans(reason, removed),
            // Some were added.
            None => self.recorder.record_captured(Category::Span, number(left.saturating_sub(*remaining))),
        }
        *remaining = left;
    }

    fn count_spans(&self, reason: Reason, spans: usize) {
        if spans > 0 {
            self.recorder.record_loss(Category::Span, reason, number(spans));
        }
    }
}
