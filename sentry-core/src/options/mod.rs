//! What a program can choose: the options of a client, each with its default and its effect.

mod builder;
mod hooks;
mod limits;
mod problem;
mod sampling;
mod spool;
mod spotlight;

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::batches::BatchSource;
use crate::deny_list::DenyList;
use crate::diagnostics::{Diagnostics, DiagnosticsCallback};
use crate::dsn::Dsn;
use crate::integration::Integration;
use crate::into_dsn::IntoDsn;
use crate::ledger::Recorder;
use crate::pending::Recovery;
use crate::propagation::{TracePropagationContext, propagates_to};
use crate::protocol::{Breadcrumb, Event, Log, Metric, MonitorCheckIn, OrganizationId, Transaction};
use crate::sdk::USER_AGENT;
use crate::transport::TransportFactory;
use crate::wire::limits::MAX_ATTACHMENT_BYTES;

pub use hooks::{ErrorCallback, ErrorPredicate, ErrorSampler, HintedCallback};
pub use limits::MaxRequestBodySize;
pub use problem::OptionsProblem;
pub(crate) use sampling::sample;
pub use sampling::{EventSamplingStrategy, TracesSamplingStrategy};
pub use spool::{SpoolFsync, SpoolMode, SpoolOptions};
pub(crate) use spotlight::choose_spotlight;

/// A hook that may change or drop (`None`) what it is given.
///
/// Hooks never run under a lock; one that panics drops what it was given, which is counted like any drop.
pub type BeforeCallback<T> = Arc<dyn Fn(T) -> Option<T> + Send + Sync>;

