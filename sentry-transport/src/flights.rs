//! The encoded envelopes that have no verdict yet, and which of them may be sent: in one lane, one by one and in order.

use std::collections::BTreeMap;

use sentry_core::protocol::client_report::ItemLoss;
use sentry_core::wire::Lane;

use crate::spool::FileName;
use crate::tickets::Generation;

#[derive(Debug, Default)]
pub(crate) struct Flights {
    flights: BTreeMap<u64, Flight>,
    next: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlightId(pub(crate) u64);

/// An envelope: waiting for a sender, or being sent.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) cargo: Cargo,
    place: Place,
    /// How often it failed.
    failures: u32,
    /// How often it failed while others succeeded.
    tries: u32,
    /// How many others had succeeded when it failed last, or came.
    pub(crate) successes: u64,
}

/// What is known of an envelope that is launched.
#[derive(Debug, Default)]
pub(crate) struct Cargo {
    /// What is delivered or lost with it.
    pub(crate) losses: Vec<ItemLoss>,
    /// What it was accepted as; client reports are nobody's.
    pub(crate) generation: Option<Generation>,
    pub(crate) lanes: Vec<Lane>,
    /// Where it is on disk, too.
    pub(crate) file: Option<FileName>,
    /// How often it had failed while others succeeded, before it was left to the disk; and how many had, by then.
    pub(crate) history: Option<(u32, u64)>,
}

/// Where an envelope is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// With the senders.
    Away,
    /// It was not sent yet: it waits for an earlier one in one of its lanes.
    Held,
    /// It failed, and will be tried again.
    Kept,
}

impl Flights {
    /// An envelope joins, after `successes` others arrived. It is held until it [departs](Self::depart).
    pub(crate) fn launch(&mut self, cargo: Cargo, successes: u64) -> FlightId {
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        let (tries, successes) = cargo.history.unwrap_or((0, successes));
        self.flights.insert(id, Flight { cargo, place: Place::Held, failures: 0, tries, successes });
        FlightId(id)
    }

    /// It is with the senders.
    pub(crate) fn depart(&mut self, id: FlightId) {
        if let Some(flight) = self.flights.get_mut(&id.0) {
            flight.place = Place::Away;
        }
    }

    /// It did not arrive, while `successes` others did in all, and is kept. Tells how often that was charged to it; `None`
    /// if it is gone.
    pub(crate) fn fail(&mut self, id: FlightId, successes: u64) -> Option<u32> {
        let flight = self.flights.get_mut(&id.0)?;
        flight.place = Place::Kept;
        flight.failures = flight.failures.saturating_add(1);
        if successes > flight.successes {
            flight.tries += 1;
            flight.successes = successes;
        }
        Some(flight.tries)
    }

    pub(crate) fn remove(&mut self, id: FlightId) -> Option<Flight> {
        self.flights.remove(&id.0)
    }

    pub(crate) fn take_all(&mut self) -> Vec<Flight> {
        std::mem::take(&mut self.flights).into_values().collect()
    }

    pub(crate) fn contains(&self, id: FlightId) -> bool {
        self.flights.contains_key(&id.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// How many wait for an earlier one.
    pub(crate) fn held(&self) -> usize {
        self.flights.values().filter(|flight| flight.place == Place::Held).count()
    }

    /// How many others there are.
    pub(crate) fn ahead(&self) -> usize {
        self.flights.len() - self.held()
    }

    /// Whether what would join that lane now has to wait.
    pub(crate) fn is_taken(&self, lane: Lane) -> bool {
        self.flights.values().any(|flight| flight.cargo.lanes.contains(&lane) && flight.keeps_its_lanes())
    }

    /// Whether one that waits may be sent: nothing is under way in its lanes, and nothing in front of it.
    pub(crate) fn may_go(&self, id: FlightId) -> bool {
        let Some(flight) = self.flights.get(&id.0) else { return true };
        flight.cargo.lanes.is_empty()
            || self.flights.iter().all(|(other_id, other)| {
                let is_in_the_way = other.place == Place::Away || (*other_id < id.0 && other.keeps_its_lanes());
                *other_id == id.0
                    || !is_in_the_way
                    || !flight.cargo.lanes.iter().any(|lane| other.cargo.lanes.contains(lane))
            })
    }
}

impl Flight {
    /// What fails again and again may itself be the reason, and does not hold up the others for it.
    fn keeps_its_lanes(&self) -> bool {
        self.place == Place::Away || self.failures < MAX_TRIES
    }
}

/// How many may wait for others: more would keep those back that need not wait.
pub(crate) const MAX_HELD: usize = 8;
/// So often one envelope fails while others do not; and so often it keeps others of its lane waiting.
pub(crate) const MAX_TRIES: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    /// As the machine does it: what may go goes. Tells whether it went.
    fn launch(flights: &mut Flights, lanes: &[Lane]) -> (FlightId, bool) {
        let id = flights.launch(Cargo { lanes: lanes.to_vec(), ..Cargo::default() }, 0);
        let goes = flights.may_go(id);
        if goes {
            flights.depart(id);
        }
        (id, goes)
    }

    #[test]
    fn what_shares_a_lane_goes_one_by_one_in_its_order() {
        let mut flights = Flights::default();
        let (logs, goes) = launch(&mut flights, &[Lane::Logs]);
        assert!(goes && flights.is_taken(Lane::Logs) && !flights.is_taken(Lane::Metrics));
        let (more, goes) = launch(&mut flights, &[Lane::Logs]);
        assert!(!goes);
        let (both, goes) = launch(&mut flights, &[Lane::Session(1), Lane::Logs]);
        assert!(!goes);
        let (session, goes) = launch(&mut flights, &[Lane::Session(1)]);
        assert!(!goes, "behind one that waits itself");
        let (other, goes) = launch(&mut flights, &[Lane::Session(2)]);
        assert!(goes);
        assert_eq!((flights.ahead(), flights.held()), (2, 3));
        assert!(flights.remove(other).is_some());
        let free = |flights: &Flights| -> Vec<FlightId> {
            [logs, more, both, session]
                .into_iter()
                .filter(|id| flights.flights.get(&id.0).is_some_and(|flight| flight.place != Place::Away))
                .filter(|id| flights.may_go(*id))
                .collect()
        };
        assert_eq!(free(&flights), []);
        assert_eq!(flights.fail(logs, 0), Some(0));
        assert_eq!(free(&flights), [logs], "what failed is still in front of the others");
        for id in [logs, more, both, session] {
            assert_eq!(free(&flights), [id]);
            flights.depart(id);
            assert_eq!(free(&flights), []);
            assert!(flights.remove(id).is_some());
        }
        assert!(!flights.is_taken(Lane::Logs) && flights.held() == 0);
    }

    #[test]
    fn what_fails_again_and_again_holds_up_nothing() {
        let mut flights = Flights::default();
        let (poison, _) = launch(&mut flights, &[Lane::Logs]);
        let (other, goes) = launch(&mut flights, &[Lane::Logs]);
        assert!(!goes);
        for _ in 0..MAX_TRIES {
            assert!(!flights.may_go(other) && flights.is_taken(Lane::Logs));
            flights.depart(poison);
            assert_eq!(flights.fail(poison, 0), Some(0), "nothing else arrives either");
        }
        assert!(flights.may_go(other) && flights.may_go(poison));
        flights.depart(poison);
        assert!(!flights.may_go(other), "never two at a time");
    }
}
