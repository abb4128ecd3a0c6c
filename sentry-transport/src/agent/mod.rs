//! The HTTP client: the only folder that names `ureq`.

mod together;

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sentry_core::types::{Dsn, Scheme};
use sentry_core::{Diagnostics, TransportOptions};
pub use ureq::Agent;
use ureq::http::header::{HeaderMap, HeaderName};
use ureq::http::{HeaderValue, Response, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Connector, DefaultConnector, NextTimeout};
use ureq::{Error, Proxy};

use self::together::TogetherConnector;
use crate::encode::Body;
use crate::lookup::{LookupError, Lookups};
use crate::proxy::{ProxyOptions, masked};
use crate::reply::{Answer, Failure, FailureKind, Reply};
use crate::sender::Post;
use crate::tls;

/// Posts bodies to one DSN's envelope endpoint. Senders share it, and with it the connections that are kept alive.
pub(crate) struct UreqPost {
    target: Result<Uri, String>,
    headers: HeaderMap,
    agent: OnceLock<Agent>,
    settings: Settings,
    lookups: Arc<Lookups>,
    diagnostics: Diagnostics,
    /// An answer came since the last failure, so a connection may have been kept alive.
    is_warm: AtomicBool,
}

/// What our own agent is made of, when the first request is. With an agent of the user's, nothing of it.
struct Settings {
    is_given: bool,
    is_https: bool,
    proxy: Option<Proxy>,
    user_agent: String,
    accept_invalid_certs: bool,
    max_senders: usize,
}

/// The settings of a request. On our own agent they are the agent's, so that its connections share one TLS setup; on a
/// given one they override it for each request.
macro_rules! bounded_and_plain {
    ($config:expr) => {
        $config
            .http_status_as_error(false)
            .max_redirects(0)
            .accept("")
            .accept_encoding("")
            .max_response_header_size(MAX_RESPONSE_HEADER)
            .timeout_global(Some(WHOLE_REQUEST))
            .timeout_per_call(None)
            .timeout_resolve(Some(RESOLVE))
            .timeout_connect(Some(CONNECT))
            .timeout_send_request(Some(CONNECT))
            .timeout_send_body(Some(SEND_BODY))
            .timeout_recv_response(Some(RECEIVE_RESPONSE))
            .timeout_recv_body(Some(RECEIVE_BODY))
    };
}

impl UreqPost {
    /// For the DSN of `options`. Without `agent`, one of our own is made with the first request.
    pub(crate) fn new(options: &TransportOptions, agent: Option<Agent>) -> Self {
        let dsn = &options.dsn;
        let target: Result<Uri, _> = dsn.envelope_api_url().as_str().parse();
        let printable = |character: &char| matches!(character, ' '..='~');
        let user_agent: String = options.user_agent.chars().filter(printable).collect();
        let is_https = dsn.scheme() == Scheme::Https;
        let is_given = agent.is_some();
        if is_https && !is_given && !tls::AVAILABLE {
            let message = "the DSN is https, but this program was built without TLS: enable feature `rustls`";
            options.diagnostics.fault("no TLS", format_args!("{message}"));
        }
        Self {
            target: target.map_err(|error| format!("its address is not usable: {error}")),
            headers: request_headers(dsn, &user_agent),
            agent: agent.map_or_else(OnceLock::new, OnceLock::from),
            settings: Settings {
                is_given,
                is_https,
                proxy: if is_given { None } else { proxy(options) },
                user_agent,
                accept_invalid_certs: options.accept_invalid_certs,
                max_senders: options.max_senders.max(1),
            },
            lookups: Arc::new(Lookups::default()),
            diagnostics: options.diagnostics.clone(),
            is_warm: AtomicBool::new(false),
        }
    }

    fn request(&self, target: &Uri, body: Body<'_>, wants_fresh: bool) -> Result<Answer, Error> {
        let agent = self.agent.get_or_init(|| self.settings.agent(&self.lookups, &self.diagnostics));
        let mut request = agent.post(target.clone());
        if let Some(headers) = request.headers_mut() {
            headers.clone_from(&self.headers);
            if body.is_gzip {
                headers.insert("content-encoding", HeaderValue::from_static("gzip"));
            }
        }
        if self.settings.is_given {
            request = bounded_and_plain!(request.config()).build();
        }
        if wants_fresh {
            request = request.config().max_idle_age(Duration::ZERO).build();
        }
        Ok(answer_of(request.send(body.bytes)?))
    }
}

