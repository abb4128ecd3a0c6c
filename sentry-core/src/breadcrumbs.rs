//! Everything `add_breadcrumb` accepts.

use crate::protocol::Breadcrumb;

/// Something that stands for breadcrumbs: one, many, perhaps one, or a closure that makes them only when they are
/// wanted.
pub trait IntoBreadcrumbs {
    /// The breadcrumbs.
    type Output: Iterator<Item = Breadcrumb>;

    /// The breadcrumbs, oldest first.
    fn into_breadcrumbs(self) -> Self::Output;
}

impl IntoBreadcrumbs for Breadcrumb {
    type Output = std::iter::Once<Breadcrumb>;

    #[inline]
    fn into_breadcrumbs(self) -> Self::Output {
        std::iter::once(self)
    }
}

impl IntoBreadcrumbs for Vec<Breadcrumb> {
    type Output = std::vec::IntoIter<Breadcrumb>;

    #[inline]
    fn into_breadcrumbs(self) -> Self::Output {
        self.into_iter()
    }
}

impl IntoBreadcrumbs for Option<Breadcrumb> {
    type Output = std::option::IntoIter<Breadcrumb>;

    #[inline]
    fn into_breadcrumbs(self) -> Self::Output {
        self.into_iter()
    }
}

impl<F: FnOnce() -> I, I: IntoBreadcrumbs> IntoBreadcrumbs for F {
    type Output = I::Output;

    #[inline]
    fn into_breadcrumbs(self) -> Self::Output {
        self().into_breadcrumbs()
    }
}
