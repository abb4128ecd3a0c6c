//! A service on loopback, the hub that its threads are in, and the Sentry it reports to.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::ServiceExt;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use sentry::integrations::tower::SentryLayer;
use sentry::{Client, ClientOptions, Hub, Level};
use serde_json::{Value, json};
use tower::{Layer, Service, util::MapResponse};

use crate::support::{ReceivedEnvelope, Receiver};

pub(crate) struct Site {
    pub(crate) receiver: Receiver,
    pub(crate) client: Arc<Client>,
    /// Stands for the hub of the thread: all requests begin in it, and none may leave anything there.
    pub(crate) hub: Arc<Hub>,
    runtime: tokio::runtime::Runtime,
}

impl Site {
    pub(crate) fn start(options: ClientOptions) -> Self {
        let receiver = Receiver::start();
        let options = sentry::apply_defaults(options.dsn(&receiver.dsn()).environment("test").release("it@1.0.0"));
        let client = Arc::new(Client::with_options(options));
        let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
        Self { receiver, client, hub, runtime: runtime.expect("a runtime") }
    }

    pub(crate) fn traced() -> Self {
        Self::start(ClientOptions::new().traces_sample_rate(1.0))
    }

    /// Serves with axum, that is, hyper.
    pub(crate) fn serve<S, B>(&self, service: S) -> SocketAddr
    where
        S: Service<Request, Response = http::Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let to_body: fn(http::Response<B>) -> Response = |response| response.map(Body::new);
        let service =
            SentryLayer::<_, Arc<Hub>, Request>::new(Arc::clone(&self.hub)).layer(MapResponse::new(service, to_body));
        self.run(async {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
            let address = listener.local_addr().expect("an address");
            tokio::spawn(async { axum::serve(listener, service.into_make_service()).await });
            address
        })
    }

    pub(crate) fn run<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(work)
    }

    /// Waits for that many items, closes the client, and returns all that came. Nothing has got into the thread's hub.
    pub(crate) fn close(&self, transactions: usize, events: usize) -> Received {
        self.receiver.wait(&format!("{transactions} transactions, {events} events"), |envelopes| {
            let count = |kind| envelopes.iter().filter(|envelope| envelope.item(kind).is_some()).count();
            count("transaction") >= transactions && count("event") >= events
        });
        Hub::run(Arc::clone(&self.hub), || sentry::capture_message("the thread's hub", Level::Info));
        assert!(self.client.close(None));
        for row in self.client.stats().categories() {
            assert_eq!(row.captured, row.delivered + row.lost_in_all(), "{row:?}");
        }
        let received = Received::of_all(self.receiver.envelopes());
        let clean = received.event("the thread's hub");
        for (key, untouched) in
            [("tags", Value::Null), ("user", Value::Null), ("request", Value::Null), ("transaction", Value::Null)]
        {
            assert!(clean[key] == untouched || clean[key] == json!({}), "{key} leaked: {clean:#}");
        }
        assert_eq!(received.of("transaction").len(), transactions, "transactions");
        assert_eq!(received.of("event").len(), events + 1, "events: {:#?}", received.of("event"));
        received
    }
}

/// What a server got.
pub(crate) struct Received {
    pub(crate) envelopes: Vec<ReceivedEnvelope>,
    /// With the kind of each, read once.
    items: Vec<(String, Value)>,
}

impl Received {
    fn of_all(envelopes: Vec<ReceivedEnvelope>) -> Self {
        let items = envelopes.iter().flat_map(|envelope| &envelope.items);
        let items = items.filter(|item| item.kind() != "client_report");
        let items = items.map(|item| (item.kind().to_owned(), item.json())).collect();
        Self { envelopes, items }
    }

    pub(crate) fn of(&self, kind: &str) -> Vec<&Value> {
        self.items.iter().filter(|(of, _)| of == kind).map(|(_, item)| item).collect()
    }

    pub(crate) fn transaction(&self, name: &str) -> Value {
        let found = self.of("transaction").into_iter().find(|transaction| transaction["transaction"] == name);
        found.cloned().unwrap_or_else(|| panic!("no transaction {name} in {:#?}", self.of("transaction")))
    }

    /// The event of that message, or of an exception with that value.
    pub(crate) fn event(&self, text: &str) -> Value {
        let is_it = |event: &&Value| {
            event["logentry"]["formatted"] == text
                || event["exception"]["values"].as_array().is_some_and(|all| all.iter().any(|one| one["value"] == text))
        };
        let found = self.of("event").into_iter().find(is_it);
        found.cloned().unwrap_or_else(|| panic!("no event {text} in {:#?}", self.of("event")))
    }
}

pub(crate) fn trace(item: &Value) -> &Value {
    &item["contexts"]["trace"]
}
