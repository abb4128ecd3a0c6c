//! What happens when: limits, requests in flight, threads, reports and the end, as a state machine that is told the time.
//!
//! It knows no thread, no lock and no socket; `delivery` asks it under its lock and does what it says.

use std::time::{Duration, Instant, SystemTime};

use sentry_core::protocol::client_report::Category;
use sentry_core::wire::Lane;

use crate::crew::Crew;
use crate::destination::{Destination, Gate};
use crate::flights::{Cargo, Flight, FlightId, Flights, MAX_HELD, MAX_TRIES};
use crate::rate_limit::RateLimits;
use crate::reply::Answer;
use crate::tickets::{Generation, Tickets};

#[derive(Debug)]
pub(crate) struct Machine {
    limits: RateLimits,
    destination: Destination,
    tickets: Tickets,
    flights: Flights,
    crew: Crew,
    report_since: Option<Instant>,
    /// Not before then, something is taken up from disk.
    next_stored: Option<Instant>,
    phase: Phase,
    /// How many got their verdict after the end, from those who had them in hand.
    late: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// Nothing more is accepted; what there is has until then.
    Closing {
        deadline: Instant,
    },
    Closed,
}

/// What becomes of an envelope that did not arrive.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It is tried again. So often it was charged.
    Kept { tries: u32 },
    /// Others arrive, and it does not: it is the envelope that is at fault.
    Lost(Flight),
    /// It was given up before.
    Gone,
    /// There is no time to try again: everything is given up.
    TheEnd,
}

/// Whether to do something: now, at a time unless something else happens, or not as things are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Now,
    At(Instant),
    Not,
}