impl Post for UreqPost {
    fn post(&self, body: Body<'_>) -> Reply {
        let target = match &self.target {
            Ok(target) => target,
            Err(text) => return Reply::Failure(Failure { kind: FailureKind::Network, text: text.clone() }),
        };
        let mut outcome = self.request(target, body, false);
        if let Err(error) = &outcome {
            self.lookups.forget();
            // A server may close an idle connection at the moment we choose it. Nothing is wrong with it then.
            if self.is_warm.load(Ordering::Acquire) && is_closed_connection(error) {
                outcome = self.request(target, body, true);
            }
        }
        match outcome {
            Ok(answer) => {
                self.is_warm.store(true, Ordering::Release);
                Reply::Answer(answer)
            }
            Err(error) => Reply::Failure(failure_of(&error)),
        }
    }
}

/// A server of which nothing is expected: everything arrives.
pub(crate) struct NoServer;

impl Post for NoServer {
    fn post(&self, _: Body<'_>) -> Reply {
        Reply::Answer(Answer { status: 200, ..Answer::default() })
    }
}

/// A sidecar on the developer's machine, without authentication.
pub(crate) struct Sidecar {
    agent: Agent,
    target: Uri,
}

impl Sidecar {
    /// `None` for what is no URL.
    pub(crate) fn new(url: &str) -> Option<Self> {
        let target: Uri =
            url.parse().ok().filter(|target: &Uri| target.host().is_some() && target.scheme().is_some())?;
        let config = bounded_and_plain!(Agent::config_builder()).proxy(None).build();
        Some(Self { agent: config.into(), target })
    }

    /// Tells in words why it did not arrive.
    pub(crate) fn post(&self, body: Body<'_>) -> Result<(), String> {
        let mut request = self.agent.post(self.target.clone()).header("content-type", ENVELOPE);
        if body.is_gzip {
            request = request.header("content-encoding", "gzip");
        }
        let answer = request.send(body.bytes).map_err(|error| error.to_string())?;
        let status = answer_of(answer).status;
        if status < 300 { Ok(()) } else { Err(format!("it answered {status}")) }
    }
}

impl Settings {
    fn agent(&self, lookups: &Arc<Lookups>, diagnostics: &Diagnostics) -> Agent {
        let config = bounded_and_plain!(Agent::config_builder())
            // Said even where there is none, or the agent asks the environment for one.
            .proxy(self.proxy.clone())
            .user_agent(&self.user_agent)
            .input_buffer_size(2 * MAX_RESPONSE_HEADER)
            .output_buffer_size(OUTPUT_BUFFER)
            .max_idle_connections(self.max_senders)
            .max_idle_connections_per_host(self.max_senders);
        #[cfg(any(feature = "rustls", feature = "native-tls"))]
        let config =
            if self.is_https || self.proxy.is_some() { config.tls_config(self.tls(diagnostics)) } else { config };
        #[cfg(not(any(feature = "rustls", feature = "native-tls")))]
        let _ = (self.is_https, self.accept_invalid_certs, diagnostics);
        let connector = DefaultConnector::default().chain(TogetherConnector);
        Agent::with_parts(config.build(), connector, RememberingResolver(Arc::clone(lookups)))
    }

    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    fn tls(&self, diagnostics: &Diagnostics) -> ureq::tls::TlsConfig {
        use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
        let (provider, roots) = match tls::roots() {
            #[cfg(feature = "native-tls")]
            tls::Roots::Platform => (TlsProvider::NativeTls, RootCerts::PlatformVerifier),
            #[cfg(all(feature = "rustls", not(feature = "native-tls")))]
            tls::Roots::System(certificates) => {
                let certificates = certificates.iter().map(|der| ureq::tls::Certificate::from_der(der).to_owned());
                (TlsProvider::Rustls, RootCerts::from(certificates))
            }
            #[cfg(all(feature = "rustls", not(feature = "native-tls")))]
            tls::Roots::Bundled(error) => {
                let why = error.unwrap_or_else(|| "there are none".to_owned());
                let message = format_args!("the system's certificates are not usable ({why}): using the bundled ones");
                diagnostics.remark("system certificates", message);
                (TlsProvider::Rustls, RootCerts::WebPki)
            }
        };
        #[cfg(feature = "native-tls")]
        let _ = diagnostics;
        TlsConfig::builder()
            .provider(provider)
            .root_certs(roots)
            .disable_verification(self.accept_invalid_certs)
            .build()
    }
}

/// The agent's own resolver asks the system, on a new thread, for every request, also on a connection that is open.
#[derive(Debug)]
struct RememberingResolver(Arc<Lookups>);

impl Resolver for RememberingResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let name = match (uri.scheme(), uri.authority()) {
            (Some(scheme), Some(authority)) => DefaultResolver::host_and_port(scheme, authority),
            _ => None,
        };
        let name = name.ok_or(Error::HostNotFound)?;
        let found = self.0.find(&name, *timeout.after).map_err(|error| match error {
            LookupError::TimedOut => Error::Timeout(timeout.reason),
            LookupError::Failed(_) => Error::Io(io::Error::other(error.to_string())),
        })?;
        let mut addresses = self.empty();
        for address in found.into_iter().take(MAX_ADDRESSES) {
            addresses.push(address);
        }
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

