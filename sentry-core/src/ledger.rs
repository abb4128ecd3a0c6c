//! The books of one client: what was captured and what became of it, by data category.
//!
//! Every path that delivers or loses data records it here, where it happens, so that
//! `captured + recovered = queued + stored + delivered + limited by the server + lost with a reason` holds at any time
//! (spec §16).
//! All counters are atomics; recording never waits.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::clock;
use crate::fork::{Heir, PerProcess};
use crate::indexed_enum::IndexedEnum;
use crate::protocol::client_report::{Category, Item, ItemLoss, LossSource, Reason, Report};

/// Records what becomes of a client's data. Handles are cheap to clone and share one set of counters.
///
/// A transport gets one in [`TransportOptions`](crate::TransportOptions); what it records reaches Sentry in client
/// reports and the program in [`Client::stats`](crate::Client::stats).
#[derive(Clone)]
pub struct Recorder(Arc<PerProcess<Ledger>>);

/// Why a transport lost data: the reasons a transport can know of.
///
/// There is none for an answer 429: the server has counted that itself (spec TRN-13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportLossReason {
    /// The server refused the envelope.
    SendError,
    /// The SDK failed while it worked on the envelope.
    InternalError,
    /// The server could not be reached.
    NetworkError,
    /// A rate limit of the server was in force.
    RatelimitBackoff,
    /// The queue was full.
    QueueOverflow,
}

impl From<TransportLossReason> for Reason {
    fn from(reason: TransportLossReason) -> Self {
        match reason {
            TransportLossReason::SendError => Self::SendError,
            TransportLossReason::InternalError => Self::InternalSdkError,
            TransportLossReason::NetworkError => Self::NetworkError,
            TransportLossReason::RatelimitBackoff => Self::RatelimitBackoff,
            TransportLossReason::QueueOverflow => Self::QueueOverflow,
        }
    }
}

impl Recorder {
    /// Without `reports`, losses are counted as ever, but nobody is told of them.
    pub(crate) fn new(reports: bool) -> Self {
        Self(Arc::new(PerProcess::of_now(Ledger { is_silent: !reports, ..Ledger::default() })))
    }

    /// Records that `data` was lost after all: for transports of a program's own, which have delivered what they are given
    /// as far as the client knows. A lost client report gives its counts back, to be reported again.
    ///
    /// A transport that implements [`send_deferred`](crate::Transport::send_deferred) accounts for everything itself, with
    /// [`record_delivered`](Self::record_delivered) and [`record_losses`](Self::record_losses).
    pub fn record_lost_data<L: LossSource + ?Sized>(&self, data: &L, reason: TransportLossReason) {
        for loss in data.losses().filter(|loss| loss.reason.is_none()) {
            add(self.0.get().taken_back.get(loss.category.as_index()), loss.quantity);
        }
        self.record_losses(data.losses(), reason.into());
    }

    /// Records each of `losses` as lost for `reason`, or for its own reason where it has one (a lost client report).
    pub fn record_losses(&self, losses: impl IntoIterator<Item = ItemLoss>, reason: Reason) {
        for loss in losses {
            match loss.reason {
                Some(reported) => self.0.get().give_back(loss.category, reported, loss.quantity),
                None => self.record_loss(loss.category, reason, loss.quantity),
            }
        }
    }

    /// Records that `quantity` of `category` was lost for `reason`.
    pub fn record_loss(&self, category: Category, reason: Reason, quantity: u64) {
        add(cell(&self.0.get().lost, category, reason), quantity);
        self.0.get().give_back(category, reason, quantity);
    }

    /// Records that the server took `items`.
    pub fn record_delivered(&self, items: impl IntoIterator<Item = ItemLoss>) {
        for item in items.into_iter().filter(|item| item.reason.is_none()) {
            add(self.0.get().delivered.get(item.category.as_index()), item.quantity);
        }
    }

    /// Records that the server answered 429 to `items`. It counts them itself: they are not in client reports.
    pub fn record_limited_by_server(&self, items: impl IntoIterator<Item = ItemLoss>) {
        for item in items {
            match item.reason {
                Some(reported) => self.0.get().give_back(item.category, reported, item.quantity),
                None => add(self.0.get().limited.get(item.category.as_index()), item.quantity),
            }
        }
    }

    /// Records that `items` wait on disk, and nowhere else.
    pub fn record_stored(&self, items: impl IntoIterator<Item = ItemLoss>) {
        for item in items.into_iter().filter(|item| item.reason.is_none()) {
            add(self.0.get().stored.get(item.category.as_index()), item.quantity);
        }
    }

    /// Records that `items` are not only on disk any more: they are tried again, or lost.
    pub fn record_taken_up(&self, items: impl IntoIterator<Item = ItemLoss>) {
        for item in items.into_iter().filter(|item| item.reason.is_none()) {
            add(self.0.get().taken_up.get(item.category.as_index()), item.quantity);
        }
    }

    /// Records that `items` were taken over from a process that has ended.
    pub fn record_recovered(&self, items: impl IntoIterator<Item = ItemLoss>) {
        for item in items.into_iter().filter(|item| item.reason.is_none()) {
            add(self.0.get().recovered.get(item.category.as_index()), item.quantity);
        }
    }

