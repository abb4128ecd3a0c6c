//! The header `traceparent` of W3C Trace Context: `00-<trace id>-<span id>-<flags>` (spec TRC-03).

use super::headers::Sender;
use crate::protocol::{SpanId, TraceId};

/// Reads a header of any version. As others print "not decided" as "not sampled" (TRC-03), only "sampled" is believed.
pub(super) fn parse(text: &str) -> Option<Sender> {
    let mut parts = text.trim().split('-');
    let version = byte(parts.next()?)?;
    // Digits are lower-case here, unlike in `sentry-trace`.
    let (trace_id, span_id) = (lower(parts.next()?)?, lower(parts.next()?)?);
    let flags = byte(parts.next()?)?;
    // Later versions may have more to say; this one may not, and 255 is forbidden.
    let well_formed = match version {
        0 => parts.next().is_none(),
        255 => false,
        _ => true,
    };
    let sender = Sender::from_ids(trace_id, span_id).filter(|_| well_formed)?;
    Some(sender.with_sampled((flags & 1 == 1).then_some(true)))
}

/// The value of the header. It has no word for "not decided", which is printed as "not sampled".
pub(crate) fn print(trace_id: TraceId, span_id: SpanId, sampled: Option<bool>) -> String {
    let flags = u8::from(sampled == Some(true));
    format!("00-{trace_id}-{span_id}-{flags:02x}")
}

fn byte(text: &str) -> Option<u8> {
    // `from_str_radix` would take a sign.
    let hex = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    u8::from_str_radix(lower(text)?, 16).ok().filter(|_| hex)
}

fn lower(text: &str) -> Option<&str> {
    (!text.bytes().any(|byte| byte.is_ascii_uppercase())).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRACE: &str = "5e1f0c0c4d9a4b7c8d2e3f4051627384";
    const SPAN: &str = "a1b2c3d4e5f60718";

    #[test]
    fn what_is_valid() {
        for (version, flags, sampled) in [
            ("00", "00", None),
            ("00", "01", Some(true)),
            ("00", "03", Some(true)),
            ("00", "ff", Some(true)),
            ("00", "fe", None),
            ("01", "01", Some(true)),
            ("01", "01-", Some(true)),
            ("01", "01-what-is-to-come", Some(true)),
            ("fe", "00-\0é", None),
        ] {
            let text = format!(" {version}-{TRACE}-{SPAN}-{flags} ");
            let sender = Sender::from_ids(TRACE, SPAN).unwrap().with_sampled(sampled);
            assert_eq!(parse(&text), Some(sender), "{text:?}");
        }
    }

    #[test]
    fn what_is_not() {
        for text in [
            String::new(),
            "00".into(),
            "---".into(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-001"),
            format!("00-{TRACE}-{SPAN}-+1"),
            format!("00-{TRACE}-{SPAN}-0g"),
            format!("00-{TRACE}-{SPAN}-0A"),
            format!("00-{TRACE}-{SPAN}-é"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("01-{TRACE}-{SPAN}-01more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("+0-{TRACE}-{SPAN}-01"),
            format!("000-{TRACE}-{SPAN}-01"),
            format!("{TRACE}-{SPAN}-1"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{SPAN}-{TRACE}-01"),
            format!("00-{}", "-".repeat(1 << 20)),
            "0".repeat(1 << 20),
        ] {
            assert_eq!(parse(&text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(trace: [u8; 16], span: [u8; 8], sampled: Option<bool>) {
            prop_assume!(trace != [0; 16] && span != [0; 8]);
            let printed = print(trace.into(), span.into(), sampled);
            prop_assert_eq!(printed.len(), 55);
            let sampled = sampled.filter(|sampled| *sampled);
            prop_assert_eq!(parse(&printed), Some(Sender { trace_id: trace.into(), span_id: span.into(), sampled }));
        }

        #[test]
        fn never_panics(text in ".{0,80}") {
            let _ = parse(&text);
        }
    }
}
