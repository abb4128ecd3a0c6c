//! The breadcrumbs of a scope: a ring while nobody else looks, a list of shared pieces once somebody does.
//!
//! A snapshot copies two pointers. As long as there is none, breadcrumbs go round in one ring, without an allocation
//! but the program's own. What a snapshot shares is never changed: the next breadcrumb begins a new piece in front of
//! it. A list cannot drop its oldest pieces cheaply; therefore there are two lists, and when the newer one is full it
//! becomes the older one, and that is dropped whole. The newest `max` are always there.

use std::sync::Arc;

use super::crumb::Crumb;
use crate::weight::Held;

#[derive(Debug, Clone, Default)]
pub(crate) struct Crumbs {
    newer: Option<Arc<Node>>,
    older: Option<Arc<Node>>,
    /// How many were asked for last: more may be there, and count for nothing.
    max: usize,
}

/// A piece of a list. It only changes while one scope alone holds it.
#[derive(Debug)]
pub(crate) struct Node {
    piece: Piece,
    /// The piece before this one, in the same list.
    previous: Option<Arc<Node>>,
    /// How many breadcrumbs there are in the list up to here.
    count: usize,
    /// See [`Charge`](crate::weight::Charge).
    pub(crate) held: Held,
}

/// Most pieces between two snapshots are a single breadcrumb, which then needs no memory of its own.
#[derive(Debug)]
enum Piece {
    One(Crumb),
    /// A ring: the oldest is at `oldest`.
    Many {
        ring: Vec<Crumb>,
        oldest: usize,
    },
}

impl Crumbs {
    /// Adds `crumb`, keeping at least the newest `max`. What falls off is left in `crumb` and returned, to be dropped
    /// without a lock.
    #[inline]
    pub(crate) fn push(&mut self, crumb: &mut Crumb, max: usize) -> Retired {
        self.max = max;
        if let Some(node) = self.newer.as_mut().and_then(Arc::get_mut) {
            if node.piece.len() >= max {
                // This piece alone holds enough: it goes round.
                node.piece.swap_oldest(crumb);
                node.count = node.piece.len();
                return Retired { _previous: node.previous.take(), _older: self.older.take() };
            }
            if node.count < max {
                node.piece.push(crumb.take());
                node.count += 1;
                return Retired::default();
            }
        }
        self.begin_piece(crumb, max)
    }

    fn begin_piece(&mut self, crumb: &mut Crumb, max: usize) -> Retired {
        if max == 0 {
            return Retired::default();
        }
        let mut retired = Retired::default();
        if self.newer.as_ref().is_some_and(|node| node.count >= max) {
            retired._older = std::mem::replace(&mut self.older, self.newer.take());
        }
        let previous = self.newer.take();
        let count = previous.as_ref().map_or(1, |node| node.count + 1);
        let piece = Piece::One(crumb.take());
        self.newer = Some(Arc::new(Node { piece, previous, count, held: Held::default() }));
        retired
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.newer.is_none() && self.older.is_none()
    }

    /// The newest `max`, oldest first.
    pub(crate) fn newest(&self, max: usize) -> Vec<&Crumb> {
        let max = max.min(self.max);
        let nodes = list(&self.newer).chain(list(&self.older));
        let mut crumbs: Vec<&Crumb> = nodes.flat_map(|node| node.piece.newest_first()).take(max).collect();
        crumbs.reverse();
        crumbs
    }

    /// The newest piece of each list: all others are behind these.
    pub(crate) fn heads(&self) -> [Option<&Arc<Node>>; 2] {
        [self.newer.as_ref(), self.older.as_ref()]
    }
}

impl Node {
    pub(crate) fn previous(&self) -> Option<&Arc<Node>> {
        self.previous.as_ref()
    }

    pub(crate) fn bytes(&self) -> usize {
        let crumbs = self.piece.newest_first().map(|crumb| size_of::<Crumb>() + crumb.bytes());
        size_of::<Self>() + crumbs.sum::<usize>()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A chain of owned nodes would otherwise be dropped by recursion, one stack frame for each.
        let mut next = self.previous.take();
        while let Some(node) = next {
            next = Arc::into_inner(node).and_then(|mut node| node.previous.take());
        }
    }
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many { ring, .. } => ring.len(),
        }
    }

    /// Adds behind all others.
    fn push(&mut self, crumb: Crumb) {
        match self {
            Self::Many { ring, oldest } => {
                // It has gone round before, and may grow again since.
                ring.rotate_left(*oldest);
                *oldest = 0;
                ring.push(crumb);
            }
            Self::One(_) => {
                let ring = Vec::with_capacity(8);
                if let Self::One(first) = std::mem::replace(self, Self::Many { ring, oldest: 0 }) {
                    self.push(first);
                }
                self.push(crumb);
            }
        }
    }

    /// Swaps `crumb` for the oldest one.
    #[inline]
    fn swap_oldest(&mut self, crumb: &mut Crumb) {
        match self {
            Self::One(only) => std::mem::swap(only, crumb),
            Self::Many { ring, oldest } => {
                if let Some(there) = ring.get_mut(*oldest) {
                    std::mem::swap(there, crumb);
                }
                *oldest = if *oldest + 1 < ring.len() { *oldest + 1 } else { 0 };
            }
        }
    }

    fn newest_first(&self) -> impl Iterator<Item = &Crumb> {
        let (behind, front) = match self {
            Self::One(only) => (std::slice::from_ref(only), Default::default()),
            Self::Many { ring, oldest } => ring.split_at_checked(*oldest).unwrap_or_default(),
        };
        // The ring from `oldest` on is older than what is in front of it.
        behind.iter().rev().chain(front.iter().rev())
    }
}

