//! The event: one error, panic or message with everything known about it.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::{
    Breadcrumb, ClientSdkInfo, Context, DebugMeta, Exception, Level, LogEntry, Map, Request, Stacktrace, TemplateInfo,
    Thread, User, Value, Values, contexts, lenient, time,
};

/// An error, panic or message, with everything known about it.
///
/// What scope, options and integrations know is filled in when it is captured; a field that is set stays.
///
/// ```
/// use sentry_core::protocol::{Event, Level};
///
/// let event = Event { message: Some("disk full".into()), level: Level::Fatal, ..Event::default() };
/// assert_eq!(event.platform, "other");
/// ```
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Event<'a> {
    /// The id, by which the event can be found.
    #[serde(
        default = "crate::random::uuid",
        serialize_with = "uuid::serde::simple::serialize",
        deserialize_with = "id_or_new"
    )]
    pub event_id: Uuid,
    /// How serious it is.
    #[serde(default, skip_serializing_if = "Level::is_error", deserialize_with = "lenient::or_default")]
    pub level: Level,
    /// What the server groups by; `{{ default }}` stands for what it would group by itself.
    #[serde(
        default = "default_fingerprint",
        skip_serializing_if = "is_default_fingerprint",
        deserialize_with = "fingerprint_or_default"
    )]
    pub fingerprint: Cow<'a, [Cow<'a, str>]>,
    /// What was at fault, in older servers' terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub culprit: Option<String>,
    /// The transaction it happened in, such as a route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// The message.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub message: Option<String>,
    /// The message with its parameters apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logentry: Option<LogEntry>,
    /// The logger it came through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logger: Option<String>,
    /// The packages in use and their versions.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::text_map")]
    pub modules: Map<String, String>,
    /// The platform. `other` means not set; the client makes it `native`.
    #[serde(
        default = "default_platform",
        skip_serializing_if = "is_default_platform",
        deserialize_with = "platform_or_default"
    )]
    pub platform: Cow<'a, str>,
    /// When it happened.
    #[serde(default = "crate::clock::wall", with = "time::seconds")]
    pub timestamp: SystemTime,
    /// The host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<Cow<'a, str>>,
    /// The release of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Cow<'a, str>>,
    /// The distribution, where one release has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dist: Option<Cow<'a, str>>,
    /// The environment, such as `production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Cow<'a, str>>,
    /// The user it affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// The HTTP request it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// What is known about the surroundings.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "contexts::by_key")]
    pub contexts: Map<String, Context>,
    /// What happened before, oldest first.
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub breadcrumbs: Values<Breadcrumb>,
    /// The errors, the root cause first.
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub exception: Values<Exception>,
    /// The stack trace of an event without an exception.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stacktrace: Option<Stacktrace>,
    /// The place in a template that could not be rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateInfo>,
    /// The threads of the process.
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pub threads: Values<Thread>,
    /// What to search events by. Keys and values of at most 200 characters.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::text_map")]
    pub tags: Map<String, String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub extra: Map<String, Value>,
    /// The libraries in the process.
    #[serde(default, skip_serializing_if = "is_empty_meta", deserialize_with = "lenient::or_default")]
    pub debug_meta: Cow<'a, DebugMeta>,
    /// The SDK that captured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<Cow<'a, ClientSdkInfo>>,
}

impl<'a> Event<'a> {
    /// An event with a fresh id that happens now; all else is empty.
    pub fn new() -> Event<'a> {
        Event {
            event_id: crate::random::uuid(),
            level: Level::Error,
            fingerprint: default_fingerprint(),
            culprit: None,
            transaction: None,
            message: None,
            logentry: None,
            logger: None,
            modules: Map::new(),
            platform: default_platform(),
            timestamp: crate::clock::wall(),
            server_name: None,
            release: None,
            dist: None,
            environment: None,
            user: None,
            request: None,
            contexts: Map::new(),
            breadcrumbs: Values::new(),
            exception: Values::new(),
            stacktrace: None,
            template: None,
            threads: Values::new(),
            tags: Map::new(),
            extra: Map::new(),
            debug_meta: Cow::default(),
            sdk: None,
        }
    }

    /// The same event without borrowed parts. Copies what is borrowed and only that.
    pub fn into_owned(self) -> Event<'static> {
        Event {
            event_id: self.event_id,
            level: self.level,
            fingerprint: self.fingerprint.into_owned().into_iter().map(owned).collect(),
            culprit: self.culprit,
            transaction: self.transaction,
            message: self.message,
            logentry: self.logentry,
            logger: self.logger,
            modules: self.modules,
            platform: owned(self.platform),
            timestamp: self.timestamp,
            server_name: self.server_name.map(owned),
            release: self.release.map(owned),
            dist: self.dist.map(owned),
            environment: self.environment.map(owned),
            user: self.user,
            request: self.request,
            contexts: self.contexts,
            breadcrumbs: self.breadcrumbs,
            exception: self.exception,
            stacktrace: self.stacktrace,
            template: self.template,
            threads: self.threads,
            tags: self.tags,
            extra: self.extra,
            debug_meta: Cow::Owned(self.debug_meta.into_owned()),
            sdk: self.sdk.map(|sdk| Cow::Owned(sdk.into_owned())),
        }
    }
}

