//! What a scope takes.

use std::fmt::Debug;

use sentry::protocol::{Attachment, Context, Event, Map, OsContext, Value};
use sentry::{Level, Scope, User};

has!(Scope; Debug + Clone + Default + Send + Sync);

fn setters(scope: &mut Scope) {
    let _: fn(&mut Scope) = Scope::clear;
    let _: fn(&mut Scope) = Scope::clear_breadcrumbs;
    let _: fn(&mut Scope) = Scope::clear_attachments;
    let _: fn(&mut Scope, Option<Level>) = Scope::set_level;
    let _: fn(&mut Scope, Option<&[&str]>) = Scope::set_fingerprint;
    let _: fn(&mut Scope, Option<&str>) = Scope::set_transaction;
    let _: fn(&mut Scope, Option<User>) = Scope::set_user;
    let _: fn(&Scope) -> Option<&User> = Scope::user;
    let _: fn(&mut Scope, &str, u8) = Scope::set_tag::<u8>;
    let _: fn(&mut Scope, &str) = Scope::remove_tag;
    let _: fn(&mut Scope, &str, Context) = Scope::set_context::<Context>;
    let _: fn(&mut Scope, &str) = Scope::remove_context;
    let _: fn(&mut Scope, &str, Value) = Scope::set_extra;
    let _: fn(&mut Scope, &str) = Scope::remove_extra;
    let _: fn(&mut Scope, Attachment) = Scope::add_attachment;
    let _: fn(&Scope, Event<'static>) -> Option<Event<'static>> = Scope::apply_to_event;

    scope.set_fingerprint(Some(["{{ default }}", "mine"].as_ref()));
    scope.set_tag("key", "value");
    scope.set_tag("key", String::from("value"));
    scope.set_extra("key", 1.into());
    scope.set_context("os", OsContext::default());
    scope.set_context("mine", Context::Other(Map::new()));
    scope.add_event_processor(|mut event: Event<'static>| {
        event.culprit = Some("mine".into());
        Some(event)
    });
    scope.add_event_processor(|_| None);
}
