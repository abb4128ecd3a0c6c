//! What an event says about its surroundings, each kind under a `type` of its own.

mod app;
mod browser;
mod device;
mod gpu;
mod os;
mod otel;
mod response;
mod runtime;
mod trace;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::app::AppContext;
pub use self::browser::BrowserContext;
pub use self::device::{DeviceContext, Orientation};
pub use self::gpu::GpuContext;
pub use self::os::OsContext;
pub use self::otel::OtelContext;
pub use self::response::ResponseContext;
pub use self::runtime::RuntimeContext;
pub use self::trace::TraceContext;
use super::{Map, Value, lenient};

/// One of the things an event says about its surroundings, or anything else as [`Context::Other`].
///
/// ```
/// use sentry_core::protocol::{Context, OsContext};
///
/// let os: Context = OsContext { name: Some("Linux".into()), ..OsContext::default() }.into();
/// assert_eq!(os.type_name(), "os");
/// ```
#[derive(Serialize, Debug, Clone, PartialEq)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Context {
    /// The machine.
    Device(Box<DeviceContext>),
    /// The operating system.
    Os(Box<OsContext>),
    /// What the program runs on.
    Runtime(Box<RuntimeContext>),
    /// The program.
    App(Box<AppContext>),
    /// The user's browser.
    Browser(Box<BrowserContext>),
    /// The place in a trace.
    Trace(Box<TraceContext>),
    /// The graphics processor.
    Gpu(Box<GpuContext>),
    /// What OpenTelemetry knows.
    Otel(Box<OtelContext>),
    /// An HTTP response.
    Response(Box<ResponseContext>),
    /// Anything else. Its type is `unknown` on the wire unless the map says otherwise under `type`.
    #[serde(untagged, serialize_with = "serialize_other")]
    Other(Map<String, Value>),
}

impl Context {
    /// The name of the kind: what `type` is on the wire, and the usual key in an event's `contexts`.
    /// [`Context::Other`] is `unknown`.
    pub fn type_name(&self) -> &str {
        match self {
            Context::Device(_) => "device",
            Context::Os(_) => "os",
            Context::Runtime(_) => "runtime",
            Context::App(_) => "app",
            Context::Browser(_) => "browser",
            Context::Trace(_) => "trace",
            Context::Gpu(_) => "gpu",
            Context::Otel(_) => "otel",
            Context::Response(_) => "response",
            Context::Other(_) => UNKNOWN,
        }
    }
}

macro_rules! context_from {
    ($($variant:ident($context:ident)),* $(,)?) => {$(
        impl From<$context> for Context {
            fn from(context: $context) -> Self {
                Context::$variant(Box::new(context))
            }
        }
    )*};
}

context_from! {
    Device(DeviceContext),
    Os(OsContext),
    Runtime(RuntimeContext),
    App(AppContext),
    Browser(BrowserContext),
    Trace(TraceContext),
    Gpu(GpuContext),
    Otel(OtelContext),
    Response(ResponseContext),
}

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(from_object(Object::deserialize(deserializer)?, None))
    }
}

/// Reads an event's `contexts`, where the key stands in for a missing `type`. What is not an object is left out.
pub(super) fn by_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Context>, D::Error> {
    let contexts: Option<Map<String, Value>> = Option::deserialize(deserializer)?;
    let read = |(key, value): (String, Value)| match value {
        Value::Object(object) => {
            let context = from_object(object, Some(&key));
            Some((key, context))
        }
        _ => None,
    };
    Ok(contexts.unwrap_or_default().into_iter().filter_map(read).collect())
}

/// A context of a known type that does not have that type's form becomes [`Context::Other`], with nothing lost.
fn from_object(mut object: Object, key: Option<&str>) -> Context {
    let ty = object.remove("type").and_then(lenient::as_text);
    let object = Value::Object(object);
    let known = match ty.as_deref().or(key) {
        Some("device") => read_as::<DeviceContext>(&object),
        Some("os") => read_as::<OsContext>(&object),
        Some("runtime") => read_as::<RuntimeContext>(&object),
        Some("app") => read_as::<AppContext>(&object),
        Some("browser") => read_as::<BrowserContext>(&object),
        Some("trace") => read_as::<TraceContext>(&object),
        Some("gpu") => read_as::<GpuContext>(&object),
        Some("otel") => read_as::<OtelContext>(&object),
        Some("response") => read_as::<ResponseContext>(&object),
        _ => None,
    };
    known.unwrap_or_else(|| {
        let mut other = Map::new();
        if let Value::Object(object) = object {
            other.extend(object);
        }
        if let Some(ty) = ty.filter(|ty| ty != UNKNOWN) {
            other.insert("type".to_owned(), ty.into());
        }
        Context::Other(other)
    })
}

