//! Enums that can index an array: counters per category and reason need no hash map.

/// An enum whose variants are numbered from zero without gaps.
///
/// Implemented by [`Category`](crate::protocol::client_report::Category) and
/// [`Reason`](crate::protocol::client_report::Reason); sealed, so variants can be added.
pub trait IndexedEnum: private::Sealed + Sized + 'static {
    /// All variants, in the order of their index.
    const VARIANTS: &'static [Self];

    /// Position of this variant in [`VARIANTS`](IndexedEnum::VARIANTS).
    fn as_index(&self) -> usize;
}

/// Seals [`IndexedEnum`]: only this crate's enums are numbered.
pub(crate) mod private {
    pub trait Sealed {}
}
