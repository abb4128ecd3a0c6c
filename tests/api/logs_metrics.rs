//! Structured logs and metrics: macros, builders, payload types, options. Literals name every official field.

use std::borrow::Cow;
use std::fmt::Debug;
use std::time::SystemTime;

use sentry::metrics::{CounterMetric, DistributionMetric, GaugeMetric, IntoProtocolMetric};
use sentry::protocol::client_report::LossSource;
use sentry::protocol::{
    Envelope, EnvelopeItem, ItemContainer, Log, LogAttribute, LogLevel, LogSeverityNumber, Map, Metric, MetricType,
    SpanId, TraceId, Unit, Value,
};
use sentry::{BeforeCallback, Client, ClientOptions, Hub, Scope};

use super::is;

has!(Log, Metric; Debug + Clone + PartialEq + Send + Sync + LossSource);
has!(LogLevel, LogSeverityNumber, MetricType; Debug + Copy + PartialEq);
has!(LogSeverityNumber; TryFrom<u8>);
has!(LogAttribute; Debug + Clone + PartialEq + From<&'static str> + From<String> + From<i32> + From<f64> + From<bool>);
has!(LogAttribute; From<Value> + From<Vec<String>> + From<Option<u64>>);
has!(Unit; Debug + Clone + PartialEq + From<&'static str> + From<String> + From<Cow<'static, str>>);
has!(ItemContainer; Debug + Clone + PartialEq + From<Vec<Log>> + From<Vec<Metric>> + LossSource);
has!(Envelope, EnvelopeItem; From<Vec<Log>> + From<Vec<Metric>> + From<ItemContainer>);
has!(CounterMetric, GaugeMetric, DistributionMetric; IntoProtocolMetric);
has_serde!(Log, LogLevel, LogSeverityNumber, LogAttribute, Metric, MetricType, Unit);

fn macros(count: u8, name: &str) {
    sentry::logger_trace!("text");
    sentry::logger_debug!("{count} of {name}");
    sentry::logger_info!("{} of {}", count, name);
    sentry::logger_warn!(key = "value", "text");
    sentry::logger_error!(key = count, other.key = name.to_owned(), "text");
    sentry::logger_fatal!(key = 1.5, flag = true, "{} of {}", count, name);
}

fn log(level: LogLevel, severity: LogSeverityNumber, trace_id: TraceId) -> Log {
    match level {
        LogLevel::Trace | LogLevel::Debug | LogLevel::Info | LogLevel::Warn | LogLevel::Error | LogLevel::Fatal => {}
    }
    let _: (u8, u8) = (LogSeverityNumber::MIN, LogSeverityNumber::MAX);
    let LogAttribute(value) = LogAttribute(Value::Null);
    is::<Value>(value);
    Log {
        level,
        body: String::new(),
        trace_id: Some(trace_id),
        timestamp: SystemTime::UNIX_EPOCH,
        severity_number: Some(severity),
        attributes: Map::<String, LogAttribute>::new(),
    }
}

fn metric(ty: MetricType, trace_id: TraceId, span_id: SpanId) -> Metric {
    match ty {
        MetricType::Counter | MetricType::Gauge | MetricType::Distribution => {}
    }
    Metric {
        r#type: ty,
        name: "name".into(),
        value: 1.0_f64,
        timestamp: SystemTime::UNIX_EPOCH,
        trace_id,
        span_id: Some(span_id),
        unit: Some(Unit::Second),
        attributes: Map::<Cow<'static, str>, LogAttribute>::new(),
    }
}

fn units(unit: Unit) {
    match unit {
        Unit::Nanosecond
        | Unit::Microsecond
        | Unit::Millisecond
        | Unit::Second
        | Unit::Minute
        | Unit::Hour
        | Unit::Day
        | Unit::Week
        | Unit::Bit
        | Unit::Byte
        | Unit::Kilobyte
        | Unit::Kibibyte
        | Unit::Megabyte
        | Unit::Mebibyte
        | Unit::Gigabyte
        | Unit::Gibibyte
        | Unit::Terabyte
        | Unit::Tebibyte
        | Unit::Petabyte
        | Unit::Pebibyte
        | Unit::Exabyte
        | Unit::Exbibyte
        | Unit::Ratio
        | Unit::Percent => {}
        Unit::Other(text) => is::<Cow<'static, str>>(text),
        _ => {}
    }
}

fn capturing(hub: &Hub, client: &Client, scope: &Scope, mut log: Log) {
    sentry::metrics::counter("name", 1).attribute("key", "value").capture();
    sentry::metrics::gauge(String::from("name"), 1.5).unit(Unit::Second).attribute("key", 1).capture();
    sentry::metrics::distribution("name", 2.5_f32).unit("things").attribute(String::from("key"), true).capture();
    let counter: CounterMetric = sentry::metrics::counter("name", 1_u32);
    let gauge: GaugeMetric = sentry::metrics::gauge("name", 1_u32);
    let distribution: DistributionMetric = sentry::metrics::distribution("name", 1_u32);
    hub.capture_metric(counter);
    hub.capture_metric(gauge);
    client.capture_metric(distribution, scope);
    let _: fn(&Scope, &mut Log) = Scope::apply_to_log;
    scope.apply_to_log(&mut log);
    client.capture_log(log.clone(), scope);
    hub.capture_log(log);
}

fn containers(container: ItemContainer) {
    let _: fn(&ItemContainer) -> usize = ItemContainer::len;
    let _: fn(&ItemContainer) -> bool = ItemContainer::is_empty;
    let _: fn(&ItemContainer) -> &'static str = ItemContainer::ty;
    let _: fn(&ItemContainer) -> &'static str = ItemContainer::content_type;
    match container {
        ItemContainer::Logs(logs) => is::<Vec<Log>>(logs),
        ItemContainer::Metrics(metrics) => is::<Vec<Metric>>(metrics),
        _ => {}
    }
}

fn options(options: ClientOptions) -> ClientOptions {
    let _: Option<BeforeCallback<Log>> = options.before_send_log.clone();
    let _: Option<BeforeCallback<Metric>> = options.before_send_metric.clone();
    let _: (bool, bool) = (options.enable_logs, options.enable_metrics);
    options
        .before_send_log(|log: Log| Some(log))
        .before_send_metric(|metric: Metric| Some(metric))
        .enable_logs(true)
        .enable_metrics(true)
}