impl Machine {
    pub(crate) fn new(max_senders: usize) -> Self {
        Self {
            limits: RateLimits::default(),
            destination: Destination::default(),
            tickets: Tickets::new(),
            flights: Flights::default(),
            crew: Crew::new(max_senders),
            report_since: None,
            next_stored: None,
            phase: Phase::Open,
            late: 0,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// Counts in a piece of work; `None` when no more is taken.
    pub(crate) fn accept(&mut self) -> Option<Generation> {
        (self.phase == Phase::Open).then(|| self.tickets.accept())
    }

    /// It was delivered or lost, and that is recorded. After the end no ticket changes any more.
    pub(crate) fn settle(&mut self, generation: Generation) {
        match self.phase {
            Phase::Closed => self.late += 1,
            _ => self.tickets.settle(generation),
        }
    }

    /// A ticket for everything accepted so far.
    pub(crate) fn ticket(&mut self) -> Generation {
        self.tickets.take()
    }

    /// Whether everything the ticket stands for had a verdict before the end.
    pub(crate) fn is_settled(&self, ticket: Generation) -> bool {
        self.tickets.is_settled(ticket)
    }

    /// Whether nothing at all is on its way.
    pub(crate) fn is_idle(&self) -> bool {
        self.flights.is_empty() && self.outstanding() == 0
    }

    pub(crate) fn is_limited(&self, category: Category, now: Instant) -> bool {
        self.limits.limited(category, now)
    }

    /// Whether another envelope may be finished: little is to be ahead of the wire, so that a crash overtakes the rest
    /// and memory is held by lean captures, not by envelopes.
    pub(crate) fn has_room(&self) -> bool {
        self.flights.held() < MAX_HELD && self.flights.ahead() < self.most_ahead()
    }

    /// Whether it is time to finish more. Who waits for room is not woken before: that costs about as much as to send
    /// one.
    pub(crate) fn runs_low(&self) -> bool {
        self.flights.ahead() <= self.most_ahead() / 2
    }

    /// Whether there is to be one more sender, with `waiting` envelopes in no sender's hands: while there are more than
    /// senders, or they leave no room and there is none.
    pub(crate) fn sender_due(&mut self, waiting: usize, is_full: bool, now: Instant) -> Due {
        let is_short = self.flights.ahead() > self.crew.count();
        match self.crew.count() {
            0 if !is_full => Due::Not,
            _ => self.crew.due(if is_short { waiting } else { 0 }, now),
        }
    }

    fn most_ahead(&self) -> usize {
        let of = |senders: usize| AHEAD_OF_EACH_SENDER.saturating_mul(senders);
        of(self.crew.count()).max(AHEAD_OF_FEW).min(of(self.crew.most()))
    }

    /// Whether what would join that lane now has to wait.
    pub(crate) fn is_taken(&self, lane: Lane) -> bool {
        self.flights.is_taken(lane)
    }

    /// Whether an envelope that waits may be sent: nothing is under way in its lanes, and nothing in front of it.
    pub(crate) fn may_go(&self, id: FlightId) -> bool {
        self.flights.may_go(id)
    }

    /// Whether anything may be sent now.
    pub(crate) fn gate(&self, now: Instant) -> Gate {
        self.destination.gate(now)
    }

    /// How many attempts to reach a server that is not there have failed.
    pub(crate) fn failed_attempts(&self) -> u64 {
        self.destination.failed_attempts()
    }

    /// Whether the server is not reached at present.
    pub(crate) fn is_down(&self) -> bool {
        self.destination.is_down()
    }

    /// The next attempt is now: somebody waits for it.
    pub(crate) fn hurry(&mut self, now: Instant) {
        self.destination.hurry(now);
    }

    /// Whether the next attempt is to be one that has not failed yet: an envelope that never arrives is not to keep all
    /// others back.
    pub(crate) fn prefers_new(&self) -> bool {
        self.destination.prefers_new() && self.flights.held() == 0
    }

    /// An encoded envelope joins those for the senders. `false` if it has to wait until it [may go](Self::may_go).
    pub(crate) fn launch(&mut self, cargo: Cargo) -> (FlightId, bool) {
        let id = self.flights.launch(cargo, self.destination.successes());
        let goes = self.may_go(id);
        if goes {
            self.relaunch(id);
        }
        (id, goes)
    }

    /// An envelope that waited or failed goes out.
    pub(crate) fn relaunch(&mut self, id: FlightId) {
        self.flights.depart(id);
        self.destination.sends(id.0);
    }

    /// The envelope did not arrive, and that was not the server's word. `dice` are from 0 to 1.
    pub(crate) fn fail(&mut self, id: FlightId, now: Instant, dice: f64) -> Failed {
        let was_down = self.destination.fails(id.0, now, dice);
        self.crew.gets_on();
        if self.phase != Phase::Open {
            if was_down && self.flights.contains(id) {
                return Failed::TheEnd;
            }
            self.hurry(now);
        }
        match self.flights.fail(id, self.destination.successes()) {
            None => Failed::Gone,
            Some(tries) if tries < MAX_TRIES => Failed::Kept { tries },
            Some(_) => self.flights.remove(id).map_or(Failed::Gone, Failed::Lost),
        }
    }

    /// Takes out an envelope that is left to the disk.
    pub(crate) fn leave(&mut self, id: FlightId) -> Option<Flight> {
        self.flights.remove(id)
    }

    /// Whether something may be taken up from disk: after an outage, so many a second. Who starts does not know whether
    /// there is one: it sends one, to see.
    pub(crate) fn stored_due(&self, now: Instant) -> Due {
        if !self.destination.is_known() && !self.flights.is_empty() {
            return Due::Not;
        }
        match self.next_stored.filter(|at| now < *at) {
            Some(at) => Due::At(at),
            None => Due::Now,
        }
    }

    /// Something was taken up from disk; `is_last` if nothing waits there any more.
    pub(crate) fn took_stored(&mut self, is_last: bool, now: Instant) {
        self.next_stored = match (is_last, self.is_down(), self.next_stored) {
            (true, ..) => None,
            (_, true, _) | (.., Some(_)) => Some(now + BETWEEN_STORED),
            _ => None,
        };
    }

    /// Whether it was seen what becomes of an envelope.
    pub(crate) fn knows_the_way(&self) -> bool {
        self.destination.is_known()
    }

    pub(crate) fn is_flying(&self, id: FlightId) -> bool {
        self.flights.contains(id)
    }

    /// Ends a flight with the server's answer, if there was one. `None` if it was given up before.
    ///
    /// What becomes of its content is to be recorded before [`settle_flight`](Self::settle_flight).
    pub(crate) fn land(
        &mut self,
        id: FlightId,
        answer: Option<&Answer>,
        now: Instant,
        wall: SystemTime,
    ) -> Option<Flight> {
        if let Some(answer) = answer {
            let (limits, retry_after) = (answer.rate_limits.as_deref(), answer.retry_after.as_deref());
            self.limits.update(limits, retry_after, answer.status, now, wall);
        }
        match answer {
            Some(_) => {
                if self.is_down() {
                    self.next_stored.get_or_insert(now);
                }
                self.destination.answers();
            }
            None => self.destination.ends(id.0),
        }
        self.crew.gets_on();
        self.flights.remove(id)
    }

    pub(crate) fn settle_flight(&mut self, flight: &Flight) {
        if let Some(generation) = flight.cargo.generation {
            self.settle(generation);
        }
    }

    /// Gives up all flights: their content is to be recorded as lost, whatever answers come later.
    pub(crate) fn give_up(&mut self) -> Vec<Flight> {
        self.flights.take_all()
    }

    /// The senders.
    pub(crate) fn crew(&mut self) -> &mut Crew {
        &mut self.crew
    }

    /// Whether a client report is to leave alone because no envelope took it along.
    pub(crate) fn report_due(&mut self, has_report: bool, now: Instant) -> Due {
        if !has_report {
            self.report_since = None;
            return Due::Not;
        }
        let aged = *self.report_since.get_or_insert(now) + REPORT_AGE;
        let due = self.limits.until(Category::Internal).map_or(aged, |limited| limited.max(aged));
        if due <= now { Due::Now } else { Due::At(due) }
    }

    /// Whether a client report may leave at all.
    pub(crate) fn may_report(&self, now: Instant) -> bool {
        !self.is_limited(Category::Internal, now)
    }

    /// The report was taken along.
    pub(crate) fn reported(&mut self) {
        self.report_since = None;
    }

    /// How many have no verdict.
    pub(crate) fn outstanding(&self) -> usize {
        self.tickets.outstanding().saturating_sub(self.late)
    }

    /// Takes nothing more; what there is has until `deadline`.
    pub(crate) fn begin_close(&mut self, now: Instant, deadline: Instant) {
        // One more attempt, which is the last one.
        self.hurry(now);
        self.phase = match self.phase {
            Phase::Open => Phase::Closing { deadline },
            Phase::Closing { deadline: before } => Phase::Closing { deadline: before.max(deadline) },
            Phase::Closed => Phase::Closed,
        };
    }

    pub(crate) fn close(&mut self) {
        self.phase = Phase::Closed;
    }

    /// When what is left is given up. A thread that closes does so itself, at the deadline: while there is one
    /// (`is_attended`), the others leave it the time.
    pub(crate) fn gives_up_at(&self, is_attended: bool) -> Option<Instant> {
        let Phase::Closing { deadline } = self.phase else { return None };
        Some(if is_attended { deadline + COUNTING } else { deadline })
    }
}

/// One being sent, and one so that the sender need not wait for the worker.
pub(crate) const AHEAD_OF_EACH_SENDER: usize = 2;
/// While answers are fast there is one sender: with so many ahead of it, the worker is not woken for each.
const AHEAD_OF_FEW: usize = 8;
/// Ten a second.
const BETWEEN_STORED: Duration = Duration::from_millis(100);
/// How long counting what is left may take a thread that others wait for.
pub(crate) const COUNTING: Duration = Duration::from_millis(25);
const REPORT_AGE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use sentry_core::protocol::client_report::ItemLoss;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn answer(status: u16, rate_limits: Option<&str>) -> Answer {
        Answer { status, rate_limits: rate_limits.map(str::to_owned), ..Answer::default() }
    }

    fn losses() -> Vec<ItemLoss> {
        vec![ItemLoss::new(Category::Error, 1)]
    }

    fn cargo() -> Cargo {
        Cargo { losses: losses(), ..Cargo::default() }
    }

    fn land(machine: &mut Machine, id: FlightId, answer: &Answer, now: Instant) -> Option<Flight> {
        let flight = machine.land(id, Some(answer), now, SystemTime::UNIX_EPOCH)?;
        machine.settle_flight(&flight);
        Some(flight)
    }

    #[test]
    fn two_envelopes_for_each_sender_are_ahead_of_the_wire() {
        for (senders, room) in [(0, 2), (1, 2), (2, 4), (4, 8)] {
            let mut machine = Machine::new(senders);
            let mut flights = Vec::new();
            while machine.has_room() {
                flights.push(machine.launch(cargo()).0);
            }
            assert_eq!(flights.len(), room, "{senders} senders");
            let now = sentry_core::clock::now();
            for (landed, id) in flights.into_iter().enumerate() {
                assert_eq!(machine.runs_low(), landed * 2 >= room, "{landed} of {room} landed");
                assert!(machine.land(id, None, now, SystemTime::UNIX_EPOCH).is_some());
                assert!(machine.has_room());
            }
        }
    }

    #[test]
    fn a_flush_waits_for_verdicts() {
        let now = sentry_core::clock::now();
        let mut machine = Machine::new(4);
        let (first, second) = (machine.accept().unwrap(), machine.accept().unwrap());
        let ticket = machine.ticket();
        let (id, _) = machine.launch(Cargo { generation: Some(second), ..cargo() });
        machine.settle(first);
        assert!(!machine.is_settled(ticket) && !machine.is_idle());
        assert!(land(&mut machine, id, &answer(200, None), now).is_some());
        assert!(machine.is_settled(ticket) && machine.is_idle());
        assert!(machine.land(id, None, now, SystemTime::UNIX_EPOCH).is_none(), "nothing lands twice");
    }

    #[test]
    fn limits_come_with_any_answer() {
        let now = sentry_core::clock::now();
        let mut machine = Machine::new(4);
        for (status, header) in [(200, Some("10:transaction:org")), (429, None)] {
            let (id, _) = machine.launch(cargo());
            assert!(land(&mut machine, id, &answer(status, header), now).is_some());
        }
        assert!(machine.is_limited(Category::Transaction, now + 59_999 * MS));
        assert!(!machine.is_limited(Category::Transaction, now + 60_000 * MS));
    }

    #[test]
    fn a_report_leaves_alone_after_thirty_seconds() {
        let start = sentry_core::clock::now();
        let mut machine = Machine::new(4);
        assert_eq!(machine.report_due(false, start), Due::Not, "no timer while nothing is unreported");
        assert_eq!(machine.report_due(true, start), Due::At(start + REPORT_AGE));
        assert_eq!(machine.report_due(true, start + MS), Due::At(start + REPORT_AGE));
        assert_eq!(machine.report_due(true, start + REPORT_AGE), Due::Now);
        machine.reported();
        assert_eq!(machine.report_due(true, start + REPORT_AGE), Due::At(start + 2 * REPORT_AGE), "no storm");
        let (id, _) = machine.launch(Cargo::default());
        assert!(land(&mut machine, id, &answer(200, Some("1000::org")), start).is_some());
        assert!(!machine.may_report(start));
        assert_eq!(machine.report_due(true, start + 3 * REPORT_AGE), Due::At(start + Duration::from_secs(1000)));
    }

    #[test]
    fn the_end() {
        let start = sentry_core::clock::now();
        let mut machine = Machine::new(4);
        let accepted = machine.accept().unwrap();
        let (id, _) = machine.launch(Cargo { generation: Some(accepted), ..cargo() });
        machine.begin_close(start, start + 5 * MS);
        machine.begin_close(start, start + 3 * MS);
        assert_eq!(machine.phase(), Phase::Closing { deadline: start + 5 * MS }, "nobody's time is cut");
        assert_eq!(machine.accept(), None);
        let ticket = machine.ticket();
        assert_eq!(machine.gives_up_at(false), Some(start + 5 * MS));
        assert_eq!(machine.gives_up_at(true), Some(start + 5 * MS + COUNTING));
        let given_up = machine.give_up();
        assert_eq!(given_up.iter().map(|flight| flight.cargo.losses.clone()).collect::<Vec<_>>(), [losses()]);
        machine.close();
        assert!(land(&mut machine, id, &answer(200, None), start).is_none(), "a late answer changes no books");
        machine.settle(accepted);
        assert!(!machine.is_settled(ticket), "what was given up has not been settled in time");
    }

    #[test]
    fn after_an_outage_ten_a_second_are_taken_up_from_disk() {
        let mut machine = Machine::new(4);
        let now = sentry_core::clock::now();
        machine.took_stored(false, now);
        assert_eq!(machine.stored_due(now), Due::Now, "there was no outage");
        let (id, _) = machine.launch(cargo());
        assert!(matches!(machine.fail(id, now, 0.0), Failed::Kept { tries: 0 }));
        assert!(machine.leave(id).is_some());
        assert_eq!(machine.stored_due(now), Due::Now, "the probe");
        machine.took_stored(false, now);
        let (probe, _) = machine.launch(cargo());
        assert!(land(&mut machine, probe, &answer(200, None), now).is_some());
        for n in 1..4 {
            let due = now + n * BETWEEN_STORED;
            assert_eq!(machine.stored_due(due - MS), Due::At(due));
            assert_eq!(machine.stored_due(due), Due::Now);
            machine.took_stored(n == 3, due);
        }
        assert_eq!(machine.stored_due(now), Due::Now, "it is over");
    }

    #[test]
    fn one_is_taken_up_from_disk_until_the_way_is_known() {
        for is_there in [true, false] {
            let mut machine = Machine::new(4);
            let now = sentry_core::clock::now();
            assert_eq!(machine.stored_due(now), Due::Now);
            machine.took_stored(false, now);
            let (first, _) = machine.launch(cargo());
            assert_eq!(machine.stored_due(now), Due::Not);
            if is_there {
                assert!(land(&mut machine, first, &answer(200, None), now).is_some());
                assert_eq!(machine.stored_due(now), Due::Now);
                machine.launch(cargo());
                assert_eq!(machine.stored_due(now), Due::Now, "the server answers");
            } else {
                // Given up before there was an answer.
                assert!(machine.land(first, None, now, SystemTime::UNIX_EPOCH).is_some());
                assert_eq!(machine.stored_due(now), Due::Now, "nobody else would find out");
            }
        }
    }

    #[test]
    fn what_comes_back_from_disk_remembers_its_tries() {
        let mut machine = Machine::new(4);
        let now = sentry_core::clock::now();
        let (other, _) = machine.launch(cargo());
        assert!(land(&mut machine, other, &answer(200, None), now).is_some());
        let (id, _) = machine.launch(Cargo { history: Some((2, 0)), ..cargo() });
        assert!(matches!(machine.fail(id, now, 0.0), Failed::Lost(_)), "others succeeded since it failed last");
    }
}