    /// Records that `quantity` of `category` was accepted from the program.
    pub(crate) fn record_captured(&self, category: Category, quantity: u64) {
        add(self.0.get().captured.get(category.as_index()), quantity);
    }

    /// Takes all losses not reported yet as a client report, if there are any. A report that does not reach the
    /// server goes back through [`record_losses`](Self::record_losses).
    #[must_use]
    pub fn take_report(&self) -> Option<Report> {
        if !self.0.get().unreported_any.swap(false, Ordering::AcqRel) {
            return None;
        }
        let mut items = Vec::new();
        for (category, reasons) in Category::VARIANTS.iter().zip(&self.0.get().unreported) {
            for (reason, count) in Reason::VARIANTS.iter().zip(reasons) {
                let quantity = count.swap(0, Ordering::AcqRel);
                if quantity > 0 {
                    items.push(Item::new(*category, *reason, quantity));
                }
            }
        }
        (!items.is_empty()).then(|| Report::at(clock::wall(), items))
    }

    /// Whether [`take_report`](Self::take_report) has something to take. One load.
    #[must_use]
    pub fn has_report(&self) -> bool {
        self.0.get().unreported_any.load(Ordering::Acquire)
    }

    /// The counters as they stand. They are read one by one: beside concurrent captures a row can be off by those.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let read = |counter: Option<&AtomicU64>| counter.map_or(0, |counter| counter.load(Ordering::Acquire));
        let rows = Category::VARIANTS.iter().map(|category| {
            let index = category.as_index();
            // What has left is read before what came in, so that `queued` cannot come out negative.
            let lost: Vec<(Reason, u64)> = (Reason::VARIANTS.iter())
                .map(|reason| (*reason, read(cell(&self.0.get().lost, *category, *reason))))
                .filter(|(_, quantity)| *quantity > 0)
                .collect();
            CategoryStats {
                category: *category,
                delivered: read(self.0.get().delivered.get(index))
                    .saturating_sub(read(self.0.get().taken_back.get(index))),
                limited_by_server: read(self.0.get().limited.get(index)),
                lost,
                stored: {
                    let taken_up = read(self.0.get().taken_up.get(index));
                    read(self.0.get().stored.get(index)).saturating_sub(taken_up)
                },
                recovered: read(self.0.get().recovered.get(index)),
                captured: read(self.0.get().captured.get(index)),
            }
        });
        Stats { rows: rows.filter(|row| *row != CategoryStats::empty(row.category)).collect() }
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new(true)
    }
}

/// The books of a forked process begin with it.
impl Heir for Ledger {
    fn heir(&self) -> Self {
        Self { is_silent: self.is_silent, ..Self::default() }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recorder").field(&self.stats()).finish()
    }
}

/// What became of a client's data so far, see [`Client::stats`](crate::Client::stats).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    rows: Vec<CategoryStats>,
}

impl Stats {
    /// One row for each data category that was ever captured or lost.
    #[must_use]
    pub fn categories(&self) -> &[CategoryStats] {
        &self.rows
    }

    /// The row of `category`; all zero when there was never any of it.
    #[must_use]
    pub fn of(&self, category: Category) -> CategoryStats {
        let row = self.rows.iter().find(|row| row.category == category);
        row.cloned().unwrap_or_else(|| CategoryStats::empty(category))
    }
}

/// What became of everything by the time a client was closed, see
/// [`Client::close_report`](crate::Client::close_report).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// Everything had a verdict before the time was over.
    pub in_time: bool,
    /// By category.
    pub stats: Stats,
}

impl CloseReport {
    pub(crate) fn new(in_time: bool, stats: Stats) -> Self {
        Self { in_time, stats }
    }

    /// Pieces that the server, or a custom transport, took.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.sum(|row| row.delivered)
    }

    /// Pieces that were left on disk, for the next start.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.sum(|row| row.stored)
    }

    /// Pieces that were lost for any reason, answered with 429 included.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.sum(|row| row.lost_in_all().saturating_add(row.limited_by_server))
    }

    /// What is counted in bytes, or besides its pieces, is not added up with pieces.
    fn sum(&self, of: impl Fn(&CategoryStats) -> u64) -> u64 {
        let is_piece = |row: &&CategoryStats| {
            !matches!(row.category, Category::Attachment | Category::LogByte | Category::TraceMetricByte)
        };
        self.stats.rows.iter().filter(is_piece).fold(0, |sum, row| sum.saturating_add(of(row)))
    }
}

/// What became of the data of one category. Attachments are counted in bytes, everything else in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CategoryStats {
    /// The data category.
    pub category: Category,
    /// Accepted from the program.
    pub captured: u64,
    /// Taken over from the spool of a process that has ended.
    pub recovered: u64,
    /// On disk only, in the spool: for when the server is reached again, or for the next start of the program.
    pub stored: u64,
    /// Taken by the server, or by a custom transport.
    pub delivered: u64,
    /// Answered with 429 by the server, which counts it itself.
    pub limited_by_server: u64,
    /// Lost, by reason.
    pub lost: Vec<(Reason, u64)>,
}

