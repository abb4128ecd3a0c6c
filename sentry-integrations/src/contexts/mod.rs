//! Contexts: what the event's process runs on. Collected once, from files, where the first event is finished.

#[cfg_attr(
    not(any(target_os = "linux", target_os = "android")),
    allow(dead_code, reason = "there are control groups on Linux only")
)]
mod cgroup;
mod os_release;
#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "sys/linux.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "sys/other.rs")]
mod sys;
pub mod utils;

use std::sync::OnceLock;
use std::time::SystemTime;

use once_cell::sync::OnceCell;
use sentry_core::fork::PerProcess;
use sentry_core::protocol::{Context, Event, Map, Transaction};
use sentry_core::{ClientOptions, Integration, clock};

/// Adds the contexts `os`, `rust`, `device`, `app` and, where there are limits, `container` to events that do not have them already.
///
/// The machine's name, personal data in Sentry's eyes, is added with
/// [`send_default_pii`](field@ClientOptions::send_default_pii) only: to the device, and as the option `server_name`
/// when the program has not set that. No process is started for any of it.
#[derive(Debug)]
pub struct ContextIntegration {
    add_os: bool,
    add_rust: bool,
    add_device: bool,
    add_app: bool,
    add_container: bool,
    started: OnceCell<SystemTime>,
    app: Made<Context>,
}

/// What is read once, in each process.
type Made<T> = PerProcess<OnceLock<T>>;

impl Default for ContextIntegration {
    fn default() -> Self {
        Self {
            add_os: true,
            add_rust: true,
            add_device: true,
            add_app: true,
            add_container: true,
            started: OnceCell::new(),
            app: PerProcess::of_now(OnceLock::new()),
        }
    }
}

impl ContextIntegration {
    /// The integration with all contexts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Add the operating system. Default: `true`.
    #[must_use]
    pub fn add_os(mut self, add_os: bool) -> Self {
        self.add_os = add_os;
        self
    }

    /// Add the compiler's version. Default: `true`.
    #[must_use]
    pub fn add_rust(mut self, add_rust: bool) -> Self {
        self.add_rust = add_rust;
        self
    }

    /// Add the machine: architecture, processors, memory. Default: `true`.
    #[must_use]
    pub fn add_device(mut self, add_device: bool) -> Self {
        self.add_device = add_device;
        self
    }

    /// Add the program: name, version, start. Default: `true`.
    #[must_use]
    pub fn add_app(mut self, add_app: bool) -> Self {
        self.add_app = add_app;
        self
    }

    /// Add the limits of the container or service around the program. Default: `true`.
    #[must_use]
    pub fn add_container(mut self, add_container: bool) -> Self {
        self.add_container = add_container;
        self
    }
}

impl Integration for ContextIntegration {
    fn name(&self) -> &'static str {
        "contexts"
    }

    fn setup(&self, options: &mut ClientOptions) {
        self.started.get_or_init(clock::wall);
        if options.send_default_pii && options.server_name.is_none() {
            options.server_name = utils::server_name().map(Into::into);
        }
    }

    fn process_event(&self, mut event: Event<'static>, options: &ClientOptions) -> Option<Event<'static>> {
        self.add_to(&mut event.contexts, options);
        Some(event)
    }

    fn process_transaction(
        &self,
        mut transaction: Transaction<'static>,
        options: &ClientOptions,
    ) -> Option<Transaction<'static>> {
        self.add_to(&mut transaction.contexts, options);
        Some(transaction)
    }
}

