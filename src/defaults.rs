//! What `init` adds to the options a program gave: transport, integrations, and values from the environment.

use std::sync::Arc;

use sentry_core::{ClientOptions, Integration, IntoDsn, OptionsProblem, TracePropagationContext};

use crate::environment::{self, Environment};

/// Fills in what `options` leave open.
///
/// * Transport: HTTP, if a feature brings it (`transport`, `ureq`, `reqwest`, `curl`).
/// * Default integrations, unless switched off, in front of the program's own and in this order: attach-stacktrace,
///   debug-images, contexts, panic, process-stacktrace. A type the program added itself is not added twice.
/// * From environment variables (the crate's documentation lists them): what the program did not choose.
///
/// A variable that cannot be used is noted, and said when the client is made.
pub fn apply_defaults(mut opts: ClientOptions) -> ClientOptions {
    #[cfg(feature = "ureq")]
    if opts.transport.is_none() {
        opts.transport = Some(Arc::new(sentry_transport::DefaultTransportFactory));
    }
    if opts.default_integrations {
        let own = std::mem::take(&mut opts.integrations);
        let type_of = |integration: &Arc<dyn Integration>| (**integration).as_any().type_id();
        let missing = default_integrations()
            .into_iter()
            .filter(|default| own.iter().all(|there| type_of(there) != type_of(default)));
        opts.integrations = missing.collect();
        opts.integrations.extend(own);
    }
    apply_environment(opts, &Environment::new(&environment::of_process))
}

fn default_integrations() -> Vec<Arc<dyn Integration>> {
    vec![
        #[cfg(feature = "backtrace")]
        Arc::new(sentry_integrations::backtrace::AttachStacktraceIntegration::new()),
        #[cfg(feature = "debug-images")]
        Arc::new(sentry_integrations::debug_images::DebugImagesIntegration::new()),
        #[cfg(feature = "contexts")]
        Arc::new(sentry_integrations::contexts::ContextIntegration::new()),
        #[cfg(feature = "panic")]
        Arc::new(sentry_integrations::panic::PanicIntegration::new()),
        #[cfg(feature = "backtrace")]
        Arc::new(sentry_integrations::backtrace::ProcessStacktraceIntegration::new()),
    ]
}

fn apply_environment(mut opts: ClientOptions, environment: &Environment<'_>) -> ClientOptions {
    let dsn_refused = opts.problems().iter().any(|problem| problem.source() == "DSN");
    if opts.dsn.is_none() && !dsn_refused {
        match environment.get(&["SENTRY_DSN"]).into_dsn() {
            Ok(dsn) => opts.dsn = dsn,
            Err(error) => opts.note_problem(OptionsProblem::new("SENTRY_DSN", error, "nothing will be sent")),
        }
    }
    if opts.release.is_none() {
        opts.release = environment.get(&["SENTRY_RELEASE"]).map(Into::into);
    }
    if opts.environment.is_none() {
        let default = if cfg!(debug_assertions) { "development" } else { "production" };
        let chosen = environment.get(&["SENTRY_ENVIRONMENT"]);
        opts.environment = Some(chosen.map_or(default.into(), Into::into));
    }
    if !opts.chose_sample_rate() {
        if let Some(text) = environment.get(&["SENTRY_SAMPLE_RATE"]) {
            match text.parse() {
                Ok(rate) if (0.0..=1.0).contains(&rate) => opts = opts.sample_rate(rate),
                _ => {
                    let reason = format_args!("{text:?} is not a number between 0.0 and 1.0");
                    opts.note_problem(OptionsProblem::new("SENTRY_SAMPLE_RATE", reason, "all events are sent"));
                }
            }
        }
    }
    if !opts.chose_traces_sampling() {
        if let Some(text) = environment.get(&["SENTRY_TRACES_SAMPLE_RATE"]) {
            match text.parse() {
                Ok(rate) if (0.0..=1.0).contains(&rate) => opts = opts.traces_sample_rate(rate),
                _ => {
                    let reason = format_args!("{text:?} is not a number between 0.0 and 1.0");
                    opts.note_problem(OptionsProblem::new("SENTRY_TRACES_SAMPLE_RATE", reason, "tracing stays off"));
                }
            }
        }
    }
    if let Some(sentry_trace) = environment.get(&["SENTRY_TRACE"]) {
        let baggage = environment.get(&["SENTRY_BAGGAGE"]);
        match TracePropagationContext::from_parts(Some(&sentry_trace), baggage.as_deref()) {
            Ok(incoming) => opts.continue_trace_of_process(incoming),
            Err(error) => {
                opts.note_problem(OptionsProblem::new("SENTRY_TRACE", error, "a trace of its own is begun"));
            }
        }
    }
    if !opts.chose_debug() {
        match environment.flag("SENTRY_DEBUG") {
            Some(Ok(debug)) => opts.debug = debug,
            Some(Err(text)) => opts.note_problem(not_a_switch("SENTRY_DEBUG", &text, "debug stays off")),
            None => {}
        }
    }
    if !opts.chose_accept_invalid_certs() {
        match environment.flag("SSL_VERIFY") {
            Some(Ok(verify)) => opts.accept_invalid_certs = !verify,
            Some(Err(text)) => opts.note_problem(not_a_switch("SSL_VERIFY", &text, "certificates are verified")),
            None => {}
        }
    }
    let variable = environment.get(&["SENTRY_SPOTLIGHT"]);
    opts.decide_spotlight(variable.as_deref());
    if opts.spool_dir.is_none() {
        opts.spool_dir = environment.get(&["SENTRY_SPOOL_DIR"]).map(Into::into);
    }
    if opts.http_proxy.is_none() {
        opts.http_proxy = environment.get(&["HTTP_PROXY", "http_proxy"]).map(Into::into);
    }
    if opts.https_proxy.is_none() {
        opts.https_proxy = environment.get(&["HTTPS_PROXY", "https_proxy"]).map(Into::into).or(opts.http_proxy.clone());
    }
    if opts.no_proxy.is_none() {
        opts.no_proxy = environment.get(&["NO_PROXY", "no_proxy"]).map(Into::into);
    }
    opts
}