/// The options of a client.
///
/// Set them by the methods of the same name. A bad value never panics: a DSN that does not parse disables the
/// client, a sample rate out of range is ignored, and one line on standard error says so when the client is made.
///
/// # Absent options
///
/// What other Sentry SDKs have and this one has not, and why:
///
/// Nothing to act on:
/// * `include_local_variables`: a compiled program does not keep them.
/// * `context_tags`: `log` and `tracing` have no map of context keys; spans have fields.
/// * `attach_screenshot`: for programs with windows.
/// * `profiles_sample_rate`, `profiles_sampler`: there is no profiler.
/// * `enable_db_query_source`, `enable_http_request_source` and their thresholds: no database or HTTP client is
///   instrumented by itself, and who makes a span knows where.
/// * `capture_failed_requests`, `failed_request_status_codes`, `failed_request_targets`: the same.
///
/// Something else does it:
/// * a diagnostic level: [`debug`](field@Self::debug) says each kind of problem once.
/// * `enabled`: leave out the DSN.
/// * `enable_tracing`, `tracing_origins`: deprecated everywhere, for
///   [`traces_sample_rate`](Self::traces_sample_rate) and
///   [`trace_propagation_targets`](field@Self::trace_propagation_targets).
/// * `trace_ignore_status_codes`, `trace_options_requests`:
///   [`before_send_transaction`](field@Self::before_send_transaction) sees the status and the request.
/// * `enable_backpressure_handling`: queues are bounded in bytes, and what they lose is counted.
///
/// Not yet:
/// * `trace_lifecycle`, `ignore_spans`, `before_send_span`: they belong to streamed spans.
/// * `data_collection`: [`send_default_pii`](field@Self::send_default_pii) is what it replaces.
/// * `spotlight`: [`dsn`](field@Self::dsn) can name any local receiver.
#[derive(Clone)]
#[non_exhaustive]
#[must_use]
pub struct ClientOptions {
    /// Where to send. Default: none, which disables the client; `init` takes it from `SENTRY_DSN`.
    pub dsn: Option<Dsn>,
    /// Say on standard error what the SDK drops, skips or cannot do, each kind of problem once. Default: `false`;
    /// `init` takes it from `SENTRY_DEBUG`.
    pub debug: bool,
    /// The version of the program, as `name@version`. Default: none; `init` takes it from `SENTRY_RELEASE`.
    pub release: Option<Cow<'static, str>>,
    /// Where the program runs. Default: none; `init` takes it from `SENTRY_ENVIRONMENT`, else `development` with
    /// debug assertions and `production` without.
    pub environment: Option<Cow<'static, str>>,
    /// The distribution of the release, such as a build number. Default: none.
    pub dist: Option<Cow<'static, str>>,
    /// Which part of the events is sent. Default: all. The dice are thrown on the capturing thread, before anything
    /// is built; hooks do not run for events that lose.
    pub event_sampling_strategy: EventSamplingStrategy,
    /// Which transactions are sampled. Default: [`TracesSamplingStrategy::Disabled`], which is not the same as a rate of
    /// zero: traces that others began are then passed on with their decision, and no own one is made.
    pub traces_sampling_strategy: TracesSamplingStrategy,
    /// Transactions with one of these names are not sent, and counted as `event_processor`. Default: none.
    pub ignore_transactions: Vec<Cow<'static, str>>,
    /// Sees every sampled transaction last, where transactions are finished, and may change or drop it. Default: none.
    pub before_send_transaction: Option<BeforeCallback<Transaction<'static>>>,
    /// Continue a trace only if it is of this organization for certain: one without an organization, or met by a client
    /// that does not know its own, is not. A trace of *another* organization is never continued. Default: `false`.
    pub strict_trace_continuation: bool,
    /// The requests to which HTTP integrations add trace headers: those whose URL contains one of these. Default: none
    /// given, which means all; an empty list means no request.
    pub trace_propagation_targets: Option<Vec<Cow<'static, str>>>,
    /// Write the W3C header `traceparent` beside `sentry-trace`. It is always read. Default: `false`.
    pub propagate_traceparent: bool,
    /// Whether `init` starts a session, which the guard ends: in mode `Application`, if there is a release. Integrations for
    /// servers look at it in mode `Request`. Default: `false`.
    pub auto_session_tracking: bool,
    /// What a session is about. Default: [`SessionMode::Application`].
    pub session_mode: SessionMode,
    /// The organization's id. Default: read from the DSN's host.
    pub org_id: Option<OrganizationId>,
    /// How many breadcrumbs a scope keeps. Default: 100.
    pub max_breadcrumbs: usize,
    /// Add the capturing thread's stack to events that have none. Costs some microseconds on that thread (the
    /// addresses); symbols are looked up on the worker. Default: `false`.
    pub attach_stacktrace: bool,
    /// Let integrations collect personal data: user, IP addresses, bodies, cookies, query strings. What the program
    /// sets itself is sent either way. Default: `false`.
    pub send_default_pii: bool,
    /// Which names of headers, cookies, query parameters, bodies and log fields stand for secrets, whose values no
    /// integration collects, with or without `send_default_pii`. Default: the 17 terms of [`DenyList::default`].
    pub deny_list: DenyList,
    /// The machine's name. Default: none; the contexts integration fills it in with `send_default_pii`.
    pub server_name: Option<Cow<'static, str>>,
    /// Prefixes of modules or functions whose frames are the program's own. They win over everything else.
    pub in_app_include: Vec<&'static str>,
    /// Prefixes of modules or functions whose frames are not the program's own.
    pub in_app_exclude: Vec<&'static str>,
    /// Send where source files, libraries and the program lie: `abs_path` of frames, `code_file` of debug images. Without,
    /// file names are relative to their package, or bare, and no home directory or user name of the machine that built or
    /// runs the program leaves. Default: `true`.
    pub include_absolute_paths: bool,
    /// Look up functions, files and lines in the program's own debug information, on the worker. Without, addresses are sent,
    /// for a server that has the debug files: it saves the worker's time and memory, and frames are cut and told from the
    /// program's own by the server alone. Default: `true`.
    pub symbolize_stacktraces: bool,
    /// How many lines of source code to send before and after each of the program's own lines in a stack trace; with 0, none.
    /// They are read on the worker, from files that lie in a package of cargo's where the program was built, are no longer
    /// than 1 MB and not younger than the program. Default: 5 in debug builds of this crate, else 0.
    pub frame_context_lines: usize,
    /// The integrations, in the order in which they run. `init` puts the default ones in front.
    pub integrations: Vec<Arc<dyn Integration>>,
    /// Whether `init` adds the default integrations. Default: `true`.
    pub default_integrations: bool,
    /// Sees every error event last, and may change or drop it. Runs on the worker with the built-in transport, one
    /// at a time, outside all locks. Default: none.
    pub before_send: Option<BeforeCallback<Event<'static>>>,
    /// Sees every breadcrumb on the thread that adds it, outside all locks. Default: none.
    pub before_breadcrumb: Option<BeforeCallback<Breadcrumb>>,
    /// As [`before_send`](field@Self::before_send), and after it, with what is known beside the event. Default: none.
    pub before_send_with_hint: Option<HintedCallback>,
    /// Sees every check-in, and may change or drop it; its id stays as it is. Runs where `before_send` does. Default:
    /// none.
    pub before_send_check_in: Option<BeforeCallback<MonitorCheckIn>>,
    /// Sees all feedback, as events with the context `feedback`, and may change or drop it. Runs where `before_send`
    /// does. Default: none.
    pub before_send_feedback: Option<BeforeCallback<Event<'static>>>,
    /// Sees each error that is captured as one, with its event as it is so far: the exceptions, no scope, no stack.
    /// Runs on the capturing thread, which then builds the whole event. The sources of the error can be downcast; the
    /// error itself may borrow, and cannot. One that panics leaves the event as it was by then. Default: none.
    pub on_error: Option<ErrorCallback>,
    /// Errors that are not reported: names of types (`ParseIntError`) or their whole paths
    /// (`core::num::error::ParseIntError`), of the error or of any of its sources. Of sources, and of errors behind
    /// `dyn Error`, only the name is known that their `Debug` output begins with, which for enums is that of the
    /// variant. Events with such exceptions are not sent either; panics are. Looked at on the capturing thread, before
    /// anything is built; counted as `event_processor`. Default: none.
    pub ignore_errors: Vec<Cow<'static, str>>,
    /// Errors for which it returns `true` are not reported. Runs on the capturing thread, before anything is built, for
    /// errors that are captured as such. One that panics keeps the error. Default: none.
    pub ignore_errors_if: Option<ErrorPredicate>,
    /// The part of events like this one that is sent, from 0.0 (none) to 1.0 (all), in place of the sample rate. It
    /// sees them finished, behind `before_send`, and sessions count also what it gives up: no work is saved. A rate
    /// out of range, and a panic, leave the decision to the sample rate. Default: none.
    pub error_sampler: Option<ErrorSampler>,
    /// Cut messages, values of exceptions and tags, messages of breadcrumbs, and the names of transactions in events
    /// to this many characters, the last three of them dots. Hooks see them whole. Default: none given, for which only
    /// the limits of the server count.
    pub max_value_length: Option<usize>,
    /// Attachments larger than this many bytes are left out and counted; the event is sent. Default: 20 MiB, the most
    /// that servers take; a larger value changes nothing.
    pub max_attachment_size: usize,
    /// Up to which size integrations for servers add the body of a request, with
    /// [`send_default_pii`](field@Self::send_default_pii). Default: [`MaxRequestBodySize::Medium`].
    pub max_request_body_size: MaxRequestBodySize,
    /// Tell the server what was lost and why. [`Client::stats`](crate::Client::stats) counts it either way. Default:
    /// `true`.
    pub send_client_reports: bool,
    /// Sees every structured log last, and may change or drop it. Runs where batches of logs are finished, outside all
    /// locks; with [`hooks_on_caller`](field@Self::hooks_on_caller), on the thread that fills or flushes the batch, unless
    /// it leaves for its age. Default: none.
    pub before_send_log: Option<BeforeCallback<Log>>,
    /// As [`before_send_log`](field@Self::before_send_log), for metrics. Default: none.
    pub before_send_metric: Option<BeforeCallback<Metric>>,
    /// Send structured logs, whatever they come from. Without it, the macros evaluate nothing. Nothing is printed to
    /// standard output in either case, nor with [`debug`](field@Self::debug): that belongs to the program. Default:
    /// `true`.
    pub enable_logs: bool,
    /// Send metrics. Default: `true`.
    pub enable_metrics: bool,
    /// Run hooks, processors and integrations on the capturing thread, which then pays for them and for symbols, for
    /// hooks that need its thread-locals or task-locals. Default: `false`.
    pub hooks_on_caller: bool,
    /// Makes the transport. Default: none; `init` uses HTTP.
    pub transport: Option<Arc<dyn TransportFactory>>,
    /// Proxy for a DSN with `http`. Default: none; `init` takes it from `HTTP_PROXY` or `http_proxy`.
    pub http_proxy: Option<Cow<'static, str>>,
    /// Proxy for a DSN with `https`. Default: none; `init` takes it from `HTTPS_PROXY`, `https_proxy` or the http
    /// proxy.
    pub https_proxy: Option<Cow<'static, str>>,
    /// Hosts reached without a proxy: a list with commas, as in the variable. Default: none; `init` takes it from
    /// `NO_PROXY` or `no_proxy`.
    pub no_proxy: Option<Cow<'static, str>>,
    /// Keep undelivered events in this directory, where crashes, kills and outages do not reach them; see
    /// [`spool`](field@Self::spool) for how. It is made if need be, with mode 0700, and may be shared by any number of
    /// processes; each DSN has a directory of its own in it. Whoever can read it reads what is reported. One that cannot be
    /// used is said once, and then everything stays in memory. A relative path is taken from where the program is when the
    /// client is made; an empty one is none. Default: none; `init` takes it from `SENTRY_SPOOL_DIR`.
    pub spool_dir: Option<PathBuf>,
    /// How the spool works. Default: [`SpoolOptions::default`].
    pub spool: SpoolOptions,
    /// How many requests there may be at once. Further connections are made only while answers are slow. Default: 4; 0
    /// counts as 1.
    pub max_senders: usize,
    /// Send a copy of every envelope to a Spotlight sidecar on this machine, for development. It changes nothing of what
    /// Sentry gets, and whether it arrives is not waited for. What is not sent to Sentry (sampled out, dropped by a hook)
    /// is not copied either; without a DSN, everything is captured for the sidecar alone, unsampled and with
    /// [`send_default_pii`](field@Self::send_default_pii). Default: on if there is a
    /// [`spotlight_url`](field@Self::spotlight_url); `init` also looks at `SENTRY_SPOTLIGHT`, a switch or a URL.
    pub spotlight: Option<bool>,
    /// Where the sidecar is. Default: `http://localhost:8969/stream`.
    pub spotlight_url: Option<Cow<'static, str>>,
    /// How long `close` and dropping the guard may take. Default: 2 s.
    pub shutdown_timeout: Duration,
    /// Bounds the queue by count too; it is always bounded by bytes (16 MiB). Default: none.
    pub transport_channel_capacity: Option<NonZeroUsize>,
    /// Accept any TLS certificate: anyone on the way can then read the data. Default: `false`; `init` takes it from
    /// `SSL_VERIFY=false`.
    pub accept_invalid_certs: bool,
    /// The SDK's name and version, for the headers `User-Agent` and `X-Sentry-Auth`.
    pub user_agent: Cow<'static, str>,
    /// Gets the SDK's diagnostic lines instead of standard error. It must not wait. Default: none.
    pub diagnostics: Option<DiagnosticsCallback>,
    /// What was wrong with values given so far; said when the client is made.
    pub(crate) problems: Vec<OptionsProblem>,
    pub(crate) explicit: Explicit,
    /// What of the given about Spotlight is not followed; said when the client is made.
    pub(crate) spotlight_remark: Option<&'static str>,
    /// The trace that the process was started in, see [`ClientOptions::continue_trace_of_process`].
    pub(crate) process_trace: Option<TracePropagationContext>,
    /// In the options a client hands to a transport factory: where that client counts and says things.
    pub(crate) books: Option<Books>,
}

