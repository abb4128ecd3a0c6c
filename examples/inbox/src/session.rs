//! Sessions, added up by release and environment.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::Value;

use crate::json;
use crate::kept::Recent;

/// The last 200 releases. Of the last 10,000 sessions the newest update is known, of older ones the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Releases {
    settled: Recent<ReleaseKey, Counts>,
    sessions: Recent<u128, Update>,
}

/// What sessions are counted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ReleaseKey {
    pub(crate) release: String,
    pub(crate) environment: String,
}

/// How sessions ended. All but `started` are disjoint; what is missing from it still runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) started: u64,
    /// Without errors.
    pub(crate) exited: u64,
    /// With errors, whether ended or not.
    pub(crate) errored: u64,
    pub(crate) unhandled: u64,
    pub(crate) crashed: u64,
    pub(crate) abnormal: u64,
}

/// The state of one session.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Update {
    pub(crate) key: ReleaseKey,
    pub(crate) status: String,
    pub(crate) errors: u64,
    sid: Option<u128>,
    sequence: Option<u64>,
    timestamp: Option<SystemTime>,
}

impl Releases {
    /// `None` for what is no session.
    pub(crate) fn file_update(&mut self, payload: &Value) -> Option<Update> {
        let update = Update::read(payload)?;
        self.file(update.clone());
        Some(update)
    }

    /// How many sessions of what the item adds; `None` for what has no list of them.
    pub(crate) fn file_aggregates(&mut self, payload: &Value) -> Option<(ReleaseKey, u64)> {
        let key = ReleaseKey::read(payload);
        let buckets = payload.get("aggregates")?.as_array()?;
        let sum = buckets.iter().map(Counts::read).fold(Counts::default(), Counts::plus);
        self.add(&key, sum);
        Some((key, sum.started))
    }

    /// In the order of names.
    pub(crate) fn sorted(&self) -> Vec<(ReleaseKey, Counts)> {
        let mut all: BTreeMap<ReleaseKey, Counts> =
            self.settled.iter().map(|(key, counts)| (key.clone(), *counts)).collect();
        for (_, update) in self.sessions.iter() {
            let counts = all.entry(update.key.clone()).or_default();
            *counts = counts.plus(update.counts());
        }
        all.into_iter().collect()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.settled.dropped()
    }

    fn file(&mut self, update: Update) {
        // Makes the release known, so that it is not older than its sessions.
        self.add(&update.key, Counts::default());
        let Some(sid) = update.sid else {
            return self.add(&update.key, update.counts());
        };
        let known = self.sessions.touch(&sid, || update.clone());
        if update.follows(known) {
            *known = update;
        }
        if let Some(old) = self.sessions.trim(MAX_SESSIONS) {
            self.add(&old.key, old.counts());
        }
    }

    fn add(&mut self, key: &ReleaseKey, more: Counts) {
        let counts = self.settled.touch(key, Counts::default);
        *counts = counts.plus(more);
        self.settled.trim(MAX_RELEASES);
    }
}

impl ReleaseKey {
    /// Sentry refuses sessions without a release; a developer had better see that there are some.
    fn read(payload: &Value) -> ReleaseKey {
        let attribute = |name: &str| payload.get("attrs").and_then(|attributes| json::text(attributes, name));
        ReleaseKey {
            release: attribute("release").unwrap_or_else(|| "(no release)".to_owned()),
            environment: attribute("environment").unwrap_or_default(),
        }
    }
}

impl Update {
    fn read(payload: &Value) -> Option<Update> {
        payload.as_object()?;
        let init = payload.get("init").and_then(Value::as_bool) == Some(true);
        Some(Update {
            key: ReleaseKey::read(payload),
            status: json::text(payload, "status").unwrap_or_else(|| "ok".to_owned()),
            errors: json::count(payload, "errors"),
            sid: json::id(payload, "sid"),
            // As the server counts.
            sequence: payload.get("seq").and_then(Value::as_u64).or_else(|| init.then_some(0)),
            timestamp: json::time(payload, "timestamp"),
        })
    }

    /// Whether this is newer: the end comes last, then sequence, time and arrival decide.
    fn follows(&self, known: &Update) -> bool {
        if self.is_end() != known.is_end() {
            return self.is_end();
        }
        match (self.sequence, known.sequence, self.timestamp, known.timestamp) {
            (Some(this), Some(that), ..) if this != that => this > that,
            (.., Some(this), Some(that)) => this >= that,
            _ => true,
        }
    }