fn not_a_switch(name: &str, text: &str, consequence: &'static str) -> OptionsProblem {
    OptionsProblem::new(name, format_args!("{text:?} is neither true nor false"), consequence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sentry_core::EventSamplingStrategy;

    fn with(opts: ClientOptions, variables: &[(&str, &str)]) -> ClientOptions {
        let look_up = |name: &str| {
            variables.iter().find(|(there, _)| *there == name).map(|(_, value)| (*value).to_owned().into())
        };
        apply_environment(opts, &Environment::new(&look_up))
    }

    #[test]
    fn the_environment_fills_what_is_open() {
        let opts = with(
            ClientOptions::new(),
            &[
                ("SENTRY_DSN", " https://key@host/1\n"),
                ("SENTRY_RELEASE", "app@1"),
                ("SENTRY_ENVIRONMENT", "stage"),
                ("SENTRY_SAMPLE_RATE", "0.5"),
                ("SENTRY_DEBUG", "1"),
                ("SSL_VERIFY", "false"),
                ("http_proxy", "http://proxy:1"),
                ("no_proxy", "host"),
                ("SENTRY_SPOOL_DIR", "/var/spool/app"),
                ("SENTRY_SPOTLIGHT", "http://localhost:1/stream"),
            ],
        );
        assert_eq!(opts.dsn.as_ref().map(|dsn| dsn.host()), Some("host"));
        assert_eq!(opts.release.as_deref(), Some("app@1"));
        assert_eq!(opts.environment.as_deref(), Some("stage"));
        assert_eq!(opts.event_sampling_strategy, EventSamplingStrategy::FixedRate(0.5));
        assert!(opts.debug && opts.accept_invalid_certs);
        assert_eq!(opts.https_proxy.as_deref(), Some("http://proxy:1"));
        assert_eq!(opts.no_proxy.as_deref(), Some("host"));
        assert_eq!(opts.spool_dir.as_deref(), Some("/var/spool/app".as_ref()));
        assert_eq!(opts.spotlight_url.as_deref(), Some("http://localhost:1/stream"));
        assert_eq!(opts.problems(), []);
    }

    #[test]
    fn what_the_program_chose_wins() {
        let chosen = ClientOptions::new()
            .dsn("https://key@mine/1")
            .release("mine")
            .environment("mine")
            .sample_rate(1.0)
            .debug(false)
            .spotlight(false)
            .accept_invalid_certs(false);
        let opts = with(
            chosen,
            &[
                ("SENTRY_DSN", "https://key@other/1"),
                ("SENTRY_RELEASE", "other"),
                ("SENTRY_ENVIRONMENT", "other"),
                ("SENTRY_SAMPLE_RATE", "0.1"),
                ("SENTRY_DEBUG", "true"),
                ("SENTRY_SPOTLIGHT", "true"),
                ("SSL_VERIFY", "0"),
            ],
        );
        assert_eq!(opts.dsn.as_ref().map(|dsn| dsn.host()), Some("mine"));
        assert_eq!((opts.release.as_deref(), opts.environment.as_deref()), (Some("mine"), Some("mine")));
        assert_eq!(opts.event_sampling_strategy, EventSamplingStrategy::FixedRate(1.0));
        assert!(!opts.debug && !opts.accept_invalid_certs && opts.spotlight == Some(false));
        assert_eq!(opts.problems(), []);
    }

    #[test]
    fn bad_values_are_noted_by_name_and_change_nothing() {
        let opts = with(
            ClientOptions::new(),
            &[
                ("SENTRY_DSN", "https://verysecret@/"),
                ("SENTRY_SAMPLE_RATE", "NaN"),
                ("SENTRY_DEBUG", "perhaps"),
                ("SSL_VERIFY", "maybe"),
            ],
        );
        let named: Vec<&str> = opts.problems().iter().map(OptionsProblem::source).collect();
        assert_eq!(named, ["SENTRY_DSN", "SENTRY_SAMPLE_RATE", "SENTRY_DEBUG", "SSL_VERIFY"]);
        assert!(!format!("{:?}", opts.problems()).contains("verysecret"));
        assert!(opts.dsn.is_none() && !opts.debug && !opts.accept_invalid_certs);
        assert_eq!(opts.event_sampling_strategy, EventSamplingStrategy::FixedRate(1.0));
    }

    #[test]
    fn defaults_come_once_and_not_beside_the_programs_own() {
        let once = apply_defaults(ClientOptions::new());
        let names = |opts: &ClientOptions| opts.integrations.iter().map(|there| there.name()).collect::<Vec<_>>();
        let first = names(&once);
        assert_eq!(names(&apply_defaults(once)), first);
        let mut distinct = first.clone();
        distinct.dedup();
        assert_eq!(distinct, first);
    }

    #[test]
    fn a_refused_dsn_is_not_replaced_by_the_environments() {
        let opts = with(ClientOptions::new().dsn("not a dsn"), &[("SENTRY_DSN", "https://key@host/1")]);
        assert!(opts.dsn.is_none());
    }
}
