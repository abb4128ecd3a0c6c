//! Hubs, clients, and futures bound to hubs.

use std::fmt::Debug;
use std::future::Future;
use std::panic::RefUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use sentry::protocol::{Event, Uuid};
use sentry::types::Dsn;
use sentry::{
    Breadcrumb, Client, ClientOptions, Envelope, Hub, HubSwitchGuard, Integration, Level, Scope, ScopeGuard,
    SentryFuture, SentryFutureExt,
};

has!(Hub, Arc<Hub>; Debug + Send + Sync + RefUnwindSafe);
has!(Arc<Hub>; AsRef<Hub>);
has!(Client; Debug + Clone + Send + Sync + RefUnwindSafe + From<ClientOptions> + From<&'static str>);
has!(Client; From<()> + From<(Dsn, ClientOptions)> + From<String>);
has!(HubSwitchGuard; Sync);
has!(ScopeGuard; Debug + Default + Send + Sync);
has!(SentryFuture<std::future::Ready<u8>>; Debug + Future<Output = u8> + Send + Sync);

struct Mine;
impl Integration for Mine {}

fn hub(hub: &Hub) {
    let _: fn(Option<Arc<Client>>, Arc<Scope>) -> Hub = Hub::new;
    let _: fn(Arc<Hub>) -> Hub = Hub::new_from_top::<Arc<Hub>>;
    let _: fn() -> Arc<Hub> = Hub::current;
    let _: fn() -> Arc<Hub> = Hub::main;
    let _: fn(&Hub) -> Option<Arc<Client>> = Hub::client;
    let _: fn(&Hub, Option<Arc<Client>>) = Hub::bind_client;
    let _: fn(&Hub) -> Option<Uuid> = Hub::last_event_id;
    let _: fn(&Hub, Event<'static>) -> Uuid = Hub::capture_event;
    let _: fn(&Hub, &str, Level) -> Uuid = Hub::capture_message;
    let _: fn(&Hub, &std::fmt::Error) -> Uuid = Hub::capture_error::<std::fmt::Error>;
    let _: fn(&Hub) -> ScopeGuard = Hub::push_scope;
    let _: fn(&Hub, Breadcrumb) = Hub::add_breadcrumb::<Breadcrumb>;
    let _: fn(Arc<Hub>) -> HubSwitchGuard = HubSwitchGuard::new;

    let error: Box<dyn std::error::Error> = "nothing".into();
    hub.capture_error(&*error);
    hub.add_breadcrumb(|| vec![Breadcrumb::default()]);
    let _: u8 = hub.with_scope(|scope: &mut Scope| scope.clear(), || 7);
    let _: u8 = hub.configure_scope(|scope: &mut Scope| {
        scope.clear();
        7
    });
    let _: u8 = hub.with_integration(|_: &Mine| 7);
    let _: u8 = Hub::with_active(|_: &Arc<Hub>| 7);
    let _: u8 = Hub::with(|_: &Arc<Hub>| 7);
    let _: u8 = Hub::run(Hub::current(), || 7);
    Hub::run(Arc::new(Hub::new_from_top(Hub::current())), || ());
}

fn client(client: &Client) {
    let _: fn(ClientOptions) -> Client = Client::with_options;
    let _: fn(&'static str) -> Client = Client::from_config::<&'static str>;
    let _: fn(&Client) -> &ClientOptions = Client::options;
    let _: fn(&Client) -> Option<&Dsn> = Client::dsn;
    let _: fn(&Client) -> bool = Client::is_enabled;
    let _: fn(&Client, Event<'static>, Option<&Scope>) -> Option<Event<'static>> = Client::prepare_event;
    let _: fn(&Client, Event<'static>, Option<&Scope>) -> Uuid = Client::capture_event;
    let _: fn(&Client, Envelope) = Client::send_envelope;
    let _: fn(&Client, Option<Duration>) -> bool = Client::flush;
    let _: fn(&Client, Option<Duration>) -> bool = Client::close;
    let _: fn(&Client, f32) -> bool = Client::sample_should_send;
    let _: Client = ("https://key@host/1", client.options().clone()).into();
}

async fn futures() -> u8 {
    let future = async { 1_u8 }.bind_hub(Hub::current());
    let other: SentryFuture<_> = SentryFuture::new(Hub::current(), async { 2_u8 });
    // `Into<Arc<Hub>>`, so a hub by value will do.
    let third = std::future::ready(3_u8).bind_hub(Hub::new_from_top(Hub::current()));
    future.await + other.await + third.await
}
