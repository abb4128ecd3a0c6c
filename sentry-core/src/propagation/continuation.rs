//! Whether a trace that another organization may have begun is continued (spec TRC-20 to TRC-24).

use crate::protocol::OrganizationId;

/// Whether to continue the trace of `incoming`; otherwise act as if nothing had come in.
///
/// Two organizations never share a trace. If only one of them is known, they do unless `strict`.
pub(crate) fn continues(incoming: Option<OrganizationId>, own: Option<OrganizationId>, strict: bool) -> bool {
    match (incoming, own) {
        (Some(incoming), Some(own)) => incoming == own,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => !strict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_specification() {
        for (incoming, own, otherwise, strict) in [
            (Some(1), Some(1), true, true),
            (None, Some(1), true, false),
            (Some(1), None, true, false),
            (None, None, true, true),
            (Some(1), Some(2), false, false),
        ] {
            let decided = |strict| continues(incoming.map(OrganizationId::from), own.map(OrganizationId::from), strict);
            assert_eq!((decided(false), decided(true)), (otherwise, strict), "{incoming:?} {own:?}");
        }
    }
}