/// The same as [`Event::new`].
impl Default for Event<'_> {
    fn default() -> Self {
        Event::new()
    }
}

/// Id and time, for logs.
impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event(id: {}, ts: {})", self.event_id.as_simple(), time::format_rfc3339_millis(self.timestamp))
    }
}

const DEFAULT_FINGERPRINT: [Cow<'static, str>; 1] = [Cow::Borrowed("{{ default }}")];
const DEFAULT_PLATFORM: &str = "other";

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn default_fingerprint<'a>() -> Cow<'a, [Cow<'a, str>]> {
    Cow::Borrowed(&DEFAULT_FINGERPRINT)
}

fn is_default_fingerprint(fingerprint: &[Cow<'_, str>]) -> bool {
    *fingerprint == DEFAULT_FINGERPRINT
}

pub(super) fn default_platform<'a>() -> Cow<'a, str> {
    Cow::Borrowed(DEFAULT_PLATFORM)
}

pub(super) fn is_default_platform(platform: &str) -> bool {
    platform == DEFAULT_PLATFORM
}

fn is_empty_meta(meta: &DebugMeta) -> bool {
    meta.is_empty()
}

pub(super) fn id_or_new<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(crate::random::uuid))
}

fn fingerprint_or_default<'de, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'a, [Cow<'a, str>]>, D::Error> {
    let parts: Option<Vec<Cow<'a, str>>> = Option::deserialize(deserializer)?;
    Ok(parts.map_or_else(default_fingerprint, Cow::Owned))
}

