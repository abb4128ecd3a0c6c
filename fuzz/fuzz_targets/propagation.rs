//! Trace headers come with every request to a service: whoever calls it chooses their text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sentry_core::TracePropagationContext;

// Lines: `sentry-trace`, `traceparent`, then any number of `baggage` headers.
fuzz_target!(|text: &str| {
    let names = ["sentry-trace", "traceparent"].into_iter().chain(std::iter::repeat("baggage"));
    check(&names.zip(text.split('\n')).collect::<Vec<_>>());
    // Each grammar by itself, with all of the text.
    check(&[("sentry-trace", text)]);
    check(&[("traceparent", text)]);
    check(&[("sentry-trace", VALID), ("baggage", text)]);
    assert!(TracePropagationContext::from_parts(None, Some(text)).is_err());
});

const VALID: &str = "5e1f0c0c4d9a4b7c8d2e3f4051627384-a1b2c3d4e5f60718-1";

fn check(headers: &[(&str, &str)]) {
    let Ok(context) = TracePropagationContext::try_from_headers(headers.iter().copied()) else { return };
    assert_eq!(Ok(&context), TracePropagationContext::try_from_headers(headers.iter().copied()).as_ref().map_err(drop));

    // What was understood is printed as what is understood again.
    let printed = context.sentry_trace_header();
    let baggage = headers.iter().filter(|(name, _)| *name == "baggage").copied();
    let again = TracePropagationContext::try_from_headers(baggage.chain([("Sentry-Trace", &*printed)]));
    assert_eq!(again.expect("a printed header"), context, "{printed} from {headers:?}");
}