/// What a session is about.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum SessionMode {
    /// A run of the program: sent one by one, with its errors as they come.
    Application,
    /// A request to a server: only sums are sent, by the minute and user.
    Request,
}

/// Where a client counts, speaks, and gathers.
#[derive(Clone)]
pub(crate) struct Books {
    pub(crate) recorder: Recorder,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) batches: BatchSource,
    pub(crate) recovery: Recovery,
}

/// Options whose default cannot be told from a choice by the value: what the program chose wins over the environment
/// (spec CFG-03).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Explicit {
    pub(crate) debug: bool,
    pub(crate) sample_rate: bool,
    pub(crate) traces: bool,
    pub(crate) accept_invalid_certs: bool,
}

impl ClientOptions {
    /// What was wrong with the values given so far. Empty for good options.
    #[must_use]
    pub fn problems(&self) -> &[OptionsProblem] {
        &self.problems
    }

    /// Whether the program chose `debug`, rather than left it at its default.
    #[doc(hidden)]
    #[must_use]
    pub fn chose_debug(&self) -> bool {
        self.explicit.debug || self.debug
    }

    /// Whether the program chose a sample rate.
    #[doc(hidden)]
    #[must_use]
    pub fn chose_sample_rate(&self) -> bool {
        self.explicit.sample_rate || self.event_sampling_strategy != EventSamplingStrategy::default()
    }

