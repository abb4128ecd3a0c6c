//! What comes in with a request of a trace that began elsewhere.

use std::error::Error;
use std::fmt;

use super::headers::{BAGGAGE, Header, SENTRY_TRACE, Sender, TRACEPARENT};
use super::{baggage, continuation, sample_rand, sentry_trace, traceparent};
use crate::protocol::{DynamicSamplingContext, OrganizationId, SampleRand, SpanId, TraceId};

/// The place in a trace where another process hands over: the trace, the sender's span, and what the head of the trace
/// decided and knew.
///
/// The default has fresh ids and nothing decided: the beginning of a trace.
///
/// ```
/// use sentry_core::TracePropagationContext;
///
/// let headers = [
///     ("sentry-trace", "5e1f0c0c4d9a4b7c8d2e3f4051627384-a1b2c3d4e5f60718-1"),
///     ("baggage", "vendor=x,sentry-sample_rate=0.25,sentry-sampled=true"),
/// ];
/// let context = TracePropagationContext::try_from_headers(headers)?;
/// assert_eq!(context.sentry_trace_header(), headers[0].1);
/// # Ok::<(), sentry_core::HeaderParseError>(())
/// ```
#[derive(Debug, PartialEq, Clone, Default)]
pub struct TracePropagationContext {
    trace_id: TraceId,
    span_id: SpanId,
    sampled: Option<bool>,
    /// What the head knew, as it came in; nobody may add to it, also if it is empty (spec TRC-53, TRC-54). `None` if
    /// nothing came in, but the program made the context.
    sampling_context: Option<DynamicSamplingContext>,
}

impl TracePropagationContext {
    /// The trace `trace_id`, handed over by the span `span_id`, with nothing decided.
    #[must_use]
    pub fn new(trace_id: TraceId, span_id: SpanId) -> Self {
        Self { trace_id, span_id, sampled: None, sampling_context: None }
    }

    /// Sets whether the trace is sampled.
    #[must_use]
    pub fn with_sampled(mut self, sampled: bool) -> Self {
        self.sampled = Some(sampled);
        self
    }

    /// The value of the header `sentry-trace`: trace, span, and the decision if there is one.
    #[must_use]
    pub fn sentry_trace_header(&self) -> String {
        sentry_trace::print(self.trace_id, self.span_id, self.sampled)
    }

    /// The value of the header `baggage`: what the head of the trace knew. Empty if that is nothing.
    #[must_use]
    pub fn baggage_header(&self) -> String {
        self.sampling_context.as_ref().map(baggage::print).unwrap_or_default()
    }

    /// The value of the W3C header `traceparent`, to which "not decided" is "not sampled" (spec TRC-03).
    #[must_use]
    pub fn traceparent_header(&self) -> String {
        traceparent::print(self.trace_id, self.span_id, self.sampled)
    }

    /// Sets what the head of the trace knew.
    pub(crate) fn with_sampling_context(mut self, sampling_context: DynamicSamplingContext) -> Self {
        self.sampling_context = Some(sampling_context);
        self
    }

    /// Reads the headers of a request: `sentry-trace`, or `traceparent` where that is missing or invalid, and
    /// `baggage`. The case of names does not matter. Of `sentry-trace` and `traceparent` the first valid one counts,
    /// all `baggage` headers count together; only its `sentry-` members are read, and at most 64 members in 8192 bytes.
    ///
    /// A `traceparent` tells only that a trace is sampled: that it is not may as well mean that it is not decided.
    ///
    /// # Errors
    ///
    /// [`Missing`](HeaderParseError::Missing) if there is neither `sentry-trace` nor `traceparent`, and
    /// [`Invalid`](HeaderParseError::Invalid) if no such header can be understood. Unreadable baggage is no error.
    pub fn try_from_headers<'a, I>(headers: I) -> Result<Self, HeaderParseError>
    where
        I: IntoIterator<Item = Header<'a>>,
    {
        let (mut sentry_trace, mut traceparent, mut found) = (None, None, false);
        let mut baggage = baggage::Reader::default();
        for (name, value) in headers {
            if name.eq_ignore_ascii_case(SENTRY_TRACE) {
                found = true;
                sentry_trace = sentry_trace.or_else(|| sentry_trace::parse(value));
            } else if name.eq_ignore_ascii_case(TRACEPARENT) {
                found = true;
                traceparent = traceparent.or_else(|| traceparent::parse(value));
            } else if name.eq_ignore_ascii_case(BAGGAGE) {
                baggage.read(value);
            }
        }
        let Some(Sender { trace_id, span_id, sampled }) = sentry_trace.or(traceparent) else {
            return Err(if found { HeaderParseError::Invalid } else { HeaderParseError::Missing });
        };
        Ok(Self { trace_id, span_id, sampled, sampling_context: Some(baggage.finish()) })
    }