fn read_as<'a, T: Deserialize<'a> + Into<Context>>(object: &'a Value) -> Option<Context> {
    T::deserialize(object).ok().map(Into::into)
}

fn serialize_other<S: Serializer>(other: &Map<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    let typed = other.contains_key("type");
    let mut map = serializer.serialize_map(Some(other.len() + usize::from(!typed)))?;
    if !typed {
        map.serialize_entry("type", UNKNOWN)?;
    }
    for (key, value) in other {
        map.serialize_entry(key, value)?;
    }
    map.end()
}

type Object = serde_json::Map<String, Value>;

const UNKNOWN: &str = "unknown";

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_json, read};
    use super::super::{SpanId, TraceId};
    use super::*;

    #[derive(Deserialize)]
    struct Contexts(#[serde(deserialize_with = "by_key")] Map<String, Context>);

    fn other(entries: &[(&str, Value)]) -> Context {
        Context::Other(entries.iter().map(|(key, value)| (key.to_string(), value.clone())).collect())
    }

    #[test]
    fn each_kind_is_tagged_with_its_name() {
        let kinds: [Context; 8] = [
            DeviceContext::default().into(),
            OsContext::default().into(),
            RuntimeContext::default().into(),
            AppContext::default().into(),
            BrowserContext::default().into(),
            GpuContext::default().into(),
            OtelContext::default().into(),
            ResponseContext::default().into(),
        ];
        for (context, name) in
            kinds.iter().zip(["device", "os", "runtime", "app", "browser", "gpu", "otel", "response"])
        {
            assert_eq!(context.type_name(), name);
            assert_json(context, &format!(r#"{{"type":"{name}"}}"#));
        }
        let trace =
            TraceContext { span_id: SpanId::from([1; 8]), trace_id: TraceId::from([2; 16]), ..TraceContext::default() };
        assert_json(
            &Context::from(trace),
            r#"{"type":"trace","span_id":"0101010101010101","trace_id":"02020202020202020202020202020202"}"#,
        );
    }

    #[test]
    fn other_contexts_keep_a_type_of_their_own() {
        assert_json(&other(&[("locale", "de-AT".into())]), r#"{"type":"unknown","locale":"de-AT"}"#);
        let culture = other(&[("locale", "de-AT".into()), ("type", "culture".into())]);
        assert_eq!(culture.type_name(), "unknown");
        assert_json(&culture, r#"{"locale":"de-AT","type":"culture"}"#);
    }

    #[test]
    fn a_missing_type_is_inferred_from_the_key() {
        let contexts: Contexts = read(
            r#"{"os":{"name":"Linux"},"client_os":{"type":"os","name":"Linux"},"device":{"type":"culture"},
            "flags":{"values":[]},"runtime":null,"app":7}"#,
        );
        let linux: Context = OsContext { name: Some("Linux".into()), ..OsContext::default() }.into();
        let expected = [
            ("os", linux.clone()),
            ("client_os", linux),
            ("device", other(&[("type", "culture".into())])),
            ("flags", other(&[("values", Value::Array(vec![]))])),
        ];
        assert_eq!(contexts.0, expected.map(|(key, context)| (key.to_owned(), context)).into());
        assert_eq!(read::<Context>(r#"{"name":"Linux"}"#), other(&[("name", "Linux".into())]));
    }

    #[test]
    fn a_known_type_in_another_form_is_kept_as_it_is() {
        let context: Context = read(r#"{"type":"device","battery_level":"half"}"#);
        assert_eq!(context, other(&[("type", "device".into()), ("battery_level", "half".into())]));
        assert_eq!(read::<Context>(r#"{"type":7}"#), other(&[("type", "7".into())]));
        assert!(serde_json::from_str::<Context>("7").is_err());
    }

    #[test]
    fn nulls_in_known_contexts_are_absent() {
        let os: Context = read(r#"{"type":"os","name":null,"theme":"dark"}"#);
        let other = [("theme".to_owned(), "dark".into())].into();
        assert_eq!(os, OsContext { other, ..OsContext::default() }.into());
    }
}