    /// Whether the program chose how transactions are sampled.
    #[doc(hidden)]
    #[must_use]
    pub fn chose_traces_sampling(&self) -> bool {
        self.explicit.traces || !matches!(self.traces_sampling_strategy, TracesSamplingStrategy::Disabled)
    }

    /// Whether the program chose which certificates to accept.
    #[doc(hidden)]
    #[must_use]
    pub fn chose_accept_invalid_certs(&self) -> bool {
        self.explicit.accept_invalid_certs || self.accept_invalid_certs
    }

    /// Whether a request to `url` is to carry the trace, see
    /// [`trace_propagation_targets`](field@Self::trace_propagation_targets). For HTTP integrations.
    #[must_use]
    pub fn propagates_to(&self, url: &str) -> bool {
        propagates_to(self.trace_propagation_targets.as_deref(), url)
    }

    /// Makes the process's trace a continuation of `incoming` when the client becomes that of the process, as the variables
    /// `SENTRY_TRACE` and `SENTRY_BAGGAGE` ask for (spec CFG-06), unless the trace is another organization's.
    #[doc(hidden)]
    pub fn continue_trace_of_process(&mut self, incoming: TracePropagationContext) {
        self.process_trace = Some(incoming);
    }

    /// Decides about Spotlight, with the text of the variable `SENTRY_SPOTLIGHT`.
    #[doc(hidden)]
    pub fn decide_spotlight(&mut self, variable: Option<&str>) {
        let choice = choose_spotlight(self.spotlight, self.spotlight_url.as_deref(), variable);
        if variable.is_some() {
            self.spotlight = Some(choice.url.is_some());
            self.spotlight_url = choice.url.map(Into::into);
        }
        self.spotlight_remark = choice.remark;
    }