    /// The same for the values of `sentry-trace` and `baggage` where they do not come as headers, but, for example, in
    /// the environment variables `SENTRY_TRACE` and `SENTRY_BAGGAGE`.
    ///
    /// # Errors
    ///
    /// As for [`try_from_headers`](Self::try_from_headers).
    pub fn from_parts(sentry_trace: Option<&str>, baggage: Option<&str>) -> Result<Self, HeaderParseError> {
        let sentry_trace = sentry_trace.map(|value| (SENTRY_TRACE, value));
        Self::try_from_headers(sentry_trace.into_iter().chain(baggage.map(|value| (BAGGAGE, value))))
    }

    pub(crate) fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The span of the sender: the parent of what begins here.
    pub(crate) fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// What was decided upstream, which outranks any rate here (spec TRC-63).
    pub(crate) fn sampled(&self) -> Option<bool> {
        self.sampled
    }

    /// The frozen context that came in, to be passed on as it is; empty if none came with the trace.
    pub(crate) fn sampling_context(&self) -> Option<&DynamicSamplingContext> {
        self.sampling_context.as_ref()
    }

    /// Whether a client of the organization `own` continues this trace, or begins one of its own as if nothing had
    /// come in.
    pub(crate) fn continues(&self, own: Option<OrganizationId>, strict: bool) -> bool {
        let incoming = self.sampling_context.as_ref().and_then(DynamicSamplingContext::org_id);
        continuation::continues(incoming, own, strict)
    }

    /// The dice of the trace: those its head told of, or such as follow from its id and what was decided.
    pub(crate) fn sample_rand(&self) -> SampleRand {
        match &self.sampling_context {
            Some(context) => sample_rand::of_incoming(self.trace_id, context, self.sampled),
            None => sample_rand::of(self.trace_id),
        }
    }
}

/// As if the header had come without baggage.
#[expect(deprecated, reason = "kept for programs written for it")]
impl From<sentry_trace::SentryTrace> for TracePropagationContext {
    fn from(header: sentry_trace::SentryTrace) -> Self {
        Self {
            trace_id: header.trace_id,
            span_id: header.span_id,
            sampled: header.sampled,
            sampling_context: Some(DynamicSamplingContext::default()),
        }
    }
}

/// Why headers tell no trace to continue.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum HeaderParseError {
    /// There is neither a `sentry-trace` nor a `traceparent` header.
    Missing,
    /// There is one, or several, but none can be understood.
    Invalid,
}

impl fmt::Display for HeaderParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there is no sentry-trace header, and no traceparent header either",
            Self::Invalid => {
                "the sentry-trace header is invalid: it should be <32 hex digits>-<16 hex digits>, then -1, -0 or nothing"
            }
        })
    }
}

