//! What "everything accepted before the call" means for `flush`: generations of work, counted, not listed.

use std::collections::VecDeque;

/// When a piece of work was accepted, in terms of the flushes it comes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Generation(u64);

/// Counts the work that has no verdict yet, by generation. A ticket opens a new one.
///
/// Memory is bounded by the number of tickets taken while work is outstanding.
#[derive(Debug)]
pub(crate) struct Tickets {
    first: u64,
    outstanding: VecDeque<usize>,
}

impl Tickets {
    pub(crate) fn new() -> Self {
        Self { first: 0, outstanding: VecDeque::from([0]) }
    }

    /// Counts a piece of work in.
    pub(crate) fn accept(&mut self) -> Generation {
        if let Some(count) = self.outstanding.back_mut() {
            *count += 1;
        }
        Generation(self.current())
    }

    /// Counts it out: it was delivered or lost.
    pub(crate) fn settle(&mut self, generation: Generation) {
        let index = generation.0.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        if let Some(count) = index.and_then(|index| self.outstanding.get_mut(index)) {
            *count = count.saturating_sub(1);
        }
        while self.outstanding.len() > 1 && self.outstanding.front() == Some(&0) {
            self.outstanding.pop_front();
            self.first += 1;
        }
    }

    /// Stands for everything accepted so far.
    pub(crate) fn take(&mut self) -> Generation {
        let ticket = Generation(self.current());
        self.outstanding.push_back(0);
        // Nothing to settle: this only drops generations without work.
        self.settle(Generation(u64::MAX));
        ticket
    }

    /// Whether everything the ticket stands for has a verdict.
    pub(crate) fn is_settled(&self, ticket: Generation) -> bool {
        ticket.0 < self.first
    }

    /// How many are outstanding.
    pub(crate) fn outstanding(&self) -> usize {
        self.outstanding.iter().sum()
    }

    fn current(&self) -> u64 {
        let later = u64::try_from(self.outstanding.len()).unwrap_or(u64::MAX).saturating_sub(1);
        self.first.saturating_add(later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_waits_for_what_came_before_it_and_not_for_what_comes_after() {
        let mut tickets = Tickets::new();
        let (first, second) = (tickets.accept(), tickets.accept());
        let ticket = tickets.take();
        let later = tickets.accept();
        assert!(!tickets.is_settled(ticket));
        tickets.settle(second);
        tickets.settle(later);
        assert!(!tickets.is_settled(ticket));
        tickets.settle(first);
        assert!(tickets.is_settled(ticket) && tickets.outstanding() == 0);
    }

    #[test]
    fn a_ticket_for_nothing_is_settled_at_once() {
        let mut tickets = Tickets::new();
        for _ in 0..1_000 {
            let ticket = tickets.take();
            assert!(tickets.is_settled(ticket));
        }
        assert_eq!(tickets.outstanding.len(), 1, "idle flushes leave nothing behind");
    }

    #[test]
    fn tickets_are_settled_in_their_order() {
        let mut tickets = Tickets::new();
        let first = tickets.accept();
        let early = tickets.take();
        let second = tickets.accept();
        let late = tickets.take();
        tickets.settle(second);
        assert!(!tickets.is_settled(late), "what the early one waits for came before the late one too");
        tickets.settle(first);
        assert!(tickets.is_settled(early) && tickets.is_settled(late));
    }
}
