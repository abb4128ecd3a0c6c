//! Events as the server wants them: what the public types hold, in the names and within the limits of the wire.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Serialize;

use super::json::{self, Json};
use super::limits::{MAX_EVENT_BYTES, MAX_FRAMES, MAX_TAG_CHARS};
use super::traced::Traced;
use super::{depth, shrink};
use crate::protocol::debugid::{CodeId, DebugId};
use crate::protocol::{
    Addr, DebugImage, DebugMeta, Event, Exception, LogEntry, Map, Request, Stacktrace, SymbolicDebugImage,
    SystemSdkInfo, Thread, ThreadId, Url, Uuid, Value, Values,
};

/// The payload of an event item; `None` if it cannot be written, or not within the limit.
///
/// `envelope_id` is the id in the envelope header: it wins over the event's own (ENV-08).
pub(super) fn encode(mut event: Event<'static>, envelope_id: Option<Uuid>) -> Option<Vec<u8>> {
    event.event_id = envelope_id.unwrap_or(event.event_id);
    depth::cut(&mut event);
    normalize(&mut event);
    let (message, logentry) = (event.message.take(), event.logentry.take());
    let debug_meta = std::mem::take(&mut event.debug_meta);
    let request = event.request.take();
    let exception = Traced::all(&mut event.exception);
    let threads = Traced::all(&mut event.threads);
    let wire = WireEvent {
        event: &event,
        request: request.as_ref().map(WireRequest::new),
        logentry: WireLogEntry::new(message.as_deref(), logentry.as_ref()),
        debug_meta: WireDebugMeta::new(&debug_meta),
        exception,
        threads,
    };
    match json::at_most(MAX_EVENT_BYTES, &wire) {
        Json::Fits(bytes) => Some(bytes),
        Json::TooLong(_) => shrink::to_fit(MAX_EVENT_BYTES, &wire),
        Json::Unwritable => None,
    }
}

/// The event without the parts that are different on the wire, and those parts.
#[derive(Serialize)]
struct WireEvent<'a> {
    #[serde(flatten)]
    event: &'a Event<'static>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<WireRequest<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logentry: Option<WireLogEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    debug_meta: Option<WireDebugMeta<'a>>,
    #[serde(skip_serializing_if = "Values::is_empty")]
    exception: Values<Traced<Exception>>,
    #[serde(skip_serializing_if = "Values::is_empty")]
    threads: Values<Traced<Thread>>,
}

/// There is no `message` on the wire (CTX-70).
#[derive(Serialize)]
struct WireLogEntry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    formatted: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    params: &'a [Value],
}

impl<'a> WireLogEntry<'a> {
    fn new(message: Option<&'a str>, entry: Option<&'a LogEntry>) -> Option<Self> {
        let params = entry.map_or([].as_slice(), |entry| &entry.params);
        let template = entry.map(|entry| entry.message.as_str()).filter(|template| !template.is_empty());
        let formatted = entry.and_then(|entry| entry.formatted.as_deref()).filter(|formatted| !formatted.is_empty());
        match (formatted.or(message), template) {
            (None, None) => None,
            // A template without parameters is its own text. With them, the server formats it.
            (None, Some(template)) if params.is_empty() => {
                Some(Self { formatted: Some(template), message: None, params })
            }
            (formatted, template) => Some(Self { formatted, message: template, params }),
        }
    }
}

/// Cookies travel as pairs.
#[derive(Serialize)]
pub(super) struct WireRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_string: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cookies: Option<WireCookies<'a>>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    headers: &'a Map<String, String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    env: &'a Map<String, String>,
}