impl CategoryStats {
    /// Still on its way: queued, being worked on, or in flight.
    #[must_use]
    pub fn queued(&self) -> u64 {
        let left = self.delivered.saturating_add(self.limited_by_server).saturating_add(self.lost_in_all());
        self.captured.saturating_add(self.recovered).saturating_sub(left).saturating_sub(self.stored)
    }

    /// Lost for any reason.
    #[must_use]
    pub fn lost_in_all(&self) -> u64 {
        self.lost.iter().fold(0, |sum, (_, quantity)| sum.saturating_add(*quantity))
    }

    /// Lost for `reason`.
    #[must_use]
    pub fn lost_for(&self, reason: Reason) -> u64 {
        self.lost.iter().find(|(lost_for, _)| *lost_for == reason).map_or(0, |(_, quantity)| *quantity)
    }

    fn empty(category: Category) -> Self {
        Self { category, captured: 0, recovered: 0, stored: 0, delivered: 0, limited_by_server: 0, lost: Vec::new() }
    }
}

type ByReason = [AtomicU64; Reason::VARIANTS.len()];

struct Ledger {
    captured: [AtomicU64; Category::VARIANTS.len()],
    delivered: [AtomicU64; Category::VARIANTS.len()],
    /// Was or will be counted as delivered, and was not.
    taken_back: [AtomicU64; Category::VARIANTS.len()],
    limited: [AtomicU64; Category::VARIANTS.len()],
    recovered: [AtomicU64; Category::VARIANTS.len()],
    /// Was ever left to the disk alone, and came back from there.
    stored: [AtomicU64; Category::VARIANTS.len()],
    taken_up: [AtomicU64; Category::VARIANTS.len()],
    lost: [ByReason; Category::VARIANTS.len()],
    unreported: [ByReason; Category::VARIANTS.len()],
    unreported_any: AtomicBool,
    /// Nothing is ever reported.
    is_silent: bool,
}

impl Ledger {
    fn give_back(&self, category: Category, reason: Reason, quantity: u64) {
        if self.is_silent {
            return;
        }
        add(cell(&self.unreported, category, reason), quantity);
        self.unreported_any.store(true, Ordering::Release);
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            captured: Default::default(),
            delivered: Default::default(),
            taken_back: Default::default(),
            limited: Default::default(),
            recovered: Default::default(),
            stored: Default::default(),
            taken_up: Default::default(),
            lost: Default::default(),
            unreported: Default::default(),
            unreported_any: AtomicBool::new(false),
            is_silent: false,
        }
    }
}

fn cell(table: &[ByReason], category: Category, reason: Reason) -> Option<&AtomicU64> {
    table.get(category.as_index()).and_then(|reasons| reasons.get(reason.as_index()))
}

fn add(counter: Option<&AtomicU64>, quantity: u64) {
    if let Some(counter) = counter {
        counter.fetch_add(quantity, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_counted_for_good_and_reported_once() {
        let recorder = Recorder::default();
        recorder.record_captured(Category::Error, 2);
        recorder.record_loss(Category::Error, Reason::BeforeSend, 1);
        let report = recorder.take_report().expect("one loss");
        assert_eq!(
            report.losses().map(|loss| (loss.category, loss.reason, loss.quantity)).collect::<Vec<_>>(),
            [(Category::Error, Some(Reason::BeforeSend), 1)]
        );
        assert_eq!(recorder.take_report(), None);
        let row = recorder.stats().of(Category::Error);
        assert_eq!((row.queued(), row.lost_for(Reason::BeforeSend)), (1, 1));
    }

    #[test]
    fn a_lost_report_is_reported_again_but_not_lost_twice() {
        let recorder = Recorder::default();
        recorder.record_loss(Category::Error, Reason::SampleRate, 3);
        let report = recorder.take_report().expect("a loss");
        recorder.record_lost_data(&report, TransportLossReason::NetworkError);
        assert_eq!(recorder.stats().of(Category::Error).lost_in_all(), 3);
        assert_eq!(recorder.take_report().expect("given back").losses().map(|loss| loss.quantity).sum::<u64>(), 3);
    }

    #[test]
    fn without_reports_losses_are_only_counted() {
        let recorder = Recorder::new(false);
        recorder.record_captured(Category::Error, 1);
        recorder.record_loss(Category::Error, Reason::BeforeSend, 1);
        assert_eq!((recorder.has_report(), recorder.take_report()), (false, None));
        let row = recorder.stats().of(Category::Error);
        assert_eq!((row.queued(), row.lost_for(Reason::BeforeSend)), (0, 1));
    }

    #[test]
    fn what_the_server_limited_is_never_reported() {
        let recorder = Recorder::default();
        recorder.record_captured(Category::Error, 1);
        recorder.record_limited_by_server([ItemLoss::new(Category::Error, 1)]);
        assert_eq!(recorder.take_report(), None);
        assert_eq!(recorder.stats().of(Category::Error).queued(), 0);
    }
}
