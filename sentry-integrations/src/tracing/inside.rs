//! Events with an explicit parent: they belong into that span, whichever is current.

use once_cell::sync::OnceCell;
use tracing_core::dispatcher::WeakDispatch;
use tracing_core::{Dispatch, Event};

use super::span::SpanLayer;

/// The spans of the subscriber that a layer for events is part of.
#[derive(Debug, Default)]
pub(super) struct Spans(OnceCell<WeakDispatch>);

impl Spans {
    /// Called once the subscriber is complete.
    pub(super) fn find_in(&self, subscriber: &Dispatch) {
        if subscriber.downcast_ref::<SpanLayer>().is_some() {
            let _ = self.0.set(subscriber.downgrade());
        }
    }

    /// Runs `f` inside of the span that the event names as its parent.
    pub(super) fn inside(&self, event: &Event<'_>, f: impl FnOnce()) {
        let subscriber = match event.parent() {
            Some(_) => self.0.get().and_then(WeakDispatch::upgrade),
            None => None,
        };
        match (event.parent(), subscriber.as_ref().and_then(|subscriber| subscriber.downcast_ref::<SpanLayer>())) {
            (Some(parent), Some(layer)) => layer.spans().within(parent.into_u64(), f),
            _ => f(),
        }
    }
}