    /// Notes that a value could not be used, to be said when the client is made.
    #[doc(hidden)]
    pub fn note_problem(&mut self, problem: OptionsProblem) {
        self.problems.push(problem);
    }
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            dsn: None,
            debug: false,
            release: None,
            environment: None,
            dist: None,
            event_sampling_strategy: EventSamplingStrategy::default(),
            traces_sampling_strategy: TracesSamplingStrategy::default(),
            ignore_transactions: Vec::new(),
            before_send_transaction: None,
            strict_trace_continuation: false,
            trace_propagation_targets: None,
            propagate_traceparent: false,
            auto_session_tracking: false,
            session_mode: SessionMode::Application,
            org_id: None,
            max_breadcrumbs: 100,
            attach_stacktrace: false,
            send_default_pii: false,
            deny_list: DenyList::default(),
            server_name: None,
            include_absolute_paths: true,
            symbolize_stacktraces: true,
            frame_context_lines: if cfg!(debug_assertions) { 5 } else { 0 },
            in_app_include: Vec::new(),
            in_app_exclude: Vec::new(),
            integrations: Vec::new(),
            default_integrations: true,
            before_send: None,
            before_breadcrumb: None,
            before_send_with_hint: None,
            before_send_check_in: None,
            before_send_feedback: None,
            on_error: None,
            ignore_errors: Vec::new(),
            ignore_errors_if: None,
            error_sampler: None,
            max_value_length: None,
            max_attachment_size: MAX_ATTACHMENT_BYTES,
            max_request_body_size: MaxRequestBodySize::Medium,
            send_client_reports: true,
            before_send_log: None,
            before_send_metric: None,
            enable_logs: true,
            enable_metrics: true,
            hooks_on_caller: false,
            transport: None,
            http_proxy: None,
            https_proxy: None,
            no_proxy: None,
            spotlight: None,
            spotlight_url: None,
            spool_dir: None,
            spool: SpoolOptions::default(),
            max_senders: 4,
            shutdown_timeout: Duration::from_secs(2),
            transport_channel_capacity: None,
            accept_invalid_certs: false,
            user_agent: Cow::Borrowed(USER_AGENT),
            diagnostics: None,
            problems: Vec::new(),
            spotlight_remark: None,
            process_trace: None,
            explicit: Explicit::default(),
            books: None,
        }
    }
}

