//! A transaction on the wire: the root of a program's part of a trace, with the spans in it.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event::{default_platform, id_or_new, is_default_platform, platform_or_default};
use super::{ClientSdkInfo, Context, Map, Request, Span, Unit, User, Value, contexts, lenient, time};
use crate::clock;

/// A transaction that has ended. Its place in the trace is in `contexts`, under `trace`.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Transaction<'a> {
    /// The id, by which it can be found.
    #[serde(
        default = "crate::random::uuid",
        serialize_with = "uuid::serde::simple::serialize",
        deserialize_with = "id_or_new"
    )]
    pub event_id: Uuid,
    /// The name, such as a route. `transaction` on the wire.
    #[serde(default, rename = "transaction", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the name is from.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::or_none")]
    pub transaction_info: Option<TransactionInfo>,
    /// The release of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Cow<'a, str>>,
    /// The distribution, where one release has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dist: Option<Cow<'a, str>>,
    /// The environment, such as `production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Cow<'a, str>>,
    /// The user it was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// What to search by. Keys and values of at most 200 characters.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::text_map")]
    pub tags: Map<String, String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub extra: Map<String, Value>,
    /// Named numbers that Sentry can chart.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub measurements: Map<String, Measurement>,
    /// The SDK that recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<Cow<'a, ClientSdkInfo>>,
    /// The platform. `other` means not set; the client makes it `native`.
    #[serde(
        default = "default_platform",
        skip_serializing_if = "is_default_platform",
        deserialize_with = "platform_or_default"
    )]
    pub platform: Cow<'a, str>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::rfc3339_opt")]
    pub timestamp: Option<SystemTime>,
    /// When it began.
    #[serde(default = "clock::wall", with = "time::seconds")]
    pub start_timestamp: SystemTime,
    /// The spans in it, in no particular order.
    #[serde(default, deserialize_with = "lenient::list")]
    pub spans: Vec<Span>,
    /// What is known about the surroundings.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "contexts::by_key")]
    pub contexts: Map<String, Context>,
    /// The HTTP request it handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// The host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<Cow<'a, str>>,
}

/// Where a transaction's name is from.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
#[serde(default)]
pub struct TransactionInfo {
    /// The kind of name.
    pub source: TransactionSource,
}

/// What kind of name a transaction has: it tells the server whether many transactions share it (spec TXN-22).
#[derive(Serialize, Deserialize, Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TransactionSource {
    /// Chosen by the program.
    #[default]
    Custom,
    /// A URL as it was requested, which may hold ids.
    Url,
    /// A route with placeholders.
    Route,
    /// A function or a class of a view.
    View,
    /// A component.
    Component,
    /// A background task.
    Task,
}

/// A number with a unit.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The number.
    pub value: f64,
    /// What it counts in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

impl Default for Transaction<'_> {
    fn default() -> Self {
        Self {
            event_id: crate::random::uuid(),
            name: None,
            transaction_info: None,
            release: None,
            dist: None,
            environment: None,
            user: None,
            tags: Map::new(),
            extra: Map::new(),
            measurements: Map::new(),
            sdk: None,
            platform: default_platform(),
            timestamp: None,
            start_timestamp: clock::wall(),
            spans: Vec::new(),
            contexts: Map::new(),
            request: None,
            server_name: None,
        }
    }
}

impl<'a> Transaction<'a> {
    /// A transaction with a fresh id that begins now.
    pub fn new() -> Transaction<'a> {
        Self::default()
    }

    /// The same transaction without borrowed parts.
    pub fn into_owned(self) -> Transaction<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Transaction {
            event_id: self.event_id,
            name: self.name,
            transaction_info: self.transaction_info,
            release: self.release.map(owned),
            dist: self.dist.map(owned),
            environment: self.environment.map(owned),
            user: self.user,
            tags: self.tags,
            extra: self.extra,
            measurements: self.measurements,
            sdk: self.sdk.map(|sdk| Cow::Owned(sdk.into_owned())),
            platform: owned(self.platform),
            timestamp: self.timestamp,
            start_timestamp: self.start_timestamp,
            spans: self.spans,
            contexts: self.contexts,
            request: self.request,
            server_name: self.server_name.map(owned),
        }
    }

    /// Ends it now.
    pub fn finish(&mut self) {
        self.finish_with_timestamp(clock::wall());
    }

    /// Ends it at `timestamp`.
    pub fn finish_with_timestamp(&mut self, timestamp: SystemTime) {
        self.timestamp = Some(timestamp);
    }
}

impl fmt::Display for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let started = time::format_rfc3339(self.start_timestamp);
        write!(f, "Transaction(id: {}, ts: {started})", self.event_id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_json;
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_transaction_in_wire_names() {
        let transaction = Transaction {
            event_id: Uuid::from_u128(0xab),
            name: Some("GET /".into()),
            transaction_info: Some(TransactionInfo { source: TransactionSource::Route }),
            dist: Some("7".into()),
            measurements: Map::from([("total".into(), Measurement { value: 1.5, unit: Some(Unit::Millisecond) })]),
            timestamp: Some(UNIX_EPOCH + Duration::from_secs(2)),
            start_timestamp: UNIX_EPOCH + Duration::from_millis(1_250),
            ..Transaction::default()
        };
        assert_json(
            &transaction,
            r#"{"event_id":"000000000000000000000000000000ab","transaction":"GET /","transaction_info":{"source":"route"},
            "dist":"7","measurements":{"total":{"value":1.5,"unit":"millisecond"}},"timestamp":"1970-01-01T00:00:02Z",
            "start_timestamp":1.25,"spans":[]}"#,
        );
    }

    #[test]
    fn an_odd_transaction_is_read() {
        let text = r#"{"transaction_info":{"source":"brand_new"},"spans":[null,{}],"timestamp":3,"platform":null}"#;
        let read: Transaction<'_> = serde_json::from_str(text).unwrap();
        assert_eq!((read.transaction_info, read.spans.len()), (None, 1));
        assert_eq!(read.timestamp, Some(UNIX_EPOCH + Duration::from_secs(3)));
    }
}
