//! Client reports: what was lost before it reached the server, by category and reason.

mod losses;
mod names;

use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize};

pub use self::losses::{ItemLoss, LossSource};
pub(crate) use self::losses::{item_category, untyped_losses};
pub use self::names::{Category, Reason};
use super::time;

/// Counts of lost data, as they are sent to the server.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct Report {
    #[serde(default, skip_serializing_if = "Option::is_none", with = "timestamp")]
    timestamp: Option<SystemTime>,
    #[serde(default, deserialize_with = "known_items")]
    discarded_events: Vec<Item>,
}

impl Report {
    /// A report made now. Quantities of one category and reason are added up, zeros left out.
    pub fn new<I>(reports: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Item>,
    {
        let mut items: Vec<Item> = Vec::new();
        for report in reports {
            let report = report.into();
            let same = |item: &&mut Item| (item.category, item.reason) == (report.category, report.reason);
            match items.iter_mut().find(same) {
                Some(item) => item.quantity = item.quantity.saturating_add(report.quantity),
                None if report.quantity > 0 => items.push(report),
                None => {}
            }
        }
        Self::at(crate::clock::wall(), items)
    }

    /// A report of `items` as they are, made at `time`.
    pub(crate) fn at(time: SystemTime, items: Vec<Item>) -> Self {
        Self { timestamp: Some(time), discarded_events: items }
    }

    /// When the report was made.
    pub fn timestamp(&self) -> Option<SystemTime> {
        self.timestamp
    }

    /// The counts.
    pub fn items(&self) -> &[Item] {
        &self.discarded_events
    }

    /// The same report with other counts.
    pub(crate) fn with_items(&self, items: &[Item]) -> Self {
        Self { timestamp: self.timestamp, discarded_events: items.to_vec() }
    }
}

/// How much of one category was lost for one reason.
#[derive(Debug, Clone, Serialize, Deserialize, Copy, PartialEq, Eq)]
pub struct Item {
    reason: Reason,
    category: Category,
    quantity: u64,
}

impl Item {
    /// `quantity` is a number of items, for byte categories one of bytes.
    pub fn new(category: Category, reason: Reason, quantity: u64) -> Self {
        Self { reason, category, quantity }
    }

    /// What was lost.
    pub fn category(&self) -> Category {
        self.category
    }

    /// Why it was lost.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// How much was lost: a number of items, for byte categories one of bytes.
    pub fn quantity(&self) -> u64 {
        self.quantity
    }
}

/// Reads the items with a category and reason known here: a newer SDK's report does not fail because of the others.
fn known_items<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Item>, D::Error> {
    #[derive(Deserialize)]
    struct AnyItem {
        reason: String,
        category: String,
        #[serde(default)]
        quantity: u64,
    }
    let items = Option::<Vec<AnyItem>>::deserialize(deserializer)?.unwrap_or_default();
    let known = |item: AnyItem| {
        Some(Item::new(Category::from_name(&item.category)?, Reason::from_name(&item.reason)?, item.quantity))
    };
    Ok(items.into_iter().filter_map(known).collect())
}

/// Optional seconds since 1970.
mod timestamp {
    use super::*;
    use serde::Serializer;

    pub(super) fn serialize<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => time::seconds::serialize(time, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
        time::rfc3339_opt::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_report_on_the_wire() {
        let report = Report::at(
            UNIX_EPOCH + Duration::from_millis(1500),
            vec![
                Item::new(Category::Error, Reason::SampleRate, 3),
                Item::new(Category::LogByte, Reason::QueueOverflow, u64::MAX),
            ],
        );
        let text = r#"{"timestamp":1.5,"discarded_events":[{"reason":"sample_rate","category":"error","quantity":3},{"reason":"queue_overflow","category":"log_byte","quantity":18446744073709551615}]}"#;
        assert_eq!(serde_json::to_string(&report).unwrap(), text);
        assert_eq!(serde_json::from_str::<Report>(text).unwrap(), report);
    }

    #[test]
    fn equal_items_are_added_up_and_zeros_left_out() {
        let item = |quantity| Item::new(Category::Error, Reason::SendError, quantity);
        let other = Item::new(Category::Span, Reason::SendError, 1);
        let report = Report::new([item(0), item(2), other, item(u64::MAX)]);
        assert_eq!(report.items(), [item(u64::MAX), other]);
        assert!(report.timestamp().is_some());
    }

    #[test]
    fn reports_of_newer_sdks_are_read() {
        let text = r#"{"timestamp":"1970-01-01T00:00:02Z","x":1,"discarded_events":[
            {"reason":"no_such_reason","category":"error","quantity":1},
            {"reason":"send_error","category":"no_such_category","quantity":1},
            {"reason":"send_error","category":"error","quantity":7,"x":1}]}"#;
        let report: Report = serde_json::from_str(text).unwrap();
        assert_eq!(report.timestamp(), Some(UNIX_EPOCH + Duration::from_secs(2)));
        assert_eq!(report.items(), [Item::new(Category::Error, Reason::SendError, 7)]);
        let empty: Report = serde_json::from_str(r#"{"discarded_events":null}"#).unwrap();
        assert_eq!((empty.timestamp(), empty.items().len()), (None, 0));
    }
}
