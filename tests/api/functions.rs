//! The free functions, macros and breadcrumbs of the crate's root.

use std::error::Error;
use std::ops::Deref;

use sentry::protocol::{Event, Url, Uuid};
use sentry::{Breadcrumb, Client, ClientInitGuard, ClientOptions, Hub, Integration, IntoBreadcrumbs, Level, Scope};

has!(ClientInitGuard; Deref<Target = Client> + Send + Sync);
has!(Breadcrumb, Vec<Breadcrumb>, Option<Breadcrumb>, fn() -> Breadcrumb, fn() -> Vec<Breadcrumb>; IntoBreadcrumbs);

fn starting() {
    let guard: ClientInitGuard = sentry::init("https://key@host/1");
    let _: bool = guard.is_enabled();
    let _: ClientInitGuard = sentry::init(());
    let _: ClientInitGuard = sentry::init(String::new());
    let _: ClientInitGuard = sentry::init(ClientOptions::default());
    let _: ClientInitGuard = sentry::init(("https://key@host/1", ClientOptions::new()));
    let _: ClientInitGuard = sentry::init((Some("https://key@host/1"), ClientOptions::new()));
    let _: fn(ClientOptions) -> ClientOptions = sentry::apply_defaults;
    let release: Option<std::borrow::Cow<'static, str>> = sentry::release_name!();
    let _: ClientOptions = ClientOptions::new().maybe_release(release);
}

fn utilities() {
    let _: fn(&str) -> bool = sentry::utils::is_sensitive_header;
    let _: fn(Url) -> Url = sentry::utils::scrub_pii_from_url;
}

fn capturing() -> Result<(), Box<dyn Error>> {
    let _: fn(Event<'static>) -> Uuid = sentry::capture_event;
    let _: fn(&str, Level) -> Uuid = sentry::capture_message;
    let _: fn(&std::fmt::Error) -> Uuid = sentry::capture_error::<std::fmt::Error>;
    let _: fn(&std::fmt::Error) -> Event<'static> = sentry::event_from_error::<std::fmt::Error>;
    let _: fn(&str) -> &str = sentry::parse_type_from_debug;
    let _: fn() -> Option<Uuid> = sentry::last_event_id;

    let error: Box<dyn Error + Send + Sync> = "nothing".into();
    sentry::capture_error(&*error);
    let error: &dyn Error = &std::fmt::Error;
    sentry::capture_error(error);
    let _: Event<'static> = sentry::event_from_error(error);
    Ok(())
}

fn breadcrumbs() {
    sentry::add_breadcrumb(Breadcrumb::default());
    sentry::add_breadcrumb(vec![Breadcrumb::default()]);
    sentry::add_breadcrumb(Some(Breadcrumb::default()));
    sentry::add_breadcrumb(|| Breadcrumb { message: Some("text".into()), ..Default::default() });
    sentry::add_breadcrumb(|| vec![Breadcrumb::default()]);
    sentry::add_breadcrumb(|| || Some(Breadcrumb::default()));

    struct Mine;
    impl IntoBreadcrumbs for Mine {
        type Output = std::iter::Once<Breadcrumb>;
        fn into_breadcrumbs(self) -> Self::Output {
            std::iter::once(Breadcrumb::default())
        }
    }
    sentry::add_breadcrumb(Mine);
}

fn scopes() {
    sentry::configure_scope(|scope| scope.set_tag("key", 1));
    let _: Option<String> = sentry::configure_scope(|scope: &mut Scope| scope.user().and_then(|user| user.id.clone()));
    let _: u8 = sentry::with_scope(|scope| scope.set_level(Some(Level::Warning)), || 7);
    let _: Vec<u8> = sentry::with_integration(|_: &Mine, _: &Hub| vec![1]);
    sentry::with_integration::<Mine, _, ()>(|_, _| ());

    struct Mine;
    impl Integration for Mine {}
}