fn proxy(options: &TransportOptions) -> Option<Proxy> {
    let proxies = ProxyOptions {
        http: options.http_proxy.as_deref(),
        https: options.https_proxy.as_deref(),
        no_proxy: options.no_proxy.as_deref(),
    };
    let dsn = &options.dsn;
    let chosen = proxies.choose(dsn.scheme() == Scheme::Https, dsn.host(), dsn.port())?;
    let proxy = Proxy::new(chosen.url);
    if proxy.is_err() {
        let message = format_args!(
            "the option {} is not the URL of a proxy and is ignored: {}; it should look like http://<host>:<port>",
            chosen.option,
            masked(chosen.url)
        );
        options.diagnostics.fault("proxy option", message);
    }
    proxy.ok()
}

fn request_headers(dsn: &Dsn, user_agent: &str) -> HeaderMap {
    let auth = dsn.to_auth(Some(user_agent)).to_string();
    let values = [("content-type", ENVELOPE), ("user-agent", user_agent), ("x-sentry-auth", &auth)];
    let mut headers = HeaderMap::new();
    for (name, value) in values {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(name == "x-sentry-auth");
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

fn answer_of(mut response: Response<ureq::Body>) -> Answer {
    let lines = |name: &str| {
        let lines: Vec<_> =
            response.headers().get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
        (!lines.is_empty()).then(|| lines.join(","))
    };
    let mut answer = Answer {
        status: response.status().as_u16(),
        rate_limits: lines("x-sentry-rate-limits"),
        retry_after: lines("retry-after"),
        error: lines("x-sentry-error"),
        location: lines("location"),
        is_html: lines("content-type").is_some_and(|ty| ty.trim_start().to_ascii_lowercase().starts_with("text/html")),
        body: Vec::new(),
    };
    // The status has decided. The body is read for its explanation, and to have the connection free again; one that
    // is longer, slow or cut short costs the connection and nothing else.
    let _ = response.body_mut().as_reader().take(MAX_RESPONSE_BODY).read_to_end(&mut answer.body);
    answer
}

fn is_closed_connection(error: &Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof, WriteZero};
    let Error::Io(error) = error else { return false };
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof | WriteZero)
}

fn failure_of(error: &Error) -> Failure {
    let text = error.to_string();
    let kind = match error {
        Error::ConnectProxyFailed(_) | Error::InvalidProxyUrl => FailureKind::Proxy,
        _ if is_refused_certificate(error, &text) => FailureKind::Certificate,
        _ => FailureKind::Network,
    };
    Failure { kind, text }
}

/// The TLS libraries have no error in common, but the word is in all their messages about the server's certificate.
fn is_refused_certificate(error: &Error, text: &str) -> bool {
    // rustls fails with `InvalidData`. Other errors are the system's, and may repeat a host name.
    if matches!(error, Error::Io(error) if error.kind() != io::ErrorKind::InvalidData) {
        return false;
    }
    let text = text.to_ascii_lowercase();
    // An alert is the server's: it is about our certificate, which we do not have.
    text.contains("certificate") && !text.contains("alert")
}

const ENVELOPE: &str = "application/x-sentry-envelope";
const RESOLVE: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(5);
const SEND_BODY: Duration = Duration::from_secs(10);
const RECEIVE_RESPONSE: Duration = Duration::from_secs(10);
const RECEIVE_BODY: Duration = Duration::from_secs(2);
const WHOLE_REQUEST: Duration = Duration::from_secs(10);
const MAX_RESPONSE_HEADER: usize = 16 * 1024;
const MAX_RESPONSE_BODY: u64 = 16 * 1024;
const OUTPUT_BUFFER: usize = 64 * 1024;
/// As many as the agent has room for.
const MAX_ADDRESSES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_certificate_is_a_matter_of_certificates() {
        use FailureKind::{Certificate, Network, Proxy};
        let io = |kind, text: &str| Error::Io(io::Error::new(kind, text));
        let cases = [
            (io(io::ErrorKind::InvalidData, "invalid peer certificate: UnknownIssuer"), Certificate),
            (Error::Tls("the Certificate was not trusted"), Certificate),
            (io(io::ErrorKind::InvalidData, "received fatal alert: CertificateRequired"), Network),
            (Error::Tls("tlsv13 alert certificate required"), Network),
            (io(io::ErrorKind::InvalidData, "received corrupt message"), Network),
            (io(io::ErrorKind::Other, "certificate.example: no such name"), Network),
            (Error::HostNotFound, Network),
            (Error::ConnectProxyFailed("certificate".to_owned()), Proxy),
            (Error::InvalidProxyUrl, Proxy),
        ];
        for (error, kind) in cases {
            assert_eq!(failure_of(&error).kind, kind, "{error}");
        }
    }
}