impl<'a> WireRequest<'a> {
    pub(super) fn new(request: &'a Request) -> Self {
        let Request { url, method, data, query_string, cookies, headers, env } = request;
        Self {
            url: url.as_ref(),
            method: method.as_deref(),
            data: data.as_deref(),
            query_string: query_string.as_deref(),
            cookies: cookies.as_deref().map(WireCookies::new),
            headers,
            env,
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum WireCookies<'a> {
    Pairs(Vec<(&'a str, &'a str)>),
    /// What is not pairs the server may still understand.
    Text(&'a str),
}

impl<'a> WireCookies<'a> {
    fn new(cookies: &'a str) -> Self {
        let parts = cookies.split(';').map(str::trim).filter(|part| !part.is_empty());
        match parts.map(|part| part.split_once('=')).collect() {
            Some(pairs) => Self::Pairs(pairs),
            None => Self::Text(cookies),
        }
    }
}

#[derive(Serialize)]
struct WireDebugMeta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sdk_info: Option<&'a SystemSdkInfo>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<WireImage<'a>>,
}

impl<'a> WireDebugMeta<'a> {
    fn new(meta: &'a DebugMeta) -> Option<Self> {
        let images = meta.images.iter().map(|image| match image {
            DebugImage::Symbolic(image) => WireImage::Native(NativeImage::new(image)),
            other => WireImage::Other(other),
        });
        let wire = Self { sdk_info: meta.sdk_info.as_ref(), images: images.collect() };
        (!meta.is_empty()).then_some(wire)
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum WireImage<'a> {
    Native(NativeImage<'a>),
    Other(&'a DebugImage),
}

/// STK-31: servers prefer it to `symbolic`.
#[derive(Serialize)]
struct NativeImage<'a> {
    #[serde(rename = "type")]
    ty: &'static str,
    debug_id: &'a DebugId,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_id: Option<&'a CodeId>,
    code_file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    debug_file: Option<&'a str>,
    image_addr: Addr,
    image_size: u64,
    #[serde(skip_serializing_if = "Addr::is_null")]
    image_vmaddr: Addr,
    #[serde(skip_serializing_if = "Option::is_none")]
    arch: Option<&'a str>,
}

impl<'a> NativeImage<'a> {
    fn new(image: &'a SymbolicDebugImage) -> Self {
        Self {
            ty: NATIVE_IMAGE_TYPE,
            debug_id: &image.id,
            code_id: image.code_id.as_ref().filter(|id| !id.is_nil()),
            code_file: &image.name,
            debug_file: image.debug_file.as_deref(),
            image_addr: image.image_addr,
            image_size: image.image_size,
            image_vmaddr: image.image_vmaddr,
            arch: image.arch.as_deref(),
        }
    }
}

const NATIVE_IMAGE_TYPE: &str = if cfg!(target_vendor = "apple") {
    "macho"
} else if cfg!(windows) {
    "pe"
} else {
    "elf"
};

fn normalize(event: &mut Event<'static>) {
    // `other` is what events begin with. Addresses are only resolved on `native` ones (EVT-04).
    if matches!(&*event.platform, "other" | "") {
        event.platform = Cow::Borrowed("native");
    }
    for name in [&mut event.release, &mut event.dist, &mut event.environment] {
        *name = name.take().and_then(clean_name);
    }
    if !event.tags.iter().all(|(key, value)| is_fine_tag_part(key) && is_fine_tag_part(value)) {
        event.tags = std::mem::take(&mut event.tags).into_iter().filter_map(mend_tag).collect();
    }
    if let Some(user) = &mut event.user {
        gather_user_data(&mut user.other);
    }
    event.exception.values.retain(|exception| !is_blank(exception));
    for exception in event.exception.iter_mut() {
        normalize_traces([&mut exception.stacktrace, &mut exception.raw_stacktrace]);
        for mechanism in exception.mechanism.iter_mut().filter(|mechanism| mechanism.ty.is_empty()) {
            mechanism.ty = "generic".to_owned();
        }
    }
    normalize_traces([&mut event.stacktrace]);
    place_stacktrace(event);
    for thread in event.threads.iter_mut() {
        normalize_traces([&mut thread.stacktrace, &mut thread.raw_stacktrace]);
    }
    number_threads(&mut event.threads.values);
}

/// Without line breaks and other control characters, for which servers refuse a release.
pub(super) fn clean_name(name: Cow<'static, str>) -> Option<Cow<'static, str>> {
    let clean = match name.contains(char::is_control) || name.trim().len() != name.len() {
        true => Cow::Owned(name.replace(char::is_control, "").trim().to_owned()),
        false => name,
    };
    (!clean.is_empty()).then_some(clean)
}

/// Servers reject what is empty, longer or has more than one line (EVT-07).
pub(super) fn is_fine_tag_part(text: &str) -> bool {
    // Bytes first: nearly all texts are short in them already.
    let is_short = text.len() <= MAX_TAG_CHARS || text.chars().nth(MAX_TAG_CHARS).is_none();
    is_short && !text.is_empty() && !text.contains('\n')
}

pub(super) fn mend_tag((key, value): (String, String)) -> Option<(String, String)> {
    let mend = |text: String| text.chars().take(MAX_TAG_CHARS).map(|c| if c == '\n' { ' ' } else { c }).collect();
    (!key.is_empty() && !value.is_empty()).then(|| (mend(key), mend(value)))
}

/// What users of the SDK add to a user belongs into `data` (CTX-40).
pub(super) fn gather_user_data(other: &mut Map<String, Value>) {
    let (known, custom): (Map<_, _>, Map<_, _>) = std::mem::take(other).into_iter().partition(|(key, value)| {
        matches!(key.as_str(), "name" | "geo" | "segment") || (key == "data" && value.is_object())
    });
    *other = known;
    if !custom.is_empty() {
        let data = other.entry("data".to_owned()).or_insert_with(|| Value::Object(Default::default()));
        if let Value::Object(data) = data {
            data.extend(custom);
        }
    }
}

/// The server discards it (EXC-30).
fn is_blank(exception: &Exception) -> bool {
    exception.ty.is_empty() && exception.value.as_ref().is_none_or(String::is_empty)
}

/// Drops frames that say nothing (STK-03), the middle of endless recursions (STK-09) and empty traces (STK-01).
fn normalize_traces<const N: usize>(traces: [&mut Option<Stacktrace>; N]) {
    for slot in traces {
        let Some(trace) = slot else { continue };
        trace
            .frames
            .retain(|frame| frame.function.is_some() || frame.filename.is_some() || frame.instruction_addr.is_some());
        let count = trace.frames.len();
        if count > MAX_FRAMES {
            trace.frames.drain(MAX_FRAMES / 2..count - MAX_FRAMES / 2);
        }
        // Not in the protocol of today: servers would report it as an unknown attribute.
        trace.frames_omitted = None;
        if trace.frames.is_empty() {
            *slot = None;
        }
    }
}

/// A stack trace belongs to an exception or a thread (STK-02): to the last exception if that has none of its own, else
/// to the current thread.
fn place_stacktrace(event: &mut Event<'static>) {
    let Some(trace) = event.stacktrace.take() else {
        return;
    };
    if let Some(exception) = event.exception.values.last_mut().filter(|exception| exception.stacktrace.is_none()) {
        exception.stacktrace = Some(trace);
        return;
    }
    match event.threads.values.iter_mut().find(|thread| thread.current && thread.stacktrace.is_none()) {
        Some(thread) => thread.stacktrace = Some(trace),
        None => {
            let has_current = event.threads.values.iter().any(|thread| thread.current);
            event.threads.values.push(Thread { stacktrace: Some(trace), current: !has_current, ..Thread::default() });
        }
    }
}

/// Threads need an id (STK-20): those without one get the smallest free numbers.
fn number_threads(threads: &mut [Thread]) {
    if threads.iter().all(|thread| thread.id.is_some()) {
        return;
    }
    let taken: BTreeSet<String> = threads.iter().filter_map(|thread| Some(thread.id.as_ref()?.to_string())).collect();
    let mut free = (0..).filter(|id: &u64| !taken.contains(&id.to_string()));
    for thread in threads.iter_mut().filter(|thread| thread.id.is_none()) {
        thread.id = free.next().map(ThreadId::Int);
    }
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
