//! The setters of `ClientOptions`: each takes the options and gives them back, and none panics.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{ClientOptions, EventSamplingStrategy, OptionsProblem, SessionMode, SpoolOptions, TracesSamplingStrategy};
use crate::deny_list::DenyList;
use crate::integration::Integration;
use crate::into_dsn::IntoDsn;
use crate::performance::TransactionContext;
#[cfg(feature = "logs")]
use crate::protocol::Log;
#[cfg(feature = "metrics")]
use crate::protocol::Metric;
use crate::protocol::{Breadcrumb, Event, OrganizationId, Transaction};
use crate::transport::TransportFactory;

impl ClientOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`dsn`](field@Self::dsn). One that does not parse disables the client, and is said when it is made. An
    /// empty one is none: `init` then looks for `SENTRY_DSN`.
    pub fn dsn(self, dsn: &str) -> Self {
        self.with_dsn(dsn)
    }

    pub(crate) fn with_dsn(mut self, dsn: impl IntoDsn) -> Self {
        match dsn.into_dsn() {
            Ok(dsn) => {
                self.dsn = dsn;
                self.problems.retain(|problem| problem.source() != "DSN");
            }
            Err(error) => {
                self.dsn = None;
                self.note_problem(OptionsProblem::new("DSN", error, "nothing will be sent"));
            }
        }
        self
    }

    /// Sets [`debug`](field@Self::debug).
    pub fn debug(mut self, debug: bool) -> Self {
        self.debug = debug;
        self.explicit.debug = true;
        self
    }

    /// Sets [`release`](field@Self::release).
    pub fn release<T: Into<Cow<'static, str>>>(mut self, release: T) -> Self {
        self.release = Some(release.into());
        self
    }

    /// Sets [`release`](field@Self::release) if there is one, as from [`release_name!`](crate::release_name).
    pub fn maybe_release<T: Into<Cow<'static, str>>>(mut self, release: Option<T>) -> Self {
        self.release = release.map(Into::into);
        self
    }

    /// Sets [`environment`](field@Self::environment).
    pub fn environment<T: Into<Cow<'static, str>>>(mut self, environment: T) -> Self {
        self.environment = Some(environment.into());
        self
    }

    /// Sets [`dist`](field@Self::dist).
    pub fn dist<T: Into<Cow<'static, str>>>(mut self, dist: T) -> Self {
        self.dist = Some(dist.into());
        self
    }

    /// Sends this part of the error events, from 0.0 to 1.0. A rate out of range is ignored, and said.
    pub fn sample_rate(mut self, sample_rate: f32) -> Self {
        if (0.0..=1.0).contains(&sample_rate) {
            self.event_sampling_strategy = EventSamplingStrategy::FixedRate(sample_rate);
            self.explicit.sample_rate = true;
            self.problems.retain(|problem| problem.source() != "sample_rate");
        } else {
            let reason = format_args!("{sample_rate} is not between 0.0 and 1.0");
            self.note_problem(OptionsProblem::new("sample_rate", reason, "the rate is left as it was"));
        }
        self
    }

    /// Samples this part of the transactions, from 0.0 to 1.0. A rate out of range is ignored, and said.
    pub fn traces_sample_rate(mut self, traces_sample_rate: f32) -> Self {
        if (0.0..=1.0).contains(&traces_sample_rate) {
            self.traces_sampling_strategy = TracesSamplingStrategy::FixedRate(traces_sample_rate);
            self.explicit.traces = true;
            self.problems.retain(|problem| problem.source() != "traces_sample_rate");
        } else {
            let reason = format_args!("{traces_sample_rate} is not between 0.0 and 1.0");
            self.note_problem(OptionsProblem::new("traces_sample_rate", reason, "the rate is left as it was"));
        }
        self
    }

    /// Samples each transaction with the rate that `traces_sampler` returns for it, see
    /// [`TracesSampler`](crate::TracesSampler). It outranks what the head of a trace decided, which it finds in
    /// [`TransactionContext::sampled`].
    pub fn traces_sampler<F>(mut self, traces_sampler: F) -> Self
    where
        F: Fn(&TransactionContext) -> f32 + Send + Sync + 'static,
    {
        self.traces_sampling_strategy = TracesSamplingStrategy::Function(Arc::new(traces_sampler));
        self.explicit.traces = true;
        self
    }

    /// Sets [`ignore_transactions`](field@Self::ignore_transactions).
    pub fn ignore_transactions<I>(mut self, ignore_transactions: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Cow<'static, str>>,
    {
        self.ignore_transactions = ignore_transactions.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`before_send_transaction`](field@Self::before_send_transaction).
    pub fn before_send_transaction<F>(mut self, before_send_transaction: F) -> Self
    where
        F: Fn(Transaction<'static>) -> Option<Transaction<'static>> + Send + Sync + 'static,
    {
        self.before_send_transaction = Some(Arc::new(before_send_transaction));
        self
    }

    /// Sets [`strict_trace_continuation`](field@Self::strict_trace_continuation).
    pub fn strict_trace_continuation(mut self, strict_trace_continuation: bool) -> Self {
        self.strict_trace_continuation = strict_trace_continuation;
        self
    }

    /// Sets [`trace_propagation_targets`](field@Self::trace_propagation_targets).
    pub fn trace_propagation_targets<I>(mut self, trace_propagation_targets: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Cow<'static, str>>,
    {
        self.trace_propagation_targets = Some(trace_propagation_targets.into_iter().map(Into::into).collect());
        self
    }

    /// Sets [`propagate_traceparent`](field@Self::propagate_traceparent).
    pub fn propagate_traceparent(mut self, propagate_traceparent: bool) -> Self {
        self.propagate_traceparent = propagate_traceparent;
        self
    }

    /// Sets [`auto_session_tracking`](field@Self::auto_session_tracking).
    pub fn auto_session_tracking(mut self, auto_session_tracking: bool) -> Self {
        self.auto_session_tracking = auto_session_tracking;
        self
    }

    /// Sets [`session_mode`](field@Self::session_mode).
    pub fn session_mode(mut self, session_mode: SessionMode) -> Self {
        self.session_mode = session_mode;
        self
    }

    /// Sets [`org_id`](field@Self::org_id).
    pub fn org_id(mut self, org_id: OrganizationId) -> Self {
        self.org_id = Some(org_id);
        self
    }

    /// Sets [`max_breadcrumbs`](field@Self::max_breadcrumbs).
    pub fn max_breadcrumbs(mut self, max_breadcrumbs: usize) -> Self {
        self.max_breadcrumbs = max_breadcrumbs;
        self
    }

    /// Sets [`attach_stacktrace`](field@Self::attach_stacktrace).
    pub fn attach_stacktrace(mut self, attach_stacktrace: bool) -> Self {
        self.attach_stacktrace = attach_stacktrace;
        self
    }

    /// Sets [`include_absolute_paths`](field@Self::include_absolute_paths).
    pub fn include_absolute_paths(mut self, include_absolute_paths: bool) -> Self {
        self.include_absolute_paths = include_absolute_paths;
        self
    }

    /// Sets [`symbolize_stacktraces`](field@Self::symbolize_stacktraces).
    pub fn symbolize_stacktraces(mut self, symbolize_stacktraces: bool) -> Self {
        self.symbolize_stacktraces = symbolize_stacktraces;
        self
    }

    /// Sets [`frame_context_lines`](field@Self::frame_context_lines).
    pub fn frame_context_lines(mut self, frame_context_lines: usize) -> Self {
        self.frame_context_lines = frame_context_lines;
        self
    }

    /// Sets [`send_default_pii`](field@Self::send_default_pii).
    pub fn send_default_pii(mut self, send_default_pii: bool) -> Self {
        self.send_default_pii = send_default_pii;
        self
    }

    /// Sets [`deny_list`](field@Self::deny_list).
    pub fn deny_list(mut self, deny_list: DenyList) -> Self {
        self.deny_list = deny_list;
        self
    }

    /// Sets [`server_name`](field@Self::server_name).
    pub fn server_name<T: Into<Cow<'static, str>>>(mut self, server_name: T) -> Self {
        self.server_name = Some(server_name.into());
        self
    }

    /// Sets [`in_app_include`](field@Self::in_app_include).
    pub fn in_app_include<I: IntoIterator<Item = &'static str>>(mut self, in_app_include: I) -> Self {
        self.in_app_include = in_app_include.into_iter().collect();
        self
    }

    /// Sets [`in_app_exclude`](field@Self::in_app_exclude).
    pub fn in_app_exclude<I: IntoIterator<Item = &'static str>>(mut self, in_app_exclude: I) -> Self {
        self.in_app_exclude = in_app_exclude.into_iter().collect();
        self
    }

    /// Sets [`integrations`](field@Self::integrations).
    pub fn integrations<I: IntoIterator<Item = Arc<dyn Integration>>>(mut self, integrations: I) -> Self {
        self.integrations = integrations.into_iter().collect();
        self
    }

    /// Adds one integration behind those that are there.
    pub fn add_integration<I: Integration>(mut self, integration: I) -> Self {
        self.integrations.push(Arc::new(integration));
        self
    }

    /// Sets [`default_integrations`](field@Self::default_integrations).
    pub fn default_integrations(mut self, default_integrations: bool) -> Self {
        self.default_integrations = default_integrations;
        self
    }

    /// Sets [`before_send`](field@Self::before_send).
    pub fn before_send<F>(mut self, before_send: F) -> Self
    where
        F: Fn(Event<'static>) -> Option<Event<'static>> + Send + Sync + 'static,
    {
        self.before_send = Some(Arc::new(before_send));
        self
    }

    /// Sets [`before_breadcrumb`](field@Self::before_breadcrumb).
    pub fn before_breadcrumb<F>(mut self, before_breadcrumb: F) -> Self
    where
        F: Fn(Breadcrumb) -> Option<Breadcrumb> + Send + Sync + 'static,
    {
        self.before_breadcrumb = Some(Arc::new(before_breadcrumb));
        self
    }

    /// Sets [`before_send_log`](field@Self::before_send_log).
    #[cfg(feature = "logs")]
    pub fn before_send_log<F>(mut self, before_send_log: F) -> Self
    where
        F: Fn(Log) -> Option<Log> + Send + Sync + 'static,
    {
        self.before_send_log = Some(Arc::new(before_send_log));
        self
    }

    /// Sets [`before_send_metric`](field@Self::before_send_metric).
    #[cfg(feature = "metrics")]
    pub fn before_send_metric<F>(mut self, before_send_metric: F) -> Self
    where
        F: Fn(Metric) -> Option<Metric> + Send + Sync + 'static,
    {
        self.before_send_metric = Some(Arc::new(before_send_metric));
        self
    }

    /// Sets [`enable_logs`](field@Self::enable_logs).
    #[deprecated(note = "logs are sent unless the feature `logs` is off; to drop some or all, use `before_send_log`")]
    pub fn enable_logs(mut self, enable_logs: bool) -> Self {
        self.enable_logs = enable_logs;
        self
    }

    /// Sets [`enable_metrics`](field@Self::enable_metrics).
    #[deprecated(
        note = "metrics are sent unless the feature `metrics` is off; to drop some or all, use `before_send_metric`"
    )]
    pub fn enable_metrics(mut self, enable_metrics: bool) -> Self {
        self.enable_metrics = enable_metrics;
        self
    }

    /// Sets [`hooks_on_caller`](field@Self::hooks_on_caller).
    pub fn hooks_on_caller(mut self, hooks_on_caller: bool) -> Self {
        self.hooks_on_caller = hooks_on_caller;
        self
    }

    /// Sets [`transport`](field@Self::transport).
    pub fn transport<T: TransportFactory + 'static>(mut self, transport: T) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Sets [`http_proxy`](field@Self::http_proxy).
    pub fn http_proxy<T: Into<Cow<'static, str>>>(mut self, http_proxy: T) -> Self {
        self.http_proxy = Some(http_proxy.into());
        self
    }

    /// Sets [`https_proxy`](field@Self::https_proxy).
    pub fn https_proxy<T: Into<Cow<'static, str>>>(mut self, https_proxy: T) -> Self {
        self.https_proxy = Some(https_proxy.into());
        self
    }

    /// Sets [`no_proxy`](field@Self::no_proxy).
    pub fn no_proxy<T: Into<Cow<'static, str>>>(mut self, no_proxy: T) -> Self {
        self.no_proxy = Some(no_proxy.into());
        self
    }

    /// Sets [`spotlight`](field@Self::spotlight).
    pub fn spotlight(mut self, spotlight: bool) -> Self {
        self.spotlight = Some(spotlight);
        self
    }

    /// Sets [`spotlight_url`](field@Self::spotlight_url).
    pub fn spotlight_url(mut self, url: impl Into<Cow<'static, str>>) -> Self {
        self.spotlight_url = Some(url.into());
        self
    }

    /// Sets [`spool_dir`](field@Self::spool_dir).
    pub fn spool_dir(mut self, spool_dir: impl Into<PathBuf>) -> Self {
        self.spool_dir = Some(spool_dir.into());
        self
    }

    /// Sets [`spool`](field@Self::spool).
    pub fn spool(mut self, spool: SpoolOptions) -> Self {
        self.spool = spool;
        self
    }

    /// Sets [`max_senders`](field@Self::max_senders).
    pub fn max_senders(mut self, max_senders: usize) -> Self {
        self.max_senders = max_senders;
        self
    }

    /// Sets [`shutdown_timeout`](field@Self::shutdown_timeout).
    pub fn shutdown_timeout(mut self, shutdown_timeout: Duration) -> Self {
        self.shutdown_timeout = shutdown_timeout;
        self
    }

    /// Sets [`transport_channel_capacity`](field@Self::transport_channel_capacity); 0 counts as 1.
    pub fn transport_channel_capacity(mut self, transport_channel_capacity: usize) -> Self {
        self.transport_channel_capacity =
            Some(NonZeroUsize::new(transport_channel_capacity).unwrap_or(NonZeroUsize::MIN));
        self
    }

    /// Sets [`accept_invalid_certs`](field@Self::accept_invalid_certs).
    pub fn accept_invalid_certs(mut self, accept_invalid_certs: bool) -> Self {
        self.accept_invalid_certs = accept_invalid_certs;
        self.explicit.accept_invalid_certs = true;
        self
    }

    /// Sets [`user_agent`](field@Self::user_agent).
    pub fn user_agent<T: Into<Cow<'static, str>>>(mut self, user_agent: T) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Sets [`diagnostics`](field@Self::diagnostics).
    pub fn diagnostics<F>(mut self, diagnostics: F) -> Self
    where
        F: Fn(&str) + Send + Sync + 'static,
    {
        self.diagnostics = Some(Arc::new(diagnostics));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_dsn_is_noted_without_its_key_and_an_empty_one_is_not() {
        let options = ClientOptions::new().dsn("https://topsecretkey@/nope");
        assert!(options.dsn.is_none());
        let [problem] = options.problems() else { panic!("one problem, not {:?}", options.problems()) };
        assert!(problem.to_string().starts_with("DSN: "), "{problem}");
        assert!(!format!("{options:?} {problem}").contains("topsecretkey"));
        assert!(ClientOptions::new().dsn("").problems().is_empty());
        assert!(ClientOptions::from("  ").problems().is_empty());
    }

    #[test]
    fn a_rate_out_of_range_is_noted_and_ignored() {
        for rate in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
            let options = ClientOptions::new().sample_rate(0.5).sample_rate(rate);
            assert_eq!(options.event_sampling_strategy, EventSamplingStrategy::FixedRate(0.5));
            assert_eq!(options.problems().len(), 1, "{rate}");
        }
    }

    #[test]
    fn a_capacity_of_zero_is_one() {
        assert_eq!(ClientOptions::new().transport_channel_capacity(0).transport_channel_capacity, NonZeroUsize::new(1));
    }
}