impl Error for HeaderParseError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRACE: &str = "5e1f0c0c4d9a4b7c8d2e3f4051627384-a1b2c3d4e5f60718";
    const PARENT: &str = "00-11111111111111111111111111111111-2222222222222222-01";
    const PARENT_UNSAMPLED: &str = "00-11111111111111111111111111111111-2222222222222222-00";
    const AS_SENTRY_TRACE: &str = "11111111111111111111111111111111-2222222222222222";

    fn header(headers: &[Header<'_>]) -> Result<String, HeaderParseError> {
        TracePropagationContext::try_from_headers(headers.iter().copied()).map(|context| context.sentry_trace_header())
    }

    #[test]
    fn which_header_counts() {
        let sampled = format!("{TRACE}-1");
        let parent_sampled = format!("{AS_SENTRY_TRACE}-1");
        for (headers, expected) in [
            (&[("sentry-trace", TRACE)][..], TRACE),
            (&[("SENTRY-Trace", &sampled), ("host", "h")], &sampled),
            (&[("traceparent", PARENT), ("sentry-trace", TRACE)], TRACE),
            (&[("sentry-trace", TRACE), ("traceparent", PARENT)], TRACE),
            (&[("Traceparent", PARENT)], &parent_sampled),
            (&[("traceparent", PARENT_UNSAMPLED)], AS_SENTRY_TRACE),
            (&[("sentry-trace", "x"), ("traceparent", PARENT)], &parent_sampled),
            (&[("sentry-trace", "x"), ("sentry-trace", TRACE), ("sentry-trace", AS_SENTRY_TRACE)], TRACE),
            (&[("traceparent", "x"), ("traceparent", PARENT)], &parent_sampled),
        ] {
            assert_eq!(header(headers).unwrap(), expected, "{headers:?}");
        }
    }

    #[test]
    fn what_is_missing_and_what_is_invalid() {
        let long = "a".repeat(1 << 20);
        for headers in [&[][..], &[("baggage", "sentry-sampled=true")], &[("sentry_trace", TRACE), ("", "")]] {
            assert!(matches!(header(headers), Err(HeaderParseError::Missing)), "{headers:?}");
        }
        for headers in [
            &[("sentry-trace", "")][..],
            &[("sentry-trace", PARENT)],
            &[("traceparent", TRACE)],
            &[("sentry-trace", &long), ("traceparent", &long), ("baggage", &long)],
        ] {
            assert!(matches!(header(headers), Err(HeaderParseError::Invalid)), "{headers:?}");
        }
        for error in [HeaderParseError::Missing, HeaderParseError::Invalid] {
            assert!(error.to_string().contains("sentry-trace"));
        }
    }

    #[test]
    fn what_came_in_is_frozen_also_if_it_is_empty() {
        let empty = DynamicSamplingContext::new();
        let read = |headers: &[Header<'_>]| {
            TracePropagationContext::try_from_headers(headers.iter().copied()).unwrap().sampling_context().cloned()
        };
        assert_eq!(read(&[("sentry-trace", TRACE)]), Some(empty.clone()));
        assert_eq!(read(&[("sentry-trace", TRACE), ("baggage", "a=b")]), Some(empty.clone()));
        assert_eq!(
            read(&[("Baggage", "sentry-release=r"), ("traceparent", PARENT), ("baggage", "sentry-environment=e")]),
            Some(empty.clone().with_release("r".into()).with_environment("e".into()))
        );
        assert_eq!(TracePropagationContext::default().sampling_context(), None);
        assert_eq!(TracePropagationContext::new([1; 16].into(), [2; 8].into()).sampling_context(), None);
    }

    #[test]
    fn parts_are_headers() {
        let sampled = format!("{TRACE}-0");
        let context = TracePropagationContext::from_parts(Some(&sampled), Some("sentry-release=r")).unwrap();
        assert_eq!((context.trace_id().to_string(), context.span_id().to_string()), {
            let (trace_id, span_id) = TRACE.split_once('-').unwrap();
            (trace_id.to_owned(), span_id.to_owned())
        });
        assert_eq!(context.sampled(), Some(false));
        let headers = [("sentry-trace", &*sampled), ("baggage", "sentry-release=r")];
        assert_eq!(context, TracePropagationContext::try_from_headers(headers).unwrap());
        assert!(matches!(TracePropagationContext::from_parts(None, Some("a=b")), Err(HeaderParseError::Missing)));
        assert!(matches!(TracePropagationContext::from_parts(Some(""), None), Err(HeaderParseError::Invalid)));
    }

    #[test]
    fn organizations_and_dice_come_with_the_baggage() {
        let with = |baggage| TracePropagationContext::from_parts(Some(&format!("{TRACE}-1")), Some(baggage)).unwrap();
        let ours = with("sentry-org_id=7,sentry-sample_rand=0.25");
        assert!(ours.continues(Some(7.into()), true) && !ours.continues(Some(8.into()), false));
        assert!(!with("").continues(Some(7.into()), true) && with("").continues(None, true));
        assert_eq!(ours.sample_rand().to_string(), "0.250000");
        assert_eq!(with("sentry-sample_rate=0.000001").sample_rand().to_string(), "0.000000");
        assert!(TracePropagationContext::default().continues(None, true));
    }

    #[test]
    #[expect(deprecated, reason = "this is its test")]
    fn an_older_header_is_a_context_without_baggage() {
        let header = sentry_trace::SentryTrace::new([1; 16].into(), [2; 8].into(), Some(true));
        let context = TracePropagationContext::from(header);
        assert_eq!(context.sentry_trace_header(), header.to_string());
        assert_eq!(context, TracePropagationContext::from_parts(Some(&header.to_string()), None).unwrap());
        let made = TracePropagationContext::new([1; 16].into(), [2; 8].into());
        assert_eq!(made.sentry_trace_header(), "01010101010101010101010101010101-0202020202020202");
        assert_eq!(made.with_sampled(true).sentry_trace_header(), header.to_string());
    }

    proptest! {
        #[test]
        fn any_headers_are_read(names in prop::collection::vec(0..4usize, 0..6), values: [String; 6]) {
            let all = ["sentry-trace", "traceparent", "baggage", "other"];
            let headers = names.iter().zip(&values).map(|(name, value)| (all[*name], &**value));
            prop_assert!(TracePropagationContext::try_from_headers(headers).is_err());
        }
    }
}