impl ContextIntegration {
    fn add_to(&self, contexts: &mut Map<String, Context>, options: &ClientOptions) {
        let mut add = |key: &str, context: &dyn Fn() -> Option<Context>| {
            if !contexts.contains_key(key) {
                if let Some(context) = context() {
                    contexts.insert(key.to_owned(), context);
                }
            }
        };
        if self.add_os {
            static OS: Made<Option<Context>> = PerProcess::new(OnceLock::new());
            add("os", &|| OS.get().get_or_init(utils::os_context).clone());
        }
        if self.add_rust {
            add("rust", &|| Some(utils::rust_context()));
        }
        if self.add_device {
            static DEVICE: Made<Context> = PerProcess::new(OnceLock::new());
            let device = || DEVICE.get().get_or_init(utils::device_context).clone();
            add("device", &|| Some(with_name(device(), options)));
        }
        if self.add_app {
            let app = || utils::app_context(self.started.get().copied(), options.release.as_deref());
            add("app", &|| Some(self.app.get().get_or_init(app).clone()));
        }
        if self.add_container {
            static CONTAINER: Made<Option<Context>> = PerProcess::new(OnceLock::new());
            add("container", &|| CONTAINER.get().get_or_init(utils::container_context).clone());
        }
    }
}

fn with_name(device: Context, options: &ClientOptions) -> Context {
    static NAME: Made<Option<String>> = PerProcess::new(OnceLock::new());
    match device {
        Context::Device(mut device) if options.send_default_pii => {
            device.name.clone_from(NAME.get().get_or_init(utils::server_name));
            Context::Device(device)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use sentry_core::protocol::OsContext;

    use super::*;

    fn processed(integration: &ContextIntegration, event: Event<'static>, pii: bool) -> Event<'static> {
        let mut options = ClientOptions::new();
        options.send_default_pii = pii;
        options.release = Some("shop@1.2.3".into());
        integration.setup(&mut options);
        assert_eq!(options.server_name.is_some(), pii && utils::server_name().is_some());
        integration.process_event(event, &options).unwrap()
    }

    fn keys(event: &Event<'_>) -> Vec<String> {
        event.contexts.keys().cloned().collect()
    }

    #[test]
    fn each_context_can_be_left_out() {
        let all = processed(&ContextIntegration::new(), Event::default(), false);
        assert_eq!(keys(&all), ["app", "device", "os", "rust"]);
        let none = ContextIntegration::new().add_os(false).add_rust(false).add_device(false).add_app(false);
        assert!(keys(&processed(&none, Event::default(), false)).is_empty());
        assert_eq!(keys(&processed(&none.add_device(true), Event::default(), false)), ["device"]);
    }

    #[test]
    fn what_the_event_has_is_kept() {
        let own = Context::from(OsContext { name: Some("TempleOS".into()), ..OsContext::default() });
        let event = Event { contexts: [("os".to_owned(), own.clone())].into(), ..Event::default() };
        assert_eq!(processed(&ContextIntegration::new(), event, false).contexts["os"], own);
    }

    #[test]
    fn the_machines_name_needs_leave() {
        let name = |pii| match &processed(&ContextIntegration::new(), Event::default(), pii).contexts["device"] {
            Context::Device(device) => device.name.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(name(false), None);
        assert_eq!(name(true), utils::server_name());
        assert!(cfg!(not(target_os = "linux")) || name(true).is_some());
    }

    #[test]
    fn a_name_that_was_set_is_kept() {
        let mut options = ClientOptions::new();
        options.send_default_pii = true;
        options.server_name = Some("web-1".into());
        ContextIntegration::new().setup(&mut options);
        assert_eq!(options.server_name.as_deref(), Some("web-1"));
    }

    #[test]
    fn the_program_is_described() {
        let event = processed(&ContextIntegration::new(), Event::default(), false);
        let Context::App(app) = &event.contexts["app"] else { panic!("{:?}", event.contexts) };
        assert_eq!(app.app_version.as_deref(), Some("1.2.3"));
        assert_eq!(app.build_type.as_deref(), Some(if cfg!(debug_assertions) { "debug" } else { "release" }));
        assert!(app.app_name.as_deref().is_some_and(|name| name.starts_with("sentry_integrations")));
        assert!(app.app_start_time.is_some());
    }
}
