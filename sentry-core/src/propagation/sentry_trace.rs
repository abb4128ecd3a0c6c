//! The header `sentry-trace`: `<trace id>-<span id>`, and `-1` or `-0` once somebody decided (spec TRC-01).

use std::fmt;

use super::headers::{Header, SENTRY_TRACE, Sender};
use crate::protocol::{SpanId, TraceId};

/// What a `sentry-trace` header says, without the baggage that comes with it.
#[derive(Debug, PartialEq, Clone, Copy, Default)]
#[deprecated(note = "use `TracePropagationContext`, which keeps the baggage")]
pub struct SentryTrace {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) sampled: Option<bool>,
}

#[expect(deprecated, reason = "kept for programs written for it")]
impl SentryTrace {
    /// The trace `trace_id`, sent by the span `span_id`, whose trace is sampled, is not, or is not decided.
    #[must_use]
    pub fn new(trace_id: TraceId, span_id: SpanId, sampled: Option<bool>) -> Self {
        Self { trace_id, span_id, sampled }
    }
}

/// Writes the value of the header.
#[expect(deprecated, reason = "kept for programs written for it")]
impl fmt::Display for SentryTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(self.trace_id, self.span_id, self.sampled))
    }
}

/// Reads the first valid `sentry-trace` among `headers`. The case of names does not matter; other headers, also
/// `baggage` and `traceparent`, are not looked at.
#[deprecated(note = "use `TracePropagationContext::try_from_headers`, which keeps the baggage")]
#[expect(deprecated, reason = "kept for programs written for it")]
pub fn parse_sentry_trace_header<'a, I>(headers: I) -> Option<SentryTrace>
where
    I: IntoIterator<Item = Header<'a>>,
{
    let mut values = headers.into_iter().filter(|(name, _)| name.eq_ignore_ascii_case(SENTRY_TRACE));
    values.find_map(|(_, value)| parse(value)).map(|sender| SentryTrace {
        trace_id: sender.trace_id,
        span_id: sender.span_id,
        sampled: sender.sampled,
    })
}

pub(super) fn parse(text: &str) -> Option<Sender> {
    let mut parts = text.trim().split('-');
    let sender = Sender::from_ids(parts.next()?, parts.next()?)?;
    let sampled = match parts.next() {
        None => None,
        Some("1") => Some(true),
        Some("0") => Some(false),
        Some(_) => return None,
    };
    parts.next().is_none().then(|| sender.with_sampled(sampled))
}

pub(crate) fn print(trace_id: TraceId, span_id: SpanId, sampled: Option<bool>) -> String {
    let decision = match sampled {
        None => "",
        Some(true) => "-1",
        Some(false) => "-0",
    };
    format!("{trace_id}-{span_id}{decision}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRACE: &str = "5e1f0c0c4d9a4b7c8d2e3f4051627384";
    const SPAN: &str = "a1b2c3d4e5f60718";

    #[test]
    fn what_is_valid() {
        let sender = |sampled| Some(Sender::from_ids(TRACE, SPAN).unwrap().with_sampled(sampled));
        for (text, sampled) in [
            (format!("{TRACE}-{SPAN}"), None),
            (format!("{TRACE}-{SPAN}-1"), Some(true)),
            (format!("{TRACE}-{SPAN}-0"), Some(false)),
            (format!(" \t{TRACE}-{SPAN}-1\r\n"), Some(true)),
            (format!("{TRACE}-{SPAN}").to_uppercase(), None),
        ] {
            assert_eq!(parse(&text), sender(sampled), "{text:?}");
        }
    }

    #[test]
    fn what_is_not() {
        let zeros = |count| "0".repeat(count);
        for text in [
            String::new(),
            " ".into(),
            "1".into(),
            "-".into(),
            "---".into(),
            TRACE.into(),
            format!("{TRACE}-"),
            format!("{TRACE}-{SPAN}-"),
            format!("{TRACE}-{SPAN}-2"),
            format!("{TRACE}-{SPAN}-01"),
            format!("{TRACE}-{SPAN}-true"),
            format!("{TRACE}-{SPAN}-1-"),
            format!("{TRACE}-{SPAN}-1-1"),
            format!("-{TRACE}-{SPAN}"),
            format!("{TRACE} - {SPAN}"),
            format!("{TRACE}{SPAN}"),
            format!("{SPAN}-{TRACE}"),
            format!("{}-{SPAN}", zeros(32)),
            format!("{TRACE}-{}", zeros(16)),
            format!("{TRACE}0-{SPAN}"),
            format!("{TRACE}-{SPAN}").replace('f', "g"),
            format!("{TRACE}-{SPAN}\0"),
            // As many bytes as 32 and 16 digits have.
            format!("{}-{}", "é".repeat(16), "é".repeat(8)),
            format!("+{}-{SPAN}", &TRACE[1..]),
            format!("{TRACE}-{SPAN}-1,{TRACE}-{SPAN}-1"),
            "-".repeat(1 << 20),
            "f".repeat(1 << 20),
        ] {
            assert_eq!(parse(&text), None, "{text:?}");
        }
    }

    #[test]
    #[expect(deprecated, reason = "this is its test")]
    fn the_first_valid_header_is_found_by_its_name() {
        let value = format!("{TRACE}-{SPAN}-0");
        let traceparent = format!("00-{TRACE}-{SPAN}-01");
        let headers =
            [("traceparent", &*traceparent), ("sentry-trace", "x"), ("Sentry-TRACE", &value), ("sentry-trace", TRACE)];
        let found = parse_sentry_trace_header(headers);
        assert_eq!(found, Some(SentryTrace::new(TRACE.parse().unwrap(), SPAN.parse().unwrap(), Some(false))));
        assert_eq!(found.unwrap().to_string(), value);
        assert_eq!(parse_sentry_trace_header([("traceparent", &*traceparent), ("sentry-trac", &value)]), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(trace: [u8; 16], span: [u8; 8], sampled: Option<bool>) {
            prop_assume!(trace != [0; 16] && span != [0; 8]);
            let sender = Sender { trace_id: trace.into(), span_id: span.into(), sampled };
            prop_assert_eq!(parse(&print(sender.trace_id, sender.span_id, sampled)), Some(sender));
        }

        #[test]
        fn what_is_read_is_printed(text in "[0-9a-f]{31,33}-[0-9a-f]{15,17}(-[0-2]?)?") {
            if let Some(sender) = parse(&text) {
                prop_assert_eq!(print(sender.trace_id, sender.span_id, sender.sampled), text);
            }
        }

        #[test]
        fn never_panics(text in ".{0,80}") {
            let _ = parse(&text);
        }
    }
}
