//! Stacks of a program that is not the SDK: taken by address on one thread, read on another, and seen from outside.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests expect as tests do")]

use std::panic::Location;
use std::sync::Arc;

use sentry_core::protocol::{DebugImage, Event, Frame, Level, Stacktrace, Thread};
use sentry_core::test::TestTransport;
use sentry_core::{Capture, Client, ClientOptions, Hub, Integration, Scope, capture_message};
use sentry_integrations::backtrace::{
    AttachStacktraceIntegration, ProcessStacktraceIntegration, backtrace_to_stacktrace, current_stacktrace,
    current_thread, parse_stacktrace, process_event_stacktrace,
};
use sentry_integrations::debug_images::{DebugImagesIntegration, debug_images};

fn options() -> ClientOptions {
    let mut options = ClientOptions::new();
    options.attach_stacktrace = true;
    options.integrations = vec![
        Arc::new(AttachStacktraceIntegration::new()),
        Arc::new(ProcessStacktraceIntegration::new()),
        Arc::new(DebugImagesIntegration::new()),
    ];
    options
}

/// Runs `f` with a client that finishes events on another thread, and returns the event it captures.
fn captured<R>(f: impl FnOnce() -> R) -> (Event<'static>, R) {
    let transport = TestTransport::deferred();
    let mut options = options().dsn("https://key@example.com/1");
    options.transport = Some(Arc::new(Arc::clone(&transport)));
    let hub = Hub::new(Some(Arc::new(Client::with_options(options))), Arc::new(Scope::default()));
    let outcome = Hub::run(Arc::new(hub), f);
    (transport.fetch_and_clear_events().pop().unwrap(), outcome)
}

fn only_thread(event: &Event<'static>) -> Thread {
    let [thread] = &event.threads.values[..] else { panic!("{event:#?}") };
    thread.clone()
}

#[inline(never)]
fn pay() -> u32 {
    capture_message("paid", Level::Info);
    line!() - 1
}

#[inline(never)]
fn checkout() -> (u32, u32) {
    (std::hint::black_box(pay()), line!())
}

fn in_app(trace: &Stacktrace) -> Vec<&Frame> {
    trace.frames.iter().filter(|frame| frame.in_app == Some(true)).collect()
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "needs debug information")]
fn a_captured_stack_ends_in_the_line_that_captured() {
    let (event, (pay_line, checkout_line)) = captured(checkout);
    let thread = only_thread(&event);
    assert_eq!((thread.id, thread.name), (current_thread(false).id, current_thread(false).name));
    let trace = thread.stacktrace.unwrap();

    let newest = trace.frames.last().unwrap();
    assert_eq!(newest.function.as_deref(), Some("stacks::pay"), "{trace:#?}");
    assert_eq!((newest.module.as_deref(), newest.in_app), (Some("stacks"), Some(true)));
    let here = Location::caller().file();
    assert!(newest.abs_path.as_deref().is_some_and(|path| path.ends_with(here) && path.starts_with('/')), "{newest:?}");
    assert_eq!(newest.filename.as_deref(), Some("tests/stacks.rs"));
    assert_eq!((newest.lineno, newest.colno.is_some()), (Some(pay_line.into()), true));

    let own: Vec<_> = in_app(&trace).iter().map(|frame| frame.function.clone().unwrap()).collect();
    let support = |name: &&String| *name != "stacks::captured";
    let steps: Vec<_> = own.iter().filter(support).collect();
    let this = "stacks::a_captured_stack_ends_in_the_line_that_captured";
    assert_eq!(steps[steps.len() - 3..], [this, "stacks::checkout", "stacks::pay"]);
    let caller = &trace.frames[trace.frames.len() - 2];
    assert_eq!(caller.lineno, Some(checkout_line.into()));
    assert_eq!(own.iter().filter(|name| !name.starts_with("stacks::")).count(), 0, "{own:?}");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "needs debug information")]
fn a_stack_begins_where_the_program_does() {
    let trace = only_thread(&captured(checkout).0).stacktrace.unwrap();
    let names: Vec<_> = trace.frames.iter().filter_map(|frame| frame.function.as_deref()).collect();
    for runtime in ["__rust_begin_short_backtrace", "thread_start", "clone", "sentry_integrations"] {
        assert!(!names.iter().any(|name| name.contains(runtime)), "{runtime} in {names:#?}");
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "needs debug information")]
fn an_errors_stack_sits_on_the_error() {
    let (event, line) = captured(|| (sentry_core::capture_error(&std::fmt::Error), line!()).1);
    let [exception] = &event.exception.values[..] else { panic!("{event:#?}") };
    let newest = exception.stacktrace.as_ref().unwrap().frames.last().unwrap();
    let function = "stacks::an_errors_stack_sits_on_the_error::{{closure}}";
    assert_eq!((newest.function.as_deref(), newest.lineno), (Some(function), Some(line.into())));
    assert_eq!((newest.module.as_deref(), newest.in_app), (Some("stacks"), Some(true)));
    assert_eq!(only_thread(&event).stacktrace, None);
    assert_eq!(exception.thread_id, only_thread(&event).id);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "needs debug information")]
