//! Integrations of a program's own, and the built-in ones.

use std::fmt::Debug;
use std::panic::PanicHookInfo;

use sentry::integrations::backtrace::{AttachStacktraceIntegration, ProcessStacktraceIntegration};
use sentry::integrations::contexts::ContextIntegration;
use sentry::integrations::debug_images::DebugImagesIntegration;
use sentry::integrations::panic::PanicIntegration;
use sentry::integrations::{backtrace, contexts, debug_images, panic};
use sentry::protocol::{Context, DebugImage, Event, Frame, Stacktrace, Thread};
use sentry::{ClientOptions, Integration};

has!(AttachStacktraceIntegration, ProcessStacktraceIntegration; Debug + Default + Integration);
has!(ContextIntegration, DebugImagesIntegration, PanicIntegration; Debug + Default + Integration);

struct Mine;

impl Integration for Mine {
    fn name(&self) -> &'static str {
        "mine"
    }

    fn setup(&self, options: &mut ClientOptions) {
        options.in_app_include.push("mine::");
    }

    fn process_event(&self, mut event: Event<'static>, _options: &ClientOptions) -> Option<Event<'static>> {
        event.tags.insert("mine".into(), "seen".into());
        Some(event)
    }
}

struct Silent;
impl Integration for Silent {}

fn stack_traces() {
    let _: fn() -> AttachStacktraceIntegration = AttachStacktraceIntegration::new;
    let _: fn() -> ProcessStacktraceIntegration = ProcessStacktraceIntegration::new;
    let _: fn() -> Option<Stacktrace> = backtrace::current_stacktrace;
    let _: fn(bool) -> Thread = backtrace::current_thread;
    let _: fn(&str) -> Option<Stacktrace> = backtrace::parse_stacktrace;
    let _: fn(&mut Stacktrace, &ClientOptions) = backtrace::process_event_stacktrace;
    let _ = backtrace::backtrace_to_stacktrace;
    let _: (backtrace::Frame, backtrace::Stacktrace) = (Frame::default(), Stacktrace::default());
}

fn context_data() {
    let _: ContextIntegration = ContextIntegration::new().add_os(true).add_rust(true).add_device(false);
    let _: fn() -> Option<String> = contexts::utils::server_name;
    let _: fn() -> Option<Context> = contexts::utils::os_context;
    let _: fn() -> Context = contexts::utils::rust_context;
    let _: fn() -> Context = contexts::utils::device_context;
    let _: (Option<&'static str>, Option<&'static str>, &'static str) =
        (contexts::utils::RUSTC_VERSION, contexts::utils::RUSTC_CHANNEL, contexts::utils::ARCH);
}

fn images() {
    let _: fn() -> Vec<DebugImage> = debug_images::debug_images;
    let _: DebugImagesIntegration =
        DebugImagesIntegration::new().filter(|event: &Event<'_>| !event.exception.is_empty());
}

fn panics() {
    let _: fn(&PanicHookInfo<'_>) = panic::panic_handler;
    let _: for<'a> fn(&'a PanicHookInfo<'_>) -> &'a str = panic::message_from_panic_info;
    let _: fn(&PanicIntegration, &PanicHookInfo<'_>) -> Event<'static> = PanicIntegration::event_from_panic_info;
    let _: PanicIntegration = PanicIntegration::new().add_extractor(|_: &PanicHookInfo<'_>| None);
}

fn options() -> ClientOptions {
    ClientOptions::new()
        .add_integration(Mine)
        .add_integration(Silent)
        .add_integration(panic::PanicIntegration::default())
}