pub(super) fn platform_or_default<'de, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'a, str>, D::Error> {
    let platform: Option<String> = Option::deserialize(deserializer)?;
    Ok(platform.map_or_else(default_platform, Cow::Owned))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::testing::{assert_json, read};
    use super::super::{Frame, OsContext, ProguardDebugImage, ThreadId};
    use super::*;

    const ID: Uuid = Uuid::from_bytes([0xd4; 16]);

    fn bare<'a>() -> Event<'a> {
        Event { event_id: ID, timestamp: UNIX_EPOCH, ..Event::new() }
    }

    fn full<'a>() -> Event<'a> {
        Event {
            event_id: ID,
            level: Level::Fatal,
            fingerprint: vec!["{{ default }}".into(), "disk".into()].into(),
            culprit: Some("shop::pay".into()),
            transaction: Some("/pay".into()),
            message: Some("disk full".into()),
            logentry: Some(LogEntry { message: "disk full".into(), ..LogEntry::default() }),
            logger: Some("shop".into()),
            modules: [("serde".to_owned(), "1.0.0".to_owned())].into(),
            platform: "native".into(),
            timestamp: UNIX_EPOCH + Duration::from_millis(1_777_630_272_125),
            server_name: Some("edge-7".into()),
            release: Some("shop@3.1.0".into()),
            dist: Some("musl".into()),
            environment: Some("production".into()),
            user: Some(User { id: Some("8fd5".into()), ..User::default() }),
            request: Some(Request { method: Some("GET".into()), ..Request::default() }),
            contexts: [("os".to_owned(), OsContext { name: Some("Linux".into()), ..OsContext::default() }.into())]
                .into(),
            breadcrumbs: vec![Breadcrumb { timestamp: UNIX_EPOCH, ..Breadcrumb::default() }].into(),
            exception: vec![Exception { ty: "Full".into(), ..Exception::default() }].into(),
            stacktrace: Some(Stacktrace { frames: vec![Frame::default()], ..Stacktrace::default() }),
            template: Some(TemplateInfo { lineno: Some(3), ..TemplateInfo::default() }),
            threads: vec![Thread { id: Some(ThreadId::Int(7)), ..Thread::default() }].into(),
            tags: [("rack".to_owned(), "b2".to_owned())].into(),
            extra: [("free".to_owned(), 0.into())].into(),
            debug_meta: Cow::Owned(DebugMeta {
                images: vec![ProguardDebugImage { uuid: ID }.into()],
                ..DebugMeta::default()
            }),
            sdk: Some(Cow::Owned(ClientSdkInfo {
                name: "sentry.rust".into(),
                version: "1.2.3".into(),
                integrations: vec![],
                packages: vec![],
            })),
        }
    }

    #[test]
    fn a_full_event_is_written_in_wire_names() {
        assert_json(
            &full(),
            r#"{"event_id":"d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4","level":"fatal","fingerprint":["{{ default }}","disk"],
            "culprit":"shop::pay","transaction":"/pay","message":"disk full","logentry":{"message":"disk full"},
            "logger":"shop","modules":{"serde":"1.0.0"},"platform":"native","timestamp":1777630272.125,
            "server_name":"edge-7","release":"shop@3.1.0","dist":"musl","environment":"production",
            "user":{"id":"8fd5"},"request":{"method":"GET"},"contexts":{"os":{"type":"os","name":"Linux"}},
            "breadcrumbs":{"values":[{"timestamp":0}]},"exception":{"values":[{"type":"Full"}]},
            "stacktrace":{"frames":[{}]},"template":{"lineno":3},"threads":{"values":[{"id":7}]},
            "tags":{"rack":"b2"},"extra":{"free":0},
            "debug_meta":{"images":[{"type":"proguard","uuid":"d4d4d4d4-d4d4-d4d4-d4d4-d4d4d4d4d4d4"}]},
            "sdk":{"name":"sentry.rust","version":"1.2.3"}}"#,
        );
    }

    #[test]
    fn defaults_are_left_out() {
        assert_json(&bare(), r#"{"event_id":"d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4","timestamp":0}"#);
    }

    #[test]
    fn a_time_before_1970_is_written() {
        let event = Event { timestamp: UNIX_EPOCH - Duration::from_millis(1500), ..bare() };
        assert_json(&event, r#"{"event_id":"d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4","timestamp":-1.5}"#);
    }

    #[test]
    fn new_events_have_an_id_of_their_own_and_happen_now() {
        let before = crate::clock::wall();
        let (one, two) = (Event::new(), Event::default());
        assert_ne!(one.event_id, two.event_id);
        assert_eq!(one.event_id.get_version_num(), 4);
        assert!((before..=crate::clock::wall()).contains(&one.timestamp));
        assert_eq!((one.level, &*one.platform, &*one.fingerprint), (Level::Error, "other", &DEFAULT_FINGERPRINT[..]));
    }

    #[test]
    fn an_owned_event_is_equal() {
        let name = "edge-7".to_owned();
        let event = Event { server_name: Some(Cow::Borrowed(&name)), ..full() };
        let owned: Event<'static> = event.clone().into_owned();
        // `Event` is invariant, so the two cannot be compared as they are.
        assert_eq!(format!("{owned:?}"), format!("{event:?}"));
        assert_eq!(bare().into_owned(), bare());
    }

    #[test]
    fn it_prints_id_and_time() {
        assert_eq!(bare().to_string(), "Event(id: d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4, ts: 1970-01-01T00:00:00Z)");
    }

    #[test]
    fn every_field_may_be_null_or_missing() {
        let fields = serde_json::to_value(full()).unwrap();
        let nulls: Map<_, _> = fields.as_object().unwrap().keys().map(|field| (field, Value::Null)).collect();
        assert_eq!(nulls.len(), 27);
        for json in [serde_json::to_string(&nulls).unwrap(), "{}".to_owned()] {
            let before = crate::clock::wall();
            let event: Event<'_> = read(&json);
            assert!(event.timestamp >= before && !event.event_id.is_nil());
            assert_eq!(event, Event { event_id: event.event_id, timestamp: event.timestamp, ..Event::new() });
        }
    }

    #[test]
    fn older_and_looser_forms_are_read() {
        let exception = || Exception { ty: "Full".into(), ..Exception::default() };
        let crumb = || Breadcrumb { timestamp: UNIX_EPOCH, ..Breadcrumb::default() };
        let table: [(&str, Event<'_>); 11] = [
            (r#""event_id":"D4D4D4D4-d4d4-d4d4-d4d4-d4d4d4d4d4d4""#, bare()),
            (r#""exception":[{"type":"Full"}]"#, Event { exception: vec![exception()].into(), ..bare() }),
            (r#""exception":{"type":"Full"}"#, Event { exception: vec![exception()].into(), ..bare() }),
            (
                r#""breadcrumbs":[{"timestamp":"1970-01-01T00:00:00Z"}]"#,
                Event { breadcrumbs: vec![crumb()].into(), ..bare() },
            ),
            (
                r#""threads":[{"id":"7"}]"#,
                Event { threads: vec![Thread { id: Some("7".into()), ..Thread::default() }].into(), ..bare() },
            ),
            (r#""threads":{"values":null}"#, bare()),
            (
                r#""tags":[["rack","b2"],["dc",null]]"#,
                Event { tags: [("rack".to_owned(), "b2".to_owned())].into(), ..bare() },
            ),
            (r#""tags":{"shelf":3}"#, Event { tags: [("shelf".to_owned(), "3".to_owned())].into(), ..bare() }),
            (
                r#""contexts":{"os":{}}"#,
                Event { contexts: [("os".to_owned(), OsContext::default().into())].into(), ..bare() },
            ),
            (r#""level":"log""#, Event { level: Level::Info, ..bare() }),
            (r#""type":"event","spans":[],"debug_meta":{"images":[{"type":"sourcemap"}]}"#, bare()),
        ];
        for (fields, expected) in table {
            let id = if fields.contains("event_id") { "" } else { r#""event_id":"d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4","# };
            let json = format!(r#"{{{id}"timestamp":0,{fields}}}"#);
            assert_eq!(read::<Event<'_>>(&json), expected, "{fields}");
        }
    }
}