    fn is_end(&self) -> bool {
        self.status != "ok"
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts { started: 1, ..Counts::default() };
        match self.status.as_str() {
            "crashed" => counts.crashed = 1,
            "abnormal" => counts.abnormal = 1,
            "unhandled" => counts.unhandled = 1,
            _ if self.errors > 0 => counts.errored = 1,
            "exited" => counts.exited = 1,
            _ => {}
        }
        counts
    }
}

impl Counts {
    fn read(bucket: &Value) -> Counts {
        let of = |name| json::count(bucket, name);
        let (exited, errored, unhandled) = (of("exited"), of("errored"), of("unhandled"));
        let (crashed, abnormal) = (of("crashed"), of("abnormal"));
        let started = [exited, errored, unhandled, crashed, abnormal].into_iter().fold(0, u64::saturating_add);
        Counts { started, exited, errored, unhandled, crashed, abnormal }
    }

    fn plus(self, other: Counts) -> Counts {
        Counts {
            started: self.started.saturating_add(other.started),
            exited: self.exited.saturating_add(other.exited),
            errored: self.errored.saturating_add(other.errored),
            unhandled: self.unhandled.saturating_add(other.unhandled),
            crashed: self.crashed.saturating_add(other.crashed),
            abnormal: self.abnormal.saturating_add(other.abnormal),
        }
    }
}

const MAX_RELEASES: usize = 200;
const MAX_SESSIONS: usize = 10_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn counted(payloads: &[Value]) -> Counts {
        let mut releases = Releases::default();
        payloads.iter().for_each(|payload| drop(releases.file_update(payload)));
        let all = releases.sorted();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].1
    }

    #[test]
    fn the_newest_update_of_a_session_counts() {
        let with = |other: Value| {
            let mut payload = json!({"sid": "0a000000-0000-0000-0000-000000000001", "attrs": {"release": "a@1"}});
            payload.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
            payload
        };
        let ok = with(json!({"status": "ok", "init": true}));
        let errored = with(json!({"status": "ok", "errors": 1, "seq": 2}));
        let exited = with(json!({"status": "exited", "errors": 1, "timestamp": 20}));
        let crashed = with(json!({"status": "crashed", "errors": 1, "timestamp": "1970-01-01T00:00:30Z"}));
        let one = Counts { started: 1, ..Counts::default() };
        let table = [
            (vec![&ok], one),
            (vec![&ok, &errored], Counts { errored: 1, ..one }),
            (vec![&errored, &ok], Counts { errored: 1, ..one }),
            (vec![&exited, &ok], Counts { errored: 1, ..one }),
            (vec![&ok, &exited, &crashed], Counts { crashed: 1, ..one }),
            (vec![&crashed, &exited, &ok], Counts { crashed: 1, ..one }),
        ];
        for (payloads, expected) in table {
            assert_eq!(counted(&payloads.iter().copied().cloned().collect::<Vec<_>>()), expected, "{payloads:?}");
        }
    }

    #[test]
    fn sessions_beyond_the_limit_stay_counted() {
        let payloads: Vec<Value> = (0..10_010).map(|n| json!({"sid": format!("{n:x}"), "status": "exited"})).collect();
        assert_eq!(counted(&payloads), Counts { started: 10_010, exited: 10_010, ..Counts::default() });
    }

    #[test]
    fn a_session_without_an_id_counts_at_once() {
        let payloads = [json!({"status": "exited"}), json!({"status": "abnormal"})];
        assert_eq!(counted(&payloads), Counts { started: 2, exited: 1, abnormal: 1, ..Counts::default() });
    }

    #[test]
    fn aggregates_are_added_without_overflow() {
        let mut releases = Releases::default();
        let payload = json!({"aggregates": [{"exited": u64::MAX}, {"crashed": 2, "exited": -1}, 7]});
        assert_eq!(releases.file_aggregates(&payload).unwrap().1, u64::MAX);
        assert_eq!(releases.sorted()[0].1.crashed, 2);
        assert!(releases.file_aggregates(&json!({"aggregates": 7})).is_none());
    }
}
