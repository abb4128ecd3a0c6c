//! The options of a client: fields, their defaults' types, and setters. Those of later features are in their own files.

use std::borrow::Cow;
use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use sentry::protocol::{Event, OrganizationId};
use sentry::types::Dsn;
use sentry::{
    BeforeCallback, Breadcrumb, ClientOptions, EventSamplingStrategy, Integration, IntoDsn, TransportFactory,
};

use super::is;

has!(ClientOptions; Debug + Clone + Default + Send + Sync + From<&'static str> + From<Dsn> + From<()>);
has!(ClientOptions; From<(String, ClientOptions)> + From<Option<String>>);
has!(EventSamplingStrategy; Debug + Clone + Default);
has!(&'static str, String, Cow<'static, str>, (), Dsn, &'static Dsn, Option<Dsn>; IntoDsn);
has!(&'static std::ffi::OsStr, std::ffi::OsString; IntoDsn);

fn fields(options: ClientOptions) {
    let _: Option<Dsn> = options.dsn;
    let _: bool = options.debug;
    let _: Option<Cow<'static, str>> = options.release;
    let _: Option<Cow<'static, str>> = options.environment;
    let _: EventSamplingStrategy = options.event_sampling_strategy;
    let _: Option<OrganizationId> = options.org_id;
    let _: usize = options.max_breadcrumbs;
    let _: bool = options.attach_stacktrace;
    let _: bool = options.send_default_pii;
    let _: Option<Cow<'static, str>> = options.server_name;
    let _: Vec<&'static str> = options.in_app_include;
    let _: Vec<&'static str> = options.in_app_exclude;
    let _: Vec<Arc<dyn Integration>> = options.integrations;
    let _: bool = options.default_integrations;
    let _: Option<BeforeCallback<Event<'static>>> = options.before_send;
    let _: Option<BeforeCallback<Breadcrumb>> = options.before_breadcrumb;
    let _: Option<Arc<dyn TransportFactory>> = options.transport;
    let _: Option<Cow<'static, str>> = options.http_proxy;
    let _: Option<Cow<'static, str>> = options.https_proxy;
    let _: Duration = options.shutdown_timeout;
    let _: Option<NonZeroUsize> = options.transport_channel_capacity;
    let _: bool = options.accept_invalid_certs;
    let _: Cow<'static, str> = options.user_agent;
}

fn setters(org_id: OrganizationId) -> ClientOptions {
    ClientOptions::new()
        .dsn("https://key@host/1")
        .debug(true)
        .release("app@1")
        .release(String::from("app@1"))
        .maybe_release(sentry::release_name!())
        .maybe_release(None::<&'static str>)
        .environment("production")
        .sample_rate(0.5)
        .org_id(org_id)
        .max_breadcrumbs(10)
        .attach_stacktrace(true)
        .send_default_pii(false)
        .server_name("host")
        .in_app_include(["mine::"])
        .in_app_exclude(vec!["other::"])
        .integrations(Vec::<Arc<dyn Integration>>::new())
        .default_integrations(true)
        .before_send(|event: Event<'static>| Some(event))
        .before_breadcrumb(|breadcrumb: Breadcrumb| Some(breadcrumb))
        .transport(sentry::transports::DefaultTransportFactory)
        .http_proxy("http://proxy")
        .https_proxy("http://proxy")
        .shutdown_timeout(Duration::from_secs(1))
        .transport_channel_capacity(10)
        .accept_invalid_certs(false)
        .user_agent("mine/1")
}

/// `#[non_exhaustive]` leaves a program this way of setting fields.
fn by_field() -> ClientOptions {
    let mut options = ClientOptions::default();
    options.dsn = "https://key@host/1".parse().ok();
    options.release = Some("app@1".into());
    options.before_send = Some(Arc::new(|event| Some(event)));
    options.integrations.push(Arc::new(sentry::integrations::panic::PanicIntegration::new()));
    match options.event_sampling_strategy {
        EventSamplingStrategy::FixedRate(rate) => is::<f32>(rate),
        _ => {}
    }
    options.event_sampling_strategy = EventSamplingStrategy::FixedRate(0.5);
    options
}

fn dsn(text: &str) -> Result<Option<Dsn>, sentry::types::ParseDsnError> {
    Some(text).into_dsn()
}