fn inlined_calls_are_frames_of_their_own() {
    #[inline(always)]
    fn inlined() -> (Option<Stacktrace>, u32) {
        (current_stacktrace(), line!())
    }
    let (trace, line) = inlined();
    let call = line!() - 1;
    let trace = trace.unwrap();
    let [.., outer, inner] = &trace.frames[..] else { panic!("{trace:?}") };
    assert!(inner.function.as_deref().unwrap().ends_with("::inlined"), "{inner:?}");
    assert_eq!((inner.lineno, outer.lineno), (Some(line.into()), Some(call.into())));
    assert_eq!(inner.instruction_addr, outer.instruction_addr);
    assert_eq!(inner.in_app, None, "left to the options");
}

#[test]
fn every_address_lies_in_an_image() {
    let (event, _) = captured(checkout);
    let trace = only_thread(&event).stacktrace.unwrap();
    let ranges = event.debug_meta.images.iter().map(|image| match image {
        DebugImage::Symbolic(image) => image.image_addr.0..image.image_addr.0 + image.image_size,
        other => panic!("{other:?}"),
    });
    let ranges = ranges.collect::<Vec<_>>();
    assert_eq!(ranges.len(), 1, "the program's own");
    assert!(debug_images().len() > 1);
    for frame in &trace.frames {
        let address = frame.instruction_addr.unwrap().0;
        assert!(ranges.iter().any(|range| range.contains(&address)), "{frame:?}");
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "needs debug information")]
fn foreign_backtraces_are_read_and_processed_alike() {
    let line = line!() + 1;
    let (resolved, text) = (backtrace::Backtrace::new(), std::backtrace::Backtrace::force_capture().to_string());
    let unresolved = backtrace::Backtrace::new_unresolved();
    for (kind, trace) in [
        ("resolved", backtrace_to_stacktrace(&resolved)),
        ("unresolved", backtrace_to_stacktrace(&unresolved)),
        ("printed", parse_stacktrace(&text)),
    ] {
        let mut trace = trace.unwrap();
        process_event_stacktrace(&mut trace, &options());
        let own = in_app(&trace);
        let newest = own.last().unwrap_or_else(|| panic!("{kind}: {trace:#?}"));
        assert_eq!(
            newest.function.as_deref(),
            Some("stacks::foreign_backtraces_are_read_and_processed_alike"),
            "{kind}"
        );
        assert!(newest.lineno == Some(line.into()) || newest.lineno == Some((line + 1).into()), "{kind}: {newest:?}");
        assert_eq!(newest.filename.as_deref(), Some("tests/stacks.rs"), "{kind}");
        let once = trace.clone();
        process_event_stacktrace(&mut trace, &options());
        assert_eq!(trace, once, "{kind}");
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "needs debug information")]
fn the_current_thread_comes_with_its_stack() {
    let thread = current_thread(true);
    assert!(thread.current && !thread.crashed);
    let newest = thread.stacktrace.unwrap().frames.pop().unwrap();
    assert_eq!(newest.function.as_deref(), Some("stacks::the_current_thread_comes_with_its_stack"));
}

/// `cargo test --release -p sentry-integrations --test stacks -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn cost_of_a_capture_thirty_deep() {
    #[inline(never)]
    fn dive(depth: u32, f: &mut dyn FnMut()) {
        if depth == 0 {
            f()
        } else {
            dive(depth - 1, f)
        }
        std::hint::black_box(depth);
    }
    let (integration, options) = (AttachStacktraceIntegration::new(), options());
    for depth in [0, 30, 60] {
        dive(depth, &mut || {
            let frames = backtrace::Backtrace::new_unresolved().frames().len();
            let mut best = [u128::MAX; 2];
            for _ in 0..50 {
                for (best, integration) in best.iter_mut().zip([None, Some(&integration)]) {
                    let start = sentry_core::clock::now();
                    for _ in 0..1000 {
                        let mut capture = Capture::from_event(Event::default());
                        if let Some(integration) = integration {
                            integration.on_capture(&mut capture, &options);
                        }
                        std::hint::black_box(&capture);
                    }
                    *best = (*best).min(start.elapsed().as_nanos() / 1000);
                }
            }
            println!("{frames} frames: {} ns", best[1] - best[0]);
        });
    }
}
