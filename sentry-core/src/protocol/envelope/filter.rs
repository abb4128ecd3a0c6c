//! Choosing which items of an envelope stay.

use super::EnvelopeItem;

/// Decides about the items of an envelope, see [`Envelope::filter`](super::Envelope::filter). Closures are filters.
/// Sealed.
pub trait EnvelopeFilter: private::Sealed {
    /// Whether `item` stays. Of an envelope of raw bytes the one "item" is [`EnvelopeItem::Raw`].
    fn filter(&mut self, item: &EnvelopeItem) -> bool;

    /// Takes what does not stay. Does nothing by default.
    fn on_filtered(&mut self, item: EnvelopeItem) {
        let _ = item;
    }
}

impl<F> EnvelopeFilter for F
where
    F: FnMut(&EnvelopeItem) -> bool,
{
    fn filter(&mut self, item: &EnvelopeItem) -> bool {
        self(item)
    }
}

/// A filter made of two closures: one decides, the other takes what does not stay.
pub struct EnvelopeFilterCallbacks<F, C> {
    filter: F,
    on_filtered: C,
}

impl<F, C> EnvelopeFilterCallbacks<F, C> {
    /// `filter` decides, `on_filtered` takes what does not stay.
    pub fn new(filter: F, on_filtered: C) -> Self {
        Self { filter, on_filtered }
    }
}

impl<F, C> EnvelopeFilter for EnvelopeFilterCallbacks<F, C>
where
    F: FnMut(&EnvelopeItem) -> bool,
    C: FnMut(EnvelopeItem),
{
    fn filter(&mut self, item: &EnvelopeItem) -> bool {
        (self.filter)(item)
    }

    fn on_filtered(&mut self, item: EnvelopeItem) {
        (self.on_filtered)(item);
    }
}

mod private {
    use super::*;

    pub trait Sealed {}

    impl<F> Sealed for F where F: FnMut(&EnvelopeItem) -> bool {}
    impl<F, C> Sealed for EnvelopeFilterCallbacks<F, C> {}
}