impl<T: IntoDsn> From<T> for ClientOptions {
    fn from(dsn: T) -> Self {
        Self::default().with_dsn(dsn)
    }
}

impl<T: IntoDsn> From<(T, ClientOptions)> for ClientOptions {
    fn from((dsn, options): (T, ClientOptions)) -> Self {
        options.with_dsn(dsn)
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let integrations: Vec<&str> = self.integrations.iter().map(|integration| integration.name()).collect();
        // Proxies are left to their presence: their URLs may carry a password.
        f.debug_struct("ClientOptions")
            .field("dsn", &self.dsn)
            .field("debug", &self.debug)
            .field("release", &self.release)
            .field("environment", &self.environment)
            .field("dist", &self.dist)
            .field("event_sampling_strategy", &self.event_sampling_strategy)
            .field("traces_sampling_strategy", &self.traces_sampling_strategy)
            .field("ignore_transactions", &self.ignore_transactions)
            .field("before_send_transaction", &self.before_send_transaction.is_some())
            .field("strict_trace_continuation", &self.strict_trace_continuation)
            .field("trace_propagation_targets", &self.trace_propagation_targets)
            .field("propagate_traceparent", &self.propagate_traceparent)
            .field("auto_session_tracking", &self.auto_session_tracking)
            .field("session_mode", &self.session_mode)
            .field("org_id", &self.org_id)
            .field("max_breadcrumbs", &self.max_breadcrumbs)
            .field("attach_stacktrace", &self.attach_stacktrace)
            .field("include_absolute_paths", &self.include_absolute_paths)
            .field("symbolize_stacktraces", &self.symbolize_stacktraces)
            .field("frame_context_lines", &self.frame_context_lines)
            .field("send_default_pii", &self.send_default_pii)
            .field("deny_list", &self.deny_list)
            .field("server_name", &self.server_name)
            .field("in_app_include", &self.in_app_include)
            .field("in_app_exclude", &self.in_app_exclude)
            .field("integrations", &integrations)
            .field("default_integrations", &self.default_integrations)
            .field("before_send", &self.before_send.is_some())
            .field("before_send_with_hint", &self.before_send_with_hint.is_some())
            .field("before_send_check_in", &self.before_send_check_in.is_some())
            .field("before_send_feedback", &self.before_send_feedback.is_some())
            .field("on_error", &self.on_error.is_some())
            .field("ignore_errors", &self.ignore_errors)
            .field("ignore_errors_if", &self.ignore_errors_if.is_some())
            .field("error_sampler", &self.error_sampler.is_some())
            .field("max_value_length", &self.max_value_length)
            .field("max_attachment_size", &self.max_attachment_size)
            .field("max_request_body_size", &self.max_request_body_size)
            .field("send_client_reports", &self.send_client_reports)
            .field("before_breadcrumb", &self.before_breadcrumb.is_some())
            .field("before_send_log", &self.before_send_log.is_some())
            .field("before_send_metric", &self.before_send_metric.is_some())
            .field("enable_logs", &self.enable_logs)
            .field("enable_metrics", &self.enable_metrics)
            .field("hooks_on_caller", &self.hooks_on_caller)
            .field("transport", &self.transport.is_some())
            .field("http_proxy", &self.http_proxy.is_some())
            .field("https_proxy", &self.https_proxy.is_some())
            .field("no_proxy", &self.no_proxy)
            .field("spotlight", &self.spotlight)
            .field("spotlight_url", &self.spotlight_url)
            .field("spool_dir", &self.spool_dir)
            .field("spool", &self.spool)
            .field("max_senders", &self.max_senders)
            .field("shutdown_timeout", &self.shutdown_timeout)
            .field("transport_channel_capacity", &self.transport_channel_capacity)
            .field("accept_invalid_certs", &self.accept_invalid_certs)
            .field("user_agent", &self.user_agent)
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}
