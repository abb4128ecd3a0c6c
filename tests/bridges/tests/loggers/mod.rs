//! What the tests of the bridges to loggers share: a client, the hub that captures for it, and a server.

#![allow(dead_code, unreachable_pub, reason = "a module of test binaries: each uses its part")]

use std::sync::Arc;

use sentry::{Client, ClientOptions, Hub};
use serde_json::Value;

use crate::support::{ReceivedEnvelope, Receiver};

pub struct Sentry {
    pub receiver: Receiver,
    pub client: Arc<Client>,
    pub hub: Arc<Hub>,
}

impl Sentry {
    pub fn start(options: ClientOptions) -> Self {
        Self::at(Receiver::start(), options)
    }

    pub fn at(receiver: Receiver, options: ClientOptions) -> Self {
        let options = sentry::apply_defaults(options.dsn(&receiver.dsn()).environment("test").release("it@1.0.0"));
        let client = Arc::new(Client::with_options(options));
        let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
        Self { receiver, client, hub }
    }

    /// Runs `work` on the hub, and returns what arrived.
    pub fn run(&self, work: impl FnOnce()) -> Received {
        Hub::run(Arc::clone(&self.hub), work);
        self.close()
    }

    pub fn close(&self) -> Received {
        assert!(self.client.close(None));
        for row in self.client.stats().categories() {
            assert_eq!(row.captured, row.delivered + row.lost_in_all(), "{row:?}");
        }
        Received(self.receiver.envelopes())
    }
}

/// What a server got.
pub struct Received(pub Vec<ReceivedEnvelope>);

impl Received {
    pub fn of(&self, kind: &str) -> Vec<Value> {
        self.0.iter().filter_map(|envelope| envelope.item(kind)).map(|item| item.json()).collect()
    }

    pub fn events(&self) -> Vec<Value> {
        self.of("event")
    }

    #[track_caller]
    pub fn event(&self, message: &str) -> Value {
        let found = self.events().into_iter().find(|event| event["logentry"]["formatted"] == message);
        found.unwrap_or_else(|| panic!("no event {message} in {:#?}", self.events()))
    }

    pub fn logs(&self) -> Vec<Value> {
        let items = |container: Value| container["items"].as_array().cloned().expect("items");
        self.of("log").into_iter().flat_map(items).collect()
    }

    pub fn bodies(&self) -> Vec<String> {
        self.logs().iter().map(|log| log["body"].as_str().expect("a body").to_owned()).collect()
    }

    /// Whether these bytes are nowhere in what arrived.
    #[track_caller]
    pub fn assert_without(&self, secret: &str) {
        assert!(!self.0.is_empty());
        for envelope in &self.0 {
            assert!(!String::from_utf8_lossy(&envelope.raw).contains(secret), "{envelope:?}");
        }
    }
}

/// The breadcrumbs of an event.
pub fn crumbs(event: &Value) -> &[Value] {
    event["breadcrumbs"]["values"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The messages of an event's breadcrumbs.
pub fn crumb_messages(event: &Value) -> Vec<&str> {
    crumbs(event).iter().map(|crumb| crumb["message"].as_str().expect("a message")).collect()
}

/// Names that stand for secrets, each with one of its own.
pub const SECRET_NAMES: &[&str] = &[
    "password",
    "db.Password",
    "passwd",
    "pwd",
    "api_key",
    "X-Api-Key",
    "access_token",
    "client_secret",
    "Authorization",
    "jwt",
    "bearer",
    "sso_cookie",
    "saml",
    "csrf",
    "xsrf-header",
    "credentials",
    "session_id",
    "connect.sid",
    "identity",
];