/// Crumbs that have fallen off, held only to be dropped late.
#[derive(Default)]
pub(crate) struct Retired {
    _previous: Option<Arc<Node>>,
    _older: Option<Arc<Node>>,
}

fn list(head: &Option<Arc<Node>>) -> impl Iterator<Item = &Node> {
    std::iter::successors(head.as_deref(), |node| node.previous.as_deref())
}

#[cfg(test)]
mod tests {
    use super::super::crumb::LeanBreadcrumb;
    use super::*;
    use crate::protocol::{Breadcrumb, Level};
    use proptest::prelude::*;

    fn crumb(n: usize) -> Crumb {
        let message = Some(n.to_string());
        // Of both kinds.
        match n % 2 {
            0 => Breadcrumb { message, ..Default::default() }.into(),
            _ => Crumb::Lean(LeanBreadcrumb { message, ..LeanBreadcrumb::new(Level::Info, "") }),
        }
    }

    fn numbers(crumbs: &Crumbs, max: usize) -> Vec<usize> {
        crumbs.newest(max).iter().filter_map(|&crumb| crumb.clone().into_whole().message?.parse().ok()).collect()
    }

    proptest! {
        #[test]
        fn the_newest_are_kept_in_order_whatever_is_shared(
            max in 0usize..8,
            // Whether a snapshot is taken before each addition, and how long it is kept.
            snapshots in proptest::collection::vec(proptest::option::of(1usize..6), 0..60),
        ) {
            let mut crumbs = Crumbs::default();
            let mut kept: Vec<(usize, Crumbs, Vec<usize>)> = Vec::new();
            for (n, snapshot) in snapshots.iter().enumerate() {
                if let Some(life) = snapshot {
                    kept.push((n + life, crumbs.clone(), numbers(&crumbs, max)));
                }
                crumbs.push(&mut crumb(n), max);
                let expected: Vec<usize> = ((n + 1).saturating_sub(max)..=n).collect();
                prop_assert_eq!(numbers(&crumbs, max), if max == 0 { vec![] } else { expected });
                for (_, fork, then) in &kept {
                    prop_assert_eq!(&numbers(fork, max), then);
                }
                kept.retain(|(until, ..)| *until > n);
                let there: usize = list(&crumbs.newer).chain(list(&crumbs.older)).map(|node| node.piece.len()).sum();
                prop_assert!(there <= 3 * max, "{there} kept of {max}");
            }
        }
    }

    #[test]
    fn a_ring_that_may_grow_again_keeps_its_order() {
        let mut crumbs = Crumbs::default();
        for n in 0..5 {
            crumbs.push(&mut crumb(n), 3);
        }
        for n in 5..7 {
            crumbs.push(&mut crumb(n), 10);
        }
        assert_eq!(numbers(&crumbs, usize::MAX), [2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_fork_keeps_what_it_saw() {
        let mut crumbs = Crumbs::default();
        crumbs.push(&mut crumb(1), 2);
        let fork = crumbs.clone();
        for n in 2..9 {
            crumbs.push(&mut crumb(n), 2);
        }
        assert_eq!((numbers(&fork, 2), numbers(&crumbs, 2)), (vec![1], vec![7, 8]));
    }

    #[test]
    fn memory_is_bounded_and_long_chains_drop_without_recursion() {
        let mut crumbs = Crumbs::default();
        for n in 0..300_000 {
            crumbs.push(&mut crumb(n), 100_000);
        }
        let there: usize = list(&crumbs.newer).chain(list(&crumbs.older)).map(|node| node.piece.len()).sum();
        assert_eq!(there, 100_000);
        // Each piece a single one, as with a snapshot before each addition.
        for n in 0..300_000 {
            let _snapshot = crumbs.clone();
            crumbs.push(&mut crumb(n), 100_000);
        }
        let there: usize = list(&crumbs.newer).chain(list(&crumbs.older)).map(|node| node.piece.len()).sum();
        assert!(there <= 300_000, "{there}");
        drop(crumbs);
    }
}
