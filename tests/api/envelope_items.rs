//! Every item an envelope can have.

use sentry::protocol::{
    Attachment, ClientReport, EnvelopeItem, Event, ItemContainer, MonitorCheckIn, SessionAggregates, SessionUpdate,
    Transaction,
};

use super::is;

fn items(item: EnvelopeItem) {
    match item {
        EnvelopeItem::Event(event) => is::<Box<Event<'static>>>(event),
        EnvelopeItem::SessionUpdate(update) => is::<SessionUpdate<'static>>(update),
        EnvelopeItem::SessionAggregates(aggregates) => is::<SessionAggregates<'static>>(aggregates),
        EnvelopeItem::Transaction(transaction) => is::<Box<Transaction<'static>>>(transaction),
        EnvelopeItem::Attachment(attachment) => is::<Attachment>(attachment),
        EnvelopeItem::MonitorCheckIn(check_in) => is::<MonitorCheckIn>(check_in),
        EnvelopeItem::ClientReport(report) => is::<ClientReport>(report),
        EnvelopeItem::ItemContainer(container) => is::<ItemContainer>(container),
        EnvelopeItem::Raw => {}
        _ => {}
    }
}
